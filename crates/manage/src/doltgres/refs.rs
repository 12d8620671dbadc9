//! Branches and tags: what there is, and how they come, go and change their names.

use std::collections::BTreeSet;

use understory_sql::SqlValue;
use understory_sql::postgres::Pool;

use super::history::hash_cell;
use super::locks::Locked;
use super::names::Prefix;
use super::{At, Inner};
use crate::engine::errors::failed;
use crate::engine::notes::{NOTE, Notes, author, rfc3339};
use crate::{Branch, BranchName, CommitHash, Signature, StoreError, StoreResult, Tag};

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
    pub(super) async fn read(readers: &Pool, prefix: &Prefix) -> StoreResult<Self> {
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
        create(&locked, &at.project.prefix.branch(name), hash).await?;
        locked.release().await;
        Ok(())
    }

    pub(super) async fn branch_rename(&self, at: &At, from: &BranchName, to: &BranchName) -> StoreResult<()> {
        let locked = self.connections.lock(at.project.prefix.first()).await?;
        let refs = self.refs(at).await?;
        refs.movable(from)?;
        refs.require_free(to)?;
        let prefix = &at.project.prefix;
        locked.call("select dolt_branch('-m', '-f', ?, ?)", &[&prefix.branch(from), &prefix.branch(to)]).await?;
        locked.release().await;
        Ok(())
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
        match refs.kept.contains(expected) {
            true => delete(&locked, &branch).await?,
            false => locked.call("select dolt_branch('-m', '-f', ?, ?)", &[&branch, &keep]).await?,
        }
        locked.release().await;
        Ok(())
    }

    pub(super) async fn keep_drop(&self, at: &At, head: &CommitHash) -> StoreResult<()> {
        let locked = self.connections.lock(at.project.prefix.first()).await?;
        if self.refs(at).await?.kept.contains(head) {
            delete(&locked, &at.project.prefix.keep(head)).await?;
        }
        locked.release().await;
        // What only it reached is unknown from now on, though it may be in memory.
        at.project.renew().await;
        Ok(())
    }

    pub(super) async fn tag_create(&self, at: &At, tag: &Tag) -> StoreResult<()> {
        let locked = self.connections.lock(at.project.prefix.first()).await?;
        self.require_commit(at, &tag.hash).await?;
        self.refs(at).await?.require_free(&tag.name)?;
        make_tag(&locked, &at.project.prefix, tag).await?;
        locked.release().await;
        Ok(())
    }

    /// Its commit is kept first: at no moment is it reached by nothing.
    pub(super) async fn tag_delete(&self, at: &At, name: &BranchName) -> StoreResult<()> {
        let locked = self.connections.lock(at.project.prefix.first()).await?;
        let refs = self.refs(at).await?;
        let tag = refs.tags.iter().find(|tag| tag.name == *name);
        let tag = tag.ok_or_else(|| StoreError::UnknownTag(name.clone()))?;
        let prefix = &at.project.prefix;
        if !refs.kept.contains(&tag.hash) {
            create(&locked, &prefix.keep(&tag.hash), &tag.hash).await?;
        }
        locked.call("select dolt_tag('-d', ?)", &[&prefix.branch(name)]).await?;
        locked.release().await;
        Ok(())
    }
}

pub(super) async fn create(locked: &Locked<'_>, branch: &str, at: &CommitHash) -> StoreResult<()> {
    locked.call("select dolt_branch(?, ?)", &[branch, at.as_str()]).await
}

pub(super) async fn delete(locked: &Locked<'_>, branch: &str) -> StoreResult<()> {
    locked.call("select dolt_branch('-D', ?)", &[branch]).await
}

pub(super) async fn make_tag(locked: &Locked<'_>, prefix: &Prefix, tag: &Tag) -> StoreResult<()> {
    let message = tag.message.replace(['\0', NOTE], "");
    let message = Notes { parent: None, time: Some(tag.date.clone()) }.add_to(&message);
    let arguments = [&prefix.branch(&tag.name), tag.hash.as_str(), &message, &author(&tag.tagger)];
    locked.call("select dolt_tag(?, ?, '-m', ?, '--author', ?)", &arguments).await
}
