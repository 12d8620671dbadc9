use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use understory::model::{now, timestamp_iso};
use understory::{Health, StoreHealth};

use crate::Context;

/// Whether the process lives, which it does if it answers; and how its stores are.
pub(super) async fn health(State(context): State<Context>) -> Json<Value> {
    Json(report(&context.app.health().await))
}

/// Whether both stores answer.
pub(super) async fn ready(State(context): State<Context>) -> (StatusCode, Json<Value>) {
    let health = context.app.health().await;
    let (status, word) =
        if health.is_well() { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "failed") };
    let body = json!({ "status": word, "manageDb": health.manage.answers, "runDb": health.runtime.answers });
    (status, Json(body))
}

/// What is told of the stores.
pub(super) fn report(health: &Health) -> Value {
    json!({
        "status": if health.is_well() { "ok" } else { "degraded" },
        "name": "understory",
        "version": env!("CARGO_PKG_VERSION"),
        "timestamp": timestamp_iso(&now()),
        "uptime": health.uptime.as_secs_f64(),
        "stores": { "manage": store(&health.manage), "runtime": store(&health.runtime) },
    })
}

fn store(health: &StoreHealth) -> Value {
    let status = if health.answers { "ok" } else { "failed" };
    json!({ "status": status, "latencyMs": health.took.as_secs_f64() * 1000.0 })
}
