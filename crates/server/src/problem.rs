use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use understory::model::FieldError;
use understory::{Error, Project, whole_seconds};

/// An answer that says what went wrong: `application/problem+json` (RFC 9457).
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    extra: Box<Map<String, Value>>,
    failure: Option<Failure>,
    /// Seconds after which it may be tried again.
    retry_after: Option<u64>,
}

/// What a failure was, beside the answer that hides it: for callers in the same process, who may know.
#[derive(Clone, Debug)]
pub struct Failure(pub Arc<Error>);

const INTERNAL: &str = "An internal error occurred; the server's log says more.";
/// `error.message` is cut to this many characters, as clients of the contract expect.
const MESSAGE_LENGTH: usize = 100;

impl Problem {
    /// A problem with a status and a text for clients.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            code: code(status),
            detail: detail.into(),
            errors: Vec::new(),
            extra: Box::default(),
            failure: None,
            retry_after: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1),
        }
    }

    /// The problem of an error, with the conflicts of a merge in the API's form.
    pub(crate) fn of_project(error: Error, project: &Project) -> Self {
        let Error::MergeConflict(conflicts) = &error else { return error.into() };
        let items: Vec<Value> = conflicts.iter().map(|conflict| project.conflict_item(conflict)).collect();
        Self::new(StatusCode::CONFLICT, error.to_string()).with("conflicts", items)
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// What is wrong, in few words.
    pub(crate) fn title(&self) -> &'static str {
        if self.errors.is_empty() { self.status.canonical_reason().unwrap_or("Error") } else { "Validation Failed" }
    }

    /// What is wrong with the body, field by field.
    pub(crate) fn errors(&self) -> Vec<Value> {
        self.errors.iter().map(field).collect()
    }

    /// The same with one more member.
    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Invalid(errors) => return Self::invalid(errors.clone()),
            Error::HeadsMoved { from, to } => {
                let moved = Self::new(StatusCode::CONFLICT, error.to_string());
                return moved.with("sourceHash", from.as_str()).with("targetHash", to.as_str());
            }
            Error::BadRequest(_) => StatusCode::BAD_REQUEST,
            Error::TooMany { retry_after } => {
                let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, error.to_string());
                return Self { retry_after: Some(whole_seconds(retry_after)), ..problem };
            }
            Error::Unauthorized | Error::Credentials => StatusCode::UNAUTHORIZED,
            Error::Forbidden(_) => StatusCode::FORBIDDEN,
            Error::NotFound { .. } => StatusCode::NOT_FOUND,
            Error::Conflict(_) | Error::MergeConflict(_) => StatusCode::CONFLICT,
            Error::PreconditionFailed { .. } => StatusCode::PRECONDITION_FAILED,
            Error::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Busy(_) | Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Error::DiskFull(_) => StatusCode::INSUFFICIENT_STORAGE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            log(&error, status);
        }
        let detail = if status == StatusCode::INTERNAL_SERVER_ERROR { INTERNAL.to_owned() } else { error.to_string() };
        let failure = status.is_server_error().then(|| Failure(Arc::new(error)));
        Self { failure, ..Self::new(status, detail) }
    }
}

impl Problem {
    /// What a message says of it where there is no answer to put it in.
    pub(crate) fn told(self) -> Value {
        let mut told = json!({ "code": self.code, "detail": self.detail });
        if !self.errors.is_empty() {
            told["errors"] = self.errors().into();
        }
        told
    }

    fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => only.detail.clone(),
            _ => "Request validation failed".to_owned(),
        };
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }
}

/// A failure is logged here, once, with all its causes.
fn log(error: &Error, status: StatusCode) {
    let mut causes = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    tracing::error!(http.status = status.as_u16(), error.causes = causes.join(": "), "{error}");
}

fn code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "bad_request",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        405 => "method_not_allowed",
        409 => "conflict",
        412 => "precondition_failed",
        413 => "payload_too_large",
        415 => "unsupported_media_type",
        422 => "unprocessable_entity",
        429 => "too_many_requests",
        503 => "service_unavailable",
        507 => "insufficient_storage",
        _ => "internal_server_error",
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "title": self.title(),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
            "error": { "code": self.code, "message": cut(&self.detail) },
        });
        if !self.errors.is_empty() {
            body["errors"] = self.errors().into();
        }
        if let Some(body) = body.as_object_mut() {
            body.extend(self.extra.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        let mut response = (self.status, body.to_string()).into_response();
        if let Some(failure) = &self.failure {
            response.extensions_mut().insert(failure.clone());
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        // Other faces than problem+json are made of it.
        response.extensions_mut().insert(self);
        response
    }
}

fn field(error: &FieldError) -> Value {
    let name = error.pointer.trim_start_matches('/').replace('/', ".");
    json!({ "pointer": error.pointer, "name": name, "detail": error.detail, "reason": error.reason })
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MESSAGE_LENGTH {
        return text.to_owned();
    }
    format!("{}...", text.chars().take(MESSAGE_LENGTH - 3).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_busy_or_away_is_asked_again() {
        let cause = || Arc::new(std::io::Error::other("cause"));
        for error in [Error::Busy(cause()), Error::Unavailable(cause())] {
            let response = Problem::from(error).into_response();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(response.headers().contains_key(header::RETRY_AFTER));
        }
    }
}
