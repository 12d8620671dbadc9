//! Sockets that carry the events of conversations: a plain WebSocket, and Socket.IO.
//!
//! Both are told what [`Subscription`] tells: every stored event once, in order, at the pace of the reader. A reader that
//! takes nothing for too long is dropped; whoever adds events never waits for one.

mod asked;
mod followed;
mod plain;
mod socketio;

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use understory::{Error, Permission, Principal, Subscription, Understory};

use crate::Context;
use asked::Name;

/// The longest message taken from a client, in bytes.
const MESSAGE: usize = 64 * 1024;
/// The most conversations that a connection follows.
const CONVERSATIONS: usize = 100;

/// Both kinds, each at its path.
pub(crate) fn routes(context: &Context) -> Router {
    let plain = Router::new().route("/ws", get(plain::upgrade)).with_state(context.clone());
    plain.merge(socketio::routes(context))
}

/// How long sockets wait for those at the other end.
#[derive(Clone, Debug)]
pub struct SocketSettings {
    /// For a key, where none came with the request.
    pub key_within: Duration,
    /// For a reader to take what it is sent.
    pub patience: Duration,
    /// Between two looks at whether the other end is there, and its key still good.
    pub look: Duration,
}

impl Default for SocketSettings {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { key_within: seconds(10), patience: seconds(30), look: seconds(20) }
    }
}

/// Who is at the other end, for as long as their key is good.
#[derive(Clone)]
struct Session {
    key: String,
    principal: Principal,
}

impl Session {
    async fn open(app: &Understory, key: String) -> Result<Self, Error> {
        let principal = app.authenticate(&key).await?;
        Ok(Self { key, principal })
    }

    /// Whether the key is still good. A store that does not answer decides nothing.
    async fn renew(&mut self, app: &Understory) -> bool {
        match app.authenticate(&self.key).await {
            Ok(principal) => self.principal = principal,
            Err(Error::Unauthorized) => return false,
            Err(error) => tracing::warn!(%error, "a key could not be looked up again"),
        }
        true
    }

    /// Follows a conversation. One that is not there and one that is not theirs are told apart by nothing.
    async fn follow(&self, app: &Understory, name: &Name, after: Option<i64>) -> Result<Subscription, Error> {
        let absent = |error| match error {
            Error::NotFound { .. } => Error::not_found("Conversation", &name.conversation_id),
            error => error,
        };
        let project =
            app.project(&self.principal, Permission::View, &name.tenant_id, &name.project_id).await.map_err(absent)?;
        project.conversation_subscribe(&name.conversation_id, after).await.map_err(absent)
    }
}
