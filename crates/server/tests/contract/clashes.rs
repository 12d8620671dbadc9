//! References to nothing, duplicates, and ids that are none.

use serde_json::{Value, json};

use crate::client::{AGENT, Client, PROJECT, TENANT};
use crate::entities::entities;
use crate::seed::{agent, project, seed};

/// Keys of bodies that name another row, or several.
const REFERENCES: [&str; 18] = [
    "functionId",
    "signingSecretCredentialReferenceId",
    "credentialReferenceId",
    "agentIds",
    "evaluatorIds",
    "suiteConfigIds",
    "subAgentId",
    "toolId",
    "externalAgentId",
    "targetAgentId",
    "sourceSubAgentId",
    "targetSubAgentId",
    "datasetId",
    "dataComponentId",
    "artifactComponentId",
    "functionToolId",
    "skillId",
    "agentId",
];

/// A credential's tool is a note, not a reference: credentials may be there before the tools that use them.
fn is_reference(path: &str, key: &str) -> bool {
    REFERENCES.contains(&key) && !(path.ends_with("/credentials") && key == "toolId")
}

#[tokio::test]
async fn references_to_nothing_are_refused_where_they_are() {
    let client = Client::start().await;
    let seed = seed(&client).await;
    let pair = |key: &str, id: &str| json!({ "subAgentId": "s2", key: id });
    let mut bodies: Vec<(String, Value)> = entities(&seed)
        .iter()
        .map(|entity| (entity.path.clone(), client.body("POST", &entity.path, 0, &entity.create)))
        .collect();
    bodies.push((format!("{AGENT}/sub-agent-data-components"), pair("dataComponentId", "dc")));
    bodies.push((format!("{AGENT}/sub-agent-artifact-components"), pair("artifactComponentId", "ac")));
    bodies.push((format!("{AGENT}/sub-agent-function-tools"), pair("functionToolId", "ft")));
    bodies.push((format!("{AGENT}/sub-agent-skills"), pair("skillId", "sk")));
    let mut tried = 0;
    for (path, body) in bodies {
        let keys = body.as_object().unwrap().keys().filter(|key| is_reference(&path, key));
        for key in keys {
            let many = body[key].is_array();
            let mut broken = body.clone();
            broken[key] = if many { json!(["no-such"]) } else { json!("no-such") };
            let pointers = client.refused("POST", &path, Some(&broken), &[400]).await;
            let place = if many { format!("/{key}/0") } else { format!("/{key}") };
            assert_eq!(pointers, [place], "{path}");
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

#[tokio::test]
async fn references_in_documents_are_refused_where_they_are() {
    let client = Client::start().await;
    seed(&client).await;
    let path = format!("{TENANT}/project-full/demo");
    let first = "/agents/a/subAgents/s1";
    for (place, value) in [
        ("/agents/a/defaultSubAgentId".to_owned(), json!("no-such")),
        ("/agents/a/functionTools/ft/functionId".to_owned(), json!("no-such")),
        (format!("{first}/canUse/0/toolId"), json!("no-such")),
        (format!("{first}/canTransferTo/0"), json!("no-such")),
        (format!("{first}/canDelegateTo/0/externalAgentId"), json!("no-such")),
        (format!("{first}/canDelegateTo/1/agentId"), json!("no-such")),
        (format!("{first}/dataComponents/0"), json!("no-such")),
        (format!("{first}/artifactComponents/0"), json!("no-such")),
        (format!("{first}/skills/0/id"), json!("no-such")),
        ("/tools/t/credentialReferenceId".to_owned(), json!("no-such")),
        ("/externalAgents/ext/credentialReferenceId".to_owned(), json!("no-such")),
    ] {
        let mut body = project("demo");
        let (parent, key) = place.rsplit_once('/').unwrap();
        match body.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
            parent => parent[key] = value,
        }
        let pointers = client.refused("PUT", &path, Some(&body), &[400]).await;
        assert_eq!(pointers, [place]);
    }
}

#[tokio::test]
async fn duplicates_are_refused() {
    let client = Client::start().await;
    let seed = seed(&client).await;
    for entity in entities(&seed) {
        let made = !entity.given && !entity.path.ends_with("relations") && !entity.path.contains("/skills");
        if made {
            continue;
        }
        let body = client.body("POST", &entity.path, 0, &entity.create);
        client.call("POST", &entity.path, Some(&body)).await;
        let status = if entity.path.ends_with("relations") { 422 } else { 409 };
        client.refused("POST", &entity.path, Some(&body), &[status]).await;
    }
    let pair = |key: &str, id: &str| json!({ "subAgentId": "s1", key: id });
    for (path, body) in [
        ("sub-agent-data-components", pair("dataComponentId", "dc")),
        ("sub-agent-artifact-components", pair("artifactComponentId", "ac")),
        ("sub-agent-function-tools", pair("functionToolId", "ft")),
        ("sub-agent-skills", pair("skillId", "sk")),
    ] {
        client.refused("POST", &format!("{AGENT}/{path}"), Some(&body), &[409]).await;
    }
    let member = format!("{PROJECT}/evals/datasets/{}/agents/a", seed.dataset);
    client.call("POST", &member, None).await;
    client.refused("POST", &member, None, &[409]).await;
    let own = json!({ "id": "demo", "name": "n", "models": { "base": { "model": "m" } } });
    client.refused("POST", &format!("{TENANT}/projects"), Some(&own), &[409]).await;
    client.refused("POST", &format!("{TENANT}/project-full"), Some(&project("demo")), &[409]).await;
    client.refused("POST", &format!("{PROJECT}/agent"), Some(&agent("a")), &[409]).await;
    client.refused("POST", &format!("{PROJECT}/branches"), Some(&json!({ "name": "main" })), &[409]).await;
}

#[tokio::test]
async fn malformed_ids_are_refused() {
    let client = Client::start().await;
    seed(&client).await;
    let long = "x".repeat(256);
    for id in ["", " ", "new", "a b", "a/b", "ü", "a\u{0}b", long.as_str()] {
        let tool = json!({ "id": id, "executeCode": "x" });
        let pointers = client.refused("POST", &format!("{PROJECT}/functions"), Some(&tool), &[400]).await;
        assert!(pointers.contains(&"/id".to_owned()), "{id:?}: {pointers:?}");
        let mut document = project("demo");
        document["tools"][id] = document["tools"]["t"].clone();
        document["tools"][id]["id"] = json!(id);
        client.refused("PUT", &format!("{TENANT}/project-full/demo"), Some(&document), &[400]).await;
    }
    let spaced = json!({ "id": "  spaced ", "executeCode": "x" });
    let created = client.server.write("POST", &format!("{PROJECT}/functions"), &spaced, 201).await;
    assert_eq!(created["data"]["id"], "spaced");

    for id in ["", "A", "a_b", "-a", "a-", "a b", "new ", &long] {
        let own = json!({ "id": id, "name": "n", "models": { "base": { "model": "m" } } });
        let pointers = client.refused("POST", &format!("{TENANT}/projects"), Some(&own), &[400]).await;
        assert_eq!(pointers, ["/id"], "{id:?}");
    }
    let own = json!({ "id": "x", "name": "n", "models": { "base": { "model": "m" } } });
    let long = "t".repeat(257);
    for tenant in ["a%20b", "a%2Fb", "%C3%BC", long.as_str()] {
        client.refused("POST", &format!("/manage/tenants/{tenant}/projects"), Some(&own), &[400]).await;
    }
    for name in ["", "a b", "ü", "a..b\u{7}", &"b".repeat(256)] {
        let pointers =
            client.refused("POST", &format!("{PROJECT}/branches"), Some(&json!({ "name": name })), &[400]).await;
        assert_eq!(pointers, ["/name"], "{name:?}");
    }
}

#[tokio::test]
async fn odd_paths_find_nothing() {
    let client = Client::start().await;
    seed(&client).await;
    let long = "x".repeat(5_000);
    for id in ["..", "%2e%2e", "%2F", "a%00b", "%20", "T", "t%20", long.as_str(), "'%20or%20''='"] {
        client.refused("GET", &format!("{PROJECT}/tools/{id}"), None, &[404]).await;
        client.refused("DELETE", &format!("{PROJECT}/tools/{id}"), None, &[404]).await;
        client.refused("GET", &format!("{TENANT}/project-full/{id}"), None, &[404]).await;
    }
    client.refused("GET", &format!("{PROJECT}/tools/%ff"), None, &[400]).await;
}
