//! Events of conversations, from whoever adds them to whoever reads along.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::{Receiver, Sender, channel};
use understory_runtime::{ProjectKey, StoredEvent};

/// Events that a reader may be behind before it goes back to the store.
const KEPT: usize = 256;

/// A conversation of a project.
type Name = (ProjectKey, String);

/// The readers in this process. What is kept is bounded by how many conversations are read at once.
#[derive(Default)]
pub(crate) struct Hub(Mutex<HashMap<Name, Sender<StoredEvent>>>);

impl Hub {
    /// What is added to a conversation from now on.
    pub(crate) fn subscribe(&self, of: &ProjectKey, conversation: &str) -> Receiver<StoredEvent> {
        let name = (of.clone(), conversation.to_owned());
        let mut all = self.all();
        // It grows only where all there is, is read.
        if all.len() == all.capacity() {
            all.retain(|_, readers| readers.receiver_count() > 0);
        }
        all.entry(name).or_insert_with(|| channel(KEPT).0).subscribe()
    }

    /// Hands stored events to the readers. It never waits: a reader that is behind goes back to the store.
    pub(crate) fn publish(&self, of: &ProjectKey, conversation: &str, events: &[StoredEvent]) {
        let name = (of.clone(), conversation.to_owned());
        let mut all = self.all();
        let Some(readers) = all.get(&name) else { return };
        let mut heard = true;
        for event in events {
            heard = readers.send(event.clone()).is_ok();
        }
        if !heard {
            all.remove(&name);
        }
    }

    /// Ends what is read of a conversation that is gone.
    pub(crate) fn close(&self, of: &ProjectKey, conversation: &str) {
        self.all().remove(&(of.clone(), conversation.to_owned()));
    }

    /// Ends what is read of all conversations.
    pub(crate) fn close_all(&self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Name, Sender<StoredEvent>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
