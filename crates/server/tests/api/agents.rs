use serde_json::{Value, json};
use understory::{Error, Options, Understory};
use understory_testkit::server::{ADMIN_KEY, TestServer};

use crate::client::{Api, HOME};

async fn create(api: &Api, body: &Value) -> Value {
    api.data("POST", "/api/agents", body, 201).await
}

fn path(agent: &Value) -> String {
    format!("/api/agents/{}", agent["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_new_agent_has_the_defaults_and_an_owner() {
    let api = Api::start().await;
    assert_eq!(api.get("/api/agents").await, json!({ "success": true, "data": [] }));
    let agent =
        create(&api, &json!({ "name": "Coder", "configuration": { "model": "m", "codeStyle": { "indentSize": 4 } } }))
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
    assert_eq!(api.get(&path(&agent)).await["data"], agent);
    let newer = create(&api, &json!({ "name": "Tester" })).await;
    assert_eq!(api.get("/api/agents").await["data"], json!([newer, agent]), "the newest first");
    assert_eq!(api.get("/api/agents?limit=1&page=2").await["data"], json!([agent]));
}

#[tokio::test]
async fn an_agent_is_a_versioned_agent() {
    let api = Api::start().await;
    let named = api.server.write("POST", "/manage/keys", &json!({ "name": "ana" }), 201).await;
    let key = named["data"]["key"].as_str().unwrap();
    let prompt =
        |text: &str| json!({ "configuration": { "llmProvider": "openai", "model": "gpt/x", "systemPrompt": text } });
    let mut body = prompt("Old");
    body["name"] = json!("Coder");
    let agent = create(&api, &body).await;
    let edited = api.call_as(key, "PUT", &path(&agent), Some(&prompt("New")), 200).await;
    assert!(edited.header("x-understory-commit").is_some());
    let edited = &edited.body["data"];
    assert_eq!((&edited["configuration"]["systemPrompt"], &edited["userId"]), (&json!("New"), &json!("system")));
    let full = api.server.get(&format!("{HOME}/agents/{}", agent["id"].as_str().unwrap())).await;
    assert_eq!(full["data"]["prompt"], "New");
    let base = &full["data"]["models"]["base"];
    assert_eq!(base, &json!({ "model": "openai/gpt/x", "providerOptions": { "temperature": 0.7, "maxTokens": 2048 } }));
    let history = api.server.get(&format!("{HOME}/agents/{}/history", agent["id"].as_str().unwrap())).await;
    let authors: Vec<&Value> =
        history["data"].as_array().unwrap().iter().map(|entry| &entry["commit"]["author"]).collect();
    assert_eq!(authors, ["ana", "system"], "{history}");
    // Whoever writes the whole document without them leaves an application's own data alone.
    let document = api.server.get(&format!("{HOME}/agent/{}", agent["id"].as_str().unwrap())).await;
    let mut document = document["data"].clone();
    document.as_object_mut().unwrap().remove("metadata");
    document["prompt"] = json!("Newer");
    api.server.write("PUT", &format!("{HOME}/agent/{}", agent["id"].as_str().unwrap()), &document, 200).await;
    let shown = api.get(&path(&agent)).await["data"].clone();
    assert_eq!(shown["configuration"]["systemPrompt"], "Newer");
    assert_eq!((&shown["capabilities"], &shown["userId"]), (&agent["capabilities"], &agent["userId"]));
}

#[tokio::test]
async fn a_replacement_keeps_what_it_does_not_name() {
    let api = Api::start().await;
    let agent =
        create(&api, &json!({ "name": "Coder", "description": "Writes", "configuration": { "extra": 1 } })).await;
    let body = json!({ "id": "other", "userId": "other", "name": "Tester", "capabilities": [{ "type": "testing" }] });
    let answer = api.call_as(ADMIN_KEY, "PUT", &path(&agent), Some(&body), 200).await;
    let warning = answer.header("warning").unwrap().to_owned();
    assert!(warning.contains("userId") && warning.contains("id"), "{warning}");
    let replaced = &answer.body["data"];
    for kept in ["id", "userId", "description", "configuration", "createdAt"] {
        assert_eq!(replaced[kept], agent[kept], "{kept}");
    }
    assert_eq!(
        (&replaced["name"], &replaced["capabilities"]),
        (&json!("Tester"), &json!([{ "type": "testing", "enabled": true }]))
    );
    let whole = api.data("PUT", &path(&agent), &json!({ "configuration": { "model": "x" } }), 200).await;
    assert_eq!(whole["configuration"]["extra"], Value::Null, "a configuration is replaced as a whole");
    api.refused("GET", "/api/agents/other", None, 404).await;
}

#[tokio::test]
async fn a_status_is_no_commit() {
    let api = Api::start().await;
    let agent = create(&api, &json!({ "name": "Coder" })).await;
    let commits = format!("{HOME}/commits");
    let before = api.server.get(&commits).await;
    let coding = api.data("PUT", &path(&agent), &json!({ "status": "coding" }), 200).await;
    assert_eq!(coding["status"], "coding");
    assert!(coding["lastActivityAt"].as_str().is_some_and(|at| at.ends_with('Z')));
    assert_eq!(api.get("/api/agents").await["data"], json!([coding]));
    assert_eq!(api.server.get(&commits).await, before);
    let wrong = api.refused("PUT", &path(&agent), Some(&json!({ "status": "asleep" })), 400).await;
    assert_eq!(wrong["errors"][0]["pointer"], "/status");
}

#[tokio::test]
async fn a_model_of_the_default_sub_agent_is_the_agents() {
    let api = Api::start().await;
    api.get("/api/agents").await;
    let document = json!({
        "id": "team", "name": "Team", "defaultSubAgentId": "s",
        "subAgents": { "s": { "name": "S", "models": { "base": { "model": "anthropic/a" } } } },
    });
    api.server.write("POST", &format!("{HOME}/agent"), &document, 201).await;
    let shown = api.get("/api/agents/team").await["data"].clone();
    assert_eq!(
        (&shown["configuration"]["model"], &shown["userId"], &shown["capabilities"]),
        (&json!("a"), &Value::Null, &json!([]))
    );
    let body = json!({ "configuration": { "llmProvider": "openai", "model": "b" } });
    assert_eq!(api.data("PUT", "/api/agents/team", &body, 200).await["configuration"]["model"], "b");
    let full = api.server.get(&format!("{HOME}/agent/team")).await;
    assert_eq!(full["data"]["subAgents"]["s"]["models"]["base"]["model"], "openai/b");
}

#[tokio::test]
async fn a_deleted_agent_is_gone() {
    let api = Api::start().await;
    let agent = create(&api, &json!({ "name": "Coder" })).await;
    api.data("PUT", &path(&agent), &json!({ "status": "coding" }), 200).await;
    api.call("DELETE", &path(&agent), None, 200).await;
    for method in ["GET", "PUT", "DELETE"] {
        let body = (method == "PUT").then(|| json!({ "name": "x" }));
        let told = api.refused(method, &path(&agent), body.as_ref(), 404).await;
        assert!(told["message"].as_str().unwrap().contains("Agent not found"), "{told}");
    }
}

#[tokio::test]
async fn what_makes_no_agent_is_refused_where_it_stands() {
    let api = Api::start().await;
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
        let told = api.refused("POST", "/api/agents", Some(&body), 400).await;
        assert_eq!(told["errors"][0]["pointer"], pointer, "{told}");
    }
    api.refused("GET", "/api/agents?limit=0", None, 400).await;
    assert_eq!(api.get("/api/agents").await["data"], json!([]));
}

#[tokio::test]
async fn a_repeat_with_a_key_makes_no_second_agent() {
    let api = Api::start().await;
    let headers = [("x-api-key", ADMIN_KEY), ("idempotency-key", "once")];
    let body = json!({ "name": "Coder" });
    let first = api.server.send_with("POST", "/api/agents", &headers, Some(&body)).await.expect(201, "the first");
    let again = api.server.send_with("POST", "/api/agents", &headers, Some(&body)).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(201, "the repeat"), first);
    assert_eq!(api.get("/api/agents").await["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn agents_are_in_the_tenant_that_is_set() {
    let server = TestServer::start_with(|options| options.home_tenant = "simple".into()).await;
    let made = server.write("POST", "/api/agents", &json!({ "name": "Coder" }), 201).await;
    let id = made["data"]["id"].as_str().unwrap();
    server.get(&format!("/manage/tenants/simple/projects/default/agents/{id}")).await;
    let options = Options { home_tenant: "a b".into(), ..Options::new(server.home().join("other")) };
    assert!(matches!(Understory::open(options).await, Err(Error::BadRequest(_))));
}
