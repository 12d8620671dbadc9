//! The same random sequence of operations on two stores: whatever they answer, both answer the same.
//!
//! Hashes are each engine's own: commits are compared by the place at which they were met.

mod compare;
mod dice;
mod imports;
mod operations;
mod sequence;
mod tally;
mod versions;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use self::dice::Dice;
use self::sequence::Sequence;
use crate::conformance::{Failure, Store};

pub use operations::OPERATIONS;
pub use tally::Tally;
pub use versions::{Version, Versions};

/// Two stores that are to be alike.
pub type Pair = [Store; 2];

/// How many operations a sequence has.
pub const STEPS: usize = 20;
/// One of so many sequences begins with an older program.
const MIGRATED: usize = 5;
/// Sequences done at the same time.
const AT_ONCE: usize = 4;

/// The stores that sequences are done on: of an older and a newer program, and such as have nothing in memory.
pub struct Stores<'a> {
    /// Both models.
    pub versions: &'a Versions,
    /// Stores of the older one.
    pub old: Pair,
    /// Stores of the newer one, on the same data.
    pub new: Pair,
    /// The same again, which are only asked at the end.
    pub fresh: Pair,
}

/// Does sequences of these numbers, each made by its number alone.
pub fn run(stores: &Stores<'_>, seeds: std::ops::Range<u64>) -> Result<Tally, Failure> {
    let (next, total) = (AtomicU64::new(seeds.start), Mutex::new(Ok(Tally::default())));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= seeds.end {
            return;
        }
        let done = runtime.block_on(one(stores, seed));
        let mut total = total.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match (&mut *total, done) {
            (Ok(tally), Ok(done)) => tally.add(done),
            (Ok(_), Err(failed)) => {
                next.store(seeds.end, Ordering::Relaxed);
                *total = Err(failed);
            }
            (Err(_), _) => {}
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

async fn one(stores: &Stores<'_>, seed: u64) -> Result<Tally, Failure> {
    let mut dice = Dice::new(seed);
    let newer_at = dice.once_in(MIGRATED).then(|| dice.below(STEPS));
    let (pair, old) = match newer_at {
        Some(_) => (&stores.old, Some(stores.versions)),
        None => (&stores.new, None),
    };
    let mut sequence = Sequence::new(pair.clone(), old, dice.next());
    let done = follow(&mut sequence, newer_at, stores).await;
    done.map_err(|failed| format!("sequence {seed}: {failed}\nafter {:#?}", sequence.done))?;
    let mut tally = sequence.tally.into_inner();
    tally.sequences = 1;
    tally.migrated = u64::from(newer_at.is_some());
    Ok(tally)
}

async fn follow(sequence: &mut Sequence<'_>, newer_at: Option<usize>, stores: &Stores<'_>) -> Result<(), Failure> {
    sequence.create().await?;
    for step in 0..STEPS {
        if newer_at == Some(step) {
            sequence.become_new(stores.new.clone()).await?;
        }
        sequence.step().await?;
    }
    sequence.compare_all(stores.fresh.clone()).await
}
