//! Requests to providers: one connection each, over which the answer streams.
//!
//! Connections are not kept for later requests. Next to what a model takes, making one takes nothing; and with one for
//! each request, dropping the answer ends it at once.

use std::fmt;
use std::io;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::address::connect;
use crate::{BaseUrl, LlmError, ResolveError};

/// How much is read of an answer that says what is wrong.
const REFUSAL_LENGTH: usize = 64 << 10;

const CONNECTION: &str = "a connection";
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
        let Timeouts { connect, first_byte, idle, .. } = self.timeouts;
        let opened = within(Instant::now() + connect, connect, CONNECTION, self.open()).await?;
        let (mut sender, connection) = opened?;
        let first = Instant::now() + first_byte;
        let response = within(first, first_byte, FIRST_BYTE, sender.send_request(request)).await?;
        let response: Response<Incoming> = response.map_err(|error| self.no_answer(error))?;
        let body = Body {
            status: response.status(),
            incoming: response.into_body(),
            _connection: connection,
            first: Some(first),
            first_byte,
            idle,
            left: self.limits.answer,
            endpoint: self.clone(),
        };
        Ok((body.status, body))
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
            let mut value = value.map_err(|error| self.unreachable(error))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        request.body(Full::new(body)).map_err(|error| self.unreachable(error))
    }

    /// Opens a connection to an address that may be reached. It is driven by a task that ends with the set.
    async fn open(&self) -> Result<Opened, LlmError> {
        let BaseUrl { host, port, .. } = &self.base;
        let addresses = self.base.reach.resolve(host, *port).await.map_err(|error| match error {
            ResolveError::NotAllowed => LlmError::AddressNotAllowed { host: host.clone() },
            ResolveError::Unknown(error) => self.unreachable(error),
        })?;
        let after = self.timeouts.connect;
        let stream = connect(&addresses, after).await.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => LlmError::TimedOut { step: CONNECTION, after },
            _ => self.unreachable(error),
        })?;
        stream.set_nodelay(true).map_err(|error| self.unreachable(error))?;
        let opened = if self.base.encrypted {
            let encrypted = encrypt(host, stream).await.map_err(|error| self.unreachable(error))?;
            speak(encrypted).await
        } else {
            speak(stream).await
        };
        opened.map_err(|error| self.unreachable(error))
    }

    /// An answer that did not begin: what came was not HTTP, or nothing came.
    fn no_answer(&self, error: hyper::Error) -> LlmError {
        if error.is_parse() {
            return LlmError::garbage(error.to_string().as_bytes(), None);
        }
        self.unreachable(error)
    }

    fn unreachable(&self, error: impl std::error::Error + Send + Sync + 'static) -> LlmError {
        LlmError::Unreachable { host: self.base.host.clone(), source: Box::new(error) }
    }
}

type Opened = (http1::SendRequest<Full<Bytes>>, JoinSet<()>);

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Opened, hyper::Error> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        // What goes wrong is told to who waits for the answer.
        let _ = connection.await;
    });
    Ok((sender, driver))
}

/// How encrypted connections are made. The certificates of the system are read once, at the first of them.
static ENCRYPTION: LazyLock<Result<Arc<ClientConfig>, rustls::Error>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
});

async fn encrypt(host: &str, stream: TcpStream) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let config = ENCRYPTION.clone().map_err(io::Error::other)?;
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(config).connect(name, stream).await
}

/// The body of an answer while it comes. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Body {
    status: StatusCode,
    incoming: Incoming,
    _connection: JoinSet<()>,
    /// When the first bytes have to be there, until they are.
    first: Option<Instant>,
    first_byte: Duration,
    idle: Duration,
    left: usize,
    endpoint: Endpoint,
}

impl Body {
    /// The next bytes, in whatever portions they come.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, LlmError> {
        loop {
            let (deadline, after, step) = match self.first {
                Some(first) => (first, self.first_byte, FIRST_BYTE),
                None => (Instant::now() + self.idle, self.idle, "more of an answer"),
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
