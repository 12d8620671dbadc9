//! Sending to one client of Socket.IO, at the pace at which it reads.

use std::time::Duration;

use serde::Serialize;
use socketioxide::extract::SocketRef;
use socketioxide::{SendError, SocketError};
use tokio::time::{Instant, sleep};

/// How often it is looked for room in a connection that has none: the crate cannot tell when there is.
const LOOK_FOR_ROOM: Duration = Duration::from_millis(20);

/// Why a connection ends.
pub(super) enum End {
    /// The client is gone.
    Gone,
    /// We let it go, with this code and reason.
    Close(&'static str, String),
}

pub(super) type Done = Result<(), End>;

/// The way to a client. It has room for some messages; more wait until it took those.
pub(super) struct Line {
    pub(super) socket: SocketRef,
    /// How long a client may take nothing.
    pub(super) patience: Duration,
}

impl Line {
    /// Sends a message.
    pub(super) async fn tell(&self, name: &str, data: &impl Serialize) -> Done {
        let send = || match self.socket.emit(name, data) {
            Err(SendError::Socket(error)) => Err(error),
            // JSON can always be written.
            Ok(()) | Err(SendError::Serialize(_)) => Ok(()),
        };
        self.when_there_is_room(send).await
    }

    /// Says why, and lets the client go.
    pub(super) async fn part(&self, exception: &impl Serialize) -> Done {
        self.tell("exception", exception).await?;
        self.when_there_is_room(|| self.socket.clone().disconnect()).await
    }

    async fn when_there_is_room(&self, send: impl Fn() -> Result<(), SocketError>) -> Done {
        let since = Instant::now();
        loop {
            match send() {
                Ok(()) => return Ok(()),
                Err(SocketError::Closed) => return Err(End::Gone),
                Err(SocketError::InternalChannelFull) if since.elapsed() < self.patience => sleep(LOOK_FOR_ROOM).await,
                Err(SocketError::InternalChannelFull) => {
                    let reason = format!("too slow: nothing was taken for {} s", self.patience.as_secs_f32());
                    return Err(End::Close("too_slow", reason));
                }
            }
        }
    }
}
