use crate::{BranchName, CommitHash};

/// What a store answers.
pub type StoreResult<T> = Result<T, StoreError>;

/// Why a store could not do as told. A storage failure is never told as absence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The project has no data in this store.
    #[error("project {0} is not in the store")]
    UnknownProject(String),
    /// No such branch.
    #[error("branch {0} does not exist")]
    UnknownBranch(BranchName),
    /// No such commit, or one that no ref of the project reaches.
    #[error("commit {0} does not exist")]
    UnknownCommit(CommitHash),
    /// No such tag.
    #[error("tag {0} does not exist")]
    UnknownTag(BranchName),
    /// A branch or a tag has the name.
    #[error("{0} is a branch or a tag already")]
    RefExists(BranchName),
    /// The branch is not where the caller thought it was; nothing was done.
    #[error("branch {branch} is at {head} by now")]
    HeadMoved {
        /// The branch.
        branch: BranchName,
        /// Its head.
        head: CommitHash,
    },
    /// A history cannot be taken over as it is; nothing of it was.
    #[error("{0}")]
    Misfit(String),
    /// Somebody edited the branch behind the store's back; nothing was written.
    #[error("branch {0} has uncommitted changes made outside Understory")]
    Dirty(BranchName),
    /// Another writer holds the store for longer than we wait.
    #[error("the store is busy")]
    Busy(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// The database server is away or went silent. A write that was under way may have been made or not.
    #[error("the database of the versioned store does not answer")]
    Unavailable(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// The database server refuses what is asked, or is not one that the store can be on: why, and what would be right.
    #[error("{0}")]
    Refused(String),
    /// The database lacks migrations that it was not to be given; nothing was changed.
    #[error("the versioned store lacks {} migration(s): {}", .pending.len(), .pending.join(", "))]
    Behind {
        /// Their names.
        pending: Vec<String>,
    },
    /// The disk is full; nothing was written.
    #[error("the disk is full")]
    DiskFull(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// The stored data does not read back.
    #[error("the store is damaged: {detail}")]
    Corrupt {
        /// What did not read back.
        detail: String,
        /// The engine's words.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A migration that this program does not know, or knows differently, was applied.
    #[error("migration {name}: {detail}")]
    Migration {
        /// The migration's directory name.
        name: String,
        /// What is wrong.
        detail: String,
    },
    /// A query that somebody wrote cannot be answered.
    #[error("{detail}")]
    Query {
        /// What is wrong with it.
        detail: String,
        /// The engine's words.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// This engine does not do that.
    #[error("the engine does not answer {0}")]
    Unsupported(&'static str),
    /// Any other failure of the engine.
    #[error("the store failed: {detail}")]
    Engine {
        /// What was being done.
        detail: String,
        /// The engine's words.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}
