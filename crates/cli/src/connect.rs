//! One way to reach the data: the API, of a server elsewhere, of the one on this machine, or in this process.

use std::fs::File;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::path::Path;
use std::pin::Pin;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Builder;
use axum::http::response::Parts;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use understory::{Options, Server, Understory};
use understory_server::Failure;

use crate::error::{CommandError, CommandResult, Kind, io};
use crate::request::{Payload, Reply, Request, refusal};
use crate::settings::Settings;

/// The API, wherever it is.
pub struct Api {
    place: Place,
    key: Option<String>,
    session: Option<String>,
}

/// The body of an answer, as it comes.
type Answer<'a> = Box<dyn Read + 'a>;

enum Place {
    /// A server.
    Server { agent: ureq::Agent, url: String, on_this_machine: bool },
    /// This process, which holds the data directory as long.
    Here { runtime: Runtime, router: Router },
}

/// Whether a data directory that is not there is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// It is an error.
    Refuse,
    /// It is made.
    Make,
}

impl Api {
    /// Reaches the data that the settings name.
    pub fn reach(settings: &Settings, missing: Missing) -> CommandResult<Self> {
        if let Some(url) = &settings.url {
            let place = Place::server(url, false);
            return Ok(Self { place, key: settings.key.clone(), session: None });
        }
        if let Some(server) = Server::find(&settings.data) {
            let place = Place::server(&server.url, true);
            return Ok(Self { place, key: settings.key.clone(), session: Some(server.token) });
        }
        Self::open(settings, missing)
    }

    fn open(settings: &Settings, missing: Missing) -> CommandResult<Self> {
        if missing == Missing::Refuse && settings.databases.runtime.is_none() {
            require_data(&settings.data)?;
        }
        let runtime = Runtime::new().map_err(|error| CommandError::internal("no threads").because(&error))?;
        // The admin key is for whoever reads a server's first lines.
        let options = Options { make_admin_key: false, ..settings.options() };
        let app = runtime.block_on(Understory::open(options))?;
        // This process has the directory: what a server wrote there, it wrote before it was killed.
        Server::withdraw(&settings.data);
        let session = app.keys().session_key().reveal().to_owned();
        let unlimited = understory_server::Settings { body_limit: usize::MAX, ..Default::default() };
        let router = understory_server::router(app, unlimited);
        Ok(Self { place: Place::Here { runtime, router }, key: settings.key.clone(), session: Some(session) })
    }

    /// Sends a request; refusals are errors.
    pub fn send(&self, request: Request) -> CommandResult<Reply> {
        let (parts, mut body) = self.exchange(&request)?;
        let mut bytes = Vec::new();
        body.read_to_end(&mut bytes).map_err(broken_off)?;
        Reply::read(parts.status.as_u16(), parts.headers, &bytes)
    }

    /// Sends a request whose answer goes to a writer as it comes, however long it is.
    pub fn copy(&self, request: &Request, to: &mut impl Write) -> CommandResult<u64> {
        let (parts, mut body) = self.exchange(request)?;
        if parts.status.is_success() {
            let copied = std::io::copy(&mut body, to);
            return copied.map_err(|error| CommandError::internal("the answer could not be kept").because(&error));
        }
        let mut bytes = Vec::new();
        body.read_to_end(&mut bytes).map_err(broken_off)?;
        Err(refusal(parts.status.as_u16(), &bytes))
    }

