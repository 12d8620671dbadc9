use serde_json::{Value, json};
use understory_testkit::server::TestServer;

use crate::envelope::refused;

const HOME: &str = "/manage/tenants/default/projects/default";

async fn create(server: &TestServer, body: &Value) -> Value {
    let made = server.write("POST", "/api/agents", body, 201).await;
    assert_eq!(made["success"], true);
    made["data"].clone()
}

fn path(agent: &Value) -> String {
    format!("/api/agents/{}", agent["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_new_agent_has_the_defaults_and_an_owner() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/api/agents").await, json!({ "success": true, "data": [] }));
    let agent = create(
        &server,
        &json!({ "name": "Coder", "configuration": { "model": "m", "codeStyle": { "indentSize": 4 } } }),
    )
    .await;
    let id = agent["id"].as_str().unwrap();
    assert_eq!((id.len(), id.as_bytes()[14]), (36, b'4'), "a UUID of version 4");
    let configuration = &agent["configuration"];
    let columns = ["llmProvider", "model", "temperature", "maxTokens"].map(|name| &configuration[name]);
    assert_eq!(columns, [&json!("ollama"), &json!("m"), &json!(0.7), &json!(2048)]);
    assert_eq!(configuration["codeStyle"], json!({ "indentSize": 4, "useSpaces": true, "semicolons": true }));
    assert_eq!(configuration["memory"]["shortTerm"]["maxMessages"], 50);
    assert!(configuration["systemPrompt"].as_str().is_some_and(|prompt| !prompt.is_empty()));
    assert_eq!(agent["capabilities"].as_array().unwrap().len(), 6);
    assert_eq!((&agent["status"], &agent["userId"]), (&json!("idle"), &json!("system")));
    assert_eq!(server.get(&path(&agent)).await["data"], agent);
    let newer = create(&server, &json!({ "name": "Tester" })).await;
    assert_eq!(server.get("/api/agents").await["data"], json!([newer, agent]), "the newest first");
    assert_eq!(server.get("/api/agents?limit=1&page=2").await["data"], json!([agent]));
}

#[tokio::test]
async fn an_agent_is_a_versioned_agent() {
    let server = TestServer::start().await;
    let named = server.write("POST", "/manage/keys", &json!({ "name": "ana" }), 201).await;
    let key = format!("Bearer {}", named["data"]["key"].as_str().unwrap());
    let prompt =
        |text: &str| json!({ "configuration": { "llmProvider": "openai", "model": "gpt/x", "systemPrompt": text } });
    let mut body = prompt("Old");
    body["name"] = json!("Coder");
    let agent = create(&server, &body).await;
    let edited = server.send_with("PUT", &path(&agent), &[("authorization", &key)], Some(&prompt("New"))).await;
    assert!(edited.header("x-understory-commit").is_some());
    let edited = edited.expect(200, "an edit")["data"].clone();
    assert_eq!((&edited["configuration"]["systemPrompt"], &edited["userId"]), (&json!("New"), &json!("system")));
    let full = server.get(&format!("{HOME}/agents/{}", agent["id"].as_str().unwrap())).await;
    assert_eq!(full["data"]["prompt"], "New");
    let base = &full["data"]["models"]["base"];
    assert_eq!(base, &json!({ "model": "openai/gpt/x", "providerOptions": { "temperature": 0.7, "maxTokens": 2048 } }));
    let history = server.get(&format!("{HOME}/agents/{}/history", agent["id"].as_str().unwrap())).await;
    let authors: Vec<&Value> =
        history["data"].as_array().unwrap().iter().map(|entry| &entry["commit"]["author"]).collect();
    assert_eq!(authors, ["ana", "system"], "{history}");
    // Whoever writes the whole document without them leaves an application's own data alone.
    let document = server.get(&format!("{HOME}/agent/{}", agent["id"].as_str().unwrap())).await;
    let mut document = document["data"].clone();
    document.as_object_mut().unwrap().remove("metadata");
    document["prompt"] = json!("Newer");
    server.write("PUT", &format!("{HOME}/agent/{}", agent["id"].as_str().unwrap()), &document, 200).await;
    let shown = server.get(&path(&agent)).await["data"].clone();
    assert_eq!(shown["configuration"]["systemPrompt"], "Newer");
    assert_eq!((&shown["capabilities"], &shown["userId"]), (&agent["capabilities"], &agent["userId"]));
}

#[tokio::test]
async fn a_replacement_keeps_what_it_does_not_name() {
    let server = TestServer::start().await;
    let agent =
        create(&server, &json!({ "name": "Coder", "description": "Writes", "configuration": { "extra": 1 } })).await;
    let body = json!({ "id": "other", "userId": "other", "name": "Tester", "capabilities": [{ "type": "testing" }] });
    let answer = server.send("PUT", &path(&agent), Some(&body)).await;
    let warning = answer.header("warning").unwrap().to_owned();
    assert!(warning.contains("userId") && warning.contains("id"), "{warning}");
    let replaced = answer.expect(200, "a replacement")["data"].clone();
    for kept in ["id", "userId", "description", "configuration", "createdAt"] {
        assert_eq!(replaced[kept], agent[kept], "{kept}");
    }
    assert_eq!(
        (&replaced["name"], &replaced["capabilities"]),
        (&json!("Tester"), &json!([{ "type": "testing", "enabled": true }]))
    );
    let whole = server.write("PUT", &path(&agent), &json!({ "configuration": { "model": "x" } }), 200).await;
    assert_eq!(whole["data"]["configuration"]["extra"], Value::Null, "a configuration is replaced as a whole");
    server.send("GET", "/api/agents/other", None).await.expect(404, "no id changes");
}

