use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use understory_model::Value;

use crate::{
    Branch, BranchName, ChangeSet, Commit, CommitHash, CommitMeta, ProjectId, Snapshot, StoreError, StoreResult,
};

/// What became of a set of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// They are one durable commit, the branch's new head.
    Commit(Commit),
    /// The branch had moved on to this commit; nothing was written.
    HeadMoved(CommitHash),
    /// There was nothing to write, and no commit was made.
    Nothing,
}

/// What a query answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueryRows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows; bytes are shown as hexadecimal text.
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more than a query may answer.
    pub more: bool,
}

/// A versioned store of projects: the whole of what an engine must offer.
///
/// A project is one history with branches. Commits are immutable, and reading one never waits for a writer.
/// Every method is durable when it returns. `crates/testkit` holds the conformance suite that every
/// implementation passes and the in-memory one that serves as the executable specification.
#[async_trait]
pub trait ConfigStore: Send + Sync {
    /// Creates a project whose `main` holds these changes as its first commit, after the root that holds the schema.
    ///
    /// All of it or nothing. If the project is there already nothing changes, and its `main` head is answered: a
    /// creation interrupted by a crash may be repeated.
    async fn project_create(&self, project: &ProjectId, changes: &ChangeSet, meta: &CommitMeta) -> StoreResult<Commit>;

    /// Deletes a project with all its history. Does nothing if it is not there.
    async fn project_delete(&self, project: &ProjectId) -> StoreResult<()>;

    /// Whether the project's data is there.
    async fn project_exists(&self, project: &ProjectId) -> StoreResult<bool>;

    /// All branches, by name.
    async fn branches(&self, project: &ProjectId) -> StoreResult<Vec<Branch>>;

    /// The head of a branch; `None` if there is no such branch.
    async fn branch_head(&self, project: &ProjectId, name: &BranchName) -> StoreResult<Option<CommitHash>>;

    /// Creates a branch at a commit. Names differing only in case are different branches.
    async fn branch_create(&self, project: &ProjectId, name: &BranchName, at: &CommitHash) -> StoreResult<()>;

    /// Deletes a branch. Commits that only it reached may go with it.
    async fn branch_delete(&self, project: &ProjectId, name: &BranchName) -> StoreResult<()>;

    /// One commit; `None` if no branch of the project reaches it.
    async fn commit(&self, project: &ProjectId, hash: &CommitHash) -> StoreResult<Option<Commit>>;

    /// The commit that a prefix of at least 7 characters names, if it names exactly one that a branch reaches.
    async fn commit_by_prefix(&self, project: &ProjectId, prefix: &str) -> StoreResult<Option<CommitHash>>;

    /// At most `limit` commits that `from` reaches, itself first, children before parents.
    async fn log(&self, project: &ProjectId, from: &CommitHash, limit: usize) -> StoreResult<Vec<Commit>>;

    /// All rows of a commit, in today's shape: columns added since then hold their defaults.
    async fn read(&self, project: &ProjectId, hash: &CommitHash) -> StoreResult<Arc<Snapshot>>;

    /// Answers a query in the engine's SQL against the tables of one commit. Nothing is written, whatever it says.
    ///
    /// For people who look into the data, not for programs: tables and dialect are the engine's own.
    async fn query(&self, _project: &ProjectId, _hash: &CommitHash, _sql: &str) -> StoreResult<QueryRows> {
        Err(StoreError::Unsupported("queries in SQL"))
    }

    /// Makes `changes` one commit on `branch`, if its head is still `expected`.
    ///
    /// All of it or nothing. With `merge_parent` the commit has two parents, and is made even of no changes.
    /// Migrations that the branch lacks are committed first, under the program's own name.
    async fn apply(
        &self,
        project: &ProjectId,
        branch: &BranchName,
        expected: &CommitHash,
        changes: &ChangeSet,
        merge_parent: Option<&CommitHash>,
        meta: &CommitMeta,
    ) -> StoreResult<Applied>;

    /// Brings a branch to the newest schema; the commit made, or `None` if it was there.
    async fn migrate(&self, project: &ProjectId, branch: &BranchName) -> StoreResult<Option<Commit>>;

    /// Whether a branch lacks migrations.
    async fn needs_migration(&self, project: &ProjectId, branch: &BranchName) -> StoreResult<bool>;

    /// Bytes that the project takes.
    async fn size(&self, project: &ProjectId) -> StoreResult<u64>;

    /// Gives back space that no ref needs.
    async fn gc(&self, project: &ProjectId) -> StoreResult<()>;

    /// Writes a consistent copy of a project's data, history included, to a new file.
    async fn backup(&self, project: &ProjectId, to: &Path) -> StoreResult<()>;

    /// Takes a copy that [`Self::backup`] wrote as the project's data.
    async fn restore(&self, project: &ProjectId, from: &Path) -> StoreResult<()>;
}
