use serde_json::{Value, json};

use crate::client::Api;

async fn agent(api: &Api, model: &str) -> String {
    let body = json!({ "name": "Helper", "configuration": { "llmProvider": "echo", "model": model } });
    api.data("POST", "/api/agents", &body, 201).await["id"].as_str().unwrap().to_owned()
}

async fn begun(api: &Api, agent: &str) -> String {
    let body = json!({ "agentId": agent, "title": "Shoes", "projectId": "p" });
    let made = api.data("POST", "/api/conversations", &body, 201).await;
    assert_eq!(
        (&made["status"], &made["projectId"], &made["userId"]),
        (&json!("active"), &json!("p"), &json!("system"))
    );
    format!("/api/conversations/{}", made["id"].as_str().unwrap())
}

async fn say(api: &Api, path: &str, text: &str) -> Value {
    let body = json!({ "role": "user", "content": text, "ignored": true });
    api.data("POST", &format!("{path}/messages"), &body, 201).await
}

#[tokio::test]
async fn a_question_is_answered_with_the_agent_s_prompt_at_its_commit() {
    let api = Api::start().await;
    let agent = agent(&api, "echo").await;
    let asked = json!({ "message": "What fits me?", "context": { "page": 1 } });
    let answered = api.data("POST", &format!("/api/agents/{agent}/chat"), &asked, 201).await;
    assert_eq!((&answered["response"], &answered["status"]), (&json!("What fits me?"), &json!("complete")));
    let conversation = answered["conversationId"].as_str().unwrap();
    let prompt = json!({ "configuration": { "llmProvider": "echo", "model": "echo", "systemPrompt": "Be strict." } });
    api.data("PUT", &format!("/api/agents/{agent}"), &prompt, 200).await;
    let again = json!({ "agentId": agent, "message": "And now?", "conversationId": conversation });
    let newer = api.data("POST", "/api/agents/chat", &again, 201).await;
    assert_eq!(newer["conversationId"], conversation);
    let prompt = async |answer: &Value| {
        let id = answer["message"]["id"].as_str().unwrap();
        let path = format!("/api/conversations/{conversation}/messages/{id}/configuration");
        api.get(&path).await["data"]["prompt"].as_str().unwrap().to_owned()
    };
    assert_ne!(prompt(&answered).await, "Be strict.");
    assert_eq!(prompt(&newer).await, "Be strict.");
    assert_eq!(api.get(&format!("/api/agents/{agent}")).await["data"]["status"], "idle");
    api.refused("POST", "/api/agents/chat", Some(&json!({ "message": "x" })), 400).await;
    api.refused("POST", &format!("/api/agents/{agent}/chat"), Some(&json!({ "message": " " })), 400).await;
    api.refused("POST", "/api/agents/nobody/chat", Some(&asked), 404).await;
}

#[tokio::test]
async fn a_task_is_done_and_says_how_it_went() {
    let api = Api::start().await;
    let able = agent(&api, "echo").await;
    let asked = json!({ "type": "code", "description": "Mend it" });
    let done = api.data("POST", &format!("/api/agents/{able}/tasks"), &asked, 201).await;
    assert_eq!(
        (&done["status"], &done["result"], &done["agentId"]),
        (&json!("completed"), &json!("Mend it"), &json!(able))
    );
    let unable = agent(&api, "unknown").await;
    let failed = api.data("POST", &format!("/api/agents/{unable}/tasks"), &asked, 201).await;
    assert_eq!(failed["status"], "failed");
    assert!(failed["error"].as_str().unwrap().contains("no model 'unknown'"), "{failed}");
    assert_eq!(api.get(&format!("/api/agents/{unable}")).await["data"]["status"], "error");
    api.refused("POST", &format!("/api/agents/{able}/tasks"), Some(&json!({})), 400).await;
    api.refused("POST", "/api/agents/nobody/tasks", Some(&asked), 404).await;
}

#[tokio::test]
async fn conversations_are_begun_listed_renamed_and_put_aside() {
    let api = Api::start().await;
    let (one, other) = (agent(&api, "echo").await, agent(&api, "echo").await);
    let path = begun(&api, &one).await;
    begun(&api, &other).await;
    let count = async |path: &str| api.get(path).await["data"].as_array().unwrap().len();
    assert_eq!(count("/api/conversations").await, 2);
    assert_eq!(count("/api/conversations?limit=1").await, 1);
    assert_eq!(count(&format!("/api/conversations?agentId={one}")).await, 1);
    assert_eq!(count(&format!("/api/conversations/agent/{one}")).await, 1);
    let changed = api.data("PATCH", &path, &json!({ "title": "Boots" }), 200).await;
    assert_eq!(changed["title"], "Boots");
    api.call("DELETE", &path, None, 200).await;
    assert_eq!(api.get(&path).await["data"]["status"], "archived");
    assert_eq!(count("/api/conversations?status=active").await, 1);
    api.data("PATCH", &path, &json!({ "status": "active" }), 200).await;
    assert_eq!(count("/api/conversations?status=active").await, 2);
    api.refused("POST", "/api/conversations", Some(&json!({ "agentId": "nobody" })), 400).await;
    api.refused("PATCH", &path, Some(&json!({ "status": "gone" })), 400).await;
    api.refused("GET", "/api/conversations/agent/nobody", None, 404).await;
    for verb in ["GET", "PATCH", "DELETE"] {
        let body = json!({});
        api.refused(verb, "/api/conversations/nothing", (verb == "PATCH").then_some(&body), 404).await;
    }
}

#[tokio::test]
async fn messages_are_added_read_stopped_and_rated() {
    let api = Api::start().await;
    let agent = agent(&api, "hold").await;
    let path = begun(&api, &agent).await;
    let said = say(&api, &path, "Tell me a story").await;
    let answer = said["answerId"].as_str().unwrap();
    assert_eq!(api.get(&format!("/api/agents/{agent}")).await["data"]["status"], "thinking");
    api.call("POST", &format!("{path}/messages/{answer}/stop"), Some(&json!({})), 200).await;
    let messages = api.get(&format!("{path}/messages")).await;
    let [question, answered] = [&messages["data"][0], &messages["data"][1]];
    assert_eq!((&question["content"], &question["role"]), (&json!("Tell me a story"), &json!("user")));
    assert_eq!((&answered["status"], &answered["metadata"]["streaming"]), (&json!("stopped"), &json!(false)));
    let rating = format!("{path}/messages/{answer}/feedback");
    for feedback in [json!("negative"), json!("neutral"), json!("positive"), Value::Null] {
        let rated = api.data("PATCH", &rating, &json!({ "feedback": feedback }), 200).await;
        assert_eq!(rated["feedback"], feedback);
        assert_eq!(api.get(&path).await["data"]["messages"][1]["feedback"], feedback);
    }
    api.refused("PATCH", &rating, Some(&json!({ "feedback": "so-so" })), 400).await;
    api.refused("POST", &format!("{path}/messages"), Some(&json!({ "role": "king", "content": "x" })), 400).await;
    api.refused("POST", &format!("{path}/messages/nothing/stop"), Some(&json!({})), 404).await;
    api.refused("GET", &format!("{path}/messages/{}/configuration", said["id"].as_str().unwrap()), None, 404).await;
    api.refused("GET", "/api/conversations/nothing/messages", None, 404).await;
}
