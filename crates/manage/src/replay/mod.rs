//! Commits and refs to be taken over from elsewhere: what a bundle carries and what a copy replays.

mod outline;
mod read;

use crate::{BranchName, ChangeSet, CommitHash, CommitMeta, Snapshot, Tag};

pub use outline::{Difference, Outline};
pub(crate) use read::replayed;
pub use read::{Project, read};

/// A commit that a history builds on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The project's root: the commit that holds the schema and nothing else.
    Root,
    /// A commit that the project has.
    Known(CommitHash),
    /// The commit at this place of the history itself.
    New(usize),
}

/// A commit to be made as it was made elsewhere.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What it was made from, the branch's own line first.
    pub parents: Vec<Origin>,
    /// Who and why.
    pub meta: CommitMeta,
    /// When, RFC 3339 in UTC.
    pub date: String,
    /// What it changes in its first parent.
    pub changes: ChangeSet,
    /// Its rows.
    pub rows: Snapshot,
}

/// Where a branch goes.
#[derive(Clone, Debug)]
pub struct BranchMove {
    /// The branch.
    pub name: BranchName,
    /// Where it must be before; `None`: it must not be there.
    pub from: Option<CommitHash>,
    /// Where it is afterwards.
    pub to: Origin,
}

/// Commits, parents before children, and the refs that lead to them.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The commits.
    pub commits: Vec<Replayed>,
    /// The branches to be made or moved.
    pub branches: Vec<BranchMove>,
    /// The tags to be made; their own hash counts for nothing.
    pub tags: Vec<(Tag, Origin)>,
    /// Heads to be kept, see [`crate::ConfigStore::kept`].
    pub kept: Vec<Origin>,
}
