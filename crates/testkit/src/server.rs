//! A server in the test's own process, on a data directory of its own.
//!
//! With `UNDERSTORY_TEST_STORES=servers` its stores are on the database servers that [`crate::servers`] knows.

use std::path::Path;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;
use understory::{Limits, Options, Registration, Understory};
use understory_server::{Settings, router};
use understory_sql::postgres::Pool;

use crate::conformance::Failure;
use crate::servers::{self, FreshDatabase};

/// The admin key of every test server: the one that recorded requests carry.
pub const ADMIN_KEY: &str = "bypass-secret-1";

/// A running server; its data goes when it is dropped.
pub struct TestServer {
    /// The library below it.
    pub app: Understory,
    router: Router,
    home: tempfile::TempDir,
    runtime: Option<FreshDatabase>,
}

/// Puts the stores on database servers, if the tests are to run there. Runtime data has a database of its own.
async fn stores(options: &mut Options) -> Result<Option<FreshDatabase>, Failure> {
    if std::env::var("UNDERSTORY_TEST_STORES").as_deref() != Ok("servers") {
        return Ok(None);
    }
    const TEST: &str = "a server of a test";
    let missing = "UNDERSTORY_TEST_STORES=servers needs the addresses of the servers";
    let manage = servers::shared_doltgres(TEST).await?.ok_or(missing)?;
    let runtime = servers::TestServer::Postgres.database(TEST).await?.ok_or(missing)?;
    options.manage_url = Some(manage.url());
    options.runtime_url = Some(runtime.url());
    options.pool_size = 4;
    options.migrate_servers = true;
    Ok(Some(runtime))
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answered {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body as JSON; null if it is empty or no JSON.
    pub body: Value,
    /// Body as text.
    pub text: String,
}

impl TestServer {
    /// Starts a server on an empty directory.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a server with settings of its own.
    pub async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let home = tempfile::tempdir().unwrap_or_else(|error| panic!("a temporary directory: {error}"));
        let mut options = Options::new(home.path());
        options.admin_key = Some(ADMIN_KEY.to_owned());
        options.people.registration = Registration::Open;
        options.people.limits = Limits::none();
        let runtime = stores(&mut options).await.unwrap_or_else(|error| panic!("the database servers: {error}"));
        change(&mut options);
        let app = Understory::open(options).await.unwrap_or_else(|error| panic!("the server opens: {error:?}"));
        let router = router(app.clone(), Settings::default());
        Self { app, router, home, runtime }
    }

    /// What it serves, with other settings.
    pub fn router(&self, settings: Settings) -> Router {
        router(self.app.clone(), settings)
    }

    /// Where its data is.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Whether its stores are on database servers.
    pub fn is_on_servers(&self) -> bool {
        self.runtime.is_some()
    }

    /// What the runtime store keeps of answers to requests, as text.
    pub async fn kept_answers(&self) -> Result<String, Failure> {
        let Some(database) = &self.runtime else {
            let file = |name| std::fs::read(self.home().join(name));
            let bytes = [file("runtime.db")?, file("runtime.db-wal")?].concat();
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        };
        let connection = Pool::new(&database.url(), 1, false)?.connection().await?;
        let rows = connection.query("select headers, body from idempotency_records", &[]).await?;
        Ok(format!("{rows:?}"))
    }

    /// Sends a request with the admin key.
    pub async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answered {
        self.send_with(method, path, &[("authorization", &format!("Bearer {ADMIN_KEY}"))], body).await
    }

    /// Sends a request with these headers only.
    pub async fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answered {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send_raw(method, path, headers, body).await
    }

    /// Sends a request with any body.
    pub async fn send_raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Body) -> Answered {
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_else(|error| panic!("{method}: {error}"));
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).unwrap_or_else(|error| panic!("{path}: {error}"));
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Answered { status: parts.status, headers: parts.headers, body, text }
    }

    /// GET, which must answer 200; its body.
    pub async fn get(&self, path: &str) -> Value {
        self.send("GET", path, None).await.expect(200, path)
    }

    /// A write, which must answer this status; its body.
    pub async fn write(&self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        self.send(method, path, Some(body)).await.expect(status, path)
    }
}

impl Answered {
    /// The body, if the status is this one; else the test fails with the answer.
    pub fn expect(self, status: u16, what: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{what}: {}", self.text);
        self.body
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
