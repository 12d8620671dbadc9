//! Bodies that break what our own description says of them are refused where they do, and nothing is written.

use serde_json::{Value, json};

use crate::client::{AGENT, Client, PROJECT, TENANT};
use crate::entities::entities;
use crate::operations::Operation;
use crate::seed::{Seed, agent, project, seed};
use crate::validators::OURS;

/// A body made wrong in one place, and that place.
struct Wrong {
    body: Value,
    pointer: String,
    how: &'static str,
}

/// Every way to break a body by a schema, one at a time.
fn wrongs(schema: &Value, body: &Value) -> Vec<Wrong> {
    let mut found = vec![Wrong { body: json!("text"), pointer: String::new(), how: "type" }];
    break_value(schema, body, "", &mut |pointer, value, how| {
        let mut broken = body.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match (broken.pointer_mut(parent), value) {
            (Some(Value::Object(object)), None) => drop(object.remove(key)),
            (Some(_), Some(value)) => *broken.pointer_mut(pointer).unwrap() = value,
            _ => return,
        }
        found.push(Wrong { body: broken, pointer: pointer.to_owned(), how });
    });
    found
}

type Breaking<'a> = &'a mut dyn FnMut(&str, Option<Value>, &'static str);

fn break_value(schema: &Value, body: &Value, pointer: &str, add: Breaking<'_>) {
    let schema = Operation::resolved(&OURS.document, schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        break_value(part, body, pointer, add);
    }
    // A choice is of a schema and null, all others aside.
    if let Some(choice) = schema["anyOf"].as_array().and_then(|all| all.iter().find(|one| one["type"] != "null")) {
        return break_value(choice, body, pointer, add);
    }
    if !pointer.is_empty() {
        break_scalar(schema, pointer, add);
    }
    // In a collection by id the key is the id, which need not be said again.
    let said = |name: &&str| *name != "id" || pointer.is_empty();
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).filter(said) {
        add(&format!("{pointer}/{name}"), None, "required");
    }
    let properties = schema["properties"].as_object().into_iter().flatten();
    for (name, property) in properties.filter(|(name, _)| body.get(name.as_str()).is_some()) {
        break_value(property, &body[name.as_str()], &format!("{pointer}/{name}"), add);
    }
    if let Some(items) = schema.get("items").filter(|_| body.get(0).is_some()) {
        break_value(items, &body[0], &format!("{pointer}/0"), add);
    }
    if let Some(named) = schema.get("additionalProperties").filter(|named| named.is_object()) {
        let entries = body
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| schema["properties"].get(name.as_str()).is_none());
        for (name, value) in entries {
            break_value(named, value, &format!("{pointer}/{name}"), add);
        }
    }
}

fn break_scalar(schema: &Value, pointer: &str, add: Breaking<'_>) {
    let is = |ty: &str| schema["type"] == ty || schema["type"].as_array().is_some_and(|all| all.contains(&json!(ty)));
    let has_type = schema.get("type").is_some();
    if has_type && !is("boolean") {
        add(pointer, Some(json!(true)), "type");
    }
    if is("boolean") {
        add(pointer, Some(json!("yes")), "type");
    }
    if let Some(max) = schema["maxLength"].as_u64().filter(|max| *max < 100_000) {
        add(pointer, Some(json!("x".repeat(max as usize + 1))), "length");
    }
    if schema["minLength"].as_u64() > Some(0) {
        add(pointer, Some(json!("")), "length");
    }
    if schema["pattern"].is_string() {
        add(pointer, Some(json!("\r\n bad! /id")), "pattern");
    }
    if schema["enum"].is_array() {
        add(pointer, Some(json!("nonsense")), "enum");
    }
    if schema["format"] == "uri" {
        add(pointer, Some(json!("no address")), "format");
    }
    for (bound, step) in [("minimum", -1), ("maximum", 1)] {
        if let Some(bound) = schema[bound].as_i64() {
            add(pointer, Some(json!(bound + step)), "range");
        }
    }
}

/// Sends every broken form of a body; each must be refused where it is broken.
async fn all_refused(client: &Client, verb: &str, path: &str, body: &Value) -> (usize, Vec<String>) {
    let place = client.operation(verb, path).place();
    let schema = OURS.operations[&place].request().expect("it takes a body");
    let (mut tried, mut complaints) = (0, Vec::new());
    // So it is with the id in the path of a PUT.
    let said = |wrong: &Wrong| !(verb == "PUT" && wrong.pointer == "/id" && wrong.how == "required");
    for wrong in wrongs(schema, body).into_iter().filter(said) {
        tried += 1;
        let what = format!("{verb} {path}: {} broken ({})", wrong.pointer, wrong.how);
        let before = client.branches().await;
        let answer = client.server.send(verb, path, Some(&wrong.body)).await;
        if answer.status.as_u16() != 400 {
            complaints.push(format!("{what}: {}", answer.text.chars().take(80).collect::<String>()));
            continue;
        }
        let pointers = crate::problem::problem(&what, &answer, 400);
        let fits = |pointer: &String| {
            let up = |a: &str, b: &str| a == b || a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'));
            up(pointer, &wrong.pointer) || (up(&wrong.pointer, pointer) && !pointer.is_empty())
        };
        if !pointers.iter().any(fits) {
            complaints.push(format!("{what}: pointers {pointers:?}: {}", answer.body["detail"]));
        }
        assert_eq!(client.branches().await, before, "{what}: it left something");
    }
    (tried, complaints)
}

