//! Reading a conversation's events on from any of them.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use understory_runtime::{ProjectKey, StoredEvent};

use crate::app::Understory;
use crate::project::Project;
use crate::{Error, Result};

/// Events read from the store at once.
const BATCH: u32 = 200;
/// How often the store is asked for events of other processes, where there may be any.
const ASK: Duration = Duration::from_millis(150);

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
        let live = self.app().inner.hub.subscribe(&self.key(), id);
        let conversation = self.conversation(id).await?;
        if after.is_some_and(|after| after > conversation.events || after < 0) {
            let detail = format!("the conversation has no event {}", after.unwrap_or_default());
            return Err(Error::field("/after", "range", detail));
        }
        Ok(Subscription {
            app: self.app().clone(),
            of: self.key(),
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
            match self.listen().await {
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

    /// What is told next in this process. Where others may add events, it is time to look for them after a while.
    async fn listen(&mut self) -> std::result::Result<StoredEvent, RecvError> {
        if !self.app.inner.runtime.is_shared() {
            return self.live.recv().await;
        }
        timeout(ASK, self.live.recv()).await.unwrap_or(Err(RecvError::Lagged(0)))
    }

    async fn catch_up(&mut self) -> Result<()> {
        let runtime = &self.app.inner.runtime;
        let events = runtime.events_after(&self.of, &self.conversation, self.last, BATCH).await?;
        self.caught_up = events.len() < BATCH as usize;
        self.waiting.extend(events);
        Ok(())
    }
}
