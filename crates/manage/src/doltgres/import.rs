//! Taking over a history: its commits are made on branches aside, and then all refs move by one message, so that an
//! error leaves every ref where it was. A server that dies while it moves them leaves some moved.

use std::collections::BTreeSet;

use understory_sql::postgres::Connection;

use super::moves::Moves;
use super::names::Prefix;
use super::scratch::Scratch;
use super::write::{again, commit, is_stale_writer, run_migrations};
use super::{At, Inner, refs};
use crate::engine::commit::NewCommit;
use crate::engine::errors::unexpected;
use crate::engine::reachable::Reachable;
use crate::engine::refs::Refs;
use crate::replay::{History, Origin, Replayed};
use crate::{BranchName, CommitHash, StoreError, StoreResult, Tag};

/// What becomes of what is there when a history is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taking {
    /// It goes on in it.
    GoOn,
    /// It makes place for it.
    Replace,
}

impl Inner {
    /// Takes a history over, where what is there goes on in it or, for a copy, makes place for it.
    pub(super) async fn import(&self, at: &At, history: &History, taking: Taking) -> StoreResult<Vec<CommitHash>> {
        // Told while commits are made, before any ref moves.
        again(|| self.import_once(at, history, taking), is_stale_writer).await
    }

    async fn import_once(&self, at: &At, history: &History, taking: Taking) -> StoreResult<Vec<CommitHash>> {
        let locked = self.connections.lock_to_write(at.project.prefix.first()).await?;
        let present = refs::read(self.readers(), &at.project.prefix).await?;
        let new = !self.is_there(&present);
        if new && !history.branches.iter().any(|branch| branch.name.is_main()) {
            return Err(StoreError::Misfit("the history of a new project has no main branch".into()));
        }
        if taking == Taking::GoOn {
            check_moves(&present, new, history)?;
            self.require_known(at, new, history).await?;
        }
        let mut scratch = Scratch::new(self, at, &locked);
        let root = if new { self.root.newest().clone() } else { self.own_root(at).await? };
        let mut import = Import { inner: self, root, made: Vec::new(), head: None };
        for commit in &history.commits {
            import.replay(&mut scratch, commit).await?;
        }
        let prefix = &at.project.prefix;
        let mut moves = Moves::default();
        if taking == Taking::Replace {
            make_place(&mut moves, prefix, &present, history);
        }
        for (tag, origin) in &history.tags {
            moves.tag(prefix, &Tag { hash: import.place(origin)?, ..tag.clone() });
        }
        let kept = if taking == Taking::GoOn { present.kept.as_slice() } else { &[] };
        let heads = history.kept.iter().map(|origin| import.place(origin));
        for head in heads.collect::<StoreResult<BTreeSet<_>>>()?.iter().filter(|head| !kept.contains(head)) {
            moves.create(&prefix.keep(head), head);
        }
        // A project is there once main is: it comes last.
        let (main, others): (Vec<_>, Vec<_>) = history.branches.iter().partition(|branch| branch.name.is_main());
        for branch in others.into_iter().chain(main) {
            moves.force(&prefix.branch(&branch.name), import.place(&branch.to)?.as_str());
        }
        self.move_refs(at, moves).await?;
        scratch.end().await?;
        Ok(import.made)
    }

    /// The commits that a history builds on must be ones that the project has: all projects share a database.
    async fn require_known(&self, at: &At, new: bool, history: &History) -> StoreResult<()> {
        let parents = history.commits.iter().flat_map(|commit| &commit.parents);
        let refs =
            history.branches.iter().map(|branch| &branch.to).chain(history.tags.iter().map(|(_, origin)| origin));
        for origin in parents.chain(refs).chain(&history.kept) {
            match origin {
                Origin::Known(hash) if new => return Err(StoreError::UnknownCommit(hash.clone())),
                Origin::Known(hash) => self.require_commit(at, hash).await?,
                Origin::Root | Origin::New(_) => {}
            }
        }
        Ok(())
    }

