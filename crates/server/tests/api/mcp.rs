use serde_json::{Value, json};

use crate::client::Api;

/// A conversation with an agent.
async fn conversation(api: &Api) -> String {
    let agent = api.data("POST", "/api/agents", &json!({ "name": "Coder" }), 201).await;
    let body = json!({ "agentId": agent["id"], "title": "Work" });
    let made = api.server.write("POST", "/api/conversations", &body, 201).await;
    made["data"]["id"].as_str().unwrap().to_owned()
}

fn with(said: &Value, more: &[(&str, &str)]) -> Value {
    let mut said = said.clone();
    for (name, value) in more {
        said[*name] = json!(value);
    }
    said
}

/// An event without the time that it must have.
fn without_stamp(event: &str) -> Value {
    let mut event: Value = serde_json::from_str(event).unwrap();
    let stamp = event.as_object_mut().unwrap().remove("timestamp");
    assert!(stamp.is_some_and(|stamp| stamp.is_string()));
    event
}

#[tokio::test]
async fn reports_become_events_of_their_conversation() {
    let api = Api::start().await;
    let id = conversation(&api).await;
    let home = api.server.app.home(&understory::Principal::system(), understory::Permission::Edit).await.unwrap();
    let mut read = home.conversation_subscribe(&id, Some(0)).await.unwrap();
    for (what, kind, body, said) in [
        (
            "tool-execution",
            "tool_execution",
            json!({ "tool": "grep", "parameters": { "for": "x" }, "status": "started" }),
            json!({ "tool": "grep", "parameters": { "for": "x" }, "status": "started" }),
        ),
        (
            "file-change",
            "file_changed",
            json!({ "path": "src/a.rs", "action": "modified", "content": "x" }),
            json!({ "path": "src/a.rs", "action": "modified", "content": "x" }),
        ),
        (
            "agent-activity",
            "agent_activity",
            json!({ "type": "plan", "description": "Think", "status": "done" }),
            json!({ "activity": "plan", "description": "Think", "status": "done" }),
        ),
    ] {
        let mut body = body;
        body["conversationId"] = json!(id);
        let answer = api.call("POST", &format!("/api/mcp/{what}"), Some(&body), 201).await;
        assert_eq!(answer, json!({ "success": true }));
        let event = read.next().await.unwrap().unwrap();
        assert_eq!(without_stamp(&event.data), with(&said, &[("type", kind), ("by", "system")]));
    }
    let mut again = home.conversation_subscribe(&id, Some(2)).await.unwrap();
    assert_eq!(again.next().await.unwrap().unwrap().number, 3, "they are kept");
}

#[tokio::test]
async fn reports_of_no_conversation_are_told_in_the_project() {
    let api = Api::start().await;
    let mut heard = api
        .server
        .app
        .home(&understory::Principal::system(), understory::Permission::Edit)
        .await
        .unwrap()
        .activity_subscribe();
    let body = json!({ "path": "src/a.rs", "action": "created" });
    api.call("POST", "/api/mcp/file-change", Some(&body), 201).await;
    let told = heard.recv().await.unwrap();
    assert_eq!(without_stamp(&told.data), with(&body, &[("type", "file_changed"), ("by", "system")]));
}

#[tokio::test]
async fn what_is_no_report_is_refused_where_it_stands() {
    let api = Api::start().await;
    for (what, body, pointer) in [
        ("tool-execution", json!({ "status": "started" }), "/tool"),
        ("tool-execution", json!({ "tool": "x", "status": "begun" }), "/status"),
        ("file-change", json!({ "path": "x" }), "/action"),
        ("file-change", json!({ "path": 1, "action": "x" }), "/path"),
        ("agent-activity", json!({}), "/type"),
        ("agent-activity", json!({ "type": "x", "conversationId": 1 }), "/conversationId"),
    ] {
        let told = api.refused("POST", &format!("/api/mcp/{what}"), Some(&body), 400).await;
        assert_eq!(told["errors"][0]["pointer"], pointer, "{told}");
    }
    let lost = json!({ "type": "x", "conversationId": "nothing" });
    api.refused("POST", "/api/mcp/agent-activity", Some(&lost), 404).await;
    let path = "/api/mcp/file-change";
    api.call_as("", "POST", path, Some(&json!({ "path": "x", "action": "x" })), 401).await;
}
