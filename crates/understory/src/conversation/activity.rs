//! What tools and agents that run elsewhere say they do.

use serde_json::{Map, Value};
use tokio::sync::broadcast::Receiver;
use understory_model::{now, timestamp_iso};
use understory_runtime::StoredEvent;

use crate::Result;
use crate::project::Project;

/// Stands for no conversation: ids are not empty.
const NONE: &str = "";

impl Project {
    /// Tells that something of a kind was done, and by whom. In a conversation it becomes one of its events. Without one,
    /// those who hear of the project's activity in this process are told, and nothing is kept.
    pub async fn activity_tell(
        &self,
        conversation: Option<&str>,
        kind: &str,
        mut data: Map<String, Value>,
    ) -> Result<()> {
        data.insert("by".into(), self.principal().name.as_str().into());
        data.insert("timestamp".into(), timestamp_iso(&now()).into());
        if let Some(conversation) = conversation {
            return self.conversation_event_add(conversation, kind, data).await.map(drop);
        }
        data.insert("type".into(), kind.into());
        let told = StoredEvent { number: 0, data: Value::Object(data).to_string(), is_final: false };
        self.app().inner.hub.publish(&self.key(), NONE, &[told]);
        Ok(())
    }

    /// What is told from now on without a conversation, by this process. Its events have no numbers.
    pub fn activity_subscribe(&self) -> Receiver<StoredEvent> {
        self.app().inner.hub.subscribe(&self.key(), NONE)
    }
}
