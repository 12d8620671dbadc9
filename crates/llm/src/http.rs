//! Requests to providers: one connection each, over which the answer streams.
//!
//! Connections are not kept for later requests. Next to what a model takes, making one takes nothing; and with one for
//! each request, dropping the answer ends it at once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::connection::{CONNECTION, open};
use crate::{BaseUrl, LlmError};

/// How much is read of an answer that says what is wrong.
const REFUSAL_LENGTH: usize = 64 << 10;

const FIRST_BYTE: &str = "the beginning of an answer";

/// How long we wait for a provider.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a connection, encryption included. 10 seconds.
    pub connect: Duration,
    /// For the first byte of an answer; the model may have to be loaded first. 2 minutes.
    pub first_byte: Duration,
    /// For the next bytes of an answer. 1 minute.
    pub idle: Duration,
    /// For the whole list of models. 10 seconds.
    pub models: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(60),
            models: Duration::from_secs(10),
        }
    }
}

/// How much we take from a provider, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of one piece of an answer. 1 MiB.
    pub piece: usize,
    /// Of the whole answer, as it is sent. 64 MiB.
    pub answer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { piece: 1 << 20, answer: 64 << 20 }
    }
}

/// The key given can be no key: it has characters that no header may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key must consist of visible ASCII characters")]
pub struct InvalidKey;

#[derive(Clone)]
struct Key(Arc<str>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Where a provider is, how to get in, and how far to trust it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    base: BaseUrl,
    key: Option<Key>,
    timeouts: Timeouts,
    limits: Limits,
}

impl Endpoint {
    /// An endpoint that needs no key.
    pub fn new(base: BaseUrl) -> Self {
        Self { base, key: None, timeouts: Timeouts::default(), limits: Limits::default() }
    }

