//! A conversation's events as clients of Socket.IO know them.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use understory::model::{now, timestamp_iso};
use understory::{Message, Project, Result, StoredEvent, text_of};

/// Names that the protocol itself uses.
const RESERVED: &[&str] = &["connect", "connect_error", "disconnect"];

/// What is sent: a name and its data.
pub(super) type Sent = (String, Value);

/// One conversation, as one client is told of it.
pub(super) struct Relay {
    project: Project,
    conversation: String,
    /// Answers in the making, by message: what the client was told is the whole text so far.
    making: HashMap<String, Making>,
    /// The agent that was given the conversation as its task.
    tasked: Option<String>,
}

struct Making {
    /// None if the answer had ended before we came to read it: its end is yet to be told, and tells all.
    text: Option<String>,
    metadata: Value,
}

impl Relay {
    pub(super) fn new(project: Project, conversation: String, tasked: Option<String>) -> Self {
        Self { project, conversation, making: HashMap::new(), tasked }
    }

    /// What to send for an event.
    pub(super) async fn sent(&mut self, event: &StoredEvent) -> Result<Vec<Sent>> {
        let data: Map<String, Value> = serde_json::from_str(&event.data).unwrap_or_default();
        let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, message) = (text("type"), text("messageId"));
        let mut sent = match kind.as_str() {
            "message" => self.begun(&message).await?,
            "delta" => self.grown(&message, &text("text"), event.number).await?,
            "done" => self.done(&message).await?,
            _ => vec![passed_on(kind, data)],
        };
        for (_, data) in &mut sent {
            data["conversationId"] = self.conversation.as_str().into();
            data["eventId"] = event.number.into();
            data["timestamp"] = timestamp_iso(&now()).into();
        }
        Ok(sent)
    }

    async fn begun(&mut self, id: &str) -> Result<Vec<Sent>> {
        let message = self.project.message(id).await?;
        if message.role == "agent" {
            let metadata = message.metadata.clone().unwrap_or_default();
            self.making.insert(id.to_owned(), Making { text: Some(String::new()), metadata });
        }
        Ok(vec![("new_message".to_owned(), json!({ "message": shown(&message) }))])
    }

    async fn grown(&mut self, id: &str, piece: &str, event: i64) -> Result<Vec<Sent>> {
        if let Some(making) = self.making.get_mut(id) {
            making.text = making.text.take().map(|text| text + piece);
        } else {
            // We came in the middle of it.
            let text = self.project.answer_until(id, event).await?;
            let metadata = self.project.message(id).await?.metadata.unwrap_or_default();
            self.making.insert(id.to_owned(), Making { text, metadata });
        }
        let making = self.making.get(id).and_then(|making| Some((making.text.as_ref()?, &making.metadata)));
        Ok(making.map(|(text, metadata)| update(id, text, true, metadata)).into_iter().collect())
    }

    async fn done(&mut self, id: &str) -> Result<Vec<Sent>> {
        self.making.remove(id);
        let message = self.project.message(id).await?;
        let text = text_of(&message.content);
        let mut sent = vec![update(id, &text, false, &message.metadata.unwrap_or_default())];
        if message.status == "stopped" {
            sent.push(("generation_stopped".to_owned(), json!({ "messageId": id })));
        }
        if let Some(agent) = &self.tasked {
            let data = json!({ "agentId": agent, "taskId": id, "status": message.status, "result": text });
            sent.push(("agent_task_status".to_owned(), data));
        }
        Ok(sent)
    }
}

fn update(id: &str, text: &str, streaming: bool, metadata: &Value) -> Sent {
    let data = json!({ "messageId": id, "content": text, "streaming": streaming, "metadata": metadata });
    ("message_update".to_owned(), data)
}

/// An event under its own name.
fn passed_on(kind: String, mut data: Map<String, Value>) -> Sent {
    if kind.is_empty() || RESERVED.contains(&kind.as_str()) {
        return ("event".to_owned(), data.into());
    }
    data.remove("type");
    // What an agent does has a type of its own in this protocol.
    if let Some(activity) = data.remove("activity") {
        data.insert("type".to_owned(), activity);
    }
    (kind, data.into())
}

/// What to send for an event of no conversation.
pub(super) fn without_conversation(event: &StoredEvent) -> Sent {
    let data: Map<String, Value> = serde_json::from_str(&event.data).unwrap_or_default();
    let kind = data.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    passed_on(kind, data)
}

fn shown(message: &Message) -> Value {
    json!({
        "id": message.id,
        "conversationId": message.conversation_id,
        "role": message.role,
        "content": text_of(&message.content),
        "status": message.status,
        "metadata": message.metadata,
        "parentMessageId": message.parent_message_id,
        "createdAt": timestamp_iso(&message.created_at),
        "updatedAt": timestamp_iso(&message.updated_at),
    })
}
