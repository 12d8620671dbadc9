//! Answers over restarts, and requests sent again.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::{Value, json};
use understory::{
    ConversationRequest, Exchange, MessageRequest, MessagesWanted, Options, Permission, Principal, Project, Understory,
    WriteOptions,
};

async fn open(home: &tempfile::TempDir) -> Understory {
    Understory::open(Options::new(home.path())).await.unwrap()
}

async fn shop(app: &Understory, model: &str) -> Project {
    let support = json!({
        "id": "support", "name": "Support", "defaultSubAgentId": "router",
        "subAgents": { "router": { "id": "router", "name": "Router", "canUse": [] } },
    });
    let models = json!({ "base": { "model": model } });
    let body = json!({ "id": "shop", "name": "Shop", "models": models, "agents": { "support": support }, "tools": {} });
    let written = app.project_create(&Principal::system(), "acme", body, WriteOptions::default()).await.unwrap();
    let project = written.value;
    let agent = app.project(&Principal::system(), Permission::Edit, "acme", "shop").await.unwrap();
    agent.full_put(&full(model), &WriteOptions::default()).await.unwrap();
    let conversation = ConversationRequest { id: Some("c".into()), agent_id: "support".into(), ..Default::default() };
    project.conversation_create(conversation).await.unwrap();
    project
}

fn full(model: &str) -> Value {
    let router = json!({ "id": "router", "name": "Router", "canUse": [] });
    let support = json!({
        "id": "support", "name": "Support", "defaultSubAgentId": "router", "subAgents": { "router": router },
    });
    let models = json!({ "base": { "model": model } });
    json!({ "id": "shop", "name": "Shop", "models": models, "agents": { "support": support }, "tools": {} })
}

fn said(text: &str) -> MessageRequest {
    serde_json::from_value(json!({ "role": "user", "content": text })).unwrap()
}

async fn again(app: &Understory) -> Project {
    app.project(&Principal::system(), Permission::Edit, "acme", "shop").await.unwrap()
}

#[tokio::test]
async fn an_answer_cut_off_by_the_end_of_the_process_is_interrupted_at_the_next_start() {
    let home = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let app = open(&home).await;
    let project = shop(&app, "echo/hold").await;
    let mut events = project.conversation_subscribe("c", Some(0)).await.unwrap();
    let Exchange { answer, .. } = project.message_say("c", said("one two three")).await.unwrap();
    let mut text = String::new();
    while text != "one two three" {
        let event = events.next().await.unwrap().unwrap();
        let data: Value = serde_json::from_str(&event.data).unwrap();
        text.push_str(data["text"].as_str().unwrap_or_default());
    }
    // What a crash leaves: the files as they are now.
    app.backup(&copy.path().join("backup")).await.unwrap();
    let left = Understory::open(Options::new(copy.path().join("backup"))).await.unwrap();
    let answer = answer.unwrap();
    let message = again(&left).await.message(&answer.id).await.unwrap();
    assert_eq!((message.status.as_str(), &message.content), ("interrupted", &json!({ "text": "one two three" })));
    assert_eq!(message.metadata.unwrap()["streaming"], false);
    // An end in order is told in the same way.
    app.leave().await;
    let message = project.message(&answer.id).await.unwrap();
    assert_eq!((message.status.as_str(), &message.content), ("interrupted", &json!({ "text": "one two three" })));
}

#[tokio::test]
async fn a_request_that_was_cut_off_is_completed_and_not_done_twice() {
    let home = tempfile::tempdir().unwrap();
    let app = open(&home).await;
    let project = shop(&app, "echo/echo").await;
    let request = || said("Hello").once("ana", "c", "key");
    // The process ended after the message and before its answer.
    let cut_off = MessageRequest { answer: Some(false), ..request() };
    let first = project.message_say("c", cut_off).await.unwrap();
    let second = project.message_say("c", request()).await.unwrap();
    let third = project.message_say("c", request()).await.unwrap();
    assert_eq!(
        (&first.message.id, second.answer.as_ref().map(|answer| &answer.id)),
        (&second.message.id, third.answer.as_ref().map(|answer| &answer.id))
    );
    let other = project.message_say("c", said("Hello").once("ana", "c", "other")).await.unwrap();
    assert_ne!(other.message.id, first.message.id);
    assert_eq!(project.messages("c", MessagesWanted::Last, 9).await.unwrap().messages.len(), 4);
}
