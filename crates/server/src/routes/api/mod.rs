//! The simple API, in an envelope of its own.

mod auth;
mod envelope;

use axum::Router;

use super::Routes;
use crate::Context;

pub(super) use envelope::enveloped;

/// Routes that are answered without a key, by their whole paths.
pub(super) fn open() -> Router<Context> {
    auth::open()
}

/// Routes below `/api` that need one.
pub(super) fn routes() -> Routes {
    let mut routes = Routes::new();
    auth::routes(&mut routes);
    routes
}
