//! The simple API: people, and the agents and projects of their homes, in an envelope of its own.

mod agents;
mod auth;
mod chat;
mod conversations;
mod envelope;
mod health;
mod mcp;
mod models;
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

/// Adds the routes below `/api` that need one.
pub(super) fn routes(routes: &mut Routes) {
    agents::routes(routes);
    auth::routes(routes);
    chat::routes(routes);
    conversations::routes(routes);
    projects::routes(routes);
    models::routes(routes);
    mcp::routes(routes);
}
