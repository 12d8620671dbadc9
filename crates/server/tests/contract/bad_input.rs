//! Keys that mean nothing, bodies that are none, and bodies that are too large.

use axum::body::Body;
use serde_json::{Value, json};
use understory_testkit::server::ADMIN_KEY;

use crate::client::{AGENT, Client, PROJECT, TENANT};
use crate::entities::entities;
use crate::problem::problem;
use crate::seed::{agent, project, seed};

#[tokio::test]
async fn unknown_keys_are_ignored_and_named() {
    let client = Client::start().await;
    let seed = seed(&client).await;
    let pair = |key: &str, id: &str| json!({ "subAgentId": "s2", key: id });
    let branch = json!({ "sourceBranch": "main", "targetBranch": "main" });
    let mut head = branch.clone();
    head["sourceHash"] = json!(client.head("main").await);
    head["targetHash"] = head["sourceHash"].clone();
    let mut requests: Vec<(&str, String, Value)> = vec![
        ("POST", format!("{PROJECT}/branches/merge/preview"), branch),
        ("POST", format!("{PROJECT}/branches/merge"), head),
        ("POST", format!("{PROJECT}/branches"), json!({ "name": "b" })),
        ("POST", format!("{AGENT}/sub-agent-data-components"), pair("dataComponentId", "dc")),
        ("POST", format!("{AGENT}/sub-agent-skills"), pair("skillId", "sk")),
        ("POST", format!("{AGENT}/triggers/{}/users", seed.trigger), json!({ "userId": "u" })),
        ("PUT", format!("{AGENT}/triggers/{}/users", seed.trigger), json!({ "userIds": ["u"] })),
        ("POST", format!("{PROJECT}/evals/evaluators/batch"), json!({ "evaluatorIds": ["x"] })),
        ("POST", format!("{PROJECT}/evals/evaluators/batch-agent-scopes"), json!({ "evaluatorIds": ["x"] })),
        ("POST", format!("{PROJECT}/agent"), agent("c")),
        ("PUT", format!("{PROJECT}/agent/c"), agent("c")),
        ("PUT", format!("{TENANT}/project-full/demo"), project("demo")),
        ("POST", format!("{TENANT}/project-full"), project("fresh")),
        ("PATCH", format!("{TENANT}/projects/demo"), json!({ "name": "n" })),
        (
            "POST",
            format!("{TENANT}/projects"),
            json!({ "id": "x", "name": "n", "models": { "base": { "model": "m" } } }),
        ),
    ];
    for entity in entities(&seed) {
        let body = client.body("POST", &entity.path, 0, &entity.create);
        requests.push(("POST", entity.path.clone(), body));
    }
    for (verb, path, mut body) in requests {
        body["xUnknown"] = json!(1);
        let answer = client.server.send(verb, &path, Some(&body)).await;
        assert!(answer.status.is_success(), "{verb} {path}: {}", answer.text);
        let warning = answer.header("warning").unwrap_or_else(|| panic!("{verb} {path}: no warning"));
        assert!(warning.starts_with("299 ") && warning.contains("xUnknown"), "{verb} {path}: {warning}");
        assert!(!answer.text.contains("xUnknown"), "{verb} {path}: {}", answer.text);
    }
}

#[tokio::test]
async fn unknown_keys_within_documents_are_named_by_their_place() {
    let client = Client::start().await;
    let mut body = project("demo");
    body["tools"]["t"]["odd"] = json!(1);
    body["agents"]["a"]["subAgents"]["s1"]["odder"] = json!(1);
    let answer = client.server.send("PUT", &format!("{TENANT}/project-full/demo"), Some(&body)).await;
    let warning = answer.header("warning").expect("a warning");
    assert!(warning.contains("/tools/t/odd") && warning.contains("/agents/a/subAgents/s1/odder"), "{warning}");
}