    /// The same with a key, sent as `Authorization: Bearer KEY`. White space around it is taken off; an empty one is none.
    pub fn with_key(self, key: &str) -> Result<Self, InvalidKey> {
        let key = key.trim();
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidKey);
        }
        Ok(Self { key: (!key.is_empty()).then(|| Key(key.into())), ..self })
    }

    /// The same with other time-outs.
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// The same with other limits.
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    pub(crate) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Asks for an answer of a model and waits for its beginning.
    pub(crate) async fn post(&self, path: &str, model: &str, body: &Value) -> Result<Body, LlmError> {
        let asked = self.send(Method::POST, path, Some(body)).await;
        let asked = match asked {
            Ok((status, body)) if status.is_success() => Ok(body),
            Ok((status, body)) => {
                let message = self.refusal(status, body).await;
                Err(LlmError::refusal(Some(status.as_u16()), message, model))
            }
            Err(error) => Err(error),
        };
        asked.map_err(|error| self.presentable(error))
    }

    /// Asks for a JSON document, all of it within the time for models.
    pub(crate) async fn get(&self, path: &str) -> Result<Bytes, LlmError> {
        let after = self.timeouts.models;
        let asked = within(Instant::now() + after, after, "the list of models", self.get_whole(path)).await;
        asked.and_then(|asked| asked).map_err(|error| self.presentable(error))
    }

    async fn get_whole(&self, path: &str) -> Result<Bytes, LlmError> {
        let (status, mut body) = self.send(Method::GET, path, None).await?;
        if !status.is_success() {
            let message = self.refusal(status, body).await;
            return Err(LlmError::Refused { status: Some(status.as_u16()), message });
        }
        let mut whole = Vec::new();
        while let Some(bytes) = body.chunk().await? {
            whole.extend_from_slice(&bytes);
        }
        Ok(whole.into())
    }

    pub(crate) fn presentable(&self, error: LlmError) -> LlmError {
        error.presentable(self.key.as_ref().map(|key| &*key.0))
    }

    /// What the provider says about not answering: its message, or whatever came, or what the status means.
    async fn refusal(&self, status: StatusCode, mut body: Body) -> String {
        if status.is_redirection() {
            return "it redirects, which is not followed: the base URL is not right".into();
        }
        let mut said = Vec::new();
        let listen = async {
            while said.len() < REFUSAL_LENGTH
                && let Ok(Some(bytes)) = body.chunk().await
            {
                said.extend_from_slice(&bytes);
            }
        };
        // A message that is late or cut off is as good as what there is of it.
        let _ = tokio::time::timeout(self.timeouts.idle, listen).await;
        let message = serde_json::from_slice(&said).ok().and_then(|json: Value| message(&json));
        let message = message.unwrap_or_else(|| String::from_utf8_lossy(&said).into_owned());
        let usual = || status.canonical_reason().unwrap_or("no reason given").to_owned();
        if message.trim().is_empty() { usual() } else { message }
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, Body), LlmError> {
        let request = self.request(method, path, body)?;
        let Timeouts { connect, first_byte, .. } = self.timeouts;
        let opened = within(Instant::now() + connect, connect, CONNECTION, open(&self.base, connect)).await?;
        let (mut sender, connection) = opened?;
        let first = Instant::now() + first_byte;
        let response = within(first, first_byte, FIRST_BYTE, sender.send_request(request)).await?;
        let response: Response<Incoming> = response.map_err(|error| self.no_answer(error))?;
        let status = response.status();
        let body = Body {
            incoming: response.into_body(),
            _connection: connection,
            first: Some(first),
            left: self.limits.answer,
            endpoint: self.clone(),
        };
        Ok((status, body))
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Request<Full<Bytes>>, LlmError> {
        let mut request = Request::builder()
            .method(method)
            .uri(self.base.path(path))
            .header(HOST, self.base.authority())
            .header(USER_AGENT, concat!("understory/", env!("CARGO_PKG_VERSION")))
            .header(ACCEPT_ENCODING, "identity");
        if let Some(Key(key)) = &self.key {
            let value = HeaderValue::try_from(format!("Bearer {key}"));
            let mut value = value.map_err(|error| LlmError::unreachable(&self.base.host, error))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        request.body(Full::new(body)).map_err(|error| LlmError::unreachable(&self.base.host, error))
    }

    /// An answer that did not begin: what came was not HTTP, or nothing came.
    fn no_answer(&self, error: hyper::Error) -> LlmError {
        if error.is_parse() {
            return LlmError::garbage(error.to_string().as_bytes(), None);
        }
        LlmError::unreachable(&self.base.host, error)
    }
}

/// The body of an answer while it comes. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Body {
    incoming: Incoming,
    _connection: JoinSet<()>,
    /// When the first bytes have to be there, until they are.
    first: Option<Instant>,
    /// So many bytes more are taken.
    left: usize,
    endpoint: Endpoint,
}

impl Body {
    /// The next bytes, in whatever portions they come.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, LlmError> {
        let Timeouts { first_byte, idle, .. } = self.endpoint.timeouts;
        loop {
            let (deadline, after, step) = match self.first {
                Some(first) => (first, first_byte, FIRST_BYTE),
                None => (Instant::now() + idle, idle, "more of an answer"),
            };
            let frame = match within(deadline, after, step, self.incoming.frame()).await? {
                None => return Ok(None),
                Some(frame) => frame.map_err(|error| LlmError::CutOff(Some(Box::new(error))))?,
            };
            let Ok(bytes) = frame.into_data() else { continue };
            self.first = None;
            let limit = self.endpoint.limits.answer;
            self.left = self.left.checked_sub(bytes.len()).ok_or(LlmError::TooLarge { what: "answer", limit })?;
            return Ok(Some(bytes));
        }
    }

    pub(crate) fn presentable(&self, error: LlmError) -> LlmError {
        self.endpoint.presentable(error)
    }
}

async fn within<T>(
    deadline: Instant,
    after: Duration,
    step: &'static str,
    future: impl Future<Output = T>,
) -> Result<T, LlmError> {
    timeout_at(deadline, future).await.map_err(|_| LlmError::TimedOut { step, after })
}

/// The message in a JSON document that says what is wrong: `{"error": "…"}`, `{"error": {"message": "…"}}` and the like.
pub(crate) fn message(json: &Value) -> Option<String> {
    match json {
        Value::String(text) => Some(text.clone()),
        Value::Object(object) => ["error", "message", "detail"].iter().find_map(|key| message(object.get(*key)?)),
        _ => None,
    }
}
