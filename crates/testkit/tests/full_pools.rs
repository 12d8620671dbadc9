//! Few connections and many who want one: who cannot have it in time is told so, and nobody waits for ever.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt as _;
use understory::manage::doltgres::DoltGres;
use understory::manage::{ConfigStore as _, ProjectId, StoreError};
use understory::sql::Migrations;
use understory::sql::migration::Migrate;
use understory::sql::postgres::ServerUrl;
use understory::{Options, Understory};
use understory_server::{Settings, router};
use understory_testkit::samples;
use understory_testkit::servers::{FreshDatabase, TestServer, shared_doltgres};

const KEY: &str = "full-pool-admin-key";
const PROJECT: &str = "/manage/tenants/acme/projects/shop";
/// The longest that a caller waits for a connection, and some.
const PATIENCE: Duration = Duration::from_secs(8);

/// Between a store and its server: while it is closed, nothing gets to the server.
struct Gate {
    open: watch::Sender<bool>,
    url: ServerUrl,
}

impl Gate {
    async fn before(database: &FreshDatabase) -> Self {
        let (scheme, rest) = database.server_address().split_once("://").unwrap();
        let (who, place) = rest.rsplit_once('@').unwrap();
        let (server, more) = place.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate = listener.local_addr().unwrap();
        let url = ServerUrl::parse(&format!("{scheme}://{who}@{gate}/{more}")).unwrap();
        let (open, is_open) = watch::channel(true);
        let server = server.to_owned();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(pass(client, server, is_open.clone()));
            }
        });
        Self { open, url: url.with_database(database.url().database()) }
    }
}

async fn pass(client: TcpStream, server: TcpStream, mut is_open: watch::Receiver<bool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
        let opened = is_open.wait_for(|open| *open).await.is_ok();
        if !opened || to_server.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_only_connection_is_taken_callers_are_told_so() {
    let Some(database) = TestServer::DoltGres.database("while_the_only_connection_is_taken").await.unwrap() else {
        return;
    };
    let gate = Gate::before(&database).await;
    let migrations = Arc::new(Migrations::embedded().unwrap());
    let store = DoltGres::connect(&gate.url, 1, samples::model(), migrations, Migrate::Run).await.unwrap();
    let nobody = ProjectId { tenant: "acme".into(), id: "shop".into(), uid: "u1".into() };
    let idle = || store.pools().first().map_or(0, |(_, readers)| readers.idle);
    assert_eq!((store.project_exists(&nobody).await.unwrap(), idle()), (false, 1));

    gate.open.send(false).unwrap();
    let holder = tokio::spawn({
        let (store, nobody) = (store.clone(), nobody.clone());
        async move { store.project_exists(&nobody).await }
    });
    while idle() > 0 {
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    let told = store.project_exists(&nobody).await;
    assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());

    gate.open.send(true).unwrap();
    assert!(!holder.await.unwrap().unwrap());
    assert!(!store.project_exists(&nobody).await.unwrap());
}

/// A server in this process, on database servers.
struct Served {
    router: Router,
    _home: TempDir,
    _runtime: FreshDatabase,
}

impl Served {
    /// With a project of twenty tools.
    async fn start(test: &str, pool_size: usize) -> Option<Self> {
        let manage = shared_doltgres(test).await.unwrap()?;
        let runtime = TestServer::Postgres.database(test).await.unwrap()?;
        let home = tempfile::tempdir().unwrap();
        let app = Understory::open(Options {
            admin_key: Some(KEY.to_owned()),
            manage_url: Some(manage.url()),
            runtime_url: Some(runtime.url()),
            pool_size,
            migrate_servers: true,
            ..Options::new(home.path())
        });
        let served = Self { router: router(app.await.unwrap(), Settings::default()), _home: home, _runtime: runtime };
        let tools: serde_json::Map<String, Value> =
            (0..20).map(|n| (format!("t{n}"), tool(&format!("t{n}")))).collect();
        let models = json!({ "base": { "model": "m" } });
        let body = json!({ "id": "shop", "name": "Shop", "models": models, "agents": {}, "tools": tools });
        let made = served.send("PUT", "/manage/tenants/acme/project-full/shop", Some(body)).await;
        assert_eq!(made.0, 201, "{}", made.1);
        Some(served)
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {KEY}"));
        let request = request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap();
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }
}

fn tool(id: &str) -> Value {
    json!({ "id": id, "name": id, "config": { "type": "mcp", "mcp": { "server": { "url": "http://127.0.0.1:1" } } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_connections_serve_two_hundred_readers_at_once() {
    let Some(served) = Served::start("ten_connections_serve", 10).await else { return };
    let served = Arc::new(served);
    let readers = (0..200).map(|n| {
        let served = Arc::clone(&served);
        tokio::spawn(async move { served.send("GET", &format!("{PROJECT}/tools/t{}", n % 20), None).await })
    });
    for (n, reader) in readers.collect::<Vec<_>>().into_iter().enumerate() {
        let (status, body) = reader.await.unwrap();
        assert_eq!((status, body["data"]["id"].as_str()), (StatusCode::OK, Some(&*format!("t{}", n % 20))), "{body}");
    }
}

/// No operation needs two connections of one pool at once: then the last ones would wait for each other.
#[tokio::test(flavor = "multi_thread")]
async fn one_connection_is_enough_for_every_operation() {
    let Some(served) = Served::start("one_connection_is_enough", 1).await else { return };
    let served = Arc::new(served);
    let clients = (0..8).map(|n| {
        let served = Arc::clone(&served);
        tokio::spawn(async move {
            let name = format!("b{n}");
            let merge = json!({ "sourceBranch": name, "targetBranch": "main" });
            let steps = [
                ("POST", "/branches".to_owned(), Some(json!({ "name": name }))),
                ("POST", format!("/tools?ref={name}"), Some(tool(&format!("new{n}")))),
                ("POST", "/branches/merge/preview".to_owned(), Some(merge)),
                ("GET", "/commits".to_owned(), None),
                ("POST", "/tags".to_owned(), Some(json!({ "name": format!("v{n}") }))),
                ("DELETE", format!("/branches/{name}"), None),
            ];
            for (method, path, body) in steps {
                let begun = Instant::now();
                let (status, answer) = served.send(method, &format!("{PROJECT}{path}"), body).await;
                let busy = status == StatusCode::SERVICE_UNAVAILABLE && begun.elapsed() < PATIENCE * 4;
                assert!(status.is_success() || busy, "{method} {path}: {status} {answer}");
                if busy {
                    return false;
                }
            }
            true
        })
    });
    let mut finished = 0;
    for client in clients.collect::<Vec<_>>() {
        finished += usize::from(client.await.unwrap());
    }
    assert!(finished > 0, "nobody gets through");
    let (status, _) = served.send("PATCH", PROJECT, Some(json!({ "name": "Shop again" }))).await;
    assert_eq!(status, StatusCode::OK);
}
