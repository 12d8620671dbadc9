//! Branches and tags: what there is, and how they come, go and change their names.

use std::collections::BTreeSet;

use understory_sql::SqlValue;
use understory_sql::postgres::Pool;

use super::history::hash_cell;
use super::locks::has_words;
use super::moves::Moves;
use super::names::Prefix;
use super::write::TRIES;
use super::{At, Inner};
use crate::engine::errors::failed;
use crate::engine::notes::{Notes, rfc3339};
use crate::{Branch, BranchName, CommitHash, Signature, StoreError, StoreResult, Tag};

/// How the engine tells that a ref is gone that it has just listed.
const VANISHED: [&str; 2] = ["tag ref not found", "branch not found"];

/// Where all refs of a project lead: branches, kept heads and tags.
#[derive(Debug, Default)]
pub(super) struct Refs {
    /// By name.
    pub(super) branches: Vec<Branch>,
    pub(super) kept: Vec<CommitHash>,
    /// By name.
    pub(super) tags: Vec<Tag>,
    /// What an import that was cut off left.
    pub(super) scratch: Vec<String>,
}

impl Refs {
    /// The refs that Understory made for a project; somebody else's are none.
    ///
    /// The engine lists names first and looks each one up then; where somebody deletes one meanwhile, of whichever
    /// project, it fails (DoltGres 1.3.3: `tag ref not found`).
    pub(super) async fn read(readers: &Pool, prefix: &Prefix) -> StoreResult<Self> {
        let mut tries = 0;
        loop {
            tries += 1;
            match Self::read_once(readers, prefix).await {
                Err(StoreError::Engine { source: Some(source), .. })
                    if tries < TRIES && VANISHED.iter().any(|words| has_words(source.as_ref(), words)) => {}
                read => return read,
            }
        }
    }

    async fn read_once(readers: &Pool, prefix: &Prefix) -> StoreResult<Self> {
        let connection = readers.connection().await?;
        let bounds = [SqlValue::from(prefix.first()), prefix.end().into()];
        let branches = "select name, hash from dolt_branches where name >= ? and name < ?";
        let tags = "select tag_name, tag_hash, tagger, email, date, message from dolt_tags \
                    where tag_name >= ? and tag_name < ?";
        let (branches, tags) = tokio::try_join!(connection.query(branches, &bounds), connection.query(tags, &bounds))?;
        let mut refs = Self::default();
        for row in branches {
            let Some(encoded) = row.first().and_then(SqlValue::text) else { continue };
            if let Some(name) = prefix.decode(encoded) {
                refs.branches.push(Branch { name, head: hash_cell(row.get(1))? });
            }
            refs.kept.extend(prefix.decode_keep(encoded));
            if prefix.is_scratch(encoded) {
                refs.scratch.push(encoded.to_owned());
            }
        }
        for row in tags {
            let text = |at: usize| row.get(at).and_then(SqlValue::text).unwrap_or_default();
            if let Some(name) = prefix.decode(text(0)) {
                let tagger = Signature::new(text(2), text(3));
                let (message, notes) = Notes::split(text(5));
                let message = message.strip_suffix('\n').unwrap_or(message).to_owned();
                let date = notes.time.unwrap_or_else(|| rfc3339(text(4)));
                refs.tags.push(Tag { name, hash: hash_cell(row.get(1))?, tagger, message, date });
            }
        }
        refs.branches.sort_by(|a, b| a.name.cmp(&b.name));
        refs.kept.sort();
        refs.tags.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(refs)
    }

    /// The head of a branch.
    pub(super) fn head(&self, name: &BranchName) -> Option<&CommitHash> {
        self.branches.iter().find(|branch| branch.name == *name).map(|branch| &branch.head)
    }

    /// The head of the project's own line.
    pub(super) fn main(&self) -> Option<&CommitHash> {
        self.head(&BranchName::main())
    }

    /// The commits that refs name.
    pub(super) fn heads(&self) -> BTreeSet<CommitHash> {
        let named = self.branches.iter().map(|branch| &branch.head).chain(self.tags.iter().map(|tag| &tag.hash));
        named.chain(&self.kept).cloned().collect()
    }

    /// Refuses a name that a branch or tag has.
    pub(super) fn require_free(&self, name: &BranchName) -> StoreResult<()> {
        let taken = self.head(name).is_some() || self.tags.iter().any(|tag| tag.name == *name);
        if taken { Err(StoreError::RefExists(name.clone())) } else { Ok(()) }
    }

    /// The head of a branch that may be renamed or deleted.
    fn movable(&self, name: &BranchName) -> StoreResult<&CommitHash> {
        let head = self.head(name).ok_or_else(|| StoreError::UnknownBranch(name.clone()))?;
        if name.is_main() { Err(failed("main is the project's own line and stays")) } else { Ok(head) }
    }
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
