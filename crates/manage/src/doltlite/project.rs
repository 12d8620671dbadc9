//! What the process knows of a project while it is in use.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use moka::sync::Cache;

use crate::engine::reachable::Reachable;
use crate::engine::remembered::Generation;

/// Projects remembered while nobody uses them.
const REMEMBERED: u64 = 1_000;

/// One project in use.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) file: PathBuf,
    /// Held by whoever writes; fair, so that each writer has its turn.
    pub(super) writer: Arc<tokio::sync::Mutex<()>>,
    /// What its branches reach.
    pub(super) reachable: Mutex<Reachable>,
    /// Bytes after the last collection; 0 while unknown.
    pub(super) collected: AtomicU64,
    pub(super) memory: Generation,
}

impl Project {
    fn new(file: PathBuf) -> Self {
        Self {
            file,
            writer: Arc::default(),
            reachable: Mutex::default(),
            collected: AtomicU64::new(0),
            memory: Generation::default(),
        }
    }

    /// Distinguishes what was cached before and after its file was replaced or a branch of it deleted.
    pub(super) fn generation(&self) -> u64 {
        self.memory.number()
    }

    /// Forgets all that was cached; the generation that ended.
    pub(super) fn renew(&self) -> u64 {
        let ended = self.memory.renew();
        *self.reachable.lock().unwrap_or_else(PoisonError::into_inner) = Reachable::default();
        self.collected.store(0, Ordering::Relaxed);
        ended
    }
}

/// All projects in use, each once: its lock must be one for all who write.
#[derive(Debug)]
pub(super) struct Projects {
    in_use: Mutex<HashMap<PathBuf, Weak<Project>>>,
    remembered: Cache<PathBuf, Arc<Project>>,
}

impl Default for Projects {
    fn default() -> Self {
        Self { in_use: Mutex::default(), remembered: Cache::new(REMEMBERED) }
    }
}

impl Projects {
    /// The project of a file.
    pub(super) fn get(&self, file: PathBuf) -> Arc<Project> {
        if let Some(project) = self.remembered.get(&file) {
            return project;
        }
        let project = self.unique(&file);
        self.remembered.insert(file, Arc::clone(&project));
        project
    }

    fn unique(&self, file: &PathBuf) -> Arc<Project> {
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(project) = in_use.get(file).and_then(Weak::upgrade) {
            return project;
        }
        if in_use.len() >= 2 * REMEMBERED as usize {
            in_use.retain(|_, project| project.strong_count() > 0);
        }
        let project = Arc::new(Project::new(file.clone()));
        in_use.insert(file.clone(), Arc::downgrade(&project));
        project
    }
}
