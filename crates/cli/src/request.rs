//! Requests to the API, and its replies.

use axum::http::{HeaderMap, HeaderValue, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{CommandError, CommandResult, Kind};
use crate::names::encoded;

/// A request.
#[derive(Clone)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Its path with the query.
    pub path: String,
    /// Headers beside those of every request.
    pub headers: Vec<(&'static str, HeaderValue)>,
    /// Its body.
    pub body: Option<Value>,
    /// Whether it is the machine's own user that asks, whatever key is given.
    pub by_session: bool,
}

impl Request {
    fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: None, by_session: false }
    }

    /// A read.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A creation, or a question with a body.
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, path) }
    }

    /// A replacement.
    pub fn put(path: impl Into<String>, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::PUT, path) }
    }

    /// A change.
    pub fn patch(path: impl Into<String>, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::PATCH, path) }
    }

    /// A deletion.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        let joint = if self.path.contains('?') { '&' } else { '?' };
        self.path.push_str(&format!("{joint}{name}={}", encoded(value)));
        self
    }

    /// Sets the message of the commit that it makes.
    pub fn message(mut self, message: Option<&str>) -> CommandResult<Self> {
        let Some(message) = message else { return Ok(self) };
        let value = HeaderValue::from_bytes(message.as_bytes());
        let value = value.map_err(|_| CommandError::user("a message is one line of text"))?;
        self.headers.push(("x-commit-message", value));
        Ok(self)
    }

    /// Makes it the machine's own user that asks.
    pub fn by_session(mut self) -> Self {
        self.by_session = true;
        self
    }
}

/// A reply that is no refusal.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Reply {
    /// Reads a reply; a refusal or failure becomes an error.
    pub fn read(status: u16, headers: HeaderMap, bytes: &[u8]) -> CommandResult<Self> {
        if (200..300).contains(&status) {
            let parsed = if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(bytes) };
            let body = parsed.map_err(|_| not_ours().cause(cut(bytes)))?;
            return Ok(Self { status, headers, body });
        }
        Err(refusal(status, bytes))
    }

    /// What it answers.
    pub fn data(&self) -> &Value {
        self.body.get("data").unwrap_or(&self.body)
    }

    /// The whole body.
    pub fn body(&self) -> &Value {
        &self.body
    }

    /// What it answers, as a type.
    pub fn read_data<T: DeserializeOwned>(&self) -> CommandResult<T> {
        serde_json::from_value(self.data().clone()).map_err(|error| not_ours().because(&error))
    }

    /// The commit that it speaks of: after a write the branch's head.
    pub fn commit(&self) -> &str {
        self.headers.get("x-understory-commit").and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// What the server warns of: keys that meant nothing.
    pub fn warning(&self) -> Option<&str> {
        self.headers.get("warning")?.to_str().ok()?.split('"').nth(1)
    }
}

fn not_ours() -> CommandError {
    CommandError::config("the answer is not one of an Understory server").hint("check --url and UNDERSTORY_URL")
}

fn cut(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(200).collect()
}

fn refusal(status: u16, bytes: &[u8]) -> CommandError {
    let Ok(problem) = serde_json::from_slice::<Value>(bytes) else {
        return not_ours().cause(format!("{status} {}", cut(bytes)));
    };
    let detail = problem["detail"].as_str().map_or_else(|| format!("the server answered {status}"), str::to_owned);
    let kind = match status {
        401 => Kind::Config,
        503 => Kind::Busy,
        500.. => Kind::Internal,
        _ => Kind::User,
    };
    let mut error = CommandError::new(kind, &detail);
    for field in problem["errors"].as_array().into_iter().flatten() {
        let [pointer, text] = ["pointer", "detail"].map(|name| field[name].as_str().unwrap_or_default());
        // A single wrong field is the detail itself.
        if text != detail {
            error = error.cause(format!("{pointer}: {text}"));
        }
    }
    if status == 404 {
        error = error.not_found();
    }
    match hint(status, &detail) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn hint(status: u16, detail: &str) -> Option<&'static str> {
    Some(match status {
        401 => "set UNDERSTORY_KEY to a key of that server: the admin key, or one made by `understory key create`",
        404 if detail.starts_with("Project ") => "projects are named TENANT/PROJECT; `understory import` makes one",
        404 if detail.starts_with("Ref ") || detail.starts_with("Branch ") => {
            "`understory branch -p TENANT/PROJECT` lists the branches"
        }
        413 => "start the server with a higher UNDERSTORY_BODY_LIMIT",
        500 => "the server's log says more",
        503 => "try again in a moment",
        507 => "make room on the server's disk",
        _ => return None,
    })
}
