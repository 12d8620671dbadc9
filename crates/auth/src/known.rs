use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::sync::Cache;

/// For how long what was found is believed.
const BELIEVED: Duration = Duration::from_secs(60);
const MOST: u64 = 100_000;

/// What was found good within the last minute: spares a store that no other process writes to, and bounds how often a
/// last use is written.
pub(crate) struct Known<K, V> {
    found: Cache<K, V>,
    /// How often all was forgotten.
    epoch: Mutex<u64>,
}

impl<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> Known<K, V> {
    pub(crate) fn new() -> Self {
        Self { found: Cache::builder().max_capacity(MOST).time_to_live(BELIEVED).build(), epoch: Mutex::default() }
    }

    /// What is known of a key, and the epoch to hand to [`Self::remember`] if that is nothing.
    pub(crate) fn find(&self, key: &K) -> (Option<V>, u64) {
        let epoch = self.epoch();
        (self.found.get(key), *epoch)
    }

    /// Remembers what was found, unless something changed since `epoch`: it may have been read before.
    pub(crate) fn remember(&self, key: K, value: V, epoch: u64) {
        let present = self.epoch();
        if epoch == *present {
            self.found.insert(key, value);
        }
    }

    pub(crate) fn forget_all(&self) {
        *self.epoch() += 1;
        self.found.invalidate_all();
    }

    fn epoch(&self) -> MutexGuard<'_, u64> {
        self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_change_is_not_remembered() {
        let known = Known::<&str, u8>::new();
        let (none, epoch) = known.find(&"x");
        assert_eq!(none, None);
        known.forget_all();
        known.remember("x", 1, epoch);
        let (none, epoch) = known.find(&"x");
        assert_eq!(none, None);
        known.remember("x", 2, epoch);
        assert_eq!(known.find(&"x").0, Some(2));
        known.forget_all();
        assert_eq!(known.find(&"x").0, None);
    }
}
