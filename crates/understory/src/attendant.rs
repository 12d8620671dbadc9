//! Several processes on one runtime store: each tells that it lives, and finishes what dead ones left.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};
use understory_runtime::{Liveness, RuntimeStore};

use crate::Result;
use crate::app::{Inner, Understory};

/// How often a process tells that it lives: several times within the patience that others have with it.
const BEAT: Duration = Duration::from_secs(2);

/// A task that attends to a shared store. It ends when this is dropped.
pub(crate) struct Attendant(AbortHandle);

impl Attendant {
    pub(crate) fn start(app: &Understory) -> Self {
        let attending = Attending {
            // The task must not keep what it serves from being closed.
            app: Arc::downgrade(&app.inner),
            runtime: app.inner.runtime.clone(),
            liveness: Liveness::default(),
        };
        Self(tokio::spawn(attending.run()).abort_handle())
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Attending {
    app: Weak<Inner>,
    runtime: RuntimeStore,
    liveness: Liveness,
}

impl Attending {
    async fn run(mut self) {
        let mut rounds = interval(BEAT);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            rounds.tick().await;
            let answer = self.round().await;
            // A failure that lasts is told once.
            match &answer {
                Err(error) if !failing => tracing::warn!(%error, "the runtime store cannot be attended to"),
                Ok(()) if failing => tracing::info!("the runtime store is attended to again"),
                _ => {}
            }
            failing = answer.is_err();
        }
    }

    /// A beat comes first: whoever cannot tell that it lives must not take over from others.
    async fn round(&mut self) -> Result<()> {
        self.runtime.replica_beat().await?;
        let dead = self.runtime.replicas_judge(&mut self.liveness, Instant::now()).await?;
        if dead > 0 {
            tracing::warn!(replicas = dead, "processes stopped without a word; what they left is taken over");
        }
        match self.app.upgrade().map(|inner| Understory { inner }) {
            Some(app) => {
                app.settle_left().await?;
                app.settle_answers().await.map(drop)
            }
            None => Ok(()),
        }
    }
}
