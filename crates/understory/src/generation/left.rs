//! Answers whose process is gone: what had arrived is all there will be.

use understory_runtime::Generation;

use super::writer::{self, Ended};
use crate::app::Understory;
use crate::{Result, text_of};

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
        let arrived = self.arrived(left, i64::MAX).await?;
        let text = if arrived.is_empty() { text_of(&message.content) } else { arrived };
        writer::end(self, left, &message, text, Vec::new(), Ended::interrupted()).await
    }
}
