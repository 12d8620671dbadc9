//! Bundles: a project's history, or what came since a commit, in one file, to move between servers and engines.
//!
//! A bundle is lines of JSON: a header, what it requires, one line a commit with the rows that it changed, the refs, and
//! a checksum of all before. Commits are named by hashes of our own making, over what they say and the rows they hold, so
//! that a bundle fits wherever the content does: no engine's hash is in it. Tenant and project are not in it either; rows
//! get those of the place where it is applied.

pub(crate) mod canonical;
mod read;
mod write;

use serde::{Deserialize, Serialize};
use understory_model::Value;

use crate::CommitHash;

pub use read::{Bundle, BundleError};
pub use write::write;

/// What the first line calls itself.
const FORMAT: &str = "understory-bundle";
/// Grows when older programs can no longer read what newer ones write.
const VERSION: u32 = 1;
/// Stands for the root, which every project has of its own, among the parents of a commit.
pub(crate) const ROOT: &str = "root";

/// How much a bundle holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// Branches and tags with their history, to be handed to others.
    Shared {
        /// Less what this commit reaches.
        since: Option<&'a CommitHash>,
    },
    /// All that the store keeps of the project, deleted branches and the keys of requests included.
    Everything,
}

/// One line of a bundle.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Line {
    Header {
        format: String,
        version: u32,
        project: String,
    },
    Requires(Identity),
    Commit {
        identity: Identity,
        parents: Vec<String>,
        changes: Vec<LineChange>,
    },
    Branch {
        name: String,
        to: String,
    },
    /// The head of a deleted branch.
    Kept {
        to: String,
    },
    Tag {
        name: String,
        to: String,
        message: String,
        author: String,
        email: String,
        date: String,
    },
    End {
        sha256: String,
    },
}

/// What tells a commit from others, wherever it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Identity {
    /// SHA-256 over the rest, and over the hashes of the parents.
    pub(crate) hash: String,
    author: String,
    email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    committer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    pub(crate) message: String,
    pub(crate) date: String,
    /// The key of the request that made it: in copies only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
    /// SHA-256 over all its rows.
    rows: String,
}

/// A row that a commit changed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LineChange {
    entity: String,
    /// Its key, without tenant and project.
    key: Vec<String>,
    /// What it becomes; null where it goes.
    row: Value,
}