#[tokio::test]
async fn unknown_keys_are_refused_where_none_may_be() {
    let client = Client::start().await;
    seed(&client).await;
    let operation = json!({ "method": "DELETE", "path": "/tools/t" });
    let mut odd = operation.clone();
    odd["odd"] = json!(1);
    let batch = format!("{PROJECT}/batch");
    client.refused("POST", &batch, Some(&json!({ "operations": [odd] })), &[400]).await;
    client.refused("POST", &batch, Some(&json!({ "operations": [operation], "odd": 1 })), &[400]).await;
    let mut document = project("demo");
    document["agents"]["a"]["subAgents"]["s1"]["skills"][0]["odd"] = json!(1);
    client.refused("PUT", &format!("{TENANT}/project-full/demo"), Some(&document), &[400]).await;
    let mut document = project("demo");
    document["agents"]["a"]["statusUpdates"] = json!({ "enabled": true, "odd": 1 });
    let pointers = client.refused("PUT", &format!("{TENANT}/project-full/demo"), Some(&document), &[400]).await;
    assert!(pointers[0].starts_with("/agents/a/statusUpdates"), "{pointers:?}");
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused() {
    let client = Client::start().await;
    seed(&client).await;
    let before = client.branches().await;
    let bearer = format!("Bearer {ADMIN_KEY}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let deep = "[".repeat(10_000);
    let bodies: [&[u8]; 7] =
        [b"{", b"{\"id\": }", b"nonsense", b"{\"id\": \"\xff\xfe\"}", b"{} {}", b"{\"a\": 1e999}", deep.as_bytes()];
    for (verb, path) in [
        ("POST", format!("{PROJECT}/tools")),
        ("PATCH", format!("{PROJECT}/tools/t")),
        ("PUT", format!("{TENANT}/project-full/demo")),
        ("POST", format!("{PROJECT}/batch")),
        ("POST", format!("{PROJECT}/branches")),
    ] {
        for body in bodies {
            let answer = client.server.send_raw(verb, &path, &headers, Body::from(body.to_vec())).await;
            problem(&format!("{verb} {path} {:?}", String::from_utf8_lossy(&body[..body.len().min(40)])), &answer, 400);
        }
        let empty = client.server.send_raw(verb, &path, &headers, Body::empty()).await;
        problem(&format!("{verb} {path} without a body"), &empty, 400);
    }
    assert_eq!(client.branches().await, before);
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused() {
    let client = Client::start().await;
    seed(&client).await;
    let before = client.branches().await;
    let bearer = format!("Bearer {ADMIN_KEY}");
    let text = json!({ "id": "big", "executeCode": "x".repeat(2 * 1024 * 1024) }).to_string();
    let length = text.len().to_string();
    let announced: &[(&str, &str)] = &[("authorization", &bearer), ("content-length", &length)];
    let unannounced: &[(&str, &str)] = &[("authorization", &bearer)];
    let repeated: &[(&str, &str)] = &[("authorization", &bearer), ("idempotency-key", "big")];
    for (verb, path) in [
        ("POST", format!("{PROJECT}/functions")),
        ("PUT", format!("{TENANT}/project-full/demo")),
        ("POST", format!("{PROJECT}/batch")),
        ("POST", format!("{PROJECT}/branches/merge")),
    ] {
        for headers in [announced, unannounced, repeated] {
            let answer = client.server.send_raw(verb, &path, headers, Body::from(text.clone())).await;
            problem(&format!("{verb} {path} {headers:?}"), &answer, 413);
        }
    }
    assert_eq!(client.branches().await, before);
    let most = json!({ "id": "big", "executeCode": "x".repeat(2 * 1024 * 1024 - 100) });
    client.call("POST", &format!("{PROJECT}/functions"), Some(&most)).await;
}

/// A name that only a fault in escaping would let out of its place.
#[tokio::test]
async fn texts_come_back_as_they_were_sent() {
    let client = Client::start().await;
    seed(&client).await;
    let tool = format!("{PROJECT}/tools/t");
    for text in
        ["'; drop table tools; --", "\"quoted\" \\ back", "ünïcode 🦀 \u{202e}", "line\nbreak\ttab", "null", "%s {} $1"]
    {
        client.call("PATCH", &tool, Some(&json!({ "name": text, "description": text }))).await;
        let read = client.get(&tool).await;
        assert_eq!((read["data"]["name"].as_str(), read["data"]["description"].as_str()), (Some(text), Some(text)));
    }
}
