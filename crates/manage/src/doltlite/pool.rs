//! Open connections, kept for their next use. Thousands of projects share a few.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use understory_sql::Database;

/// Connections kept open while nobody uses them.
const IDLE: usize = 16;

/// What a connection is open on: a generation of a project's file, and a branch by the engine's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PoolKey {
    pub(super) generation: u64,
    pub(super) branch: String,
}

/// Idle connections, the longest idle first.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: Mutex<VecDeque<(PoolKey, Database)>>,
}

impl Pool {
    /// A connection, if one is idle.
    pub(super) fn take(&self, key: &PoolKey) -> Option<Database> {
        let mut idle = self.lock();
        let at = idle.iter().rposition(|(open, _)| open == key)?;
        idle.remove(at).map(|(_, database)| database)
    }

    /// Keeps a connection for later; the longest idle one is closed if there are too many.
    pub(super) fn give(&self, key: PoolKey, database: Database) {
        let mut idle = self.lock();
        idle.push_back((key, database));
        let closed = if idle.len() > IDLE { idle.pop_front() } else { None };
        drop(idle);
        drop(closed);
    }

    /// Closes the idle connections of a generation.
    pub(super) fn close(&self, generation: u64) {
        self.close_those(|key| key.generation == generation);
    }

    /// Closes the idle connections to a branch: one outlives its branch, and would find another of that name.
    pub(super) fn close_branch(&self, generation: u64, branch: &str) {
        self.close_those(|key| key.generation == generation && key.branch == branch);
    }

    fn close_those(&self, gone: impl Fn(&PoolKey) -> bool) {
        let mut idle = self.lock();
        let (closed, kept) = std::mem::take(&mut *idle).into_iter().partition(|(key, _)| gone(key));
        *idle = kept;
        drop(idle);
        drop::<VecDeque<_>>(closed);
    }

    /// A panic elsewhere cannot leave the queue half changed.
    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<(PoolKey, Database)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
