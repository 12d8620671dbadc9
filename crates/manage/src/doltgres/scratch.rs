//! Branches aside, for commits that no ref leads to yet.

use understory_sql::postgres::Connection;

use super::locks::Locked;
use super::moves::Moves;
use super::{At, Inner};
use crate::{CommitHash, StoreResult};

/// Branches that commits are made on until refs lead to them.
pub(super) struct Scratch<'a> {
    inner: &'a Inner,
    at: &'a At,
    locked: &'a Locked<'a>,
    used: usize,
}

impl<'a> Scratch<'a> {
    pub(super) fn new(inner: &'a Inner, at: &'a At, locked: &'a Locked<'a>) -> Self {
        Self { inner, at, locked, used: 0 }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.locked.connection
    }

    /// Goes to a new branch at a commit, in a transaction.
    pub(super) async fn begin(&mut self, hash: &CommitHash) -> StoreResult<()> {
        let name = self.at.project.prefix.scratch(self.used);
        self.used += 1;
        let mut moves = Moves::default();
        moves.force(&name, hash.as_str());
        self.inner.move_refs(self.at, moves).await?;
        self.locked.begin_on(&name).await
    }

    /// Deletes the branches. The connection that wrote on them is of no use after that.
    pub(super) async fn end(self) -> StoreResult<()> {
        let mut moves = Moves::default();
        (0..self.used).for_each(|number| moves.delete(&self.at.project.prefix.scratch(number)));
        self.inner.move_refs(self.at, moves).await
    }
}

impl Inner {
    /// Moves refs. The caller holds the project's lock.
    pub(super) async fn move_refs(&self, at: &At, moves: Moves) -> StoreResult<()> {
        self.connections.lock(&move_lock(at)).await?.finish(moves).await
    }
}

/// The lock under which refs move while the project's own is held by the connection that writes.
fn move_lock(at: &At) -> String {
    format!("{}refs", at.project.prefix.first())
}
