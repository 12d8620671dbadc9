//! The HTTP face of Understory: routes by audience, problem+json, OpenAPI.
//!
//! Handlers extract, call the library and answer; what is decided, is decided in `understory`.

mod auth;
mod headers;
mod idempotency;
mod openapi;
mod problem;
mod request;
mod routes;
mod serve;
mod settings;
mod sockets;

pub use openapi::{LEFT_OUT, document};
pub use problem::{Failure, Problem};
pub use routes::router;
pub use serve::{Bound, bind};
pub use settings::{DEFAULT_BODY_LIMIT, Settings};
pub use sockets::SocketSettings;

use std::sync::{Arc, OnceLock};

use understory::Understory;

/// What every handler has at hand.
#[derive(Clone)]
pub struct Context {
    /// The library.
    pub app: Understory,
    /// How the server is set up.
    pub settings: Arc<Settings>,
    /// The API description, written out when it is first asked for.
    pub(crate) openapi: Arc<OnceLock<String>>,
}