    fn exchange(&self, request: &Request) -> CommandResult<(Parts, Answer<'_>)> {
        let key = if request.by_session { self.session.as_ref() } else { self.key.as_ref().or(self.session.as_ref()) };
        let mut builder = axum::http::Request::builder().method(request.method.clone());
        if let Some(key) = key {
            builder = builder.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        match &request.body {
            Payload::None => {}
            Payload::Json(_) => builder = builder.header(CONTENT_TYPE, "application/json"),
            Payload::File(_) => builder = builder.header(CONTENT_TYPE, "application/x-ndjson"),
        }
        self.place.send(builder, &request.path, &request.body)
    }

    /// Sends a request for something that may not be there.
    pub fn find(&self, request: Request) -> CommandResult<Option<Reply>> {
        match self.send(request) {
            Ok(reply) => Ok(Some(reply)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Place {
    fn server(url: &str, on_this_machine: bool) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Self::Server { agent: config.into(), url: url.trim_end_matches('/').to_owned(), on_this_machine }
    }

    fn send(&self, builder: Builder, path: &str, payload: &Payload) -> CommandResult<(Parts, Answer<'_>)> {
        match self {
            Self::Server { agent, url, on_this_machine } => {
                let sent = over_http(agent, builder.uri(format!("{url}{path}")), payload)?;
                let response = sent.map_err(|error| unreachable_server(url, *on_this_machine, &error))?;
                let (parts, body) = response.into_parts();
                let reader = body.into_with_config().limit(u64::MAX).reader();
                Ok((parts, Box::new(reader)))
            }
            Self::Here { runtime, router } => {
                let request = builder.uri(path).body(in_memory(payload)?).map_err(|error| not_a_request(&error))?;
                let (parts, body) = runtime.block_on(in_process(router.clone(), request))?;
                Ok((parts, Box::new(Frames { runtime, body, rest: Bytes::new() })))
            }
        }
    }
}

/// The outer error is of what is to be sent, the inner one of the way there.
fn over_http(
    agent: &ureq::Agent,
    builder: Builder,
    payload: &Payload,
) -> CommandResult<Result<axum::http::Response<ureq::Body>, ureq::Error>> {
    let text = match payload {
        Payload::None => String::new(),
        Payload::Json(body) => body.to_string(),
        Payload::File(path) => {
            let file = File::open(path).map_err(io(path.display().to_string()))?;
            return Ok(builder.body(file).map_err(ureq::Error::from).and_then(|request| agent.run(request)));
        }
    };
    Ok(builder.body(text).map_err(ureq::Error::from).and_then(|request| agent.run(request)))
}

fn in_memory(payload: &Payload) -> CommandResult<Body> {
    Ok(match payload {
        Payload::None => Body::empty(),
        Payload::Json(body) => body.to_string().into(),
        Payload::File(path) => std::fs::read(path).map_err(io(path.display().to_string()))?.into(),
    })
}

async fn in_process(router: Router, request: axum::http::Request<Body>) -> CommandResult<(Parts, Body)> {
    let response = match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (parts, body) = response.into_parts();
    match parts.extensions.get() {
        Some(Failure(error)) => Err(CommandError::from(&**error)),
        None => Ok((parts, body)),
    }
}

/// A body of this process, read as it is made.
struct Frames<'a> {
    runtime: &'a Runtime,
    body: Body,
    rest: Bytes,
}

impl Read for Frames<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.rest.is_empty() {
            let body = &mut self.body;
            let frame = self.runtime.block_on(poll_fn(|context| Pin::new(&mut *body).poll_frame(context)));
            let Some(frame) = frame.transpose().map_err(std::io::Error::other)? else { return Ok(0) };
            self.rest = frame.into_data().unwrap_or_default();
        }
        let length = buffer.len().min(self.rest.len());
        buffer[..length].copy_from_slice(&self.rest.split_to(length));
        Ok(length)
    }
}

fn broken_off(error: std::io::Error) -> CommandError {
    CommandError::internal("the answer broke off").because(&error)
}

fn not_a_request(error: &axum::http::Error) -> CommandError {
    CommandError::user("what was asked does not make a request").because(error)
}

fn unreachable_server(url: &str, on_this_machine: bool, error: &ureq::Error) -> CommandError {
    if matches!(error, ureq::Error::Http(_) | ureq::Error::BadUri(_)) {
        return CommandError::config(format!("'{url}' is no server's address")).because(error);
    }
    let message = format!("the server at {url} does not answer");
    if on_this_machine {
        return CommandError::new(Kind::Busy, message).because(error).hint("it may be starting or stopping: try again");
    }
    CommandError::config(message).because(error).hint("check --url and UNDERSTORY_URL, and that the server runs")
}

fn require_data(dir: &Path) -> CommandResult<()> {
    if dir.join("runtime.db").exists() {
        return Ok(());
    }
    let hint = "`understory serve` makes it, `understory demo` fills it; --data names another directory";
    Err(CommandError::user(format!("there is no data in {}", dir.display())).hint(hint))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    /// The API of this process, with a router that sends everything back, but refuses what is not right.
    fn echo() -> Api {
        async fn answer(body: Bytes) -> (StatusCode, Bytes) {
            let status = if body.starts_with(b"wrong") { StatusCode::CONFLICT } else { StatusCode::OK };
            (status, body)
        }
        let place = Place::Here { runtime: Runtime::new().unwrap(), router: Router::new().fallback(answer) };
        Api { place, key: None, session: None }
    }

    #[test]
    fn files_go_and_come_as_they_are() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("lines");
        let text = "{\"line\":1}\n".repeat(100_000);
        std::fs::write(&file, &text).unwrap();
        let mut copy = Vec::new();
        let bytes = echo().copy(&Request::post_file("/", &file), &mut copy).unwrap();
        assert_eq!((bytes, copy), (text.len() as u64, text.into_bytes()));
    }

    #[test]
    fn a_refusal_is_no_copy() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("lines");
        std::fs::write(&file, "wrong").unwrap();
        let mut copy = Vec::new();
        let error = echo().copy(&Request::post_file("/", &file), &mut copy).unwrap_err();
        assert!(format!("{error:?}").contains("409 wrong") && copy.is_empty(), "{error:?}");
        let missing = echo().copy(&Request::post_file("/", &home.path().join("none")), &mut copy).unwrap_err();
        assert!(format!("{missing:?}").contains("none"), "{missing:?}");
    }
}
