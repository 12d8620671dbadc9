//! Conversations and feedback.

use serde_json::json;

use crate::client::{Client, PROJECT};

pub(crate) async fn run(client: &Client) {
    let conversations = format!("{PROJECT}/conversations");
    let begun = json!({ "id": "c", "agentId": "a" });
    client.server.write("POST", &conversations, &begun, 201).await;
    let said = json!({ "role": "user", "content": "Hello", "answer": false });
    let said = client.server.write("POST", &format!("{conversations}/c/messages"), &said, 201).await;
    let listed = client.get(&conversations).await;
    assert_eq!(listed["data"]["conversations"][0]["id"], "c");
    for form in ["", "?format=vercel", "?includeInternal=true"] {
        client.get(&format!("{conversations}/c{form}")).await;
    }
    client.get(&format!("{conversations}/c/bounds")).await;

    let feedback = format!("{PROJECT}/feedback");
    let good = json!({ "conversationId": "c", "messageId": said["data"]["id"], "type": "positive" });
    let given = client.call("POST", &feedback, Some(&good)).await;
    let one = format!("{feedback}/{}", given.body["data"]["id"].as_str().unwrap());
    client.call("POST", &format!("{feedback}/bulk"), Some(&json!([good]))).await;
    client.get(&one).await;
    client.call("PATCH", &one, Some(&json!({ "type": "negative" }))).await;
    let span = "startDate=2026-01-01T00:00:00Z&endDate=2999-01-01T00:00:00Z";
    let listed = client.get(&format!("{feedback}?type=negative&agentId=a&{span}")).await;
    assert_eq!(listed["pagination"]["total"], 1);
    assert_eq!(client.get(&format!("{feedback}?agentId=b")).await["pagination"]["total"], 0);
    client.call("DELETE", &one, None).await;
}
