//! The simple API: people, and the agents and projects of their homes, in an envelope of its own.

mod agents;
mod auth;
mod chat;
mod conversations;
mod envelope;
mod health;
mod projects;

use axum::Router;
use axum::routing::get;

use super::Routes;
use crate::Context;

pub(super) use envelope::enveloped;

/// Routes that are answered without a key, by their whole paths.
pub(super) fn open() -> Router<Context> {
    auth::open().route("/api/health", get(health::health))
}

/// Routes below `/api` that need one.
pub(super) fn routes() -> Routes {
    let mut routes = Routes::new();
    agents::routes(&mut routes);
    auth::routes(&mut routes);
    chat::routes(&mut routes);
    conversations::routes(&mut routes);
    projects::routes(&mut routes);
    routes
}
