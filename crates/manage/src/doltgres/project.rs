//! What the process knows of a project while it is in use.

use std::sync::Arc;

use moka::sync::Cache;

use super::history::Known;
use super::names::Prefix;
use crate::ProjectId;
use crate::engine::remembered::Generation;

/// Projects remembered.
const REMEMBERED: u64 = 10_000;

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
    pub(super) memory: Generation,
}

impl Project {
    fn new(project: &ProjectId) -> Self {
        Self {
            prefix: Prefix::of(project),
            writer: Arc::default(),
            reading: tokio::sync::Mutex::default(),
            known: tokio::sync::Mutex::default(),
            memory: Generation::default(),
        }
    }

    /// Distinguishes what was cached before and after the project was deleted or restored.
    pub(super) fn generation(&self) -> u64 {
        self.memory.number()
    }

    /// Forgets all that was cached.
    pub(super) async fn renew(&self) {
        self.memory.renew();
        *self.known.lock().await = Known::default();
    }
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
