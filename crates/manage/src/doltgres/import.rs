//! What moves several refs: made on branches of its own first, so that an error leaves every ref where it was.
//!
//! The engine moves one ref at a time. A crash while they move leaves some moved; doing the same again moves the rest.

use std::collections::BTreeSet;

use understory_sql::postgres::Connection;

use super::locks::Locked;
use super::scratch::Scratch;
use super::write::{commit, migrate_on, run_migrations};
use super::{At, Inner, refs};
use crate::engine::commit::NewCommit;
use crate::replay::{History, Origin, Replayed};
use crate::{Branch, BranchName, Commit, CommitHash, StoreError, StoreResult, Tag};

/// What becomes of what is there when a history is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taking {
    /// It goes on in it.
    GoOn,
    /// It makes place for it.
    Replace,
}

impl Inner {
    /// Brings every branch that lacks migrations to the newest schema.
    pub(super) async fn migrate(&self, at: &At) -> StoreResult<Vec<(BranchName, Commit)>> {
        let mut behind = Vec::new();
        for branch in self.refs(at).await?.branches {
            if self.is_behind(&branch.head).await? {
                behind.push(branch);
            }
        }
        self.migrate_branches(at, &behind).await
    }

    /// Brings branches to the newest schema, if they still are where they are said to be.
    pub(super) async fn migrate_branches(&self, at: &At, behind: &[Branch]) -> StoreResult<Vec<(BranchName, Commit)>> {
        if behind.is_empty() {
            return Ok(Vec::new());
        }
        let locked = self.connections.lock_to_write(at.project.prefix.first()).await?;
        let present = self.refs(at).await?;
        let mut scratch = self.scratch(at, &locked);
        let mut made = Vec::new();
        for branch in behind {
            match present.head(&branch.name) {
                Some(head) if *head == branch.head => {}
                Some(head) => {
                    return Err(StoreError::HeadMoved { branch: branch.name.clone(), head: head.clone() });
                }
                None => return Err(StoreError::UnknownBranch(branch.name.clone())),
            }
            let meta = self.migration_of(&branch.head).await?.on(&branch.name);
            let new = NewCommit::new(&meta);
            scratch.begin(branch.head.as_str()).await?;
            if let Some(hash) = migrate_on(&locked.connection, &self.migrations, &new).await? {
                made.push((branch.name.clone(), new.done(hash, vec![branch.head.clone()])));
            }
        }
        let moves: Vec<_> = made.iter().map(|(name, commit)| (name, present.head(name), &commit.hash)).collect();
        move_branches(&scratch, at, &moves).await?;
        scratch.end().await?;
        Ok(made)
    }

    fn scratch<'a>(&'a self, at: &At, locked: &'a Locked<'a>) -> Scratch<'a> {
        Scratch::new(&self.connections, locked, at.project.prefix.scratch())
    }

    /// Takes a history over, where what is there goes on in it or, for a copy, makes place for it.
    pub(super) async fn import(&self, at: &At, history: &History, taking: Taking) -> StoreResult<Vec<CommitHash>> {
        let present = refs::Refs::read(self.readers(), &at.project.prefix).await?;
        let new = !self.is_there(&present);
        if new && !history.branches.iter().any(|branch| branch.name.is_main()) {
            return Err(StoreError::Misfit("the history of a new project has no main branch".into()));
        }
        if taking == Taking::GoOn {
            check_moves(&present, new, history)?;
            self.require_known(at, new, history).await?;
        }
        let locked = self.connections.lock_to_write(at.project.prefix.first()).await?;
        let mut scratch = self.scratch(at, &locked);
        let mut import = Import { inner: self, made: Vec::new(), head: None };
        for commit in &history.commits {
            import.replay(&mut scratch, commit).await?;
        }
        let mut moves = Vec::new();
        for branch in &history.branches {
            let to = import.place(&branch.to)?;
            moves.push((&branch.name, present.head(&branch.name).cloned(), to));
        }
        // A project is there once main is: it comes last.
        moves.sort_by_key(|(name, ..)| name.is_main());
        let tags = history.tags.iter().map(|(tag, origin)| Ok(Tag { hash: import.place(origin)?, ..tag.clone() }));
        let tags = tags.collect::<StoreResult<Vec<_>>>()?;
        if taking == Taking::Replace {
            make_place(&scratch, at, &present, history).await?;
        }
        let mover = scratch.mover().await?;
        for tag in tags {
            refs::make_tag(&mover, &at.project.prefix, &tag).await?;
        }
        let kept = if taking == Taking::GoOn { present.kept.as_slice() } else { &[] };
        for head in history.kept.iter().map(|origin| import.place(origin)).collect::<StoreResult<BTreeSet<_>>>()? {
            if !kept.contains(&head) {
                refs::create(&mover, &at.project.prefix.keep(&head), &head).await?;
            }
        }
        mover.release().await;
        let moves: Vec<_> = moves.iter().map(|(name, from, to)| (*name, from.as_ref(), to)).collect();
        move_branches(&scratch, at, &moves).await?;
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
}

/// Removes the refs that a copy does not have; its branches are moved, not made anew.
async fn make_place(scratch: &Scratch<'_>, at: &At, present: &refs::Refs, history: &History) -> StoreResult<()> {
    let mover = scratch.mover().await?;
    let prefix = &at.project.prefix;
    for tag in &present.tags {
        mover.call("select dolt_tag('-d', ?)", &[&prefix.branch(&tag.name)]).await?;
    }
    let stays = |name: &BranchName| history.branches.iter().any(|branch| branch.name == *name);
    let gone = present.branches.iter().filter(|branch| !stays(&branch.name)).map(|branch| prefix.branch(&branch.name));
    for name in gone.chain(present.kept.iter().map(|head| prefix.keep(head))) {
        refs::delete(&mover, &name).await?;
    }
    mover.release().await;
    Ok(())
}

/// Moves branches, from where they are to these commits. The caller holds the project's lock.
async fn move_branches(
    scratch: &Scratch<'_>,
    at: &At,
    moves: &[(&BranchName, Option<&CommitHash>, &CommitHash)],
) -> StoreResult<()> {
    let mover = scratch.mover().await?;
    for (name, from, to) in moves {
        let branch = at.project.prefix.branch(name);
        match from {
            Some(_) => mover.call("select dolt_branch('-f', ?, ?)", &[&branch, to.as_str()]).await?,
            None => refs::create(&mover, &branch, to).await?,
        }
    }
    mover.release().await;
    Ok(())
}

/// Each branch must be where the history says, and each new name be free, before anything is made.
fn check_moves(present: &refs::Refs, new: bool, history: &History) -> StoreResult<()> {
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
    made: Vec<CommitHash>,
    /// The commit that the connection's branch is at: most commits follow the one before.
    head: Option<CommitHash>,
}

impl Import<'_> {
    fn place(&self, origin: &Origin) -> StoreResult<CommitHash> {
        let made = match origin {
            Origin::Root => Some(self.inner.root.newest()),
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
            scratch.begin(first.as_str()).await?;
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
