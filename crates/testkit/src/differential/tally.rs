use std::collections::BTreeMap;
use std::fmt;

/// What happened in how many ways.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Sequences that were done.
    pub sequences: u64,
    /// Those of them in which a newer program went on.
    pub migrated: u64,
    /// Operations by kind.
    pub operations: BTreeMap<String, u64>,
    /// Refusals by kind.
    pub refusals: BTreeMap<String, u64>,
    /// Merges.
    pub merges: u64,
    /// Those of them that had conflicts.
    pub conflicts: u64,
}

impl Tally {
    pub(super) fn did(&mut self, operation: &str) {
        *self.operations.entry(operation.to_owned()).or_default() += 1;
    }

    pub(super) fn refused(&mut self, kind: String) {
        *self.refusals.entry(kind).or_default() += 1;
    }

    pub(super) fn merged(&mut self, with_conflicts: bool) {
        self.merges += 1;
        self.conflicts += u64::from(with_conflicts);
    }

    /// Adds what happened elsewhere.
    pub fn add(&mut self, other: Self) {
        self.sequences += other.sequences;
        self.migrated += other.migrated;
        self.merges += other.merges;
        self.conflicts += other.conflicts;
        for (kind, count) in other.operations {
            *self.operations.entry(kind).or_default() += count;
        }
        for (kind, count) in other.refusals {
            *self.refusals.entry(kind).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sequences, migrated, operations, refusals, merges, conflicts } = self;
        write!(
            f,
            "{sequences} sequences, {migrated} with a migration; {conflicts} of {merges} merges had conflicts; \
             operations {operations:?}; refused {refusals:?}"
        )
    }
}
