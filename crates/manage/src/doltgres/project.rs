//! What the process knows of a project while it is in use.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use moka::sync::Cache;

use super::history::Known;
use super::names::Prefix;
use crate::{ProjectId, Snapshot};

/// Projects remembered.
const REMEMBERED: u64 = 10_000;

/// Numbers generations of all projects, so that no two are ever alike.
static GENERATION: AtomicU64 = AtomicU64::new(1);

/// One project in use.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) prefix: Prefix,
    /// Held by whoever writes in this process; fair. Other processes are kept out by the database's own lock.
    pub(super) writer: Arc<tokio::sync::Mutex<()>>,
    /// Held by whoever reads a commit that is not in memory: others that want the same wait, and find it there then.
    pub(super) reading: tokio::sync::Mutex<()>,
    /// What its refs reach.
    pub(super) known: tokio::sync::Mutex<Known>,
    generation: AtomicU64,
    /// The rows last read or made, while they are cached: the next ones read are much like them.
    newest: Mutex<Weak<Snapshot>>,
}

impl Project {
    fn new(project: &ProjectId) -> Self {
        Self {
            prefix: Prefix::of(project),
            writer: Arc::default(),
            reading: tokio::sync::Mutex::default(),
            known: tokio::sync::Mutex::default(),
            generation: AtomicU64::new(next_generation()),
            newest: Mutex::default(),
        }
    }

    pub(super) fn newest(&self) -> Option<Arc<Snapshot>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    pub(super) fn set_newest(&self, snapshot: &Arc<Snapshot>) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(snapshot);
    }

    /// Distinguishes what was cached before and after the project was deleted or restored.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Forgets all that was cached.
    pub(super) async fn renew(&self) {
        self.generation.store(next_generation(), Ordering::Release);
        *self.known.lock().await = Known::default();
    }
}

fn next_generation() -> u64 {
    GENERATION.fetch_add(1, Ordering::Relaxed)
}

/// The projects in use.
#[derive(Debug)]
pub(super) struct Projects(Cache<String, Arc<Project>>);

impl Default for Projects {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Projects {
    pub(super) fn get(&self, project: &ProjectId) -> Arc<Project> {
        let key = Prefix::of(project).first().to_owned();
        self.0.get_with(key, || Arc::new(Project::new(project)))
    }
}
