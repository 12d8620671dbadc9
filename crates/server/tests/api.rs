//! The simple API: each route called for success and for its refusals.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "api/agents.rs"]
mod agents;
#[path = "api/client.rs"]
mod client;
#[path = "api/envelope.rs"]
mod envelope;
#[path = "api/health.rs"]
mod health;
#[path = "api/projects.rs"]
mod projects;
