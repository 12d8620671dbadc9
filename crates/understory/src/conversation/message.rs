//! Messages: added, read in both directions, searched, and led back to the configuration that produced them.

use serde::Deserialize;
use serde_json::{Value, json};
use understory_model::id;
use understory_runtime::{Around, Conversation, Message, NewEvent, NewMessage, RuntimeError};

use super::{AgentAt, clash, new_id, normal_content, text_of};
use crate::project::Project;
use crate::{Error, Result};

const MESSAGE: &str = "Message";
/// Messages read at once by what goes through many of them.
const BATCH: u32 = 500;
/// How many times that a search goes on in one request.
const SEARCHED: usize = 40;

/// A message to be added, as a request says it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MessageRequest {
    /// Its id; one is made if there is none.
    pub id: Option<String>,
    /// Who says it.
    pub role: Speaker,
    /// What is said: a text, a list of parts, or an object of both.
    pub content: Value,
    /// The task that it belongs to.
    pub task_id: Option<String>,
    /// The message that it answers.
    pub parent_message_id: Option<String>,
    /// What applications keep with it.
    pub metadata: Option<Value>,
    /// Whether the agent answers; yes where it is a user's and nothing is said.
    pub answer: Option<bool>,
    /// Whether the id stands for the request: a message that has it was added by the same request, sent before.
    #[serde(skip)]
    pub once: bool,
}

impl MessageRequest {
    /// A text, and nothing else said of it.
    pub fn new(role: Speaker, text: impl Into<String>) -> Self {
        Self {
            id: None,
            role,
            content: Value::String(text.into()),
            task_id: None,
            parent_message_id: None,
            metadata: None,
            answer: None,
            once: false,
        }
    }

    /// Makes the request one that is carried out once: by whom, in which conversation and with which key tells whether
    /// it is the same. An id that the request names stays.
    #[must_use]
    pub fn once(mut self, principal: &str, conversation: &str, key: &str) -> Self {
        if self.id.is_none() {
            self.id = Some(id::derived_id([principal, conversation, key]));
            self.once = true;
        }
        self
    }
}

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// A person.
    #[serde(alias = "human", alias = "person")]
    User,
    /// The agent.
    #[serde(alias = "assistant")]
    Agent,
    /// The platform.
    System,
}

impl Speaker {
    /// The role as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Agent => "agent",
            Self::System => "system",
        }
    }
}

/// Which messages of a conversation are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessagesWanted {
    /// The last ones.
    Last,
    /// Those before a position.
    Before(i64),
    /// Those after a position.
    After(i64),
}

/// Some messages of a conversation, in order.
#[derive(Clone, Debug)]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<Message>,
    /// Whether there are earlier ones.
    pub has_before: bool,
    /// Whether there are later ones.
    pub has_after: bool,
}

impl Project {
    /// Adds a message. Of one that an agent says the commit of its configuration is kept.
    pub async fn message_add(&self, conversation: &str, new: MessageRequest) -> Result<Message> {
        let found = self.conversation(conversation).await?;
        self.message_add_to(&found, new).await
    }

    pub(crate) async fn message_add_to(&self, conversation: &Conversation, new: MessageRequest) -> Result<Message> {
        let once = new.once;
        let message = self.new_message(conversation, new).await?;
        let id = message.id.clone();
        let event = event(json!({ "type": "message", "messageId": message.id, "role": message.role }));
        let of = self.key();
        let added = match self.runtime().message_add(&of, &conversation.id, message, event).await {
            Err(RuntimeError::Exists { .. }) if once => return self.message_in(&conversation.id, &id).await,
            added => added.map_err(clash)?,
        };
        let added = added.ok_or_else(|| Error::not_found(super::CONVERSATION, &conversation.id))?;
        self.app().inner.hub.publish(&of, &conversation.id, &[added.event]);
        Ok(added.message)
    }

    async fn new_message(&self, conversation: &Conversation, new: MessageRequest) -> Result<NewMessage> {
        if new.metadata.as_ref().is_some_and(|metadata| !metadata.is_object()) {
            return Err(Error::field("/metadata", "type", "metadata is an object"));
        }
        let id = new_id(new.id)?;
        if let Some(parent) = &new.parent_message_id {
            let found = self.runtime().message_get(&self.key(), parent).await?;
            if found.is_none_or(|found| found.conversation_id != conversation.id) {
                let detail = format!("there is no message '{parent}' in the conversation");
                return Err(Error::field("/parentMessageId", "reference", detail));
            }
        }
        let by_agent = new.role == Speaker::Agent;
        let commit = if by_agent { Some(self.conversation_commit(conversation).await?) } else { None };
        Ok(NewMessage {
            id,
            role: new.role.as_str().to_owned(),
            from_sub_agent_id: by_agent.then(|| conversation.active_sub_agent_id.clone()),
            content: normal_content(new.content)?,
            status: "complete".into(),
            task_id: new.task_id,
            parent_message_id: new.parent_message_id,
            commit_hash: commit.map(|commit| commit.to_string()),
            metadata: new.metadata,
        })
    }

