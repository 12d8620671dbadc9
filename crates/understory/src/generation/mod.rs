//! Answers: a model speaks, and what it says becomes numbered, durable events and at last a message.

mod arrived;
mod left;
mod making;
mod prompt;
mod running;
mod writer;

use serde_json::{Value, json};
use understory_manage::CommitHash;
use understory_model::id;
use understory_runtime::{Message, NewMessage, RuntimeError};

use crate::conversation::{MessageRequest, event};
use crate::project::Project;
use crate::{Error, Result};

use making::Making;
use prompt::{Brief, begun_metadata};
pub(crate) use running::Running;

/// A message said, and the answer that it gets.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was said.
    pub message: Message,
    /// The agent's message, streaming for as long as it is made; none if nobody is to answer.
    pub answer: Option<Message>,
}

impl Project {
    /// Adds a message, and lets the conversation's agent answer where it is a user's and an answer is not refused.
    ///
    /// The answer is made in the background. What keeps it from being made (no model, a provider that fails) is said by
    /// the answer itself, whose status is `failed` then: what was said before is not lost.
    pub async fn message_say(&self, conversation: &str, new: MessageRequest) -> Result<Exchange> {
        let (project, conversation) = (self.clone(), conversation.to_owned());
        // In a task of its own: a client that hangs up must not leave an answer that nobody makes.
        let said = tokio::spawn(async move { project.say(&conversation, new).await });
        said.await.map_err(Error::internal)?
    }

    async fn say(&self, conversation: &str, new: MessageRequest) -> Result<Exchange> {
        let wanted = new.answer.unwrap_or(new.role.as_str() == "user");
        let found = self.conversation(conversation).await?;
        let Some(agent) = found.agent_id.clone().filter(|_| wanted) else {
            return Ok(Exchange { message: self.message_add_to(&found, new).await?, answer: None });
        };
        let commit = self.conversation_commit(&found).await?;
        let once = new.once;
        let message = self.message_add_to(&found, new).await?;
        let id = if once { id::derived_id(["answer", &message.id]) } else { id::made_id() };
        let answer = self.answer(&message, id, &agent, &commit).await?;
        Ok(Exchange { message, answer: Some(answer) })
    }

    /// Begins an answer to a message, unless one of this id was begun.
    async fn answer(&self, to: &Message, id: String, agent: &str, commit: &CommitHash) -> Result<Message> {
        let brief = match self.brief(agent, commit).await {
            Ok(brief) => Ok(brief),
            Err(error @ (Error::Unprocessable(_) | Error::NotFound { .. })) => Err(error.to_string()),
            Err(error) => return Err(error),
        };
        let new = new_answer(to, id, commit, brief.as_ref().ok());
        let told = event(json!({ "type": "message", "messageId": new.id, "role": new.role, "status": new.status }));
        let (of, id) = (self.key(), new.id.clone());
        // Whoever learns of the answer from here on may stop it.
        let signal = self.app().listen_for_ends(&of, &id);
        let (generation, added) = match self.runtime().generation_begin(&of, &to.conversation_id, new, told).await {
            Err(RuntimeError::Exists { .. }) => return self.message_in(&to.conversation_id, &id).await,
            begun => begun?.ok_or_else(|| Error::not_found("Conversation", &to.conversation_id))?,
        };
        self.app().inner.hub.publish(&of, &to.conversation_id, &[added.event]);
        Making::begin(self.clone(), agent.to_owned(), generation, added.message.clone(), signal, brief);
        Ok(added.message)
    }

    /// Stops an answer that is being made, wherever that is, and keeps what had arrived. One that is not being made stays
    /// as it is.
    pub async fn message_stop(&self, conversation: &str, id: &str) -> Result<Message> {
        let message = self.message_in(conversation, id).await?;
        if message.status != "streaming" {
            return Ok(message);
        }
        if self.runtime().generation_ask_to_stop(&self.key(), id).await? {
            self.app().inner.running.stop(&self.key(), id).await;
        }
        self.message(id).await
    }
}

fn new_answer(to: &Message, id: String, commit: &CommitHash, brief: Option<&Brief>) -> NewMessage {
    let metadata = brief.map_or_else(|| json!({ "streaming": true }), |brief| begun_metadata(brief).into());
    NewMessage {
        id,
        role: "agent".into(),
        from_sub_agent_id: brief.map(|brief| brief.sub_agent.clone()),
        content: json!({ "text": "" }),
        status: "streaming".into(),
        task_id: to.task_id.clone(),
        parent_message_id: Some(to.id.clone()),
        commit_hash: Some(commit.to_string()),
        metadata: Some(metadata),
    }
}

/// The metadata of an answer with what became of it.
fn ended_metadata(begun: Option<&Value>, more: Value) -> Value {
    let mut metadata = begun.and_then(Value::as_object).cloned().unwrap_or_default();
    if let Value::Object(more) = more {
        metadata.extend(more);
    }
    metadata.insert("streaming".into(), false.into());
    metadata.into()
}
