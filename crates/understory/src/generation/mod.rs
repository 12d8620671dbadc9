//! Answers: a model speaks, and what it says becomes numbered, durable events and at last a message.

mod left;
mod prompt;
mod running;
mod writer;

use serde_json::{Value, json};
use understory_llm::{ChatRequest, ModelName};
use understory_manage::CommitHash;
use understory_model::id;
use understory_runtime::{Generation, Message, NewMessage};

use crate::conversation::{MessageRequest, event};
use crate::project::Project;
use crate::{Error, Result};

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
        let wanted = new.answer.unwrap_or(new.role.as_str() == "user");
        let found = self.conversation(conversation).await?;
        let Some(agent) = found.agent_id.clone().filter(|_| wanted) else {
            return Ok(Exchange { message: self.message_add_to(&found, new).await?, answer: None });
        };
        let commit = self.conversation_commit(&found).await?;
        let once = new.once;
        let message = self.message_add_to(&found, new).await?;
        let begun = if once { self.answer_to(&message).await? } else { None };
        let answer = match begun {
            Some(begun) => begun,
            None => self.answer(&message, &agent, &commit).await?,
        };
        Ok(Exchange { message, answer: Some(answer) })
    }

    /// Begins an answer to a message.
    async fn answer(&self, to: &Message, agent: &str, commit: &CommitHash) -> Result<Message> {
        let brief = match self.brief(agent, commit).await {
            Ok(brief) => Ok(brief),
            Err(error @ (Error::Unprocessable(_) | Error::NotFound { .. })) => Err(error.to_string()),
            Err(error) => return Err(error),
        };
        let (generation, message) = self.answer_begin(to, commit, brief.as_ref().ok()).await?;
        let started = match brief {
            Ok(brief) => self.answer_start(&brief, &message).await,
            Err(why) => Err(why),
        };
        match started {
            Ok((provider, request)) => Running::spawn(self, agent, generation, message.clone(), provider, request),
            Err(why) => return self.answer_fail(&generation, message, &why).await,
        }
        Ok(message)
    }

    async fn answer_begin(
        &self,
        to: &Message,
        commit: &CommitHash,
        brief: Option<&Brief>,
    ) -> Result<(Generation, Message)> {
        let metadata = brief.map_or_else(|| json!({ "streaming": true }), |brief| begun_metadata(brief).into());
        let new = NewMessage {
            id: id::made_id(),
            role: "agent".into(),
            from_sub_agent_id: brief.map(|brief| brief.sub_agent.clone()),
            content: json!({ "text": "" }),
            status: "streaming".into(),
            task_id: to.task_id.clone(),
            parent_message_id: Some(to.id.clone()),
            commit_hash: Some(commit.to_string()),
            metadata: Some(metadata),
        };
        let told = event(json!({ "type": "message", "messageId": new.id, "role": new.role, "status": new.status }));
        let of = self.key();
        let begun = self.runtime().generation_begin(&of, &to.conversation_id, new, told).await?;
        let (generation, added) = begun.ok_or_else(|| Error::not_found("Conversation", &to.conversation_id))?;
        self.app().inner.hub.publish(&of, &to.conversation_id, &[added.event]);
        Ok((generation, added.message))
    }

    /// The provider and what it is asked, or why there is none.
    async fn answer_start(
        &self,
        brief: &Brief,
        message: &Message,
    ) -> std::result::Result<(ModelName, ChatRequest), String> {
        let request = self.chat_request(brief, message).await.map_err(|error| error.to_string())?;
        Ok((brief.model.clone(), request))
    }

    async fn answer_fail(&self, generation: &Generation, mut message: Message, why: &str) -> Result<Message> {
        let ended = writer::Ended::failed(why);
        writer::end(self.app(), generation, &message, String::new(), Vec::new(), ended).await?;
        message = self.message(&message.id).await?;
        Ok(message)
    }

    /// Stops an answer that is being made, wherever that is, and keeps what had arrived. One that is not being made stays
    /// as it is.
    pub async fn message_stop(&self, conversation: &str, id: &str) -> Result<Message> {
        let message = self.message_in(conversation, id).await?;
        if message.status != "streaming" {
            return Ok(message);
        }
        let asked = self.runtime().generation_ask_to_stop(&self.key(), id).await?;
        if asked {
            self.app().inner.running.stop(&self.key(), id).await;
        }
        self.message(id).await
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