/// Every broken body was refused where it is broken, and there were many.
fn none_taken(all: Vec<(usize, Vec<String>)>) {
    let (tried, complaints): (Vec<usize>, Vec<Vec<String>>) = all.into_iter().unzip();
    let (tried, complaints) = (tried.iter().sum::<usize>(), complaints.concat());
    assert!(complaints.is_empty(), "{}: {complaints:#?}", complaints.len());
    assert!(tried > 300, "{tried}");
    println!("{tried} broken bodies");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_entities() {
    let client = Client::start().await;
    let seed = seed(&client).await;
    let mut all = Vec::new();
    for entity in entities(&seed) {
        let body = client.body("POST", &entity.path, 0, &entity.create);
        all.push(all_refused(&client, "POST", &entity.path, &body).await);
        let Some(update) = &entity.update else { continue };
        let created = client.server.send("POST", &entity.path, Some(&body)).await.body;
        let one = entity.one(created["data"]["id"].as_str().unwrap_or("new-one"));
        let body = client.body("PATCH", &one, 1, update);
        all.push(all_refused(&client, "PATCH", &one, &body).await);
    }
    none_taken(all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_everything_else() {
    let client = Client::start().await;
    let seed = seed(&client).await;
    let mut all = Vec::new();
    for (verb, path, body) in others(&seed) {
        all.push(all_refused(&client, verb, &path, &body).await);
    }
    none_taken(all);
}

fn others(seed: &Seed) -> Vec<(&'static str, String, Value)> {
    let agent_path = |path: &str| format!("{AGENT}/{path}");
    let project_path = |path: &str| format!("{PROJECT}/{path}");
    let component = |key: &str| json!({ "agentId": "a", "subAgentId": "s2", key: "x" });
    let users = agent_path(&format!("triggers/{}/users", seed.trigger));
    let ids = json!({ "evaluatorIds": ["x"] });
    let merge =
        json!({ "sourceBranch": "main", "targetBranch": "main", "sourceHash": "x", "targetHash": "x", "message": "m" });
    let mut full_agent = agent("c");
    full_agent["triggers"] = json!({ "hook": { "name": "hook", "enabled": true } });
    let mut full_project = project("demo");
    full_project["statusUpdates"] = json!(null);
    full_project.as_object_mut().unwrap().remove("statusUpdates");
    vec![
        ("POST", agent_path("sub-agent-artifact-components"), component("artifactComponentId")),
        ("POST", agent_path("sub-agent-data-components"), component("dataComponentId")),
        ("POST", agent_path("sub-agent-function-tools"), json!({ "subAgentId": "s2", "functionToolId": "ft" })),
        (
            "POST",
            agent_path("sub-agent-skills"),
            json!({ "subAgentId": "s2", "skillId": "sk", "index": 0, "alwaysLoaded": true }),
        ),
        ("POST", users.clone(), json!({ "userId": "ana" })),
        ("PUT", users, json!({ "userIds": ["ana"] })),
        ("POST", project_path(&format!("evals/dataset-items/{}/items/bulk", seed.dataset)), json!([{ "input": {} }])),
        ("POST", project_path("evals/evaluators/batch"), ids.clone()),
        ("POST", project_path("evals/evaluators/batch-agent-scopes"), ids),
        ("POST", project_path("branches"), json!({ "name": "b", "fromBranch": "main" })),
        ("POST", project_path("branches/merge/preview"), json!({ "sourceBranch": "main", "targetBranch": "main" })),
        ("POST", project_path("branches/merge"), merge),
        (
            "POST",
            format!("{TENANT}/projects"),
            json!({ "id": "new", "name": "n", "models": { "base": { "model": "m" } } }),
        ),
        ("PATCH", format!("{TENANT}/projects/demo"), json!({ "name": "n", "models": { "base": { "model": "m" } } })),
        ("POST", project_path("agent"), full_agent.clone()),
        ("PUT", project_path("agent/c"), full_agent),
        ("PUT", format!("{TENANT}/project-full/demo"), full_project.clone()),
        ("POST", format!("{TENANT}/project-full"), {
            full_project["id"] = json!("fresh");
            full_project
        }),
    ]
}
