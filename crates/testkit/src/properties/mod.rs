//! Laws of drafts, merges and stores, tried on random projects over all entities of the model.
//!
//! `PROPTEST_CASES` makes each law tried on at least so many cases.

mod coverage;
mod drafts;
mod edits;
mod files;
mod generator;
mod merges;
mod resolutions;
mod stores;
mod timestamps;
mod values;

use proptest::test_runner::{Config, TestCaseError, TestRunner};
use understory_manage::Snapshot;
use understory_manage::change::diff_with_timestamps;

pub use coverage::*;
pub use drafts::*;
pub use edits::*;
pub use files::*;
pub use generator::Case;
pub use merges::*;
pub(crate) use resolutions::resolved_changes;
pub use resolutions::*;
pub use stores::*;
pub use timestamps::*;

/// What a property answers: `Err` says how it failed, on the smallest case found.
pub type Held = Result<(), String>;

/// Tries a property on random cases with so many sides.
fn hold(count: u32, sides: usize, property: impl Fn(&Case) -> Held) -> Held {
    generator::prepare();
    let more = std::env::var("PROPTEST_CASES").ok().and_then(|more| more.parse().ok()).unwrap_or(0);
    let config =
        Config { cases: count.max(more), failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let tried =
        TestRunner::new(config).run(&generator::cases(sides), |case| property(&case).map_err(TestCaseError::fail));
    tried.map_err(|error| error.to_string())
}

/// Fails with `what` unless a condition holds.
fn ensure(condition: bool, what: impl FnOnce() -> String) -> Held {
    if condition { Ok(()) } else { Err(what()) }
}

/// Fails unless two snapshots hold the same rows, timestamps included.
fn ensure_same(found: &Snapshot, expected: &Snapshot, what: &str) -> Held {
    let differing = diff_with_timestamps(expected, found);
    ensure(differing.is_empty(), || format!("{what}: {differing:#?}"))
}
