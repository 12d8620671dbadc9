//! Branches and tags come, go and change their names.

use understory_sql::{Database, SqlValue};

use super::history;
use super::{At, Inner};
use crate::engine::names::{encode_branch, encode_hash, encode_keep};
use crate::engine::notes::{NOTE, Notes, author};
use crate::{BranchName, CommitHash, StoreError, StoreResult, Tag};

impl Inner {
    pub(super) fn branch_create(&self, at: &At, name: &BranchName, hash: &CommitHash) -> StoreResult<()> {
        self.require_commit(at, hash)?;
        self.on_refs(at, |db| {
            history::refs(db)?.require_free(name)?;
            call(db, "select dolt_branch(?, ?)", &[&encode_branch(name), &encode_hash(hash)])
        })
    }

    pub(super) fn branch_rename(&self, at: &At, from: &BranchName, to: &BranchName) -> StoreResult<()> {
        self.pool.close_branch(at.project.generation(), &encode_branch(from));
        self.on_refs(at, |db| {
            let refs = history::refs(db)?;
            refs.movable(from)?;
            refs.require_free(to)?;
            call(db, "select dolt_branch('-m', ?, ?)", &[&encode_branch(from), &encode_branch(to)])
        })
    }

    /// One statement, whichever it is: before it the branch is there, after it its head is kept.
    pub(super) fn branch_delete(&self, at: &At, name: &BranchName, expected: &CommitHash) -> StoreResult<()> {
        let (encoded, keep) = (encode_branch(name), encode_keep(expected));
        self.pool.close_branch(at.project.generation(), &encoded);
        self.on_refs(at, |db| {
            let refs = history::refs(db)?;
            let head = refs.movable(name)?;
            if head != expected {
                return Err(StoreError::HeadMoved { branch: name.clone(), head: head.clone() });
            }
            match refs.kept.contains(expected) {
                true => call(db, "select dolt_branch('-D', ?)", &[&encoded]),
                false => call(db, "select dolt_branch('-m', ?, ?)", &[&encoded, &keep]),
            }
        })
    }

    pub(super) fn keep_drop(&self, at: &At, head: &CommitHash) -> StoreResult<()> {
        self.on_refs(at, |db| match history::refs(db)?.kept.contains(head) {
            true => call(db, "select dolt_branch('-D', ?)", &[&encode_keep(head)]),
            false => Ok(()),
        })?;
        self.renew(at);
        Ok(())
    }

    pub(super) fn tag_create(&self, at: &At, tag: &Tag) -> StoreResult<()> {
        self.require_commit(at, &tag.hash)?;
        self.on_refs(at, |db| {
            history::refs(db)?.require_free(&tag.name)?;
            make_tag(db, tag)
        })
    }

    pub(super) fn tag_delete(&self, at: &At, name: &BranchName) -> StoreResult<()> {
        self.on_refs(at, |db| {
            let refs = history::refs(db)?;
            let tag = refs.tags.iter().find(|tag| tag.name == *name);
            let tag = tag.ok_or_else(|| StoreError::UnknownTag(name.clone()))?;
            if !refs.kept.contains(&tag.hash) {
                call(db, "select dolt_branch(?, ?)", &[&encode_keep(&tag.hash), &encode_hash(&tag.hash)])?;
            }
            call(db, "select dolt_tag('-d', ?)", &[&encode_branch(name)])
        })
    }
}

/// Makes a tag.
pub(super) fn make_tag(db: &Database, tag: &Tag) -> StoreResult<()> {
    let notes = Notes { parent: None, time: Some(tag.date.clone()) };
    let message = notes.add_to(&tag.message.replace(['\0', NOTE], ""));
    let (name, hash, author) = (encode_branch(&tag.name), encode_hash(&tag.hash), author(&tag.tagger));
    call(db, "select dolt_tag(?, ?, '-m', ?, '--author', ?)", &[&name, &hash, &message, &author])
}

/// Calls a function of the engine for what it does.
pub(super) fn call(db: &Database, sql: &str, arguments: &[&str]) -> StoreResult<()> {
    let arguments: Vec<SqlValue> = arguments.iter().map(|text| SqlValue::from(*text)).collect();
    Ok(db.query(sql, &arguments).map(drop)?)
}
