//! Reading a conversation's events on from any of them.

use std::collections::VecDeque;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use understory_runtime::{ProjectKey, StoredEvent};

use crate::app::Understory;
use crate::project::Project;
use crate::{Error, Result};

/// Events read from the store at once.
const BATCH: u32 = 200;

/// The events of a conversation after one of them: each once, in order, without a gap, whichever process adds them.
pub struct Subscription {
    app: Understory,
    of: ProjectKey,
    conversation: String,
    last: i64,
    live: Receiver<StoredEvent>,
    /// Events from the store that were not handed out yet.
    waiting: VecDeque<StoredEvent>,
    /// Whether all that was in the store when we began to listen is here.
    caught_up: bool,
}

impl Project {
    /// Follows a conversation: its events after a number, and those that are yet to come. Without a number only the
    /// latter.
    pub async fn conversation_subscribe(&self, id: &str, after: Option<i64>) -> Result<Subscription> {
        let (hub, of) = (&self.app().inner.hub, self.key());
        let live = hub.subscribe(&of, id);
        let conversation = self.conversation(id).await?;
        if after.is_some_and(|after| after > conversation.events || after < 0) {
            let detail = format!("the conversation has no event {}", after.unwrap_or_default());
            return Err(Error::field("/after", "range", detail));
        }
        if self.runtime().is_shared() {
            hub.watch(self.runtime(), &of, id, conversation.events);
        }
        Ok(Subscription {
            app: self.app().clone(),
            of,
            conversation: id.to_owned(),
            last: after.unwrap_or(conversation.events),
            live,
            waiting: VecDeque::new(),
            caught_up: false,
        })
    }
}

impl Subscription {
    /// The next event, when there is one; none when the conversation is gone.
    pub async fn next(&mut self) -> Result<Option<StoredEvent>> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                self.last = event.number;
                return Ok(Some(event));
            }
            if !self.caught_up {
                self.catch_up().await?;
                continue;
            }
            match self.live.recv().await {
                Ok(event) if event.number == self.last + 1 => self.waiting.push_back(event),
                Ok(event) if event.number <= self.last => {}
                // One before it is stored and will be told later, or was missed: the store has all of them in order.
                Ok(_) | Err(RecvError::Lagged(_)) => self.caught_up = false,
                Err(RecvError::Closed) => return Ok(None),
            }
        }
    }

    /// The number of the last event that was handed out.
    pub fn last(&self) -> i64 {
        self.last
    }

    async fn catch_up(&mut self) -> Result<()> {
        let runtime = &self.app.inner.runtime;
        let events = runtime.events_after(&self.of, &self.conversation, self.last, BATCH).await?;
        self.caught_up = events.len() < BATCH as usize;
        self.waiting.extend(events);
        Ok(())
    }
}
