//! `/ws`: the events of any number of conversations over one WebSocket.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, timeout};
use understory::Error;

use super::asked::{Asked, Key, Name, Wanted};
use super::followed::{Followed, Told};
use super::{CONVERSATIONS, MESSAGE, Session, SocketSettings};
use crate::auth::presented_key;
use crate::{Context, Problem};

/// Looks without a sign of life after which nobody is thought to be there.
const SILENT: u32 = 2;
/// The connection's key is missing or no longer good.
const UNAUTHORIZED: u16 = 4401;
/// Nothing was heard from the other end.
const UNHEARD: u16 = 4408;

/// Begins a connection. A key may come with the request; where it cannot, it is the first message. Cookies are not looked
/// at, so that no other site's page can connect in somebody's name.
pub(super) async fn upgrade(
    State(context): State<Context>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|no| Problem::new(no.status(), no.body_text()))?;
    let session = match presented_key(&headers) {
        Some(key) => Some(Session::open(&context.app, key.to_owned()).await?),
        None => None,
    };
    let upgrade = upgrade.max_message_size(MESSAGE).max_frame_size(MESSAGE);
    Ok(upgrade.on_upgrade(move |socket| Peer { context, socket, silent: 0 }.serve(session)))
}

/// Why a connection ends.
enum End {
    /// The other end is gone.
    Gone,
    /// We close it, with this code and reason.
    Close(u16, String),
}

type Done = Result<(), End>;

/// The other end of a connection.
struct Peer {
    context: Context,
    socket: WebSocket,
    /// Looks since the other end was last heard.
    silent: u32,
}

impl Peer {
    async fn serve(mut self, session: Option<Session>) {
        let ended = match self.session(session).await {
            Ok(session) => Connection { session, followed: Followed::default(), peer: &mut self }.run().await,
            Err(end) => Err(end),
        };
        if let Err(End::Close(code, reason)) = ended {
            self.close(code, reason).await;
        }
    }

    /// Who is at the other end, who must say it in time.
    async fn session(&mut self, given: Option<Session>) -> Result<Session, End> {
        if let Some(session) = given {
            return Ok(session);
        }
        let within = self.settings().key_within;
        let heard = timeout(within, self.hear()).await;
        let heard = heard.map_err(|_| unauthorized(format!("no key came within {} s", within.as_secs_f32())))??;
        let Ok(Asked::Auth(Key { token: key })) = serde_json::from_str(&heard) else {
            return Err(unauthorized("the first message is to be {\"type\":\"auth\",\"token\":…}"));
        };
        Session::open(&self.context.app, key).await.map_err(|error| match error {
            Error::Unauthorized => unauthorized("the key is not valid"),
            error => End::Close(close_code::AGAIN, told(error)["detail"].as_str().unwrap_or_default().to_owned()),
        })
    }

    /// What the other end says next. Nothing is lost if this is dropped before it is done.
    async fn hear(&mut self) -> Result<Utf8Bytes, End> {
        loop {
            let message = match self.socket.recv().await {
                Some(Ok(message)) => message,
                // Too long, or no WebSocket's message: there is no telling where the next one begins.
                Some(Err(error)) => return Err(End::Close(close_code::POLICY, error.to_string())),
                None => return Err(End::Gone),
            };
            self.silent = 0;
            match message {
                Message::Text(text) => return Ok(text),
                Message::Binary(_) => return Err(End::Close(close_code::UNSUPPORTED, "messages are text".to_owned())),
                Message::Close(_) => return Err(End::Gone),
                Message::Ping(_) | Message::Pong(_) => {}
            }
        }
    }

    async fn say(&mut self, frame: &Value) -> Done {
        self.send(Message::text(frame.to_string())).await
    }

    async fn refuse(&mut self, error: Error, name: Option<&Name>) -> Done {
        let about = name.map_or_else(|| json!({}), |name| json!(name));
        let frame = json!({ "type": "error" });
        self.say(&joined([frame, told(error), about])).await
    }

    /// Sends a message, which must be taken in time.
    async fn send(&mut self, message: Message) -> Done {
        let patience = self.settings().patience;
        match timeout(patience, self.socket.send(message)).await {
            Ok(sent) => sent.map_err(|_| End::Gone),
            Err(_) => {
                let reason = format!("too slow: nothing was taken for {} s", patience.as_secs_f32());
                Err(End::Close(close_code::AGAIN, reason))
            }
        }
    }

