//! Where the refs of a project lead, as engines list them.

use std::collections::BTreeSet;

use understory_sql::SqlValue;

use super::errors::failed;
use super::notes::{Notes, rfc3339};
use crate::{Branch, BranchName, CommitHash, Signature, StoreError, StoreResult, Tag};

/// Lists branches, but for a condition.
pub(crate) const BRANCHES: &str = "select name, hash from dolt_branches";

/// Lists tags, but for a condition.
pub(crate) const TAGS: &str = "select tag_name, tag_hash, tagger, email, date, message from dolt_tags";

/// How an adapter reads what its engine calls refs and commits.
pub(crate) trait Naming {
    /// The branch or tag that a name stands for; none if somebody else made it.
    fn branch(&self, name: &str) -> Option<BranchName>;

    /// The head that a branch of this name keeps.
    fn keep(&self, name: &str) -> Option<CommitHash>;

    /// The hash in a cell.
    fn hash(&self, cell: Option<&SqlValue>) -> StoreResult<CommitHash>;
}

/// Where all refs of a project lead: branches, kept heads and tags. Those that Understory did not make are none.
#[derive(Debug, Default)]
pub(crate) struct Refs {
    /// By name.
    pub(crate) branches: Vec<Branch>,
    pub(crate) kept: Vec<CommitHash>,
    /// By name.
    pub(crate) tags: Vec<Tag>,
    /// What other branches are called.
    pub(crate) others: Vec<String>,
}

impl Refs {
    /// The refs in the answers to [`BRANCHES`] and [`TAGS`].
    pub(crate) fn of(branches: &[Vec<SqlValue>], tags: &[Vec<SqlValue>], naming: &impl Naming) -> StoreResult<Self> {
        let mut refs = Self::default();
        for row in branches {
            let Some(called) = row.first().and_then(SqlValue::text) else { continue };
            match (naming.branch(called), naming.keep(called)) {
                (Some(name), _) => refs.branches.push(Branch { name, head: naming.hash(row.get(1))? }),
                (None, Some(head)) => refs.kept.push(head),
                (None, None) => refs.others.push(called.to_owned()),
            }
        }
        for row in tags {
            let text = |at: usize| row.get(at).and_then(SqlValue::text).unwrap_or_default();
            if let Some(name) = naming.branch(text(0)) {
                let tagger = Signature::new(text(2), text(3));
                let (message, notes) = Notes::split(text(5));
                let message = message.strip_suffix('\n').unwrap_or(message).to_owned();
                let date = notes.time.unwrap_or_else(|| rfc3339(text(4)));
                refs.tags.push(Tag { name, hash: naming.hash(row.get(1))?, tagger, message, date });
            }
        }
        refs.branches.sort_by(|a, b| a.name.cmp(&b.name));
        refs.kept.sort();
        refs.tags.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(refs)
    }

    /// The head of a branch.
    pub(crate) fn head(&self, name: &BranchName) -> Option<&CommitHash> {
        self.branches.iter().find(|branch| branch.name == *name).map(|branch| &branch.head)
    }

    /// The commits that refs name.
    pub(crate) fn heads(&self) -> BTreeSet<CommitHash> {
        let named = self.branches.iter().map(|branch| &branch.head).chain(self.tags.iter().map(|tag| &tag.hash));
        named.chain(&self.kept).cloned().collect()
    }

    /// Refuses a name that a branch or a tag has.
    pub(crate) fn require_free(&self, name: &BranchName) -> StoreResult<()> {
        let taken = self.head(name).is_some() || self.tags.iter().any(|tag| tag.name == *name);
        if taken { Err(StoreError::RefExists(name.clone())) } else { Ok(()) }
    }

    /// The head of a branch that may be renamed or deleted.
    pub(crate) fn movable(&self, name: &BranchName) -> StoreResult<&CommitHash> {
        let head = self.head(name).ok_or_else(|| StoreError::UnknownBranch(name.clone()))?;
        if name.is_main() {
            return Err(failed("a project's main branch cannot be renamed or deleted"));
        }
        Ok(head)
    }
}
