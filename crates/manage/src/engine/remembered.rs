//! What is kept in memory of commits, of which each is immutable, until their project is another one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use moka::sync::Cache;

use crate::{Change, CommitHash, Snapshot};

/// Rows of snapshots kept in memory, all projects together.
const CACHED_ROWS: u64 = 1_000_000;

/// Changed rows kept in memory, all projects together: a history is often asked for more than once.
const CACHED_CHANGES: u64 = 100_000;

/// Commits whose schema is remembered.
pub(crate) const KNOWN_SCHEMAS: u64 = 100_000;

/// Rows of commits, by generation of their project.
pub(crate) type Snapshots = Cache<(u64, CommitHash), Arc<Snapshot>>;

/// What differs between two commits, by generation of their project.
pub(crate) type Differences = Cache<(u64, CommitHash, CommitHash), Arc<Vec<Change>>>;

/// An empty cache of rows.
pub(crate) fn snapshots() -> Snapshots {
    let weight = |_: &(u64, CommitHash), snapshot: &Arc<Snapshot>| weight(snapshot.row_count());
    Cache::builder().weigher(weight).max_capacity(CACHED_ROWS).build()
}

/// An empty cache of differences.
pub(crate) fn differences() -> Differences {
    let weight = |_: &(u64, CommitHash, CommitHash), changes: &Arc<Vec<Change>>| weight(changes.len());
    Cache::builder().weigher(weight).max_capacity(CACHED_CHANGES).build()
}

fn weight(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX).saturating_add(1)
}

/// Numbers generations of all projects, so that no two are ever alike.
static GENERATION: AtomicU64 = AtomicU64::new(1);

/// Distinguishes what was cached of a project before and after its data became other ones.
#[derive(Debug)]
pub(crate) struct Generation {
    number: AtomicU64,
    /// The rows last read or made, while they are cached: the next ones read are much like them.
    newest: Mutex<Weak<Snapshot>>,
}

impl Default for Generation {
    fn default() -> Self {
        Self { number: AtomicU64::new(next()), newest: Mutex::default() }
    }
}

impl Generation {
    /// The present one.
    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// Begins another; the one that ended.
    pub(crate) fn renew(&self) -> u64 {
        self.number.swap(next(), Ordering::AcqRel)
    }

    pub(crate) fn newest(&self) -> Option<Arc<Snapshot>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    pub(crate) fn set_newest(&self, snapshot: &Arc<Snapshot>) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(snapshot);
    }
}

fn next() -> u64 {
    GENERATION.fetch_add(1, Ordering::Relaxed)
}
