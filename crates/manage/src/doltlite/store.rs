//! The trait, operation by operation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use understory_sql::Database;

use super::write::{Outcome, Rows, Writer};
use super::{At, DoltLite, Inner, history};
use crate::engine::commit::NewCommit;
use crate::replay::History;
use crate::{
    Applied, Branch, BranchName, Change, ChangeSet, Commit, CommitHash, CommitMeta, ConfigStore, ProjectId, QueryRows,
    Snapshot, StoreError, StoreResult, Tag, changed_rows,
};

#[async_trait]
impl ConfigStore for DoltLite {
    async fn answers(&self) -> StoreResult<()> {
        self.inner.files.stored().map(drop)
    }

    async fn stored(&self) -> StoreResult<Vec<String>> {
        self.inner.files.stored()
    }

    async fn stored_delete(&self, uid: &str) -> StoreResult<()> {
        // A project's file has no other name than its uid.
        self.project_delete(&ProjectId { tenant: String::new(), id: String::new(), uid: uid.to_owned() }).await
    }

    async fn project_create(&self, project: &ProjectId, changes: &ChangeSet, meta: &CommitMeta) -> StoreResult<Commit> {
        let (changes, meta) = (changes.clone(), meta.clone().on(&BranchName::main()));
        self.run_alone(project, move |inner, at| inner.project_create(at, &changes, &meta)).await
    }

    async fn project_delete(&self, project: &ProjectId) -> StoreResult<()> {
        self.run_alone(project, |inner, at| {
            inner.files.delete(&at.project.file)?;
            inner.renew(at);
            Ok(())
        })
        .await
    }

    async fn project_exists(&self, project: &ProjectId) -> StoreResult<bool> {
        self.run(project, |_, at| Ok(at.project.file.try_exists()?)).await
    }

    async fn branches(&self, project: &ProjectId) -> StoreResult<Vec<Branch>> {
        self.run(project, |inner, at| inner.on_refs(at, history::branches)).await
    }

    async fn dirty(&self, project: &ProjectId) -> StoreResult<Vec<BranchName>> {
        self.run_alone(project, Inner::dirty).await
    }

    async fn branch_head(&self, project: &ProjectId, name: &BranchName) -> StoreResult<Option<CommitHash>> {
        let name = name.clone();
        self.run(project, move |inner, at| inner.on_refs(at, |db| history::branch_head(db, &name))).await
    }

    async fn branch_create(&self, project: &ProjectId, name: &BranchName, at: &CommitHash) -> StoreResult<()> {
        let (name, hash) = (name.clone(), at.clone());
        self.run_alone(project, move |inner, at| inner.branch_create(at, &name, &hash)).await
    }

    async fn branch_rename(&self, project: &ProjectId, from: &BranchName, to: &BranchName) -> StoreResult<()> {
        let (from, to) = (from.clone(), to.clone());
        self.run_alone(project, move |inner, at| inner.branch_rename(at, &from, &to)).await
    }

    async fn branch_delete(&self, project: &ProjectId, name: &BranchName, expected: &CommitHash) -> StoreResult<()> {
        let (name, expected) = (name.clone(), expected.clone());
        self.run_alone(project, move |inner, at| inner.branch_delete(at, &name, &expected)).await
    }

    async fn kept(&self, project: &ProjectId) -> StoreResult<Vec<CommitHash>> {
        self.run(project, |inner, at| inner.on_refs(at, |db| Ok(history::refs(db)?.kept))).await
    }

    async fn keep_drop(&self, project: &ProjectId, head: &CommitHash) -> StoreResult<()> {
        let head = head.clone();
        self.run_alone(project, move |inner, at| inner.keep_drop(at, &head)).await
    }

    async fn tags(&self, project: &ProjectId) -> StoreResult<Vec<Tag>> {
        self.run(project, |inner, at| inner.on_refs(at, |db| Ok(history::refs(db)?.tags))).await
    }

    async fn tag_create(&self, project: &ProjectId, tag: &Tag) -> StoreResult<()> {
        let tag = tag.clone();
        self.run_alone(project, move |inner, at| inner.tag_create(at, &tag)).await
    }

    async fn tag_delete(&self, project: &ProjectId, name: &BranchName) -> StoreResult<()> {
        let name = name.clone();
        self.run_alone(project, move |inner, at| inner.tag_delete(at, &name)).await
    }

