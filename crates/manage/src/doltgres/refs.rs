//! Branches and tags: what there is, and how they come, go and change their names.

use understory_sql::SqlValue;
use understory_sql::postgres::Pool;

use super::history::hash_cell;
use super::locks::has_words;
use super::moves::Moves;
use super::names::Prefix;
use super::write::again;
use super::{At, Inner};
use crate::engine::refs::{BRANCHES, Naming, Refs, TAGS};
use crate::{BranchName, CommitHash, StoreError, StoreResult, Tag};

/// How the engine tells that a ref is gone that it has just listed.
const VANISHED: [&str; 2] = ["tag ref not found", "branch not found"];

fn has_vanished(error: &StoreError) -> bool {
    matches!(error, StoreError::Engine { source: Some(source), .. }
        if VANISHED.iter().any(|words| has_words(source.as_ref(), words)))
}

impl Naming for Prefix {
    fn branch(&self, name: &str) -> Option<BranchName> {
        self.decode(name)
    }

    fn keep(&self, name: &str) -> Option<CommitHash> {
        self.decode_keep(name)
    }

    fn hash(&self, cell: Option<&SqlValue>) -> StoreResult<CommitHash> {
        hash_cell(cell)
    }
}

/// Where all refs of a project lead, whether it is there or not.
///
/// The engine lists names first and looks each one up then; where somebody deletes one meanwhile, of whichever project,
/// it fails (DoltGres 1.3.3: `tag ref not found`).
pub(super) async fn read(readers: &Pool, prefix: &Prefix) -> StoreResult<Refs> {
    again(|| read_once(readers, prefix), has_vanished).await
}

async fn read_once(readers: &Pool, prefix: &Prefix) -> StoreResult<Refs> {
    let connection = readers.connection().await?;
    let bounds = [SqlValue::from(prefix.first()), prefix.end().into()];
    let branches = format!("{BRANCHES} where name >= ? and name < ?");
    let tags = format!("{TAGS} where tag_name >= ? and tag_name < ?");
    let (branches, tags) = tokio::try_join!(connection.query(&branches, &bounds), connection.query(&tags, &bounds))?;
    Refs::of(&branches, &tags, prefix)
}

impl Inner {
    pub(super) async fn branch_create(&self, at: &At, name: &BranchName, hash: &CommitHash) -> StoreResult<()> {
        let locked = self.connections.lock(at.project.prefix.first()).await?;
        self.require_commit(at, hash).await?;
        self.refs(at).await?.require_free(name)?;
        let mut moves = Moves::default();
        moves.create(&at.project.prefix.branch(name), hash);
        locked.finish(moves).await
    }

    pub(super) async fn branch_rename(&self, at: &At, from: &BranchName, to: &BranchName) -> StoreResult<()> {
        let locked = self.connections.lock(at.project.prefix.first()).await?;
        let refs = self.refs(at).await?;
        refs.movable(from)?;
        refs.require_free(to)?;
        let prefix = &at.project.prefix;
        let mut moves = Moves::default();
        moves.rename(&prefix.branch(from), &prefix.branch(to));
        locked.finish(moves).await
    }

    /// One statement, whichever it is: before it the branch is there, after it its head is kept.
    pub(super) async fn branch_delete(&self, at: &At, name: &BranchName, expected: &CommitHash) -> StoreResult<()> {
        let locked = self.connections.lock(at.project.prefix.first()).await?;
        let refs = self.refs(at).await?;
        let head = refs.movable(name)?;
        if head != expected {
            return Err(StoreError::HeadMoved { branch: name.clone(), head: head.clone() });
        }
        let (branch, keep) = (at.project.prefix.branch(name), at.project.prefix.keep(expected));
        let mut moves = Moves::default();
        match refs.kept.contains(expected) {
            true => moves.delete(&branch),
            false => moves.rename(&branch, &keep),
        }
        locked.finish(moves).await
    }

    pub(super) async fn keep_drop(&self, at: &At, head: &CommitHash) -> StoreResult<()> {
        let locked = self.connections.lock(at.project.prefix.first()).await?;
        let mut moves = Moves::default();
        if self.refs(at).await?.kept.contains(head) {
            moves.delete(&at.project.prefix.keep(head));
        }
        locked.finish(moves).await?;
        // What only it reached is unknown from now on, though it may be in memory.
        at.project.renew().await;
        Ok(())
    }

    pub(super) async fn tag_create(&self, at: &At, tag: &Tag) -> StoreResult<()> {
        let locked = self.connections.lock(at.project.prefix.first()).await?;
        self.require_commit(at, &tag.hash).await?;
        self.refs(at).await?.require_free(&tag.name)?;
        let mut moves = Moves::default();
        moves.tag(&at.project.prefix, tag);
        locked.finish(moves).await
    }

    /// Its commit is kept first: at no moment is it reached by nothing.
    pub(super) async fn tag_delete(&self, at: &At, name: &BranchName) -> StoreResult<()> {
        let locked = self.connections.lock(at.project.prefix.first()).await?;
        let refs = self.refs(at).await?;
        let tag = refs.tags.iter().find(|tag| tag.name == *name);
        let tag = tag.ok_or_else(|| StoreError::UnknownTag(name.clone()))?;
        let prefix = &at.project.prefix;
        let mut moves = Moves::default();
        if !refs.kept.contains(&tag.hash) {
            moves.create(&prefix.keep(&tag.hash), &tag.hash);
        }
        moves.untag(&prefix.branch(name));
        locked.finish(moves).await
    }
}
