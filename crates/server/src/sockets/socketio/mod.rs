//! Socket.IO at `/socket.io/`: conversations of the principal's home, in the events that its clients know.

mod call;
mod line;
mod peer;
mod relay;

use std::sync::Arc;

use axum::Router;
use serde::Deserialize;
use serde_json::{Value, json};
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Event, SocketRef, TryData};
use socketioxide::handler::ConnectHandler as _;
use tokio::sync::{Notify, mpsc};
use understory::Error;

use super::{MESSAGE, Session};
use crate::auth::presented_key;
use crate::{Context, Problem};

use peer::{Asked, Peer};

/// Messages of one client that wait for those before them to be answered; more are refused.
const WAITING: usize = 32;
/// Messages that a connection has room for; more wait for the reader.
const ROOM: usize = 128;

/// Serves the default namespace at the default path.
pub(super) fn routes(context: &Context) -> Router {
    let settings = &context.settings.sockets;
    let (service, io) = SocketIo::builder()
        .ping_interval(settings.look)
        .ping_timeout(settings.look)
        .connect_timeout(settings.key_within)
        .max_payload(MESSAGE as u64)
        .ws_max_message_size(MESSAGE)
        .ws_max_frame_size(MESSAGE)
        .max_buffer_size(ROOM)
        .build_svc();
    let context = context.clone();
    let admit = move |socket: SocketRef, TryData(auth): TryData<Auth>| {
        // What is no object with a token says nothing of who it is.
        admit(context.clone(), socket, auth.unwrap_or_default().token)
    };
    io.ns("/", (async || {}).with(admit));
    Router::new().route_service("/socket.io/", service)
}

/// What clients say in the handshake.
#[derive(Default, Deserialize)]
struct Auth {
    token: Option<String>,
}

/// Lets a client in who has a key, and begins to answer what it asks: one after the other, in order.
async fn admit(context: Context, socket: SocketRef, token: Option<String>) -> Result<(), String> {
    let key = token.or_else(|| presented_key(&socket.req_parts().headers).map(str::to_owned));
    let session = match key {
        Some(key) => Session::open(&context.app, key).await,
        None => Err(Error::Unauthorized),
    };
    let session = session.map_err(refusal)?;
    let (ask, asked) = mpsc::channel(WAITING);
    socket.on_fallback(move |socket: SocketRef, Event(name), TryData(data): TryData<Value>, ack: AckSender| {
        let data = data.unwrap_or_else(|_| json!({}));
        let overrun = ask.try_send(Asked { name, data, ack }).is_err();
        async move {
            if overrun {
                // One who does not even wait for answers may miss this.
                let _ = socket.emit("exception", &peer::exception("too_many", "too many messages at once"));
            }
        }
    });
    let gone = Arc::new(Notify::new());
    let left = Arc::clone(&gone);
    socket.on_disconnect(async move || left.notify_one());
    tokio::spawn(Peer::new(context, socket, session).serve(asked, gone));
    Ok(())
}

fn refusal(error: Error) -> String {
    match error {
        Error::Unauthorized => "a valid key is required, as auth.token or 'Authorization: Bearer …'".to_owned(),
        error => Problem::from(error).detail().to_owned(),
    }
}