    async fn commit(&self, project: &ProjectId, hash: &CommitHash) -> StoreResult<Option<Commit>> {
        let hash = hash.clone();
        self.run(project, move |inner, at| {
            if !inner.reaches(at, &hash)? {
                return Ok(None);
            }
            inner.on_refs(at, |db| Ok(history::log(db, &hash, 0, 1)?.into_iter().next()))
        })
        .await
    }

    async fn commits_by_prefix(&self, project: &ProjectId, prefix: &str) -> StoreResult<Vec<CommitHash>> {
        let prefix = prefix.to_owned();
        self.run(project, move |inner, at| inner.reachable(at, |reachable| reachable.by_prefix(&prefix))).await
    }

    async fn log_page(
        &self,
        project: &ProjectId,
        from: &CommitHash,
        skip: usize,
        limit: usize,
    ) -> StoreResult<Vec<Commit>> {
        let from = from.clone();
        self.run(project, move |inner, at| {
            inner.require_commit(at, &from)?;
            inner.on_refs(at, |db| history::log(db, &from, skip, limit))
        })
        .await
    }

    async fn changes(
        &self,
        project: &ProjectId,
        from: Option<&CommitHash>,
        to: &CommitHash,
    ) -> StoreResult<Vec<Change>> {
        let at = self.at(project)?;
        if let Some(from) = from
            && let Some(known) = self.inner.changes.get(&(at.project.generation(), from.clone(), to.clone()))
        {
            return Ok(known.to_vec());
        }
        let (from, to) = (from.cloned(), to.clone());
        self.on_thread(at, None, move |inner, at| inner.changes(at, from.as_ref(), &to)).await
    }

    async fn read(&self, project: &ProjectId, hash: &CommitHash) -> StoreResult<Arc<Snapshot>> {
        // What is in memory needs no thread that may block.
        let at = self.at(project)?;
        if let Some(snapshot) = self.inner.snapshots.get(&(at.project.generation(), hash.clone())) {
            return Ok(snapshot);
        }
        let hash = hash.clone();
        self.on_thread(at, None, move |inner, at| inner.snapshot(at, &hash)).await
    }

    async fn query(&self, project: &ProjectId, hash: &CommitHash, sql: &str) -> StoreResult<QueryRows> {
        let (hash, sql) = (hash.clone(), sql.to_owned());
        self.run(project, move |inner, at| inner.query(at, &hash, &sql)).await
    }

    async fn apply(
        &self,
        project: &ProjectId,
        branch: &BranchName,
        expected: &CommitHash,
        changes: &ChangeSet,
        merge_parent: Option<&CommitHash>,
        meta: &CommitMeta,
    ) -> StoreResult<Applied> {
        let write = Write {
            branch: branch.clone(),
            expected: expected.clone(),
            changes: changes.clone(),
            merge_parent: merge_parent.cloned(),
            meta: meta.clone().on(branch),
        };
        let (applied, wants_gc) =
            self.run_alone(project, move |inner, at| Ok((inner.apply(at, &write)?, inner.wants_gc(at)))).await?;
        if wants_gc {
            self.collect_later(project.clone());
        }
        Ok(applied)
    }

    async fn migrate(&self, project: &ProjectId) -> StoreResult<Vec<(BranchName, Commit)>> {
        self.run_alone(project, Inner::migrate).await
    }

    async fn needs_migration(&self, project: &ProjectId, branch: &BranchName) -> StoreResult<bool> {
        let branch = branch.clone();
        self.run(project, move |inner, at| {
            let head = inner.on_refs(at, |db| require_head(db, &branch))?;
            inner.is_behind(at, &head)
        })
        .await
    }

    async fn import(&self, project: &ProjectId, history: &History) -> StoreResult<Vec<CommitHash>> {
        let history = history.clone();
        self.run_alone(project, move |inner, at| inner.import(at, &history)).await
    }

    async fn size(&self, project: &ProjectId) -> StoreResult<u64> {
        self.run(project, |inner, at| inner.size(at)).await
    }

    async fn gc(&self, project: &ProjectId) -> StoreResult<()> {
        self.run_alone(project, |inner, at| inner.gc(at)).await
    }

    async fn backup(&self, project: &ProjectId, to: &Path) -> StoreResult<()> {
        let to: PathBuf = to.to_owned();
        self.run_alone(project, move |inner, at| inner.backup(at, &to)).await
    }

