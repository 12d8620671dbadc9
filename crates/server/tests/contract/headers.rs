//! What headers ask for and say.

use serde_json::{Value, json};
use understory_testkit::server::{ADMIN_KEY, Answered};

use crate::client::{Client, PROJECT, TENANT, at};
use crate::problem::problem;
use crate::seed::{agent, project, seed};

const TOOL: &str = "/manage/tenants/acme/projects/demo/tools/t";
const MAX: usize = 100;

impl Client {
    async fn with(&self, verb: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answered {
        let bearer = format!("Bearer {ADMIN_KEY}");
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        self.server.send_with(verb, path, &all, body).await
    }

    async fn log(&self, reference: &str) -> Vec<understory::Entry> {
        let principal = understory::Principal::system();
        let project = self.server.app.project(&principal, understory::Permission::View, "acme", "demo").await.unwrap();
        project.log(reference, MAX).await.unwrap()
    }
}

#[tokio::test]
async fn if_match_takes_the_head_or_the_representation() {
    let client = Client::start().await;
    seed(&client).await;
    let full = format!("{TENANT}/project-full/demo");
    let whole = format!("{PROJECT}/agent/b");
    let own = format!("{TENANT}/projects/demo");
    let bodies = |name: &str| {
        let (mut document, mut full_agent) = (project("demo"), agent("b"));
        document["name"] = json!(name);
        full_agent["name"] = json!(name);
        [
            ("PATCH", TOOL, json!({ "name": name })),
            ("PUT", TOOL, json!({ "name": name })),
            ("PATCH", own.as_str(), json!({ "name": name })),
            ("PUT", whole.as_str(), full_agent),
            ("PUT", full.as_str(), document),
        ]
    };
    for (index, (verb, path, _)) in bodies("x").into_iter().enumerate() {
        let body = |step: u32| bodies(&format!("{index}-{step}"))[index].2.clone();
        let read = client.server.send("GET", path, None).await;
        let (tag, head) =
            (read.header("etag").unwrap().to_owned(), read.header("x-understory-commit").unwrap().to_owned());
        let written = client.with(verb, path, &[("if-match", &tag)], Some(&body(1))).await;
        assert_eq!(written.status.as_u16(), 200, "{verb} {path}: {}", written.text);
        let now = written.header("x-understory-commit").unwrap();
        for stale in [tag.as_str(), &format!("W/{tag}"), &head, &format!("\"{head}\""), "\"nonsense\", \"more\""] {
            let refused = client.with(verb, path, &[("if-match", stale)], Some(&body(2))).await;
            problem(&format!("{verb} {path} {stale}"), &refused, 412);
        }
        assert_eq!(client.head("main").await, now, "{path}");
        for (step, good) in [(3, now), (4, "*")] {
            let written = client.with(verb, path, &[("if-match", good)], Some(&body(step))).await;
            assert_eq!(written.status.as_u16(), 200, "{verb} {path} {good}: {}", written.text);
        }
        // The answer to a write carries the tag of what a read answers now.
        let read = client.server.send("GET", path, None).await;
        let again = client.with(verb, path, &[("if-match", read.header("etag").unwrap())], Some(&body(9))).await;
        assert_eq!(again.status.as_u16(), 200, "{path}");
        assert_eq!(again.header("etag"), client.server.send("GET", path, None).await.header("etag"), "{path}");
    }
    // Another row may change: the representation stays, the head moves.
    let read = client.server.send("GET", TOOL, None).await;
    let (tag, head) = (read.header("etag").unwrap().to_owned(), read.header("x-understory-commit").unwrap().to_owned());
    client.call("PATCH", &own, Some(&json!({ "description": "moved" }))).await;
    problem("a moved head", &client.with("DELETE", TOOL, &[("if-match", &head)], None).await, 412);
    assert_eq!(client.with("DELETE", TOOL, &[("if-match", &tag)], None).await.status.as_u16(), 204);
    problem("nothing is there", &client.with("DELETE", TOOL, &[("if-match", "*")], None).await, 412);
    problem(
        "no project is there",
        &client.with("PUT", &format!("{TENANT}/project-full/none"), &[("if-match", "*")], Some(&project("none"))).await,
        412,
    );
}

#[tokio::test]
async fn answers_name_their_commit_and_tag() {
    let client = Client::start().await;
    seed(&client).await;
    let head = client.head("main").await;
    for path in [
        TOOL.to_owned(),
        format!("{PROJECT}/tools"),
        format!("{TENANT}/project-full/demo"),
        format!("{PROJECT}/agent/a"),
    ] {
        let read = client.server.send("GET", &path, None).await;
        assert_eq!(read.header("x-understory-commit"), Some(head.as_str()), "{path}");
        let tag = read.header("etag").unwrap_or_else(|| panic!("{path}: no tag"));
        assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
        let then = client.server.send("GET", &at(&path, &head), None).await;
        assert_eq!(then.header("etag"), Some(tag), "{path}");
    }
    let same = client.server.send("PATCH", TOOL, Some(&json!({ "name": "t" }))).await;
    assert_eq!(same.header("x-understory-commit"), Some(head.as_str()), "what changes nothing makes no commit");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-xss-protection", "0"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
    ] {
        assert_eq!(same.header(name), Some(value));
    }
    assert!(same.header("x-request-id").is_some());
}

