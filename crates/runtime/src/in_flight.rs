use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What this run is carrying out just now.
///
/// The rows of the store say which run a piece of work belongs to. Whether that run is still at it only the run itself
/// knows: where the store was away in the middle of it, a row of this run may be left that nobody is at work on.
#[derive(Debug)]
pub(crate) struct InFlight<T>(Mutex<HashSet<T>>);

impl<T> Default for InFlight<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Eq + Hash> InFlight<T> {
    /// Notes work before its row is written; `false` if it is being carried out already.
    pub(crate) fn begin(&self, work: T) -> bool {
        self.all().insert(work)
    }

    pub(crate) fn end(&self, work: &T) {
        self.all().remove(work);
    }

    fn all(&self) -> MutexGuard<'_, HashSet<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
