//! Requests to the API, and its replies.

use std::path::{Path, PathBuf};

use axum::http::{HeaderMap, HeaderValue, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::conflict;
use crate::error::{CommandError, CommandResult, Kind};
use crate::names::encoded;

/// What a request carries.
#[derive(Clone)]
pub enum Payload {
    /// Nothing.
    None,
    /// JSON.
    Json(Value),
    /// A file of lines of JSON, as it is.
    File(PathBuf),
}

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
    pub body: Payload,
    /// Whether it is the machine's own user that asks, whatever key is given.
    pub by_session: bool,
}

impl Request {
    fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: Payload::None, by_session: false }
    }

    /// A read.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A creation, or a question with a body.
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self { body: Payload::Json(body), ..Self::new(Method::POST, path) }
    }

    /// The handing in of a file.
    pub fn post_file(path: impl Into<String>, file: &Path) -> Self {
        Self { body: Payload::File(file.to_owned()), ..Self::new(Method::POST, path) }
    }

    /// A replacement.
    pub fn put(path: impl Into<String>, body: Value) -> Self {
        Self { body: Payload::Json(body), ..Self::new(Method::PUT, path) }
    }

    /// A change.
    pub fn patch(path: impl Into<String>, body: Value) -> Self {
        Self { body: Payload::Json(body), ..Self::new(Method::PATCH, path) }
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

    /// Lets it go ahead only if the branch is still at this commit.
    pub fn if_at(mut self, commit: &str) -> CommandResult<Self> {
        let value = HeaderValue::from_str(commit).map_err(|_| not_ours())?;
        self.headers.push(("if-match", value));
        Ok(self)
    }

    /// Adds a member to a JSON body.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        if let Payload::Json(Value::Object(body)) = &mut self.body {
            body.insert(name.to_owned(), value);
        }
        self
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

    /// The whole body, to be taken apart.
    pub fn into_body(self) -> Value {
        self.body
    }

    /// What it answers, as a type.
    pub fn read_data<T: DeserializeOwned>(&self) -> CommandResult<T> {
        typed(self.data())
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

/// Part of an answer as a type.
pub fn typed<T: DeserializeOwned>(value: &Value) -> CommandResult<T> {
    T::deserialize(value).map_err(|error| not_ours().because(&error))
}

fn not_ours() -> CommandError {
    CommandError::config("the answer is not one of an Understory server").hint("check --url and UNDERSTORY_URL")
}

fn cut(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(200).collect()
}

/// What a refusal or failure says.
pub fn refusal(status: u16, bytes: &[u8]) -> CommandError {
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
            error = error.cause(format!("{}: {text}", place(pointer)));
        }
    }
    if status == 404 {
        error = error.not_found();
    }
    if let Some(conflicts) = problem.get("conflicts") {
        error = conflict::described(error, conflicts.clone());
    }
    let moved = problem["sourceHash"].is_string() && problem["targetHash"].is_string();
    match hint(status, &detail) {
        _ if moved => error.hint("run it again: it looks at the branches as they are by then"),
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// What a pointer points at: the file and the place in it, where the body was a tree of files.
fn place(pointer: &str) -> String {
    let Some(rest) = pointer.strip_prefix("/files/") else { return pointer.to_owned() };
    let (file, within) = rest.split_once('/').map_or((rest, ""), |(file, within)| (file, within));
    let file = file.replace("~1", "/").replace("~0", "~");
    if within.is_empty() { file } else { format!("{file} /{within}") }
}

fn hint(status: u16, detail: &str) -> Option<&'static str> {
    Some(match status {
        401 => "set UNDERSTORY_KEY to a key of that server: the admin key, or one made by `understory key create`",
        404 if detail.starts_with("Project ") => "projects are named TENANT/PROJECT; `understory import` makes one",
        404 if detail.starts_with("Ref ") || detail.starts_with("Branch ") => {
            "`understory branch -p TENANT/PROJECT` lists the branches, `understory tag` the tags"
        }
        412 => "the branch moved meanwhile: run it again",
        413 => "start the server with a higher UNDERSTORY_BODY_LIMIT",
        500 => "the server's log says more",
        503 => "try again in a moment",
        507 => "make room on the server's disk",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_in_a_tree_of_files_names_the_file() {
        assert_eq!(place("/files/tools~1a~0b.json/name"), "tools/a~b.json /name");
        assert_eq!(place("/files/notes.txt"), "notes.txt");
        assert_eq!(place("/name"), "/name");
    }

    #[test]
    fn a_refusal_tells_conflicts_and_moved_heads() {
        let conflict = json!({ "entity": "tool", "key": "a", "reason": "both changed it", "fields": [] });
        let problem = json!({ "detail": "1 conflict", "conflicts": [conflict] }).to_string();
        let error = refusal(409, problem.as_bytes());
        assert_eq!(error.conflicts().unwrap()[0]["key"], "a");
        assert!(format!("{error:?}").contains("tool/a: both changed it"), "{error:?}");
        let problem = json!({ "detail": "main is at y by now", "sourceHash": "x", "targetHash": "y" }).to_string();
        let error = refusal(409, problem.as_bytes());
        assert!(error.conflicts().is_none() && format!("{error:?}").contains("run it again"), "{error:?}");
    }
}