    async fn restore(&self, project: &ProjectId, from: &Path) -> StoreResult<()> {
        let from: PathBuf = from.to_owned();
        self.run_alone(project, move |inner, at| inner.restore(at, &from)).await
    }
}

/// What `apply` was asked to do.
struct Write {
    branch: BranchName,
    expected: CommitHash,
    changes: ChangeSet,
    merge_parent: Option<CommitHash>,
    meta: CommitMeta,
}

impl Inner {
    fn project_create(&self, at: &At, changes: &ChangeSet, meta: &CommitMeta) -> StoreResult<Commit> {
        if !at.project.file.try_exists()? {
            let commit = self.create(&at.project.file, changes, meta)?;
            self.remember(at, &commit.hash, Arc::new(Snapshot::default().after(changes)));
            return Ok(commit);
        }
        self.on_refs(at, |db| {
            let head = require_head(db, &BranchName::main())?;
            let newest = history::log(db, &head, 0, 1)?.into_iter().next();
            newest.ok_or_else(|| StoreError::UnknownCommit(head))
        })
    }

    fn apply(&self, at: &At, write: &Write) -> StoreResult<Applied> {
        let head = self.on_refs(at, |db| require_head(db, &write.branch))?;
        if head != write.expected {
            return Ok(Applied::HeadMoved(head));
        }
        if let Some(parent) = &write.merge_parent {
            self.require_commit(at, parent)?;
        }
        let after = self.successor(at, write)?;
        let as_theirs = self.is_as_theirs(at, write, after.as_ref())?;
        let applied = self.on_branch(at, &write.branch, |db| self.write(db, write, &after, as_theirs))?;
        if let Applied::Commit(commit) = &applied {
            self.set_current(at, &commit.hash);
        }
        if let (Applied::Commit(commit), Some(after)) = (&applied, after) {
            self.remember(at, &commit.hash, Arc::new(after));
        }
        Ok(applied)
    }

    /// The rows after the write: what a merge must make, and what the next read finds in memory.
    fn successor(&self, at: &At, write: &Write) -> StoreResult<Option<Snapshot>> {
        let key = (at.project.generation(), write.expected.clone());
        let before = match (self.snapshots.get(&key), &write.merge_parent) {
            (None, None) => return Ok(None),
            (Some(before), _) => before,
            (None, Some(_)) => self.snapshot(at, &write.expected)?,
        };
        Ok(Some(before.after(&write.changes)))
    }

    /// Whether a merge comes to exactly the rows of the other side, in today's schema. Told only if those are in memory.
    fn is_as_theirs(&self, at: &At, write: &Write, after: Option<&Snapshot>) -> StoreResult<bool> {
        let (Some(parent), Some(after)) = (&write.merge_parent, after) else { return Ok(false) };
        let theirs = self.snapshots.get(&(at.project.generation(), parent.clone()));
        let same = theirs.is_some_and(|theirs| changed_rows(after, &theirs).is_empty());
        Ok(same && !self.is_behind(at, parent)? && !self.is_behind(at, &write.expected)?)
    }

    fn write(&self, db: &Database, write: &Write, after: &Option<Snapshot>, as_theirs: bool) -> StoreResult<Applied> {
        let writer = Writer { db, branch: &write.branch };
        let merge = write.merge_parent.as_ref().zip(after.as_ref());
        if write.changes.is_empty() && merge.is_none() {
            return Ok(Applied::Nothing);
        }
        let base = match writer.migrate(&write.expected, &self.migrations)? {
            Outcome::Nothing => write.expected.clone(),
            Outcome::Made(commit) => commit.hash,
            Outcome::Moved(head) => return Ok(Applied::HeadMoved(head)),
        };
        let rows = Rows { tables: &self.tables, changes: &write.changes, merge, as_theirs };
        Ok(match writer.commit(&base, &rows, &NewCommit::new(&write.meta))? {
            Outcome::Made(commit) => Applied::Commit(commit),
            Outcome::Moved(head) => Applied::HeadMoved(head),
            Outcome::Nothing => Applied::Nothing,
        })
    }
}

pub(super) fn require_head(db: &Database, branch: &BranchName) -> StoreResult<CommitHash> {
    history::branch_head(db, branch)?.ok_or_else(|| StoreError::UnknownBranch(branch.clone()))
}