    /// Looks whether the other end is there.
    async fn look(&mut self) -> Done {
        if self.silent >= SILENT {
            return Err(End::Close(UNHEARD, "nothing was heard for too long".to_owned()));
        }
        self.silent += 1;
        self.send(Message::Ping(Bytes::new())).await
    }

    /// Says why, and waits a little for the other end to take note: what it did not read may be lost else.
    async fn close(&mut self, code: u16, reason: String) {
        let patience = self.settings().patience;
        let parting = async {
            let reason = reason.into();
            self.socket.send(Message::Close(Some(CloseFrame { code, reason }))).await?;
            while self.socket.recv().await.transpose()?.is_some() {}
            Ok::<(), axum::Error>(())
        };
        // Whether it took note or not, it is the end.
        let _ = timeout(patience, parting).await;
    }

    fn settings(&self) -> &SocketSettings {
        &self.context.settings.sockets
    }
}

/// A connection of somebody known.
struct Connection<'a> {
    peer: &'a mut Peer,
    session: Session,
    followed: Followed,
}

impl Connection<'_> {
    async fn run(mut self) -> Done {
        self.peer.say(&json!({ "type": "ready" })).await?;
        let mut looks = interval(self.peer.settings().look);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        looks.tick().await;
        loop {
            tokio::select! {
                heard = self.peer.hear() => self.answer(&heard?).await?,
                Some((name, told)) = self.followed.next() => self.pass_on(name, told).await?,
                _ = looks.tick() => self.look().await?,
            }
        }
    }

    async fn answer(&mut self, heard: &str) -> Done {
        let asked = match serde_json::from_str(heard) {
            Ok(asked) => asked,
            Err(error) => {
                return self.peer.refuse(Error::BadRequest(format!("the message does not fit: {error}")), None).await;
            }
        };
        match asked {
            Asked::Auth(Key { token }) => {
                let renewed = Session::open(&self.peer.context.app, token).await;
                self.session = renewed.map_err(|error| unauthorized(error.to_string()))?;
                self.peer.say(&json!({ "type": "ready" })).await
            }
            Asked::Subscribe(wanted) => self.subscribe(wanted).await,
            Asked::Unsubscribe(name) => {
                let was = self.followed.remove(&name);
                self.peer.say(&joined([json!({ "type": "unsubscribed", "was": was }), json!(name)])).await
            }
            Asked::Ping => self.peer.say(&json!({ "type": "pong" })).await,
        }
    }

    async fn subscribe(&mut self, Wanted { name, after }: Wanted) -> Done {
        let refusal = if self.followed.has(&name) {
            Error::Conflict("the connection follows the conversation already".into())
        } else if self.followed.len() >= CONVERSATIONS {
            Error::Unprocessable(format!("a connection follows at most {CONVERSATIONS} conversations"))
        } else {
            match self.session.follow(&self.peer.context.app, &name, after).await {
                Ok(subscription) => {
                    let frame = json!({ "type": "subscribed", "after": subscription.last() });
                    self.peer.say(&joined([frame, json!(name)])).await?;
                    self.followed.add(name, subscription);
                    return Ok(());
                }
                Err(error) => error,
            }
        };
        self.peer.refuse(refusal, Some(&name)).await
    }

    async fn pass_on(&mut self, name: Arc<Name>, told: Told) -> Done {
        match told {
            Ok(Some(event)) => {
                let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
                let (head, event) = (json!({ "type": "event", "id": event.number }), json!({ "event": data }));
                self.peer.say(&joined([head, json!(name), event])).await
            }
            Ok(None) => self.peer.say(&joined([json!({ "type": "gone" }), json!(name)])).await,
            Err(error) => self.peer.refuse(error, Some(&name)).await,
        }
    }

    /// Looks whether the other end is there, and may still be.
    async fn look(&mut self) -> Done {
        if !self.session.renew(&self.peer.context.app).await {
            return Err(unauthorized("the key is no longer valid"));
        }
        self.peer.look().await
    }
}

fn unauthorized(reason: impl Into<String>) -> End {
    End::Close(UNAUTHORIZED, reason.into())
}

/// What clients are told of an error: its code, a text, and the fields that are at fault.
fn told(error: Error) -> Value {
    Problem::from(error).told()
}

/// The members of several objects in one.
fn joined<const N: usize>(objects: [Value; N]) -> Value {
    let members = objects.into_iter().filter_map(|object| match object {
        Value::Object(members) => Some(members),
        _ => None,
    });
    members.flatten().collect()
}
