//! Migrations of branches.
//!
//! The engine makes and changes tables at once, transaction or not (DoltGres 1.3.3): what was cut off would stay. So
//! they are run on branches of their own, and a branch moves when its migrations are a commit.

use super::locks::Locked;
use super::moves::Moves;
use super::scratch::Scratch;
use super::write::{Outcome, again, is_stale_writer, migrate_on};
use super::{At, Inner, root};
use crate::engine::commit::NewCommit;
use crate::{Branch, BranchName, Commit, CommitHash, CommitMeta, Signature, StoreError, StoreResult};

impl Inner {
    /// Brings every branch that lacks migrations to the newest schema.
    pub(super) async fn migrate(&self, at: &At) -> StoreResult<Vec<(BranchName, Commit)>> {
        if self.branches_behind(at).await?.is_empty() {
            return Ok(Vec::new());
        }
        // Told while commits are made, before any branch moves.
        again(|| self.migrate_all(at), is_stale_writer).await
    }

    async fn migrate_all(&self, at: &At) -> StoreResult<Vec<(BranchName, Commit)>> {
        let locked = self.connections.lock_to_write(at.project.prefix.first()).await?;
        // Asked again under the lock: from here on no branch moves.
        let behind = self.branches_behind(at).await?;
        self.migrate_branches(at, &locked, behind).await
    }

    /// Commits the migrations that a branch lacks, if its head is still `expected`.
    pub(super) async fn migrate_branch(
        &self,
        at: &At,
        name: &BranchName,
        expected: &CommitHash,
    ) -> StoreResult<Outcome> {
        if !self.is_behind(expected).await? {
            return Ok(Outcome::Nothing);
        }
        again(|| self.migrate_one(at, name, expected), is_stale_writer).await
    }

    async fn migrate_one(&self, at: &At, name: &BranchName, expected: &CommitHash) -> StoreResult<Outcome> {
        let locked = self.connections.lock_to_write(at.project.prefix.first()).await?;
        let (head, dirty) = self.head(at, name).await?;
        if head != *expected {
            return Ok(Outcome::Moved(head));
        }
        if dirty {
            return Err(StoreError::Dirty(name.clone()));
        }
        let made = self.migrate_branches(at, &locked, vec![Branch { name: name.clone(), head }]).await?;
        Ok(made.into_iter().next().map_or(Outcome::Nothing, |(_, commit)| Outcome::Made(commit)))
    }

    async fn branches_behind(&self, at: &At) -> StoreResult<Vec<Branch>> {
        let mut behind = Vec::new();
        for branch in self.refs(at).await?.branches {
            if self.is_behind(&branch.head).await? {
                behind.push(branch);
            }
        }
        Ok(behind)
    }

    /// Migrates branches, whose heads these are as long as the project is locked.
    async fn migrate_branches(
        &self,
        at: &At,
        locked: &Locked<'_>,
        branches: Vec<Branch>,
    ) -> StoreResult<Vec<(BranchName, Commit)>> {
        let mut scratch = Scratch::new(self, at, locked);
        let mut made = Vec::new();
        for branch in branches {
            let meta = self.migration_of(&branch.head).await?.on(&branch.name);
            let new = NewCommit::new(&meta);
            scratch.begin(&branch.head).await?;
            if let Some(hash) = migrate_on(&locked.connection, &self.migrations, &new).await? {
                let commit = new.done(hash, vec![branch.head.clone()]);
                made.push((branch, commit));
            }
        }
        let mut moves = Moves::default();
        for (branch, commit) in &made {
            moves.force(&at.project.prefix.branch(&branch.name), commit.hash.as_str());
        }
        self.move_refs(at, moves).await?;
        scratch.end().await?;
        Ok(made.into_iter().map(|(branch, commit)| (branch.name, commit)).collect())
    }

    /// Who migrates a commit, and to what.
    async fn migration_of(&self, hash: &CommitHash) -> StoreResult<CommitMeta> {
        let ledger = root::ledger_at(self.readers(), hash.as_str()).await?;
        let names: Vec<_> = self.migrations.pending(understory_sql::Store::Manage, &ledger)?;
        let names: Vec<&str> = names.iter().map(|migration| migration.name.as_str()).collect();
        Ok(CommitMeta::new(Signature::understory(), format!("Migrate to {}", names.join(", "))))
    }
}
