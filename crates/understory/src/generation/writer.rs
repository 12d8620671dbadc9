//! Writing down what a model says: pieces in batches, the end in one transaction.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use understory_runtime::{Ending, Generation, Message, NewEvent};

use super::ended_metadata;
use crate::Result;
use crate::app::Understory;
use crate::conversation::event;

/// How long a piece may wait for others to be stored with. The first one of an answer does not wait.
const PATIENCE: Duration = Duration::from_millis(40);
/// How much text is stored without waiting for more, in bytes.
const ENOUGH: usize = 4 * 1024;

/// What of an answer has arrived.
pub(super) struct Writer {
    app: Understory,
    generation: Generation,
    text: String,
    /// How much of the text is stored.
    stored: usize,
    others: Vec<Value>,
    tool_calls: Vec<Value>,
    due: Option<Instant>,
}

impl Writer {
    pub(super) fn new(app: Understory, generation: Generation) -> Self {
        let (text, others) = (String::new(), Vec::new());
        Self { app, generation, text, stored: 0, others, tool_calls: Vec::new(), due: None }
    }

    pub(super) fn text(&mut self, piece: &str) {
        let wait = if self.stored == 0 || self.text.len() - self.stored > ENOUGH { Duration::ZERO } else { PATIENCE };
        self.text.push_str(piece);
        let due = Instant::now() + wait;
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
    }

    pub(super) fn tool_calls(&mut self, calls: Value) {
        self.others.push(json!({ "type": "tool_calls", "messageId": self.message(), "toolCalls": calls }));
        self.tool_calls.push(calls);
        self.due = Some(Instant::now());
    }

    /// When what has arrived is to be stored; none if all of it is.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Lets what has arrived wait a while longer.
    pub(super) fn put_off(&mut self, time: Duration) {
        self.due = Some(Instant::now() + time);
    }

    /// Stores what has arrived and tells the readers; `false` if the conversation is gone.
    pub(super) async fn flush(&mut self) -> Result<bool> {
        let events = self.unstored();
        let Generation { of, conversation_id, .. } = &self.generation;
        if !events.is_empty() {
            let added = self.app.inner.runtime.events_add(of, conversation_id, events).await?;
            let Some(added) = added else { return Ok(false) };
            self.app.inner.hub.publish(of, conversation_id, &added);
        }
        self.stored = self.text.len();
        self.others.clear();
        self.due = None;
        Ok(true)
    }

    /// Ends the answer; `false` if it was not this run's to end any more.
    pub(super) async fn end(&self, message: &Message, mut ended: Ended) -> Result<bool> {
        if !self.tool_calls.is_empty() {
            ended.more["toolCalls"] = self.tool_calls.clone().into();
        }
        end(&self.app, &self.generation, message, self.text.clone(), self.unstored(), ended).await
    }

    fn unstored(&self) -> Vec<NewEvent> {
        let delta = &self.text[self.stored..];
        let delta = (!delta.is_empty()).then(|| json!({ "type": "delta", "messageId": self.message(), "text": delta }));
        delta.into_iter().chain(self.others.iter().cloned()).map(event).collect()
    }

    fn message(&self) -> &str {
        &self.generation.message_id
    }
}

/// How an answer ended.
pub(super) struct Ended {
    pub(super) status: &'static str,
    /// What the message's metadata tells of it.
    pub(super) more: Value,
}

impl Ended {
    pub(super) fn failed(why: &str) -> Self {
        Self { status: "failed", more: json!({ "completed": false, "error": why }) }
    }

    pub(super) fn interrupted() -> Self {
        Self { status: "interrupted", more: json!({ "completed": false, "interrupted": true }) }
    }
}

/// Gives a message its text and its end, and tells the readers; `false` if it was not this run's to end any more.
pub(super) async fn end(
    app: &Understory,
    generation: &Generation,
    message: &Message,
    text: String,
    mut events: Vec<NewEvent>,
    ended: Ended,
) -> Result<bool> {
    let mut told = json!({ "type": "done", "messageId": generation.message_id, "status": ended.status });
    if let (Some(told), Some(more)) = (told.as_object_mut(), ended.more.as_object()) {
        told.extend(more.clone());
    }
    events.push(event(told));
    let ending = Ending {
        content: json!({ "text": text }),
        status: ended.status.to_owned(),
        metadata: Some(ended_metadata(message.metadata.as_ref(), ended.more)),
        events,
    };
    let added = app.inner.runtime.generation_end(generation, ending).await?;
    if let Some(added) = &added {
        app.inner.hub.publish(&generation.of, &generation.conversation_id, added);
    }
    Ok(added.is_some())
}
