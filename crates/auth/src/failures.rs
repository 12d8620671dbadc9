use std::time::{Duration, Instant};

use moka::ops::compute::Op;
use moka::sync::Cache;

use crate::{AuthError, AuthResult};

/// How many accounts are kept in mind at once, and for how long.
const REMEMBERED: u64 = 100_000;
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Wrong passwords by address, whether there is such an account or not: so a lock does not tell.
pub(crate) struct Failures {
    of: Cache<String, Tries>,
}

#[derive(Clone, Copy)]
struct Tries {
    wrong: u32,
    locked_until: Option<Instant>,
}

impl Failures {
    pub(crate) fn new() -> Self {
        Self { of: Cache::builder().max_capacity(REMEMBERED).time_to_idle(KEPT).build() }
    }

    /// `TooMany` if an account is locked.
    pub(crate) fn check(&self, email: &str) -> AuthResult<()> {
        let until = self.of.get(email).and_then(|tries| tries.locked_until);
        match until.map(|until| until.saturating_duration_since(Instant::now())) {
            Some(retry_after) if !retry_after.is_zero() => Err(AuthError::TooMany { retry_after }),
            _ => Ok(()),
        }
    }

    /// Notes a wrong password; after so many in a row the account is locked for a while.
    pub(crate) fn note(&self, email: &str, most: u32, lock_for: Duration) {
        self.of.entry_by_ref(email).and_compute_with(|present| {
            let wrong = present.map_or(0, |entry| entry.into_value().wrong) + 1;
            let locked = wrong >= most;
            Op::Put(Tries {
                wrong: if locked { 0 } else { wrong },
                locked_until: locked.then(|| Instant::now() + lock_for),
            })
        });
    }

    /// Begins anew.
    pub(crate) fn forget(&self, email: &str) {
        self.of.invalidate(email);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_locked_after_so_many_in_a_row() {
        let (failures, minute) = (Failures::new(), Duration::from_secs(60));
        let wrong = |n| (0..n).for_each(|_| failures.note("a", 3, minute));
        wrong(2);
        failures.forget("a");
        wrong(2);
        assert!(failures.check("a").is_ok());
        wrong(1);
        let Err(AuthError::TooMany { retry_after }) = failures.check("a") else { panic!("it is locked") };
        assert!(retry_after > Duration::from_secs(50) && retry_after <= minute);
        assert!(failures.check("b").is_ok());
        failures.note("b", 1, Duration::ZERO);
        assert!(failures.check("b").is_ok(), "the time has passed");
    }
}
