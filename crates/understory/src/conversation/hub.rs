//! Events of conversations, from whoever adds them to whoever reads along.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast::{Receiver, Sender, WeakSender, channel};
use tokio::time::sleep;
use understory_runtime::{ProjectKey, RuntimeStore, StoredEvent};

/// Events that a reader may be behind before it goes back to the store.
const KEPT: usize = 256;
/// How often a shared store is asked for events of other processes.
const ASK: Duration = Duration::from_millis(150);
/// Events asked for at once.
const BATCH: u32 = 200;

/// A conversation of a project.
type Name = (ProjectKey, String);

/// The readers in this process. Nothing is kept for a conversation that nobody reads.
#[derive(Clone, Default)]
pub(crate) struct Hub(Arc<Mutex<HashMap<Name, Readers>>>);

/// The readers of one conversation.
struct Readers {
    sender: Sender<StoredEvent>,
    /// Whether somebody looks for events that other processes add.
    watched: bool,
}

impl Hub {
    /// What is added to a conversation from now on.
    pub(crate) fn subscribe(&self, of: &ProjectKey, conversation: &str) -> Receiver<StoredEvent> {
        let name = (of.clone(), conversation.to_owned());
        let mut all = self.all();
        // It grows only where all there is, is read.
        if all.len() == all.capacity() {
            all.retain(|_, readers| readers.sender.receiver_count() > 0);
        }
        let new = || Readers { sender: channel(KEPT).0, watched: false };
        all.entry(name).or_insert_with(new).sender.subscribe()
    }

    /// Has what other processes add after an event told to the readers of a conversation, however many they are, for as
    /// long as there are any.
    pub(crate) fn watch(&self, runtime: &RuntimeStore, of: &ProjectKey, conversation: &str, after: i64) {
        let name = (of.clone(), conversation.to_owned());
        let mut all = self.all();
        let Some(readers) = all.get_mut(&name).filter(|readers| !readers.watched) else { return };
        readers.watched = true;
        let watch = Watch { hub: self.clone(), runtime: runtime.clone(), name, readers: readers.sender.downgrade() };
        tokio::spawn(watch.run(after));
    }

    /// Hands stored events to the readers. It never waits: a reader that is behind goes back to the store.
    pub(crate) fn publish(&self, of: &ProjectKey, conversation: &str, events: &[StoredEvent]) {
        let name = (of.clone(), conversation.to_owned());
        let mut all = self.all();
        let Some(readers) = all.get(&name) else { return };
        let mut heard = true;
        for event in events {
            heard = readers.sender.send(event.clone()).is_ok();
        }
        if !heard {
            all.remove(&name);
        }
    }

    /// Ends what is read of a conversation that is gone.
    pub(crate) fn close(&self, of: &ProjectKey, conversation: &str) {
        self.all().remove(&(of.clone(), conversation.to_owned()));
    }

    /// Ends what is read of a project that is gone.
    pub(crate) fn close_project(&self, of: &ProjectKey) {
        self.all().retain(|(project, _), _| project != of);
    }

    /// Ends what is read of all conversations.
    pub(crate) fn close_all(&self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Name, Readers>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks for events that other processes add to a conversation.
struct Watch {
    hub: Hub,
    runtime: RuntimeStore,
    name: Name,
    readers: WeakSender<StoredEvent>,
}

impl Watch {
    async fn run(self, mut last: i64) {
        let (of, conversation) = &self.name;
        while self.is_wanted() {
            sleep(ASK).await;
            // A store that does not answer now is asked again: its events are numbered, so none is missed.
            let Ok(found) = self.runtime.conversation_get(of, conversation).await else { continue };
            let Some(found) = found else { return self.hub.close(of, conversation) };
            if found.events <= last {
                continue;
            }
            let Ok(events) = self.runtime.events_after(of, conversation, last, BATCH).await else { continue };
            last = events.last().map_or(found.events, |event| event.number);
            let Some(readers) = self.readers.upgrade() else { return };
            for event in events {
                // Those of this process were told already: a reader takes each number once.
                let _ = readers.send(event);
            }
        }
    }

    /// Whether anybody reads; else the conversation is forgotten, so that the next reader is watched for anew.
    fn is_wanted(&self) -> bool {
        let mut all = self.hub.all();
        let Some(readers) = self.readers.upgrade() else { return false };
        if readers.receiver_count() > 0 {
            return true;
        }
        if all.get(&self.name).is_some_and(|present| present.sender.same_channel(&readers)) {
            all.remove(&self.name);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversations_that_nobody_reads_any_more_are_forgotten() {
        let (hub, of) = (Hub::default(), ProjectKey { tenant: "t".into(), project: "p".into() });
        let read = hub.subscribe(&of, "read");
        for number in 0..10_000 {
            hub.subscribe(&of, &number.to_string());
        }
        assert!(hub.all().len() < 10, "{}", hub.all().len());
        let event = StoredEvent { number: 1, data: "{}".into(), is_final: false };
        hub.publish(&of, "read", &[event]);
        assert_eq!(read.len(), 1);
    }
}
