//! The versioned store: an agent project's configuration as rows under Git-like version control.
//!
//! Pure code (`change`, `merge`) works on immutable [`Snapshot`]s and yields [`ChangeSet`]s; a [`ConfigStore`]
//! keeps commits and moves branches. Everything an engine must offer is that one trait: nobody outside an adapter
//! can tell which engine is there.

pub mod blame;
pub mod bundle;
pub mod change;
mod commit;
pub mod doltgres;
pub mod doltlite;
mod engine;
mod error;
pub mod graph;
pub mod log;
pub mod merge;
mod refs;
pub mod replay;
pub mod revision;
mod snapshot;
mod store;

pub use change::{Change, ChangeSet, DiffKind, Draft, RowDiff, Violation, changed_rows, diff};
pub use commit::{Commit, CommitMeta, Signature};
pub use error::{StoreError, StoreResult};
pub use refs::{Branch, BranchName, CommitHash, ProjectId, RefKind, ResolvedRef, Tag};
pub use snapshot::{Snapshot, Table};
pub use store::{Applied, ConfigStore, QueryRows, WHOLE_LOG};
