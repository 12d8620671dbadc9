use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::envelope::{answer, data, failure};
use crate::routes::health::report;
use crate::{Context, Problem};

/// Whether both stores answer, and how fast; 503 if one does not.
pub(super) async fn health(State(context): State<Context>) -> Response {
    let health = context.app.health().await;
    if health.is_well() {
        return data(StatusCode::OK, report(&health));
    }
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "a store does not answer");
    let mut body = failure(&problem, &Method::GET, "/api/health");
    body["data"] = report(&health);
    answer(problem.status(), &body)
}
