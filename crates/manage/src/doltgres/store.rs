//! The trait, operation by operation.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use understory_sql::postgres::PoolStatus;

use super::import::Taking;
use super::write::Write;
use super::{At, DoltGres, names, refs};
use crate::replay::History;
use crate::{
    Applied, Branch, BranchName, Change, ChangeSet, Commit, CommitHash, CommitMeta, ConfigStore, ProjectId, QueryRows,
    Snapshot, StoreError, StoreResult, Tag, changed_rows,
};

impl DoltGres {
    /// The project, and this process's turn to write it.
    async fn turn(&self, project: &ProjectId) -> (At, tokio::sync::OwnedMutexGuard<()>) {
        let at = self.at(project);
        let turn = Arc::clone(&at.project.writer).lock_owned().await;
        (at, turn)
    }
}

#[async_trait]
impl ConfigStore for DoltGres {
    async fn answers(&self) -> StoreResult<()> {
        Ok(self.inner.readers().connection().await?.batch("select 1").await?)
    }

    fn pools(&self) -> Vec<(&'static str, PoolStatus)> {
        self.inner.connections.status()
    }

    async fn stored(&self) -> StoreResult<Vec<String>> {
        let names = self.inner.branch_names().await?;
        let uids = names.iter().filter_map(|name| names::project_of(name)).map(|project| project.uid);
        Ok(uids.collect::<BTreeSet<_>>().into_iter().collect())
    }

    async fn stored_delete(&self, uid: &str) -> StoreResult<()> {
        let names = self.inner.branch_names().await?;
        let found = names.iter().filter_map(|name| names::project_of(name)).find(|project| project.uid == uid);
        match found {
            Some(project) => self.project_delete(&project).await,
            None => Ok(()),
        }
    }

    async fn left_over(&self) -> StoreResult<Vec<String>> {
        Ok(self.inner.branch_names().await?.into_iter().filter(|name| names::is_aside(name)).collect())
    }

    async fn project_create(&self, project: &ProjectId, changes: &ChangeSet, meta: &CommitMeta) -> StoreResult<Commit> {
        let (at, _turn) = self.turn(project).await;
        self.inner.project_create(&at, changes, &meta.clone().on(&BranchName::main())).await
    }

    async fn project_delete(&self, project: &ProjectId) -> StoreResult<()> {
        let (at, _turn) = self.turn(project).await;
        self.inner.project_delete(&at).await
    }

    async fn project_exists(&self, project: &ProjectId) -> StoreResult<bool> {
        let at = self.at(project);
        Ok(self.inner.is_there(&refs::read(&self.inner.connections.readers, &at.project.prefix).await?))
    }

    async fn branches(&self, project: &ProjectId) -> StoreResult<Vec<Branch>> {
        Ok(self.inner.refs(&self.at(project)).await?.branches)
    }

    async fn dirty(&self, project: &ProjectId) -> StoreResult<Vec<BranchName>> {
        let (at, _turn) = self.turn(project).await;
        self.inner.dirty(&at).await
    }

