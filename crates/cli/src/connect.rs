//! One way to reach the data: the API, of a server elsewhere, of the one on this machine, or in this process.

use std::path::Path;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Builder;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use understory::{Options, Server, Understory};
use understory_server::Failure;

use crate::error::{CommandError, CommandResult, Kind};
use crate::request::{Reply, Request};
use crate::settings::Settings;

/// The API, wherever it is.
pub struct Api {
    place: Place,
    key: Option<String>,
    session: Option<String>,
}

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

    /// The address of the server; without one, the address at which one would be started.
    pub fn server(&self) -> &str {
        match &self.place {
            Place::Server { url, .. } => url,
            Place::Here { .. } => "http://127.0.0.1:3002",
        }
    }

    fn open(settings: &Settings, missing: Missing) -> CommandResult<Self> {
        settings.check_engines()?;
        if missing == Missing::Refuse {
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
        let key = if request.by_session { self.session.as_ref() } else { self.key.as_ref().or(self.session.as_ref()) };
        let mut builder = axum::http::Request::builder().method(request.method.clone());
        if let Some(key) = key {
            builder = builder.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if request.body.is_some() {
            builder = builder.header(CONTENT_TYPE, "application/json");
        }
        let body = request.body.as_ref().map(ToString::to_string).unwrap_or_default();
        self.place.send(builder, &request.path, body)
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

    fn send(&self, builder: Builder, path: &str, body: String) -> CommandResult<Reply> {
        match self {
            Self::Server { agent, url, on_this_machine } => over_http(agent, builder.uri(format!("{url}{path}")), body)
                .map_err(|error| unreachable_server(url, *on_this_machine, &error))?,
            Self::Here { runtime, router } => {
                let request = builder.uri(path).body(Body::from(body)).map_err(|error| not_a_request(&error))?;
                runtime.block_on(in_process(router.clone(), request))
            }
        }
    }
}

/// The outer error is of the way there, the inner one the server's.
fn over_http(agent: &ureq::Agent, builder: Builder, body: String) -> Result<CommandResult<Reply>, ureq::Error> {
    let mut response = agent.run(builder.body(body)?)?;
    let bytes = response.body_mut().with_config().limit(u64::MAX).read_to_vec()?;
    let (parts, _) = response.into_parts();
    Ok(Reply::read(parts.status.as_u16(), parts.headers, &bytes))
}

async fn in_process(router: Router, request: axum::http::Request<Body>) -> CommandResult<Reply> {
    let response = match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (parts, body) = response.into_parts();
    if let Some(Failure(error)) = parts.extensions.get() {
        return Err(CommandError::from(&**error));
    }
    let bytes = to_bytes(body, usize::MAX).await;
    let bytes = bytes.map_err(|error| CommandError::internal("the answer broke off").because(&error))?;
    Reply::read(parts.status.as_u16(), parts.headers, &bytes)
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
