use std::sync::Arc;

use understory_manage::{
    Applied, BranchName, ChangeSet, Commit, CommitHash, CommitMeta, Draft, ProjectId, Signature, Snapshot, diff,
};

use super::{Checked, Failure, Store};
use crate::samples;

/// One project in a store, with the few steps that checks are made of.
#[derive(Clone)]
pub struct Bench {
    /// The store.
    pub store: Store,
    /// The project.
    pub project: ProjectId,
}

impl Bench {
    /// A project that holds its own row only.
    pub async fn new(store: &Store) -> Result<Self, Failure> {
        Ok(Self::with(store, samples::project_id("p"), |draft| samples::put_project(draft).map(drop)).await?.0)
    }

    /// A project of sample rows.
    pub async fn rich(store: &Store) -> Result<Self, Failure> {
        Ok(Self::with(store, samples::project_id("r"), samples::put_rich_project).await?.0)
    }

    /// A project filled by a draft, and its first commit.
    pub async fn with(
        store: &Store,
        project: ProjectId,
        fill: impl FnOnce(&mut Draft) -> Checked,
    ) -> Result<(Self, Commit), Failure> {
        let changes = changes(&Snapshot::default(), fill)?;
        let commit = store.project_create(&project, &changes, &meta("Create the project")).await?;
        Ok((Self { store: Arc::clone(store), project }, commit))
    }

    /// A branch's head.
    pub async fn head(&self, branch: &BranchName) -> Result<CommitHash, Failure> {
        let head = self.store.branch_head(&self.project, branch).await?;
        Ok(head.ok_or(format!("no branch {branch}"))?)
    }

    /// The rows at a branch's head.
    pub async fn rows(&self, branch: &BranchName) -> Result<Arc<Snapshot>, Failure> {
        self.rows_at(&self.head(branch).await?).await
    }

    /// The rows of a commit.
    pub async fn rows_at(&self, hash: &CommitHash) -> Result<Arc<Snapshot>, Failure> {
        Ok(self.store.read(&self.project, hash).await?)
    }

    /// A new branch at the head of another.
    pub async fn branch(&self, name: &str, from: &BranchName) -> Result<BranchName, Failure> {
        let name = BranchName::new(name)?;
        let head = self.head(from).await?;
        self.store.branch_create(&self.project, &name, &head).await?;
        Ok(name)
    }

    /// Deletes a branch; its head, which is kept.
    pub async fn delete_branch(&self, branch: &BranchName) -> Result<CommitHash, Failure> {
        let head = self.head(branch).await?;
        self.store.branch_delete(&self.project, branch, &head).await?;
        Ok(head)
    }

    /// Deletes a branch and what only it reached.
    pub async fn lose_branch(&self, branch: &BranchName) -> Checked {
        let head = self.delete_branch(branch).await?;
        Ok(self.store.keep_drop(&self.project, &head).await?)
    }

    /// Edits a branch's head and applies the changes.
    pub async fn try_edit(
        &self,
        branch: &BranchName,
        message: &str,
        edit: impl FnOnce(&mut Draft) -> Checked,
    ) -> Result<Applied, Failure> {
        let head = self.head(branch).await?;
        let changes = changes(self.rows_at(&head).await?.as_ref(), edit)?;
        Ok(self.store.apply(&self.project, branch, &head, &changes, None, &meta(message)).await?)
    }

    /// Edits a branch's head; the commit made.
    pub async fn edit(&self, branch: &BranchName, edit: impl FnOnce(&mut Draft) -> Checked) -> Result<Commit, Failure> {
        committed(self.try_edit(branch, "Edit", edit).await?)
    }

    /// Puts a tool on a branch.
    pub async fn put_tool(&self, branch: &BranchName, id: &str) -> Result<Commit, Failure> {
        self.edit(branch, |draft| samples::put_tool(draft, id, id).map(drop)).await
    }

    /// The ids of a branch's tools.
    pub async fn tools(&self, branch: &BranchName) -> Result<Vec<String>, Failure> {
        Ok(tool_ids(self.rows(branch).await?.as_ref()))
    }
}

/// The ids of a snapshot's tools.
pub(crate) fn tool_ids(snapshot: &Snapshot) -> Vec<String> {
    snapshot.table("tool").keys().map(|key| key.id().to_owned()).collect()
}

/// The changes that a draft makes to a snapshot.
pub(crate) fn changes(base: &Snapshot, edit: impl FnOnce(&mut Draft) -> Checked) -> Result<ChangeSet, Failure> {
    let mut draft = Draft::new(samples::model(), Arc::new(base.clone()));
    edit(&mut draft)?;
    Ok(draft.finish().map_err(|violations| format!("{violations:?}"))?)
}

/// The commit that was made.
pub(crate) fn committed(applied: Applied) -> Result<Commit, Failure> {
    match applied {
        Applied::Commit(commit) => Ok(commit),
        other => Err(format!("expected a commit, got {other:?}").into()),
    }
}

/// A test's signature under a message.
pub(crate) fn meta(message: &str) -> CommitMeta {
    CommitMeta::new(Signature::new("Tess Ter", "tess@example.com"), message)
}

/// Asserts that two snapshots hold the same rows, timestamps included; an absent column is null.
#[track_caller]
pub(crate) fn assert_same(found: &Snapshot, expected: &Snapshot) {
    let differing = understory_manage::change::diff_with_timestamps(expected, found);
    assert!(differing.is_empty(), "expected to find the same rows, but: {differing:#?}");
    assert!(diff(found, expected).is_empty());
}
