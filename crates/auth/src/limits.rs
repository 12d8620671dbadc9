use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moka::sync::Cache;

use crate::{AuthError, AuthResult};

/// How often something may be tried: so many times in a row, then evenly over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many times.
    pub times: u32,
    /// In which time.
    pub per: Duration,
}

/// How often people may try what could be guessed, or costs much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Registrations from one address.
    pub register: Rate,
    /// Sign-ins from one address, and to one account.
    pub login: Rate,
    /// Changes of one account's password.
    pub password: Rate,
    /// Wrong passwords in a row after which an account is locked.
    pub lock_after: u32,
    /// For how long it is.
    pub lock_for: Duration,
}

const MINUTE: Duration = Duration::from_secs(60);
/// How many accounts and addresses are kept in mind at once.
const REMEMBERED: u64 = 100_000;

impl Default for Limits {
    fn default() -> Self {
        Self {
            register: Rate { times: 5, per: MINUTE },
            login: Rate { times: 10, per: MINUTE },
            password: Rate { times: 5, per: 5 * MINUTE },
            lock_after: 10,
            lock_for: 15 * MINUTE,
        }
    }
}

impl Limits {
    /// No limits, for tests.
    pub fn none() -> Self {
        let rate = Rate { times: u32::MAX, per: MINUTE };
        Self { register: rate, login: rate, password: rate, lock_after: u32::MAX, lock_for: MINUTE }
    }
}

/// Token buckets of this process, one for each thing and whoever does it.
pub(crate) struct Buckets {
    buckets: Cache<(&'static str, String), Arc<Mutex<Bucket>>>,
}

struct Bucket {
    tokens: f64,
    since: Instant,
}

impl Buckets {
    pub(crate) fn new() -> Self {
        Self { buckets: Cache::builder().max_capacity(REMEMBERED).time_to_idle(15 * MINUTE).build() }
    }

    /// Counts a try; `TooMany` if it is one too many.
    pub(crate) fn take(&self, what: &'static str, who: &str, rate: Rate) -> AuthResult<()> {
        self.take_at(what, who, rate, Instant::now()).map_err(|retry_after| AuthError::TooMany { retry_after })
    }

    fn take_at(&self, what: &'static str, who: &str, rate: Rate, now: Instant) -> Result<(), Duration> {
        let full = || Arc::new(Mutex::new(Bucket { tokens: rate.times.into(), since: now }));
        let bucket = self.buckets.get_with((what, who.to_owned()), full);
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let each = rate.per.as_secs_f64() / f64::from(rate.times);
        let earned = now.saturating_duration_since(bucket.since).as_secs_f64() / each;
        bucket.tokens = (bucket.tokens + earned).min(rate.times.into());
        bucket.since = now;
        if bucket.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.tokens) * each));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let (buckets, start) = (Buckets::new(), Instant::now());
        let rate = Rate { times: 3, per: Duration::from_secs(30) };
        let take = |who: &str, after: u64| buckets.take_at("x", who, rate, start + Duration::from_secs(after));
        for _ in 0..3 {
            assert_eq!(take("a", 0), Ok(()));
        }
        assert_eq!(take("a", 0), Err(Duration::from_secs(10)));
        assert_eq!(take("b", 0), Ok(()), "each has a bucket of their own");
        assert_eq!(take("a", 4), Err(Duration::from_secs(6)));
        assert_eq!(take("a", 10), Ok(()));
        assert!(take("a", 10).is_err());
        assert_eq!((0..9).filter(|_| take("a", 1_000).is_ok()).count(), 3, "no more than the bucket holds");
        assert_eq!(buckets.take_at("y", "a", rate, start), Ok(()), "and each thing too");
    }
}
