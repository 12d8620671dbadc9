//! Commits on their way to an engine.

use super::notes::{author, message};
use crate::{Commit, CommitHash, CommitMeta, Signature};

/// Who makes the commit that a project begins with, and why.
pub(crate) fn root_meta() -> CommitMeta {
    CommitMeta::new(Signature::understory(), "Create schema")
}

/// A commit about to be made.
pub(crate) struct NewCommit<'a> {
    meta: &'a CommitMeta,
    /// What the engine is told to keep, without notes.
    pub(crate) message: String,
    /// `NAME <ADDRESS>`.
    pub(crate) author: String,
    /// RFC 3339, to the millisecond where it is known.
    pub(crate) date: String,
}

impl<'a> NewCommit<'a> {
    pub(crate) fn new(meta: &'a CommitMeta) -> Self {
        Self::at(meta, &understory_model::now())
    }

    /// The same as made at another time.
    pub(crate) fn at(meta: &'a CommitMeta, date: &str) -> Self {
        Self { meta, message: message(meta), author: author(&meta.author), date: understory_model::timestamp_iso(date) }
    }

    /// The commit as reading it back answers it.
    pub(crate) fn done(&self, hash: CommitHash, parents: Vec<CommitHash>) -> Commit {
        let meta = CommitMeta::from_engine(self.meta.author.clone(), &self.message);
        Commit { hash, parents, meta, date: self.date.clone() }
    }

    /// Whether a commit found in the history is this one, made on that parent.
    pub(crate) fn is(&self, commit: &Commit, parent: &CommitHash) -> bool {
        let meta = CommitMeta::from_engine(self.meta.author.clone(), &self.message);
        commit.parents.first() == Some(parent) && commit.meta == meta && commit.date == self.date
    }
}
