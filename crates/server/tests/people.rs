//! People over HTTP: registering, signing in, and what becomes of tokens and sessions.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "people/accounts.rs"]
mod accounts;
#[path = "people/client.rs"]
mod client;
#[path = "people/limits.rs"]
mod limits;
#[path = "people/registration.rs"]
mod registration;
#[path = "people/sessions.rs"]
mod sessions;