    /// A message of the project.
    pub async fn message(&self, id: &str) -> Result<Message> {
        let found = self.runtime().message_get(&self.key(), id).await?;
        found.ok_or_else(|| Error::not_found(MESSAGE, id))
    }

    /// A message of a conversation of the project.
    pub async fn message_in(&self, conversation: &str, id: &str) -> Result<Message> {
        let message = self.message(id).await?;
        if message.conversation_id == conversation { Ok(message) } else { Err(Error::not_found(MESSAGE, id)) }
    }

    /// At most `limit` messages of a conversation, in order.
    pub async fn messages(&self, conversation: &str, wanted: MessagesWanted, limit: u32) -> Result<MessagePage> {
        let around = match wanted {
            MessagesWanted::Last => Around::Before(i64::MAX),
            MessagesWanted::Before(position) => Around::Before(position),
            MessagesWanted::After(position) => Around::After(position),
        };
        let found = self.conversation(conversation).await?;
        let mut messages = self.runtime().message_page(&self.key(), conversation, around, limit).await?;
        if matches!(around, Around::Before(_)) {
            messages.reverse();
        }
        let first = messages.first().map_or(i64::MAX, |message| message.position);
        let last = messages.last().map_or(i64::MAX, |message| message.position);
        Ok(MessagePage { messages, has_before: first > 1 && first < i64::MAX, has_after: last < found.messages })
    }

    /// All messages of a conversation, in order.
    pub async fn messages_all(&self, conversation: &str) -> Result<Vec<Message>> {
        let (of, mut all, mut last) = (self.key(), Vec::new(), 0);
        loop {
            let page = self.runtime().message_page(&of, conversation, Around::After(last), BATCH).await?;
            let Some(end) = page.last() else { return Ok(all) };
            last = end.position;
            all.extend(page);
        }
    }

    /// The full document of the conversation's agent at the commit that produced a message: for ever, whatever became of
    /// the branch.
    pub async fn message_configuration(&self, id: &str) -> Result<AgentAt> {
        let message = self.message(id).await?;
        // What a person says is produced by no configuration.
        let commit = message.commit_hash.ok_or_else(|| Error::not_found("Configuration", id))?;
        let agent = self.conversation(&message.conversation_id).await?.agent_id;
        let agent = agent.ok_or_else(|| Error::not_found("Configuration", id))?;
        self.agent_at(&agent, &commit).await
    }

    /// At most `limit` messages that hold all the words, in whatever case, after one of them; and where the search goes on,
    /// if it did not come to the end: a request looks at so many messages only.
    pub async fn message_search(
        &self,
        query: &str,
        after: &str,
        limit: usize,
    ) -> Result<(Vec<Message>, Option<String>)> {
        let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        if words.is_empty() {
            return Err(Error::field("/q", "required", "q is required: words to look for"));
        }
        let ascii = words.iter().filter(|word| word.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let sieve = ascii.max_by_key(|word| word.len()).cloned().unwrap_or_default();
        let holds = |message: &Message| {
            let text = text_of(&message.content).to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let (of, mut found, mut last) = (self.key(), Vec::new(), after.to_owned());
        for _ in 0..SEARCHED {
            let page = self.runtime().message_search(&of, &sieve, &last, BATCH).await?;
            if page.is_empty() {
                return Ok((found, None));
            }
            for message in page {
                last.clone_from(&message.id);
                if holds(&message) {
                    found.push(message);
                }
                if found.len() == limit {
                    return Ok((found, Some(last)));
                }
            }
        }
        Ok((found, Some(last)))
    }

    /// A conversation for people to read: who said what, in order, as Markdown.
    pub async fn conversation_markdown(&self, id: &str) -> Result<String> {
        let conversation = self.conversation(id).await?;
        let mut text = format!("# {}\n", conversation.title.as_deref().unwrap_or(id));
        for message in self.messages_all(id).await? {
            let at = understory_model::timestamp_iso(&message.created_at);
            text.push_str(&format!("\n## {} · {at}\n", message.role));
            if let Some(commit) = &message.commit_hash {
                text.push_str(&format!("\nConfiguration: `{commit}`\n"));
            }
            text.push_str(&format!("\n{}\n", text_of(&message.content)));
        }
        Ok(text)
    }
}

/// An event with this data, which says itself of what type it is.
pub(crate) fn event(data: Value) -> NewEvent {
    NewEvent { is_final: data["type"] == "done", data: data.to_string() }
}