    async fn branch_head(&self, project: &ProjectId, name: &BranchName) -> StoreResult<Option<CommitHash>> {
        match self.inner.head(&self.at(project), name).await {
            // A project that is being created has no head yet.
            Ok((head, _)) if self.inner.root.is(&head) && name.is_main() => {
                Err(StoreError::UnknownProject(project.to_string()))
            }
            Ok((head, _)) => Ok(Some(head)),
            Err(StoreError::UnknownBranch(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn branch_create(&self, project: &ProjectId, name: &BranchName, at: &CommitHash) -> StoreResult<()> {
        let (project, _turn) = self.turn(project).await;
        self.inner.branch_create(&project, name, at).await
    }

    async fn branch_rename(&self, project: &ProjectId, from: &BranchName, to: &BranchName) -> StoreResult<()> {
        let (at, _turn) = self.turn(project).await;
        self.inner.branch_rename(&at, from, to).await
    }

    async fn branch_delete(&self, project: &ProjectId, name: &BranchName, expected: &CommitHash) -> StoreResult<()> {
        let (at, _turn) = self.turn(project).await;
        self.inner.branch_delete(&at, name, expected).await
    }

    async fn kept(&self, project: &ProjectId) -> StoreResult<Vec<CommitHash>> {
        Ok(self.inner.refs(&self.at(project)).await?.kept)
    }

    async fn keep_drop(&self, project: &ProjectId, head: &CommitHash) -> StoreResult<()> {
        let (at, _turn) = self.turn(project).await;
        self.inner.keep_drop(&at, head).await
    }

    async fn tags(&self, project: &ProjectId) -> StoreResult<Vec<Tag>> {
        Ok(self.inner.refs(&self.at(project)).await?.tags)
    }

    async fn tag_create(&self, project: &ProjectId, tag: &Tag) -> StoreResult<()> {
        let (at, _turn) = self.turn(project).await;
        self.inner.tag_create(&at, tag).await
    }

    async fn tag_delete(&self, project: &ProjectId, name: &BranchName) -> StoreResult<()> {
        let (at, _turn) = self.turn(project).await;
        self.inner.tag_delete(&at, name).await
    }

    async fn commit(&self, project: &ProjectId, hash: &CommitHash) -> StoreResult<Option<Commit>> {
        if !self.inner.reaches(&self.at(project), hash).await? {
            return Ok(None);
        }
        Ok(self.inner.log(hash, 0, 1).await?.into_iter().next())
    }

    async fn commits_by_prefix(&self, project: &ProjectId, prefix: &str) -> StoreResult<Vec<CommitHash>> {
        let at = self.at(project);
        let heads = self.inner.refs(&at).await?.heads();
        self.inner.reachable(&at, heads, |reachable| reachable.by_prefix(prefix)).await
    }

    async fn log_page(
        &self,
        project: &ProjectId,
        from: &CommitHash,
        skip: usize,
        limit: usize,
    ) -> StoreResult<Vec<Commit>> {
        self.inner.require_commit(&self.at(project), from).await?;
        self.inner.log(from, skip, limit).await
    }

    async fn changes(
        &self,
        project: &ProjectId,
        from: Option<&CommitHash>,
        to: &CommitHash,
    ) -> StoreResult<Vec<Change>> {
        let at = self.at(project);
        let generation = at.project.generation();
        if let Some(from) = from {
            if let Some(known) = self.inner.changes.get(&(generation, from.clone(), to.clone())) {
                return Ok(known.to_vec());
            }
            let held = |hash: &CommitHash| self.inner.snapshots.get(&(generation, hash.clone()));
            if let (Some(from), Some(to)) = (held(from), held(to)) {
                return Ok(changed_rows(&from, &to));
            }
        }
        self.inner.changes(&at, from, to).await
    }

    async fn read(&self, project: &ProjectId, hash: &CommitHash) -> StoreResult<Arc<Snapshot>> {
        self.inner.snapshot(&self.at(project), hash).await
    }

    /// Not answered: who may ask the shared database anything can read the projects of others, and files of its server
    /// (`load_file`).
    async fn query(&self, _project: &ProjectId, _hash: &CommitHash, _sql: &str) -> StoreResult<QueryRows> {
        Err(StoreError::Unsupported(
            "queries in SQL, as all projects share its database: connect to that with psql, and `use \"DATABASE/COMMIT\"`",
        ))
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
        let (at, _turn) = self.turn(project).await;
        let write = Write {
            branch: branch.clone(),
            expected: expected.clone(),
            changes: changes.clone(),
            merge_parent: merge_parent.cloned(),
            meta: meta.clone().on(branch),
        };
        self.inner.apply(&at, &write).await
    }

    async fn migrate(&self, project: &ProjectId) -> StoreResult<Vec<(BranchName, Commit)>> {
        let (at, _turn) = self.turn(project).await;
        self.inner.migrate(&at).await
    }

    async fn needs_migration(&self, project: &ProjectId, branch: &BranchName) -> StoreResult<bool> {
        let (head, _) = self.inner.head(&self.at(project), branch).await?;
        self.inner.is_behind(&head).await
    }

    async fn import(&self, project: &ProjectId, history: &History) -> StoreResult<Vec<CommitHash>> {
        let (at, _turn) = self.turn(project).await;
        self.inner.import(&at, history, Taking::GoOn).await
    }

    async fn size(&self, project: &ProjectId) -> StoreResult<u64> {
        self.inner.size(&self.at(project)).await
    }

    async fn gc(&self, project: &ProjectId) -> StoreResult<()> {
        let (at, _turn) = self.turn(project).await;
        self.inner.gc(&at).await
    }

    async fn backup(&self, project: &ProjectId, to: &Path) -> StoreResult<()> {
        self.write_copy(project, to).await
    }

    async fn restore(&self, project: &ProjectId, from: &Path) -> StoreResult<()> {
        let history = self.read_copy(project, from).await?;
        let (at, _turn) = self.turn(project).await;
        self.inner.restore(&at, &history).await
    }
}