    /// The root that a project began with: not always the newest of the database.
    async fn own_root(&self, at: &At) -> StoreResult<CommitHash> {
        let heads = self.refs(at).await?.heads();
        let own = |reachable: &Reachable| self.root.all().find(|root| reachable.contains(root)).cloned();
        let own = self.reachable(at, heads, own).await?;
        own.ok_or_else(|| unexpected("the project has no root"))
    }
}

/// Removes the refs that a copy does not have; its branches are moved, not made anew.
fn make_place(moves: &mut Moves, prefix: &Prefix, present: &Refs, history: &History) {
    present.tags.iter().for_each(|tag| moves.untag(&prefix.branch(&tag.name)));
    let stays = |name: &BranchName| history.branches.iter().any(|branch| branch.name == *name);
    let gone = present.branches.iter().filter(|branch| !stays(&branch.name));
    gone.for_each(|branch| moves.delete(&prefix.branch(&branch.name)));
    present.kept.iter().for_each(|head| moves.delete(&prefix.keep(head)));
}

/// Each branch must be where the history says, and each new name be free, before anything is made.
fn check_moves(present: &Refs, new: bool, history: &History) -> StoreResult<()> {
    for branch in history.branches.iter().filter(|branch| !(new && branch.name.is_main())) {
        match (present.head(&branch.name), &branch.from) {
            (Some(head), Some(from)) if head == from => {}
            (Some(head), Some(_)) => {
                return Err(StoreError::HeadMoved { branch: branch.name.clone(), head: head.clone() });
            }
            (None, Some(_)) => return Err(StoreError::UnknownBranch(branch.name.clone())),
            (_, None) => present.require_free(&branch.name)?,
        }
    }
    history.tags.iter().try_for_each(|(tag, _)| present.require_free(&tag.name))
}

/// A history that is being made again.
struct Import<'a> {
    inner: &'a Inner,
    root: CommitHash,
    made: Vec<CommitHash>,
    /// The commit that the connection's branch is at: most commits follow the one before.
    head: Option<CommitHash>,
}

impl Import<'_> {
    fn place(&self, origin: &Origin) -> StoreResult<CommitHash> {
        let made = match origin {
            Origin::Root => Some(&self.root),
            Origin::Known(hash) => Some(hash),
            Origin::New(index) => self.made.get(*index),
        };
        made.cloned().ok_or_else(|| StoreError::Misfit("the history names a commit before it comes".into()))
    }

    async fn replay(&mut self, scratch: &mut Scratch<'_>, replayed: &Replayed) -> StoreResult<()> {
        let parents = replayed.parents.iter().map(|origin| self.place(origin)).collect::<StoreResult<Vec<_>>>()?;
        let first = parents.first().ok_or_else(|| StoreError::Misfit("a commit has no parent".into()))?;
        if self.head.as_ref() == Some(first) {
            scratch.connection().batch("begin").await?;
        } else {
            scratch.begin(first).await?;
            // Rows are written in the newest schema, which the first commit on an old one brings along.
            run_migrations(scratch.connection(), &self.inner.migrations).await?;
        }
        let hash = self.make(scratch.connection(), replayed, parents.get(1)).await?;
        self.made.push(hash.clone());
        self.head = Some(hash);
        Ok(())
    }

    /// Makes one commit.
    async fn make(
        &self,
        connection: &Connection,
        replayed: &Replayed,
        other: Option<&CommitHash>,
    ) -> StoreResult<CommitHash> {
        let new = NewCommit::at(&replayed.meta, &replayed.date);
        let noted = match other {
            None => {
                self.inner.write_rows(connection, replayed.changes.iter()).await?;
                None
            }
            Some(other) => {
                let known = self.inner.merge_rows(connection, other, &replayed.changes, &replayed.rows).await?;
                (!known).then_some(other)
            }
        };
        commit(connection, &new, noted, true).await
    }
}
