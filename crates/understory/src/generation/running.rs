//! Answers that this process is making, and what ends them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use understory_runtime::ProjectKey;

use crate::app::Understory;

/// How often it is looked whether another process asked for an answer of this one to stop.
const LOOK: Duration = Duration::from_millis(80);
/// How long somebody who asks for a stop waits for it.
const STOPPING: Duration = Duration::from_secs(2);

/// A message of a project.
type Name = (ProjectKey, String);

/// Why an answer in the making is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Go,
    /// Somebody asked for it.
    Stop,
    /// The process ends.
    Leave,
}

/// What ends the answers of this process.
#[derive(Default)]
pub(crate) struct Running(Mutex<Answers>);

#[derive(Default)]
struct Answers {
    signals: HashMap<Name, watch::Sender<Signal>>,
    /// Whether somebody looks for what other processes ask.
    watched: bool,
}

impl Running {
    /// Stops an answer, if this process makes it, and waits until it has ended.
    pub(super) async fn stop(&self, of: &ProjectKey, message: &str) {
        let sender = self.all().signals.get(&(of.clone(), message.to_owned())).cloned();
        if let Some(sender) = sender {
            sender.send_replace(Signal::Stop);
            let _ = timeout(STOPPING, sender.closed()).await;
        }
    }

    /// Ends all answers, as the process ends, and waits until they have.
    pub(crate) async fn leave(&self) {
        let senders: Vec<_> = self.all().signals.values().cloned().collect();
        for sender in &senders {
            sender.send_replace(Signal::Leave);
        }
        for sender in senders {
            let _ = timeout(STOPPING, sender.closed()).await;
        }
    }

    fn all(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells an answer that it is to end. When this goes, the answer has ended.
pub(super) struct Ends {
    app: Understory,
    name: Name,
    signal: watch::Receiver<Signal>,
}

impl Ends {
    /// Waits until the answer is to end.
    pub(super) async fn asked(&mut self) -> Signal {
        let changed = self.signal.wait_for(|signal| *signal != Signal::Go).await;
        changed.map_or(Signal::Leave, |signal| *signal)
    }

    /// Whether the process ends.
    pub(super) fn leaves(&self) -> bool {
        *self.signal.borrow() == Signal::Leave
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.app.inner.running.all().signals.remove(&self.name);
    }
}

impl Understory {
    /// Lets an answer be ended that is about to be made here.
    pub(super) fn listen_for_ends(&self, of: &ProjectKey, message: &str) -> Ends {
        let (sender, signal) = watch::channel(Signal::Go);
        let name = (of.clone(), message.to_owned());
        let mut all = self.inner.running.all();
        all.signals.insert(name.clone(), sender);
        if self.inner.runtime.is_shared() && !std::mem::replace(&mut all.watched, true) {
            tokio::spawn(self.clone().watch_for_stops());
        }
        Ends { app: self.clone(), name, signal }
    }

    /// Looks for what other processes ask for, as long as answers are made here.
    async fn watch_for_stops(self) {
        loop {
            sleep(LOOK).await;
            // A store that does not answer now is asked again: the wish stands in its row.
            for asked in self.inner.runtime.generations_asked_to_stop().await.unwrap_or_default() {
                if let Some(sender) = self.inner.running.all().signals.get(&(asked.of, asked.message_id)) {
                    sender.send_replace(Signal::Stop);
                }
            }
            let mut all = self.inner.running.all();
            if all.signals.is_empty() {
                all.watched = false;
                return;
            }
        }
    }
}
