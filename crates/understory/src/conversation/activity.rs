//! What tools and agents that run elsewhere say they do.

use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use understory_model::{now, timestamp_iso};
use understory_runtime::StoredEvent;

use super::{CONVERSATION, event};
use crate::project::Project;
use crate::{Error, Result};

/// Stands for no conversation: ids are not empty.
const NONE: &str = "";

/// What kind of thing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// A tool was called, or ended.
    ToolExecution,
    /// A file changed.
    FileChanged,
    /// Anything else that an agent does.
    AgentActivity,
}

impl Activity {
    /// The type of its events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToolExecution => "tool_execution",
            Self::FileChanged => "file_changed",
            Self::AgentActivity => "agent_activity",
        }
    }
}

impl Project {
    /// Tells that something was done. In a conversation it becomes one of its events. Without one, those who hear of the
    /// project's activity in this process are told, and nothing is kept.
    pub async fn activity_tell(&self, conversation: Option<&str>, what: Activity, details: Value) -> Result<()> {
        let by = &self.principal().name;
        let at = timestamp_iso(&now());
        let told = event(json!({ "type": what.as_str(), "details": details, "by": by, "timestamp": at }));
        let of = self.key();
        let hub = &self.app().inner.hub;
        let Some(conversation) = conversation else {
            hub.publish(&of, NONE, &[StoredEvent { number: 0, data: told.data, is_final: false }]);
            return Ok(());
        };
        let added = self.runtime().events_add(&of, conversation, vec![told]).await?;
        let added = added.ok_or_else(|| Error::not_found(CONVERSATION, conversation))?;
        hub.publish(&of, conversation, &added);
        Ok(())
    }

    /// What is told from now on without a conversation, by this process. Its events have no numbers.
    pub fn activity_subscribe(&self) -> Receiver<StoredEvent> {
        self.app().inner.hub.subscribe(&self.key(), NONE)
    }
}
