//! Talking with agents as the simple API does: a question, and its answer when it is there.

use serde::Deserialize;
use serde_json::{Value, json};
use understory_model::id::made_uuid;
use understory_model::{now, timestamp_iso};
use understory_runtime::{Conversation, Message, Task, task_status};

use super::AgentState;
use crate::conversation::{ConversationRequest, MessageRequest, Speaker, Subscription, text_of};
use crate::generation::Exchange;
use crate::project::Project;
use crate::{Error, Result};

/// Characters of a question that become its conversation's title.
const TITLE: usize = 60;

/// A question to an agent.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// The agent, where the path does not name it.
    pub agent_id: Option<String>,
    /// The question.
    pub message: String,
    /// The conversation that it belongs to; a new one is begun where none is named.
    pub conversation_id: Option<String>,
    /// What applications keep with the question.
    pub context: Option<Value>,
}

/// Work for an agent.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskRequest {
    /// What is to be done.
    #[serde(alias = "prompt", alias = "message")]
    pub description: String,
    /// What sort of work it is.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The conversation in which it is done; a new one is begun where none is named.
    pub conversation_id: Option<String>,
    /// What applications keep with it.
    pub context: Option<Value>,
}

/// A question and its answer, which has all that it will have.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The conversation.
    pub conversation: String,
    /// The question.
    pub message: Message,
    /// The answer.
    pub answer: Message,
}

impl Project {
    /// Asks an agent, and waits for the answer.
    pub async fn agent_ask(&self, agent: &str, question: Question) -> Result<Answered> {
        let conversation = self.conversation_for(agent, question.conversation_id.as_deref(), &question.message).await?;
        self.ask_in(&conversation, &question.message, question.context, None).await
    }

    /// Gives an agent work, and waits until it is done. The task is kept, and says how it went.
    pub async fn agent_task(&self, agent: &str, request: TaskRequest) -> Result<Value> {
        let conversation = request.conversation_id.as_deref();
        let conversation = self.conversation_for(agent, conversation, &request.description).await?;
        let asked = json!({ "type": request.kind, "description": request.description, "context": request.context });
        let at = now();
        let task = Task {
            id: made_uuid(),
            agent_id: agent.to_owned(),
            sub_agent_id: conversation.active_sub_agent_id.clone(),
            conversation_id: conversation.id.clone(),
            reference: conversation.reference.clone(),
            status: "working".into(),
            metadata: Some(asked),
            created_at: at.clone(),
            updated_at: at,
        };
        self.runtime().task_create(&self.key(), &task).await?;
        let asked = self.ask_in(&conversation, &request.description, request.context, Some(&task.id)).await;
        let answered = match asked {
            Ok(answered) => answered,
            Err(error) => {
                self.runtime().task_end(&self.key(), &task.id, task_status("failed")).await?;
                return Err(error);
            }
        };
        let (status, result) = (task_status(&answered.answer.status), text_of(&answered.answer.content));
        Ok(json!({
            "taskId": task.id,
            "agentId": agent,
            "conversationId": conversation.id,
            "status": status,
            "result": result,
            "error": answered.answer.metadata.as_ref().map(|metadata| metadata["error"].clone()),
            "timestamp": timestamp_iso(&now()),
        }))
    }

    async fn conversation_for(&self, agent: &str, id: Option<&str>, about: &str) -> Result<Conversation> {
        if about.trim().is_empty() {
            return Err(Error::field("/message", "required", "the message says nothing"));
        }
        let Some(id) = id else {
            self.agent_get(agent).await?;
            return self.conversation_begin(agent, Some(about.chars().take(TITLE).collect()), None).await;
        };
        let conversation = self.conversation(id).await?;
        if conversation.agent_id.as_deref() == Some(agent) {
            return Ok(conversation);
        }
        Err(Error::field("/conversationId", "reference", "the conversation is with another agent"))
    }

    /// Begins a conversation of the principal's with an agent.
    pub async fn conversation_begin(
        &self,
        agent: &str,
        title: Option<String>,
        metadata: Option<Value>,
    ) -> Result<Conversation> {
        let request = ConversationRequest {
            id: Some(made_uuid()),
            agent_id: agent.to_owned(),
            user_id: Some(self.principal().id.clone()),
            title,
            metadata,
            ..ConversationRequest::default()
        };
        self.conversation_create(request).await
    }

    async fn ask_in(
        &self,
        conversation: &Conversation,
        text: &str,
        context: Option<Value>,
        task: Option<&str>,
    ) -> Result<Answered> {
        let request = MessageRequest {
            id: Some(made_uuid()),
            task_id: task.map(str::to_owned),
            metadata: context.map(|context| json!({ "context": context })),
            ..MessageRequest::new(Speaker::User, text)
        };
        let events = self.conversation_subscribe(&conversation.id, None).await?;
        let Exchange { message, answer } = self.message_say(&conversation.id, request).await?;
        let answer = answer.ok_or_else(|| Error::Unprocessable("the conversation has no agent to answer".into()))?;
        let answer = self.answer_awaited(events, answer).await?;
        Ok(Answered { conversation: conversation.id.clone(), message, answer })
    }

    /// The answer as it is at its end.
    async fn answer_awaited(&self, mut events: Subscription, answer: Message) -> Result<Message> {
        while let Some(event) = events.next().await? {
            let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
            if event.is_final && data["messageId"] == *answer.id {
                break;
            }
        }
        self.message(&answer.id).await
    }

    /// Notes what an agent is doing. That it could not be noted keeps no answer from being made.
    pub(crate) async fn agent_state_note(&self, agent: &str, state: AgentState) {
        if let Err(error) = self.agent_state_set(agent, state).await {
            tracing::warn!(%error, "what an agent is doing could not be noted");
        }
    }
}
