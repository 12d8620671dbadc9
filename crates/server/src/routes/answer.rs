//! Answers in JSON.

use axum::response::Response;
use serde_json::{Value, json};
use understory::Answer;

use super::entities::respond;
use crate::headers::set_warning;

/// `{data: …}` with a status.
pub(super) fn answer(status: u16, data: Value) -> Response {
    whole(status, json!({ "data": data }))
}

/// A whole body with a status.
pub(super) fn whole(status: u16, body: Value) -> Response {
    respond(&Answer { status, body, unknown: Vec::new() })
}

/// The same, with the names of keys that meant nothing.
pub(super) fn answer_with(status: u16, data: Value, unknown: &[String]) -> Response {
    let mut response = answer(status, data);
    set_warning(&mut response, unknown);
    response
}
