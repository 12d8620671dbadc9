//! Conversations with agents of a project, and which configuration answers in them.

mod activity;
mod content;
mod event;
mod feedback;
mod hub;
mod message;
mod subscription;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use understory_manage::{CommitHash, RefKind, ResolvedRef};
use understory_model::{id, now};
use understory_runtime::{
    AuditEntry, Conversation, ConversationFilter, NewConversation, ProjectKey, RuntimeError, Start,
};

use crate::project::Project;
use crate::{Action, Call, Error, Result};

pub(crate) use content::normal as normal_content;
pub use content::text_of;
pub use feedback::{FeedbackChange, FeedbackKind, FeedbackRequest};
pub(crate) use hub::Hub;
pub(crate) use message::event;
pub use message::{MessagePage, MessageRequest, MessagesWanted, Speaker};
pub use subscription::Subscription;

const CONVERSATION: &str = "Conversation";

/// A conversation to be begun, as a request says it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConversationRequest {
    /// Its id; one is made if there is none.
    pub id: Option<String>,
    /// The agent that answers.
    pub agent_id: String,
    /// Whose it is.
    pub user_id: Option<String>,
    /// What people call it.
    pub title: Option<String>,
    /// The branch to follow, or a tag or commit to be pinned to; the project's main if none.
    #[serde(default, rename = "ref")]
    pub reference: String,
    /// What applications keep with it.
    pub metadata: Option<Value>,
    /// What is known of the user.
    pub user_properties: Option<Value>,
    /// What is known of the conversation.
    pub properties: Option<Value>,
}

/// What may be changed of a conversation; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConversationChange {
    /// What people call it.
    pub title: Option<String>,
    /// What applications keep with it.
    pub metadata: Option<Value>,
    /// Whether it is put aside.
    pub status: Option<ConversationStatus>,
}

/// Whether a conversation is put aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConversationStatus {
    /// It is open.
    Active,
    /// It is put aside: still readable, and left out of lists that ask for open ones.
    Archived,
}

/// What is gone of the configuration that a conversation follows. The conversation stays readable, and so is the
/// configuration of every answer in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversationGone {
    /// The branch, tag or commit.
    pub reference: bool,
    /// The agent, at the head of what it follows.
    pub agent: bool,
}

/// An agent's full document at a commit.
#[derive(Clone, Debug)]
pub struct AgentAt {
    /// The commit.
    pub commit: CommitHash,
    /// The document.
    pub document: Value,
}

impl Project {
    /// Begins a conversation with an agent.
    pub async fn conversation_create(&self, new: ConversationRequest) -> Result<Conversation> {
        let id = new_id(new.id)?;
        let resolved = self.resolve(&new.reference).await?;
        let agent = self.agent_at(&new.agent_id, resolved.hash.as_str()).await;
        let agent = agent.map_err(|error| absent_agent(error, &new.agent_id))?;
        let conversation = NewConversation {
            id,
            active_sub_agent_id: agent.document["defaultSubAgentId"].as_str().unwrap_or_default().to_owned(),
            agent_id: Some(new.agent_id),
            user_id: new.user_id,
            title: new.title,
            reference: Some(json!(resolved)),
            metadata: new.metadata,
            user_properties: new.user_properties,
            properties: new.properties,
        };
        self.runtime().conversation_create(&self.key(), conversation).await.map_err(clash)
    }

    /// A conversation of the project.
    pub async fn conversation(&self, id: &str) -> Result<Conversation> {
        let found = self.runtime().conversation_get(&self.key(), id).await?;
        found.ok_or_else(|| Error::not_found(CONVERSATION, id))
    }

    /// At most `limit` conversations, those last touched first, and how many there are in all.
    pub async fn conversations(
        &self,
        filter: &ConversationFilter,
        start: &Start,
        limit: u32,
    ) -> Result<(Vec<Conversation>, u64)> {
        let of = self.key();
        let total = self.runtime().conversation_count(&of, filter).await?;
        Ok((self.runtime().conversation_page(&of, filter, start, limit).await?, total))
    }

    /// Changes a conversation's title or metadata, or puts it aside or back.
    pub async fn conversation_update(&self, id: &str, change: ConversationChange) -> Result<Conversation> {
        let (who, subject) = (self.principal().name.clone(), id.to_owned());
        let edit = move |conversation: &mut Conversation| {
            conversation.title = change.title.clone().or_else(|| conversation.title.take());
            conversation.metadata = change.metadata.clone().or_else(|| conversation.metadata.take());
            let archived = change.status.map(|status| status == ConversationStatus::Archived);
            let archived = archived.filter(|archived| *archived != conversation.archived_at.is_some())?;
            conversation.archived_at = archived.then(now);
            let action = if archived { "archive" } else { "unarchive" };
            Some(AuditEntry::new(&who, action, "conversation", &subject, None))
        };
        let changed = self.runtime().conversation_update(&self.key(), id, edit).await?;
        changed.ok_or_else(|| Error::not_found(CONVERSATION, id))
    }

