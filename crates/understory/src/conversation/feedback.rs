//! What people think of messages.

use serde::Deserialize;
use understory_runtime::{Feedback, FeedbackFilter, NewFeedback};

use super::{clash, new_id};
use crate::project::Project;
use crate::{Error, Result};

const FEEDBACK: &str = "Feedback";

/// Feedback to be stored, as a request says it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedbackRequest {
    /// Its id; one is made if there is none.
    pub id: Option<String>,
    /// The conversation.
    pub conversation_id: String,
    /// The message.
    pub message_id: Option<String>,
    /// What is thought.
    #[serde(rename = "type")]
    pub kind: FeedbackKind,
    /// What is said about it.
    pub details: Option<String>,
}

/// What may be changed of feedback; what is absent stays.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedbackChange {
    /// What is thought.
    #[serde(rename = "type")]
    pub kind: Option<FeedbackKind>,
    /// What is said about it.
    pub details: Option<String>,
}

/// What is thought.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedbackKind {
    /// It is good.
    Positive,
    /// It is not.
    Negative,
    /// Neither.
    Neutral,
}

impl FeedbackKind {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Negative => "negative",
            Self::Neutral => "neutral",
        }
    }
}

impl Project {
    /// Stores feedback on a message or a conversation, which must be there.
    pub async fn feedback_create(&self, new: FeedbackRequest) -> Result<Feedback> {
        let of = self.key();
        if self.runtime().conversation_get(&of, &new.conversation_id).await?.is_none() {
            let detail = format!("there is no conversation '{}'", new.conversation_id);
            return Err(Error::field("/conversationId", "reference", detail));
        }
        if let Some(message) = &new.message_id {
            let found = self.runtime().message_get(&of, message).await?;
            if found.is_none_or(|found| found.conversation_id != new.conversation_id) {
                let detail = format!("there is no message '{message}' in the conversation");
                return Err(Error::field("/messageId", "reference", detail));
            }
        }
        let feedback = NewFeedback {
            id: Some(new_id(new.id)?),
            conversation_id: new.conversation_id,
            message_id: new.message_id,
            kind: new.kind.as_str().to_owned(),
            details: new.details,
        };
        self.runtime().feedback_create(&of, feedback).await.map_err(clash)
    }

    /// One page of the project's feedback, and how much there is in all.
    pub async fn feedback_list(&self, filter: &FeedbackFilter, page: u32, limit: u32) -> Result<(Vec<Feedback>, u64)> {
        Ok(self.runtime().feedback_list(&self.key(), filter, page, limit).await?)
    }

    /// Feedback of the project.
    pub async fn feedback(&self, id: &str) -> Result<Feedback> {
        let found = self.runtime().feedback_get(&self.key(), id).await?;
        found.ok_or_else(|| Error::not_found(FEEDBACK, id))
    }

    /// Changes feedback.
    pub async fn feedback_update(&self, id: &str, change: FeedbackChange) -> Result<Feedback> {
        let found = self.feedback(id).await?;
        let kind = change.kind.map_or(found.kind, |kind| kind.as_str().to_owned());
        let changed = self.runtime().feedback_update(&self.key(), id, &kind, change.details.or(found.details)).await?;
        changed.ok_or_else(|| Error::not_found(FEEDBACK, id))
    }

    /// Removes feedback.
    pub async fn feedback_delete(&self, id: &str) -> Result<()> {
        let removed = self.runtime().feedback_delete(&self.key(), id).await?;
        if removed { Ok(()) } else { Err(Error::not_found(FEEDBACK, id)) }
    }

    /// Makes this the only feedback on a message, or leaves none.
    pub async fn message_rate(&self, conversation: &str, message: &str, kind: Option<FeedbackKind>) -> Result<()> {
        let found = self.message_in(conversation, message).await?;
        let kind = kind.map(|kind| kind.as_str().to_owned());
        Ok(self.runtime().feedback_set(&self.key(), conversation, &found.id, kind).await?)
    }
}
