//! Sockets that carry the events of conversations.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "sockets/crowd.rs"]
mod crowd;
#[path = "sockets/place.rs"]
mod place;
#[path = "sockets/plain.rs"]
mod plain;
#[path = "sockets/socketio.rs"]
mod socketio;
