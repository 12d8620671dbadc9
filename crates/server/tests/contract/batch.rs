//! Several writes as one commit, or none of them.

use serde_json::{Value, json};
use understory_testkit::server::Answered;

use crate::client::{Client, PROJECT, at};
use crate::seed::{agent, seed};

const BATCH: &str = "/manage/tenants/acme/projects/demo/batch";

fn operation(method: &str, path: &str, body: Value) -> Value {
    json!({ "method": method, "path": path, "body": body })
}

fn batch(operations: impl Into<Vec<Value>>) -> Value {
    json!({ "operations": operations.into() })
}

async fn entries(client: &Client, reference: &str) -> Vec<understory::Entry> {
    let principal = understory::Principal::system();
    client
        .server
        .app
        .project(&principal, understory::Permission::View, "acme", "demo")
        .await
        .unwrap()
        .log(reference, 100)
        .await
        .unwrap()
}

#[tokio::test]
async fn many_writes_are_one_commit() {
    let client = Client::start().await;
    seed(&client).await;
    let before = entries(&client, "main").await.len();
    let operations = [
        operation("POST", "/functions", json!({ "id": "g", "executeCode": "x" })),
        operation("POST", "agents/a/function-tools", json!({ "id": "gt", "name": "gt", "functionId": "g" })),
        operation("POST", "/agents/a/sub-agent-function-tools", json!({ "subAgentId": "s2", "functionToolId": "gt" })),
        operation("PATCH", "/manage/tenants/acme/projects/demo/tools/t", json!({ "name": "renamed" })),
        operation("put", "/agent/c", agent("c")),
        json!({ "method": "DELETE", "path": "/data-components/dc" }),
    ];
    let answer = client.server.write("POST", BATCH, &batch(operations), 200).await;
    let data = &answer["data"];
    let statuses: Vec<u64> =
        data["results"].as_array().unwrap().iter().map(|r| r["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 201, 201, 200, 201, 204]);
    assert_eq!(data["results"][3]["body"]["data"]["name"], "renamed");
    assert_eq!((&data["commit"], &data["head"]), (&data["head"], &json!(client.head("main").await)));
    assert_eq!(entries(&client, "main").await.len(), before + 1);
    for (path, there) in [("agents/a/function-tools/gt", true), ("agent/c", true), ("data-components/dc", false)] {
        let status = client.server.send("GET", &format!("{PROJECT}/{path}"), None).await.status.as_u16();
        assert_eq!(status == 200, there, "{path}");
    }
    let document = client.get("/manage/tenants/acme/project-full/demo").await;
    assert_eq!(document["data"]["agents"]["a"]["subAgents"]["s1"]["dataComponents"], json!([]));
}

#[tokio::test]
async fn one_wrong_write_undoes_all() {
    let client = Client::start().await;
    seed(&client).await;
    let good = || operation("PATCH", "/tools/t", json!({ "name": "renamed" }));
    let cases = [
        (operation("POST", "/functions", json!({ "id": "g" })), 400, Some("/operations/1/executeCode")),
        (operation("POST", "/functions", json!({ "id": "f", "executeCode": "x" })), 409, None),
        (operation("DELETE", "/functions/no-such", Value::Null), 404, None),
        (
            operation("POST", "/agents/a/sub-agent-tool-relations", json!({ "subAgentId": "s1", "toolId": "t" })),
            422,
            None,
        ),
        (
            operation("POST", "/agents/a/function-tools", json!({ "id": "x", "name": "x", "functionId": "no-such" })),
            400,
            Some("/operations"),
        ),
        (operation("GET", "/tools/t", Value::Null), 400, Some("/operations/1/path")),
        (operation("POST", "/nowhere", json!({})), 400, Some("/operations/1/path")),
        (operation("TRACE", "/tools/t", Value::Null), 400, Some("/operations/1/path")),
        (operation("POST", "/batch", batch([])), 400, Some("/operations/1/path")),
        (operation("POST", "/branches", json!({ "name": "b" })), 400, Some("/operations/1/path")),
        (operation("POST", "/manage/tenants/other/projects/demo/tools", json!({})), 400, Some("/operations/1/path")),
        (operation("PATCH", "/../demo/tools/t", json!({})), 400, Some("/operations/1/path")),
        (
            operation("POST", "/evals/evaluators/batch", json!({ "evaluatorIds": ["x"] })),
            400,
            Some("/operations/1/path"),
        ),
    ];
    for (wrong, status, pointer) in cases {
        let pointers = client.refused("POST", BATCH, Some(&batch([good(), wrong.clone()])), &[status]).await;
        if let Some(pointer) = pointer {
            assert_eq!(pointers, [pointer], "{wrong}");
        }
    }
    client.refused("POST", BATCH, Some(&batch([])), &[400]).await;
    let many: Vec<Value> = (0..1_001).map(|_| good()).collect();
    client.refused("POST", BATCH, Some(&batch(many)), &[400]).await;
    assert_eq!(client.get(&format!("{PROJECT}/tools/t")).await["data"]["name"], "t");
}

#[tokio::test]
async fn the_author_is_kept_beside_who_handed_it_in() {
    let client = Client::start().await;
    seed(&client).await;
    let mut body = batch([operation("PATCH", "/tools/t", json!({ "name": "one" }))]);
    body["message"] = json!("For Ana");
    body["author"] = json!({ "name": "Ana", "email": "ana@example.com" });
    client.server.write("POST", BATCH, &body, 200).await;
    let log = entries(&client, "main").await;
    assert_eq!((log[0].author.as_str(), log[0].email.as_str()), ("Ana", "ana@example.com"));
    assert_eq!((log[0].committer.as_deref(), log[0].message.as_str()), (Some("system"), "For Ana"));

    let secret = client.server.app.keys().key_create("ben").await.unwrap().secret.reveal().to_owned();
    let bearer = format!("Bearer {secret}");
    let as_ben = async |path: &str, body: &Value| -> Answered {
        client.server.send_with("POST", path, &[("authorization", &bearer)], Some(body)).await
    };
    crate::problem::problem("an author with a named key", &as_ben(BATCH, &body).await, 403);
    let head = client.head("main").await;
    let merge = json!({ "sourceBranch": "main", "targetBranch": "main", "sourceHash": head, "targetHash": head, "author": body["author"] });
    crate::problem::problem("a merge too", &as_ben(&format!("{PROJECT}/branches/merge"), &merge).await, 403);
    let plain = batch([operation("PATCH", "/tools/t", json!({ "name": "two" }))]);
    assert_eq!(as_ben(BATCH, &plain).await.status.as_u16(), 200);
    let log = entries(&client, "main").await;
    assert_eq!((log[0].author.as_str(), log[0].committer.as_deref()), ("ben", None));
}

#[tokio::test]
async fn a_batch_goes_to_a_branch_and_keeps_to_preconditions() {
    let client = Client::start().await;
    seed(&client).await;
    let main = client.head("main").await;
    client.call("POST", &format!("{PROJECT}/branches"), Some(&json!({ "name": "work" }))).await;
    let body = batch([operation("PATCH", "/tools/t", json!({ "name": "there" }))]);
    client.server.write("POST", &at(BATCH, "work"), &body, 200).await;
    assert_eq!(client.head("main").await, main);
    assert_eq!(client.get(&at(&format!("{PROJECT}/tools/t"), "work")).await["data"]["name"], "there");
    let nothing = client.server.write("POST", &at(BATCH, "work"), &body, 200).await;
    assert_eq!(nothing["data"]["commit"], Value::Null, "what changes nothing makes no commit");
    let bearer = format!("Bearer {}", understory_testkit::server::ADMIN_KEY);
    let headers = [("authorization", bearer.as_str()), ("if-match", main.as_str())];
    let stale = client.server.send_with("POST", &at(BATCH, "work"), &headers, Some(&body)).await;
    crate::problem::problem("a moved head", &stale, 412);
}