#[tokio::test]
async fn a_status_is_no_commit() {
    let server = TestServer::start().await;
    let agent = create(&server, &json!({ "name": "Coder" })).await;
    let commits = format!("{HOME}/commits");
    let before = server.get(&commits).await;
    let coding = server.write("PUT", &path(&agent), &json!({ "status": "coding" }), 200).await;
    assert_eq!(coding["data"]["status"], "coding");
    assert!(coding["data"]["lastActivityAt"].as_str().is_some_and(|at| at.ends_with('Z')));
    assert_eq!(server.get("/api/agents").await["data"], json!([coding["data"]]));
    assert_eq!(server.get(&commits).await, before);
    let wrong = server.send("PUT", &path(&agent), Some(&json!({ "status": "asleep" }))).await;
    assert_eq!(refused(wrong, 400, "PUT", &path(&agent))["errors"][0]["pointer"], "/status");
}

#[tokio::test]
async fn a_model_of_the_default_sub_agent_is_the_agents() {
    let server = TestServer::start().await;
    server.get("/api/agents").await;
    let document = json!({
        "id": "team", "name": "Team", "defaultSubAgentId": "s",
        "subAgents": { "s": { "name": "S", "models": { "base": { "model": "anthropic/a" } } } },
    });
    server.write("POST", &format!("{HOME}/agent"), &document, 201).await;
    let shown = server.get("/api/agents/team").await["data"].clone();
    assert_eq!(
        (&shown["configuration"]["model"], &shown["userId"], &shown["capabilities"]),
        (&json!("a"), &Value::Null, &json!([]))
    );
    let body = json!({ "configuration": { "llmProvider": "openai", "model": "b" } });
    assert_eq!(server.write("PUT", "/api/agents/team", &body, 200).await["data"]["configuration"]["model"], "b");
    let full = server.get(&format!("{HOME}/agent/team")).await;
    assert_eq!(full["data"]["subAgents"]["s"]["models"]["base"]["model"], "openai/b");
}

#[tokio::test]
async fn a_deleted_agent_is_gone() {
    let server = TestServer::start().await;
    let agent = create(&server, &json!({ "name": "Coder" })).await;
    server.write("PUT", &path(&agent), &json!({ "status": "coding" }), 200).await;
    let deleted = server.send("DELETE", &path(&agent), None).await.expect(200, "a deletion");
    assert_eq!(deleted["success"], true);
    for method in ["GET", "PUT", "DELETE"] {
        let body = (method == "PUT").then(|| json!({ "name": "x" }));
        let again = server.send(method, &path(&agent), body.as_ref()).await;
        let told = refused(again, 404, method, &path(&agent));
        assert!(told["message"].as_str().unwrap().contains("Agent not found"), "{told}");
    }
}

#[tokio::test]
async fn what_makes_no_agent_is_refused_where_it_stands() {
    let server = TestServer::start().await;
    for (body, pointer) in [
        (json!({}), "/name"),
        (json!({ "name": "" }), "/name"),
        (json!({ "name": 1 }), "/name"),
        (json!({ "name": "x", "configuration": 1 }), "/configuration"),
        (json!({ "name": "x", "configuration": { "temperature": 9 } }), "/configuration/temperature"),
        (json!({ "name": "x", "configuration": { "maxTokens": -1 } }), "/configuration/maxTokens"),
        (json!({ "name": "x", "configuration": { "llmProvider": "a/b" } }), "/configuration/llmProvider"),
        (
            json!({ "name": "x", "configuration": { "systemPrompt": "x".repeat(200_001) } }),
            "/configuration/systemPrompt",
        ),
        (json!({ "name": "x", "capabilities": [{ "enabled": true }] }), "/capabilities/0/type"),
        (json!({ "name": "x", "capabilities": [{ "type": "x", "confidence": 2 }] }), "/capabilities/0/confidence"),
        (json!({ "name": "x", "status": "asleep" }), "/status"),
    ] {
        let answer = server.send("POST", "/api/agents", Some(&body)).await;
        let told = refused(answer, 400, "POST", "/api/agents");
        assert_eq!(told["errors"][0]["pointer"], pointer, "{told}");
    }
    let list = server.send("GET", "/api/agents?limit=0", None).await;
    assert_eq!(list.status.as_u16(), 400);
    assert_eq!(server.get("/api/agents").await["data"], json!([]));
}

#[tokio::test]
async fn a_repeat_with_a_key_makes_no_second_agent() {
    let server = TestServer::start().await;
    let key = format!("Bearer {}", understory_testkit::server::ADMIN_KEY);
    let headers = [("authorization", key.as_str()), ("idempotency-key", "once")];
    let body = json!({ "name": "Coder" });
    let first = server.send_with("POST", "/api/agents", &headers, Some(&body)).await.expect(201, "the first");
    let again = server.send_with("POST", "/api/agents", &headers, Some(&body)).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(201, "the repeat"), first);
    assert_eq!(server.get("/api/agents").await["data"].as_array().unwrap().len(), 1);
}
