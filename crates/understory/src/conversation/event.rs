//! Events that others than answers add to a conversation.

use serde_json::{Map, Value};
use understory_runtime::{NewEvent, StoredEvent};

use super::CONVERSATION;
use crate::project::Project;
use crate::{Error, Result};

/// Types that only the platform's own events have.
const RESERVED: &[&str] = &["message", "delta", "tool_calls", "done", "said"];
/// The longest name of a type.
const NAME: usize = 64;

impl Project {
    /// Stores an event of a conversation, and tells it to all who follow it: its type and what else it says.
    pub async fn conversation_event_add(
        &self,
        id: &str,
        kind: &str,
        mut data: Map<String, Value>,
    ) -> Result<StoredEvent> {
        let is_name = kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if kind.is_empty() || kind.len() > NAME || !is_name || RESERVED.contains(&kind) {
            let detail = "type is a name of small letters and '_' that no event of the platform has";
            return Err(Error::field("/type", "pattern", detail));
        }
        data.insert("type".to_owned(), kind.into());
        let new = NewEvent { is_final: false, data: Value::Object(data).to_string() };
        let of = self.key();
        let added = self.runtime().events_add(&of, id, vec![new]).await?;
        let event = added.and_then(|added| added.into_iter().next());
        let event = event.ok_or_else(|| Error::not_found(CONVERSATION, id))?;
        self.app().inner.hub.publish(&of, id, std::slice::from_ref(&event));
        Ok(event)
    }
}
