//! What clients of Socket.IO ask.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

/// A message of a client: its name and its data.
#[derive(Deserialize)]
#[serde(tag = "name", content = "data", rename_all = "snake_case")]
pub(super) enum Call {
    /// To be told what happens in a conversation.
    JoinConversation(Join),
    /// To be told no more of it.
    LeaveConversation(Conversation),
    /// That an answer is not made to its end.
    StopGeneration(Answer),
    /// What somebody decided about something that an agent asked for.
    ApprovalResponse(Approval),
    /// That an agent does something.
    AgentTask(Task),
    /// To be told how the server is, now and from time to time.
    SubscribeEnvironment(IgnoredAny),
    /// To be told no more of it.
    UnsubscribeEnvironment(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Conversation {
    pub(super) conversation_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Join {
    pub(super) conversation_id: String,
    /// The last event that is known.
    pub(super) after: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    pub(super) conversation_id: String,
    pub(super) message_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Approval {
    pub(super) conversation_id: String,
    pub(super) request_id: String,
    pub(super) status: String,
    #[serde(flatten)]
    pub(super) more: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Task {
    pub(super) agent_id: String,
    pub(super) task: String,
}
