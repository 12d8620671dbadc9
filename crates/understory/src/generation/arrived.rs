//! What had arrived of an answer, as its events tell it.

use serde_json::Value;
use understory_runtime::Generation;

use crate::Result;
use crate::app::Understory;
use crate::project::Project;

/// Events read at once.
const BATCH: u32 = 500;

impl Project {
    /// The text of an answer up to one of the conversation's events; none if the answer is not being made any more, as
    /// the message has all of it then.
    pub async fn answer_until(&self, message: &str, event: i64) -> Result<Option<String>> {
        let making = self.runtime().generation_get(&self.key(), message).await?;
        let Some(making) = making else { return Ok(None) };
        Ok(Some(self.app().arrived(&making, event).await?))
    }
}

impl Understory {
    /// The text of an answer up to one of the conversation's events.
    pub(super) async fn arrived(&self, making: &Generation, until: i64) -> Result<String> {
        let (mut text, mut last) = (String::new(), making.after_event);
        loop {
            let runtime = &self.inner.runtime;
            let events = runtime.events_after(&making.of, &making.conversation_id, last, BATCH).await?;
            for event in events.iter().take_while(|event| event.number <= until) {
                let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
                if data["type"] == "delta" && data["messageId"] == *making.message_id {
                    text.push_str(data["text"].as_str().unwrap_or_default());
                }
            }
            match events.last() {
                Some(end) if end.number < until => last = end.number,
                _ => return Ok(text),
            }
        }
    }
}
