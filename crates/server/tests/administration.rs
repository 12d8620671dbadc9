//! Keys, history, SQL and backups over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::{Value, json};
use understory_testkit::server::{ADMIN_KEY, TestServer};

const PROJECT: &str = "/manage/tenants/acme/projects/shop";

async fn with_project() -> TestServer {
    let server = TestServer::start().await;
    let models = json!({ "base": { "model": "m" } });
    let body = json!({ "id": "shop", "name": "Shop", "models": models, "agents": {}, "tools": {} });
    server.write("PUT", "/manage/tenants/acme/project-full/shop", &body, 201).await;
    server
}

async fn as_key(server: &TestServer, key: &str, method: &str, path: &str, body: Option<&Value>) -> u16 {
    let authorization = format!("Bearer {key}");
    server.send_with(method, path, &[("authorization", &authorization)], body).await.status.as_u16()
}

#[tokio::test]
async fn keys_are_made_listed_and_revoked() {
    let server = with_project().await;
    let made = server.write("POST", "/manage/keys", &json!({ "name": "ana" }), 201).await;
    let key = made["data"]["key"].as_str().unwrap();
    let rename = json!({ "name": "Ana's" });
    assert_eq!(as_key(&server, key, "PATCH", PROJECT, Some(&rename)).await, 200);
    let log = server.get(&format!("{PROJECT}/commits?limit=1")).await;
    assert_eq!(log["data"][0]["author"], "ana");
    let listed = server.get("/manage/keys").await;
    assert!(listed["data"][0]["lastUsedAt"].is_string() && !listed.to_string().contains(key), "{listed}");
    server.write("POST", "/manage/keys", &json!({ "name": "ana" }), 409).await;
    server.write("POST", "/manage/keys", &json!({ "name": "system" }), 400).await;
    server.write("DELETE", "/manage/keys/ana", &Value::Null, 200).await;
    assert_eq!(as_key(&server, key, "GET", PROJECT, None).await, 401);
    server.write("DELETE", "/manage/keys/nobody", &Value::Null, 404).await;
    assert_eq!(server.send("GET", "/keys", None).await.status.as_u16(), 404, "under /manage only");
}

#[tokio::test]
async fn an_answer_with_a_secret_is_not_kept_for_a_repeat() {
    let server = TestServer::start().await;
    let authorization = format!("Bearer {ADMIN_KEY}");
    let headers = [("authorization", authorization.as_str()), ("idempotency-key", "once")];
    let body = json!({ "name": "ana" });
    let first = server.send_with("POST", "/manage/keys", &headers, Some(&body)).await;
    let secret = first.expect(201, "the first time")["data"]["key"].as_str().unwrap().to_owned();
    let again = server.send_with("POST", "/manage/keys", &headers, Some(&body)).await;
    assert_eq!((again.status.as_u16(), again.text.contains(&secret)), (409, false), "{}", again.text);
    let kept = server.kept_answers().await.unwrap();
    assert!(!kept.contains(&secret) && !kept.is_empty());
}

#[tokio::test]
async fn figures_are_told_to_those_who_have_a_key() {
    let server = TestServer::start().await;
    assert_eq!(as_key(&server, "nobody's", "GET", "/metrics", None).await, 401);
    let authorization = format!("Bearer {ADMIN_KEY}");
    let told = server.send_with("GET", "/metrics", &[("authorization", authorization.as_str())], None).await;
    assert_eq!(
        (told.status.as_u16(), told.headers["content-type"].as_bytes()),
        (200, &b"text/plain; version=0.0.4"[..])
    );
    assert!(told.text.contains("understory_info{version=\""), "{}", told.text);
    let pools = told.text.lines().filter(|line| line.starts_with("understory_database_connections_open{pool=\""));
    assert_eq!(pools.count(), server.app.pools().len());
}

#[tokio::test]
async fn history_is_told_in_the_terms_of_the_api() {
    let server = with_project().await;
    server.write("PATCH", PROJECT, &json!({ "name": "Big shop" }), 200).await;
    let log = server.get(&format!("{PROJECT}/commits")).await;
    let [new, old] = [0, 1].map(|at| log["data"][at]["hash"].as_str().unwrap());
    let shown = server.get(&format!("{PROJECT}/commits/{}", &new[..7])).await;
    assert_eq!((&shown["data"]["commit"]["hash"], &shown["data"]["commit"]["parents"]), (&json!(new), &json!([old])));
    let change = json!({ "kind": "modified", "fields": { "name": { "from": "Shop", "to": "Big shop" } } });
    assert_eq!(shown["data"]["changes"], json!({ "project": { "shop": change } }));
    let diff = server.get(&format!("{PROJECT}/diff?from={old}&to=main")).await;
    assert_eq!(diff["data"], shown["data"]["changes"]);
    for bad in [
        "commits?limit=0",
        "commits?limit=x",
        "commits?cursor=x",
        "commits?since=yesterday",
        "commits?key=shop",
        "commits?entity=nothing",
        "diff?from=main",
        "diff?from=main&to=main&entity=nothing",
    ] {
        server.send("GET", &format!("{PROJECT}/{bad}"), None).await.expect(400, bad);
    }
    server.send("GET", &format!("{PROJECT}/commits/nothing"), None).await.expect(404, "no such commit");
}

#[tokio::test]
async fn queries_read_one_commit_and_nothing_else() {
    let server = with_project().await;
    let old = server.get(&format!("{PROJECT}/commits")).await["data"][0]["hash"].as_str().unwrap().to_owned();
    server.write("PATCH", PROJECT, &json!({ "name": "Big shop" }), 200).await;
    let query = json!({ "query": "select id, name from projects" });
    if server.is_on_servers() {
        // All projects share the database: who may ask it anything may read all of them.
        let refused = server.write("POST", &format!("{PROJECT}/sql"), &query, 400).await;
        assert!(refused["detail"].as_str().unwrap().contains("psql"), "{refused}");
        return;
    }
    let now = server.write("POST", &format!("{PROJECT}/sql"), &query, 200).await;
    assert_eq!(now["data"], json!({ "columns": ["id", "name"], "rows": [["shop", "Big shop"]], "more": false }));
    let then = server.write("POST", &format!("{PROJECT}/sql?ref={old}"), &query, 200).await;
    assert_eq!(then["data"]["rows"], json!([["shop", "Shop"]]));
    for bad in ["delete from projects", "select dolt_branch('x')", "attach 'x' as x", "select 1; select 2", ""] {
        server.write("POST", &format!("{PROJECT}/sql"), &json!({ "query": bad }), 400).await;
    }
    let branches = server.get(&format!("{PROJECT}/branches")).await;
    assert_eq!(branches["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn paths_on_the_servers_machine_are_for_its_own_user() {
    let server = with_project().await;
    let elsewhere = server.home().join("copy");
    let body = json!({ "dir": elsewhere });
    server.write("POST", "/manage/backup", &body, 403).await;
    assert!(!elsewhere.exists());
    let session = server.app.keys().session_key().reveal().to_owned();
    assert_eq!(as_key(&server, &session, "POST", "/manage/backup", Some(&json!({ "dir": "copy" }))).await, 400);
    let made = if server.is_on_servers() { 400 } else { 201 };
    assert_eq!(as_key(&server, &session, "POST", "/manage/backup", Some(&body)).await, made);
    assert_eq!(elsewhere.join("backup.json").exists(), !server.is_on_servers());
    assert_eq!(server.get("/manage/migrations").await["data"], json!([]));
    server.write("POST", &format!("{PROJECT}/migrate"), &json!({}), 200).await;
}