    /// Says anew which configuration answers: a branch is followed from now on; to a tag or a commit the conversation is
    /// pinned. What it was before stays on record.
    pub async fn conversation_pin(&self, id: &str, reference: &str) -> Result<Conversation> {
        let conversation = self.conversation(id).await?;
        let resolved = self.resolve(reference).await?;
        if let Some(agent) = &conversation.agent_id {
            self.agent_at(agent, resolved.hash.as_str()).await.map_err(|error| absent_agent(error, agent))?;
        }
        let (who, subject, reference) = (self.principal().name.clone(), id.to_owned(), json!(resolved));
        let edit = move |conversation: &mut Conversation| {
            let details = json!({ "from": conversation.reference, "to": reference });
            conversation.reference = Some(reference.clone());
            Some(AuditEntry::new(&who, "pin", "conversation", &subject, Some(details)))
        };
        let changed = self.runtime().conversation_update(&self.key(), id, edit).await?;
        changed.ok_or_else(|| Error::not_found(CONVERSATION, id))
    }

    /// What is on record of a conversation, the newest first.
    pub async fn conversation_record(&self, id: &str, limit: u32) -> Result<Vec<AuditEntry>> {
        self.conversation(id).await?;
        Ok(self.runtime().audit_list(&self.key(), id, limit).await?)
    }

    /// Deletes a conversation with all that was said in it; an answer in the making ends.
    pub async fn conversation_delete(&self, id: &str) -> Result<()> {
        if !self.runtime().conversation_delete(&self.key(), id).await? {
            return Err(Error::not_found(CONVERSATION, id));
        }
        self.app().inner.hub.close(&self.key(), id);
        Ok(())
    }

    /// The commit whose configuration answers in a conversation now.
    pub async fn conversation_commit(&self, conversation: &Conversation) -> Result<CommitHash> {
        let reference = conversation.reference.as_ref();
        let text = |name: &str| reference.and_then(|reference| reference[name].as_str()).unwrap_or_default();
        let followed = if text("type") == "branch" { text("name") } else { text("hash") };
        match self.resolve(followed).await {
            Ok(ResolvedRef { kind: RefKind::Branch | RefKind::Tag | RefKind::Commit, hash, .. }) => Ok(hash),
            Err(Error::NotFound { .. }) => {
                let detail = format!("{followed}, which the conversation follows, is gone; pin it to another ref");
                Err(Error::Unprocessable(detail))
            }
            Err(error) => Err(error),
        }
    }

    /// What of the configuration that a conversation follows is gone; nothing of it if an answer could be made.
    pub async fn conversation_gone(&self, conversation: &Conversation) -> Result<ConversationGone> {
        let commit = match self.conversation_commit(conversation).await {
            Ok(commit) => commit,
            Err(Error::Unprocessable(_)) => return Ok(ConversationGone { reference: true, agent: false }),
            Err(error) => return Err(error),
        };
        let view = self.view(commit.as_str()).await?;
        let scope = self.scope();
        let there = |agent: &String| scope.agent(view.snapshot.as_ref(), agent).is_some();
        Ok(ConversationGone { reference: false, agent: !conversation.agent_id.as_ref().is_none_or(there) })
    }

    /// An agent's full document at a ref.
    pub async fn agent_at(&self, agent: &str, reference: &str) -> Result<AgentAt> {
        let mut call = Call::default();
        for (name, value) in [("tenantId", &*self.id().tenant), ("projectId", &*self.id().id), ("agentId", agent)] {
            call.params.insert(name.to_owned(), value.to_owned());
        }
        let (mut answer, resolved) = self.read(&Action::AgentGet, reference, &call).await?;
        Ok(AgentAt { commit: resolved.hash, document: answer.body["data"].take() })
    }

    pub(crate) fn key(&self) -> ProjectKey {
        ProjectKey { tenant: self.id().tenant.clone(), project: self.id().id.clone() }
    }

    pub(crate) fn runtime(&self) -> &understory_runtime::RuntimeStore {
        &self.app().inner.runtime
    }
}

/// An agent that a body names and that is not there is a fault of the body.
fn absent_agent(error: Error, agent: &str) -> Error {
    match error {
        Error::NotFound { .. } => Error::field("/agentId", "reference", format!("there is no agent '{agent}'")),
        error => error,
    }
}

/// The id that a body gives, or one made.
fn new_id(given: Option<String>) -> Result<String> {
    let id = given.unwrap_or_else(id::made_id);
    let wrong = || Error::field("/id", "pattern", "id has letters, digits, '-', '_' and '.' only");
    if id::is_resource_id(&id, 256) { Ok(id) } else { Err(wrong()) }
}

fn clash(error: RuntimeError) -> Error {
    match error {
        RuntimeError::Exists { what } => Error::Conflict(format!("{what} exists already")),
        error => error.into(),
    }
}
