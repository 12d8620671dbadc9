use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use understory::Written;
use understory::model::{now, timestamp_iso};

use crate::Problem;
use crate::headers::{set_commit, set_warning};

/// An answer with data.
pub(super) fn data(status: StatusCode, data: impl Into<Value>) -> Response {
    answer(status, &json!({ "success": true, "data": data.into() }))
}

/// An answer that only says what was done.
pub(super) fn message(message: impl Into<String>) -> Response {
    answer(StatusCode::OK, &json!({ "success": true, "message": message.into() }))
}

/// The same with the commit that a write made, and what it did not understand.
pub(super) fn after<T>(written: &Written<T>, mut response: Response) -> Response {
    set_commit(&mut response, &written.head);
    set_warning(&mut response, &written.unknown);
    response
}

/// An answer of this body.
pub(super) fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, JSON)], body.to_string()).into_response()
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Puts every problem under `/api` into the envelope, wherever it arose: authentication, routing, a handler.
pub(in crate::routes) async fn enveloped(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path != "/api" && !path.starts_with("/api/") {
        return next.run(request).await;
    }
    let (method, path) = (request.method().clone(), path.to_owned());
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        *response.body_mut() = Body::from(failure(&problem, &method, &path).to_string());
        response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    }
    response
}

/// A problem as the simple API tells it.
pub(super) fn failure(problem: &Problem, method: &Method, path: &str) -> Value {
    let mut body = json!({
        "success": false,
        "error": problem.title(),
        "message": problem.detail(),
        "statusCode": problem.status().as_u16(),
        "timestamp": timestamp_iso(&now()),
        "path": path,
        "method": method.as_str(),
    });
    let errors = problem.errors();
    if !errors.is_empty() {
        body["errors"] = errors.into();
    }
    body
}
