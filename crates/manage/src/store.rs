use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use understory_model::Value;
use understory_sql::postgres::PoolStatus;

use crate::replay::History;
use crate::{
    Branch, BranchName, Change, ChangeSet, Commit, CommitHash, CommitMeta, ProjectId, Snapshot, StoreError,
    StoreResult, Tag,
};

/// As many commits as a log is asked for when it is wanted whole: more than any project has.
pub const WHOLE_LOG: usize = 1 << 31;

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
    /// Whether the store can be reached at all.
    async fn answers(&self) -> StoreResult<()>;

    /// How the connections to the store's server are doing, by what they are for; empty where it has none.
    fn pools(&self) -> Vec<(&'static str, PoolStatus)> {
        Vec::new()
    }

    /// The uids of all projects whose data is there, registered or not.
    async fn stored(&self) -> StoreResult<Vec<String>>;

    /// Deletes all that is stored under a uid, whichever project's it was. Does nothing if there is none.
    async fn stored_delete(&self, uid: &str) -> StoreResult<()>;

    /// Names of branches that interrupted work left aside, in no project's way; later work of the same kind takes them.
    async fn left_over(&self) -> StoreResult<Vec<String>> {
        Ok(Vec::new())
    }

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

    /// The branches with changes that are not committed, by name: whoever made them went past this program.
    async fn dirty(&self, project: &ProjectId) -> StoreResult<Vec<BranchName>>;

    /// The head of a branch; `None` if there is no such branch.
    async fn branch_head(&self, project: &ProjectId, name: &BranchName) -> StoreResult<Option<CommitHash>>;

    /// Creates a branch at a commit. Names differing only in case are different branches.
    async fn branch_create(&self, project: &ProjectId, name: &BranchName, at: &CommitHash) -> StoreResult<()>;

    /// Gives a branch that is not `main` another name. Its commits stay as they are.
    async fn branch_rename(&self, project: &ProjectId, from: &BranchName, to: &BranchName) -> StoreResult<()>;

    /// Deletes a branch that is not `main`, if its head is still `expected`.
    ///
    /// Nothing that it reached goes: its head is kept from now on, see [`Self::kept`].
    async fn branch_delete(&self, project: &ProjectId, name: &BranchName, expected: &CommitHash) -> StoreResult<()>;

    /// The heads of deleted branches and the commits of deleted tags, each once. What they reach can be read like what
    /// a branch reaches.
    async fn kept(&self, project: &ProjectId) -> StoreResult<Vec<CommitHash>>;

    /// Keeps one of these no longer: commits that only it reached may go. Again is fine.
    async fn keep_drop(&self, project: &ProjectId, head: &CommitHash) -> StoreResult<()>;

    /// All tags, by name.
    async fn tags(&self, project: &ProjectId) -> StoreResult<Vec<Tag>>;

    /// Creates a tag at its commit. No branch or tag has its name.
    async fn tag_create(&self, project: &ProjectId, tag: &Tag) -> StoreResult<()>;

    /// Deletes a tag. Its commit is kept from now on, see [`Self::kept`].
    async fn tag_delete(&self, project: &ProjectId, name: &BranchName) -> StoreResult<()>;

    /// One commit; `None` if no ref of the project reaches it.
    async fn commit(&self, project: &ProjectId, hash: &CommitHash) -> StoreResult<Option<Commit>>;

    /// Commits that a ref reaches and whose hashes begin so: none, one, or two of several.
    async fn commits_by_prefix(&self, project: &ProjectId, prefix: &str) -> StoreResult<Vec<CommitHash>>;

    /// At most `limit` commits that `from` reaches, itself first, children before parents.
    async fn log(&self, project: &ProjectId, from: &CommitHash, limit: usize) -> StoreResult<Vec<Commit>> {
        self.log_page(project, from, 0, limit).await
    }

    /// At most `limit` commits of the same, after the first `skip`. Its cost grows with both, not with the history.
    async fn log_page(
        &self,
        project: &ProjectId,
        from: &CommitHash,
        skip: usize,
        limit: usize,
    ) -> StoreResult<Vec<Commit>>;

    /// The rows in which a commit differs from another, or from nothing, by entity and key; timestamps count.
    ///
    /// Its cost grows with what differs, not with the project, where both commits have today's schema.
    async fn changes(
        &self,
        project: &ProjectId,
        from: Option<&CommitHash>,
        to: &CommitHash,
    ) -> StoreResult<Vec<Change>>;

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

    /// Brings all branches to the newest schema, all of them or none; those that were not there, each with the commit
    /// that migrates it.
    async fn migrate(&self, project: &ProjectId) -> StoreResult<Vec<(BranchName, Commit)>>;

    /// Whether a branch lacks migrations.
    async fn needs_migration(&self, project: &ProjectId, branch: &BranchName) -> StoreResult<bool>;

    /// Takes over commits and refs from elsewhere; the hashes of the commits here, in their order.
    ///
    /// All of it or nothing. A project that is not there is created, and `main` must be among the refs then. Each branch
    /// must be where the history says it is, or not be there, as it says; no tag moves.
    async fn import(&self, project: &ProjectId, history: &History) -> StoreResult<Vec<CommitHash>>;

    /// Bytes that the project takes.
    async fn size(&self, project: &ProjectId) -> StoreResult<u64>;

    /// Gives back space that no ref needs.
    async fn gc(&self, project: &ProjectId) -> StoreResult<()>;

    /// Writes a consistent copy of a project's data, history included, to a new file.
    async fn backup(&self, project: &ProjectId, to: &Path) -> StoreResult<()>;

    /// Takes a copy that [`Self::backup`] wrote as the project's data.
    async fn restore(&self, project: &ProjectId, from: &Path) -> StoreResult<()>;
}
