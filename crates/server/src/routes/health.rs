use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::Context;

/// Whether the process lives.
pub(super) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok", "name": "understory", "version": env!("CARGO_PKG_VERSION") }))
}

/// Whether both stores answer.
pub(super) async fn ready(State(context): State<Context>) -> (StatusCode, Json<Value>) {
    let (manage, runtime) = context.app.ready().await;
    let word = |good: bool| if good { "ok" } else { "failed" };
    let status = if manage && runtime { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "status": word(manage && runtime), "manageDb": manage, "runDb": runtime });
    (status, Json(body))
}
