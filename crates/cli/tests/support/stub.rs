//! A server that answers from a script, so that what commands ask and print is seen without data.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// What is expected, as `METHOD path?query`, and what is answered.
type Step = (String, u16, Value);

/// What came: the line, the body, and the headers that commands set.
#[derive(Clone, Debug)]
pub struct Asked {
    pub line: String,
    pub body: Value,
    pub text: String,
    pub message: Option<String>,
    pub if_match: Option<String>,
}

#[derive(Clone, Default)]
struct Script {
    steps: Arc<Mutex<VecDeque<Step>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// The server.
pub struct Stub {
    pub url: String,
    script: Script,
    _runtime: Runtime,
}

impl Stub {
    pub fn start() -> Self {
        let script = Script::default();
        let router = Router::new().fallback(answer).with_state(script.clone());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let runtime = Runtime::new().unwrap();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
        Self { url, script, _runtime: runtime }
    }

    /// Adds a request that is expected next, and its answer.
    pub fn expect(&self, line: &str, status: u16, answer: Value) -> &Self {
        self.script.steps.lock().unwrap().push_back((line.to_owned(), status, answer));
        self
    }

    /// What was asked since the last call; all that was expected must have come.
    pub fn asked(&self) -> Vec<Asked> {
        let left = std::mem::take(&mut *self.script.steps.lock().unwrap());
        let asked = std::mem::take(&mut *self.script.asked.lock().unwrap());
        assert!(left.is_empty(), "not asked: {left:?}; asked: {asked:?}");
        asked
    }
}

async fn answer(State(script): State<Script>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let line = format!("{} {}", parts.method, parts.uri);
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or_default();
    let (message, if_match) = (header("x-commit-message"), header("if-match"));
    script.asked.lock().unwrap().push(Asked { line: line.clone(), body, text, message, if_match });
    match script.steps.lock().unwrap().pop_front() {
        Some((expected, status, answer)) if expected == line => {
            (StatusCode::from_u16(status).unwrap(), Json(answer)).into_response()
        }
        expected => {
            let detail = format!("asked {line}, expected {expected:?}");
            (StatusCode::BAD_REQUEST, Json(json!({ "detail": detail }))).into_response()
        }
    }
}