#[tokio::test]
async fn messages_stand_in_the_log() {
    let client = Client::start().await;
    seed(&client).await;
    let message = "Rename the tool\n\nIt was wrong: ünïcode.";
    let one_line = "Rename: ünïcode";
    client.with("PATCH", TOOL, &[("x-commit-message", one_line)], Some(&json!({ "name": "one" }))).await;
    client.with("PATCH", TOOL, &[("x-commit-message", "  ")], Some(&json!({ "name": "two" }))).await;
    let body = json!({ "message": message, "operations": [{ "method": "PATCH", "path": "/tools/t", "body": { "name": "three" } }] });
    client.with("POST", &format!("{PROJECT}/batch"), &[("x-commit-message", "not this")], Some(&body)).await;
    let log = client.log("main").await;
    let messages: Vec<&str> = log.iter().take(3).map(|entry| entry.message.as_str()).collect();
    assert_eq!(messages, [message, "Update tool t", one_line]);
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let client = Client::start().await;
    seed(&client).await;
    let path = format!("{PROJECT}/evals/datasets");
    let key = [("idempotency-key", "one")];
    let body = json!({ "name": "set" });
    let first = client.with("POST", &path, &key, Some(&body)).await;
    assert_eq!(first.status.as_u16(), 201);
    let head = client.head("main").await;
    let second = client.with("POST", &path, &key, Some(&body)).await;
    assert_eq!((second.status, &second.text), (first.status, &first.text), "the made id is the same");
    for name in ["etag", "x-understory-commit", "content-type"] {
        assert_eq!(second.header(name), first.header(name), "{name}");
    }
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    assert_eq!(client.head("main").await, head);
    for (verb, path, body) in [
        ("POST", path.as_str(), json!({ "name": "other" })),
        ("POST", &format!("{PROJECT}/functions"), body.clone()),
        ("POST", &at(&path, "main"), body.clone()),
    ] {
        problem(path, &client.with(verb, path, &key, Some(&body)).await, 422);
    }
    // A refused request may be tried again under its key.
    let key = [("idempotency-key", "two")];
    problem("refused", &client.with("POST", &path, &key, Some(&json!({}))).await, 400);
    assert_eq!(client.with("POST", &path, &key, Some(&json!({ "name": "later" }))).await.status.as_u16(), 201);
    // Another principal has keys of its own.
    let named = client.server.app.keys().key_create("ana").await.unwrap().secret.reveal().to_owned();
    let bearer = format!("Bearer {named}");
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "one")];
    let other = client.server.send_with("POST", &path, &headers, Some(&body)).await;
    assert_eq!(other.status.as_u16(), 201);
    assert_ne!(other.text, first.text);
    let long = "k".repeat(256);
    problem("too long", &client.with("POST", &path, &[("idempotency-key", &long)], Some(&body)).await, 400);
}

#[tokio::test]
async fn writes_of_every_kind_can_be_repeated() {
    let client = Client::start().await;
    seed(&client).await;
    let batch = json!({ "operations": [{ "method": "POST", "path": "/evals/datasets", "body": { "name": "x" } }] });
    for (index, (verb, path, body)) in [
        ("PATCH", TOOL.to_owned(), Some(json!({ "name": "new" }))),
        ("POST", format!("{PROJECT}/batch"), Some(batch)),
        ("POST", format!("{PROJECT}/branches"), Some(json!({ "name": "b" }))),
        ("POST", format!("{TENANT}/project-full"), Some(project("fresh"))),
        ("PUT", format!("{TENANT}/project-full/demo"), Some(project("demo"))),
        ("DELETE", TOOL.to_owned(), None),
        ("DELETE", format!("{TENANT}/projects/fresh"), None),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("kind {index}");
        let first = client.with(verb, &path, &[("idempotency-key", &key)], body.as_ref()).await;
        assert!(first.status.is_success(), "{verb} {path}: {}", first.text);
        let branches = client.branches().await;
        let second = client.with(verb, &path, &[("idempotency-key", &key)], body.as_ref()).await;
        assert_eq!((second.status, &second.text), (first.status, &first.text), "{verb} {path}");
        assert_eq!(client.branches().await, branches, "{verb} {path}");
    }
}
