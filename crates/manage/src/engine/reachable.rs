//! Which commits the refs of a project reach.

use std::collections::{BTreeSet, VecDeque};

use crate::{CommitHash, StoreResult};

/// The commits that refs reach, kept up to date by walking only what is new.
#[derive(Debug, Default)]
pub(crate) struct Reachable {
    heads: BTreeSet<CommitHash>,
    commits: BTreeSet<CommitHash>,
}

impl Reachable {
    /// Whether this is what these heads reach.
    pub(crate) fn is_at(&self, heads: &BTreeSet<CommitHash>) -> bool {
        self.heads == *heads
    }

    /// Whether nothing is known yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    /// Begins with all that one head reaches: a long history is not to be walked step by step.
    pub(crate) fn begin(&mut self, line: BTreeSet<CommitHash>, head: CommitHash) {
        self.commits = line;
        self.heads = BTreeSet::from([head]);
    }

    /// Brings the set to what other heads reach.
    pub(crate) fn move_to(
        &mut self,
        heads: BTreeSet<CommitHash>,
        parents: &mut dyn FnMut(&CommitHash) -> StoreResult<Vec<CommitHash>>,
    ) -> StoreResult<()> {
        let mut met = heads.clone();
        let mut new = BTreeSet::new();
        self.walk(&heads, &mut new, &mut met, parents)?;
        // An old head that was not met again may be reached no more, and what it reached with it.
        if !self.heads.is_subset(&met) {
            self.commits.clear();
            new.clear();
            self.walk(&heads, &mut new, &mut met, parents)?;
        }
        self.commits.append(&mut new);
        self.heads = heads;
        Ok(())
    }

    /// Whether a ref reaches a commit.
    pub(crate) fn contains(&self, hash: &CommitHash) -> bool {
        self.commits.contains(hash)
    }

    /// Commits whose hashes begin so: none, one, or two of several.
    pub(crate) fn by_prefix(&self, prefix: &str) -> Vec<CommitHash> {
        let Some(first) = CommitHash::parse(&format!("{prefix:0<32}")) else { return Vec::new() };
        let found = self.commits.range(first..).take_while(|hash| hash.as_str().starts_with(prefix));
        found.take(2).cloned().collect()
    }

    /// Walks from heads up to known commits: new ones go to `new`, known ones that were met to `met`.
    fn walk(
        &self,
        heads: &BTreeSet<CommitHash>,
        new: &mut BTreeSet<CommitHash>,
        met: &mut BTreeSet<CommitHash>,
        parents: &mut dyn FnMut(&CommitHash) -> StoreResult<Vec<CommitHash>>,
    ) -> StoreResult<()> {
        let mut queue: VecDeque<CommitHash> = heads.iter().cloned().collect();
        while let Some(hash) = queue.pop_front() {
            if self.commits.contains(&hash) {
                met.insert(hash);
            } else if new.insert(hash.clone()) {
                queue.extend(parents(&hash)?);
            }
        }
        Ok(())
    }
}
