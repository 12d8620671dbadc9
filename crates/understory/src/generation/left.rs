//! Answers whose process is gone: what had arrived is all there will be.

use serde_json::Value;
use understory_runtime::Generation;

use super::writer::{self, Ended};
use crate::app::Understory;
use crate::{Result, text_of};

/// Events read at once.
const BATCH: u32 = 500;

impl Understory {
    /// Ends the answers that processes which are gone left in the making; how many.
    pub(crate) async fn settle_answers(&self) -> Result<usize> {
        let mut settled = 0;
        for left in self.inner.runtime.generations_left().await? {
            if self.inner.runtime.generation_take_over(&left).await? {
                settled += usize::from(self.settle_answer(&left).await?);
            }
        }
        Ok(settled)
    }

    /// Ends an answer of this run as interrupted, with what its events and its message have of it.
    pub(crate) async fn settle_answer(&self, left: &Generation) -> Result<bool> {
        let Some(message) = self.inner.runtime.message_get(&left.of, &left.message_id).await? else {
            return Ok(false);
        };
        let arrived = self.arrived(left).await?;
        let text = if arrived.is_empty() { text_of(&message.content) } else { arrived };
        writer::end(self, left, &message, text, Vec::new(), Ended::interrupted()).await
    }

    /// The text of an answer as its events tell it.
    async fn arrived(&self, left: &Generation) -> Result<String> {
        let (mut text, mut last) = (String::new(), left.after_event);
        loop {
            let events = self.inner.runtime.events_after(&left.of, &left.conversation_id, last, BATCH).await?;
            let Some(end) = events.last() else { return Ok(text) };
            last = end.number;
            for event in &events {
                let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
                if data["type"] == "delta" && data["messageId"] == *left.message_id {
                    text.push_str(data["text"].as_str().unwrap_or_default());
                }
            }
        }
    }
}
