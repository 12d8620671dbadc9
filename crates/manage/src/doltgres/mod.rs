//! The server engine: one DoltGres database, a branch of it for each branch of each project.
//!
//! Reads name a commit (`as of`), which nothing can change, and no connection that reads is ever on a branch. A write
//! holds the project's advisory lock, goes to the branch, and makes one transaction that `dolt_commit` ends: rows and
//! commit become durable in one step. Several servers may share a database.

mod admin;
mod foreign;
mod history;
mod import;
mod locks;
mod migrate;
mod moves;
mod names;
mod project;
mod refs;
mod root;
mod scratch;
mod store;
mod tables;
mod write;

use std::sync::Arc;

use moka::sync::Cache;
use understory_model::Model;
use understory_sql::migration::{LedgerEntry, Migrate};
use understory_sql::postgres::{Pool, ServerUrl};
use understory_sql::{Dialect, Migrations, Store};

use self::locks::Connections;
use self::project::{Project, Projects};
use self::root::Root;
use crate::engine::check_model;
use crate::engine::reachable::Reachable;
use crate::engine::refs::Refs;
use crate::engine::remembered::{Differences, KNOWN_SCHEMAS, Snapshots, differences, snapshots};
use crate::engine::tables::{Present, Tables};
use crate::{BranchName, CommitHash, ProjectId, Snapshot, StoreError, StoreResult};

pub use self::foreign::{Amended, Foreign, ForeignBranch, ForeignProject};

/// Schemas of older programs whose columns are remembered.
const OLDER_SCHEMAS: u64 = 1_000;

/// A [`crate::ConfigStore`] in a DoltGres database. Clones are the same store.
#[derive(Clone, Debug)]
pub struct DoltGres {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    connections: Connections,
    model: Arc<Model>,
    migrations: Arc<Migrations>,
    tables: Tables,
    root: Root,
    projects: Projects,
    snapshots: Snapshots,
    changes: Differences,
    /// Which commits are known to lack migrations, or to have them all.
    behind: Cache<CommitHash, bool>,
    /// The columns that tables have where these migrations were run: slow to ask the engine for.
    columns: Cache<Vec<LedgerEntry>, Arc<Present>>,
}

impl DoltGres {
    /// Connects to a database, which is made ready if it is empty and `migrate` says so. At most `size` connections
    /// read and half as many write.
    ///
    /// `Refused` where the server is none that the store can be on, or lacks migrations that are not to be run.
    pub async fn connect(
        url: &ServerUrl,
        size: usize,
        model: Arc<Model>,
        migrations: Arc<Migrations>,
        migrate: Migrate,
    ) -> StoreResult<Self> {
        check_model(&model, &migrations)?;
        let connections = Connections::open(url, size)?;
        root::probe(&connections.readers).await?;
        let root = Root::prepare(&connections, &migrations, migrate).await?;
        let inner = Inner {
            connections,
            migrations,
            tables: Tables::new(&model, Dialect::Postgres),
            model,
            root,
            projects: Projects::default(),
            snapshots: snapshots(),
            changes: differences(),
            behind: Cache::new(KNOWN_SCHEMAS),
            columns: Cache::new(OLDER_SCHEMAS),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    fn at(&self, project: &ProjectId) -> At {
        At { project: self.inner.projects.get(project), id: project.clone() }
    }
}

/// The project that an operation is about.
struct At {
    project: Arc<Project>,
    id: ProjectId,
}

impl At {
    fn unknown(&self) -> StoreError {
        StoreError::UnknownProject(self.id.to_string())
    }
}

impl Inner {
    /// The refs of a project that is there.
    async fn refs(&self, at: &At) -> StoreResult<Refs> {
        let refs = refs::read(&self.connections.readers, &at.project.prefix).await?;
        if self.is_there(&refs) { Ok(refs) } else { Err(at.unknown()) }
    }

    /// A project is there once its main has a commit of its own: until then it is being created.
    fn is_there(&self, refs: &Refs) -> bool {
        refs.head(&BranchName::main()).is_some_and(|head| !self.root.is(head))
    }

    /// Whether a ref of the project reaches a commit.
    async fn reaches(&self, at: &At, hash: &CommitHash) -> StoreResult<bool> {
        let heads = self.refs(at).await?.heads();
        Ok(heads.contains(hash) || self.reachable(at, heads, |reachable| reachable.contains(hash)).await?)
    }

    async fn require_commit(&self, at: &At, hash: &CommitHash) -> StoreResult<()> {
        self.require_commits(at, [hash]).await
    }

    /// Commits that refs of the project must reach.
    async fn require_commits<const N: usize>(&self, at: &At, hashes: [&CommitHash; N]) -> StoreResult<()> {
        let heads = self.refs(at).await?.heads();
        if hashes.iter().all(|hash| heads.contains(*hash)) {
            return Ok(());
        }
        let unknown = |reachable: &Reachable| hashes.into_iter().find(|hash| !reachable.contains(hash));
        match self.reachable(at, heads, unknown).await? {
            Some(unknown) => Err(StoreError::UnknownCommit(unknown.clone())),
            None => Ok(()),
        }
    }

    /// Whether a commit lacks migrations. A schema that this program does not know is an error.
    async fn is_behind(&self, hash: &CommitHash) -> StoreResult<bool> {
        if let Some(known) = self.behind.get(hash) {
            return Ok(known);
        }
        let ledger = root::ledger_at(&self.connections.readers, hash.as_str()).await?;
        let behind = !self.migrations.pending(Store::Manage, &ledger)?.is_empty();
        self.behind.insert(hash.clone(), behind);
        Ok(behind)
    }

    /// The rows of a commit, from memory or from the database.
    async fn snapshot(&self, at: &At, hash: &CommitHash) -> StoreResult<Arc<Snapshot>> {
        if let Some(snapshot) = self.snapshots.get(&(at.project.generation(), hash.clone())) {
            return Ok(snapshot);
        }
        let _turn = at.project.reading.lock().await;
        if let Some(snapshot) = self.snapshots.get(&(at.project.generation(), hash.clone())) {
            return Ok(snapshot);
        }
        self.require_commit(at, hash).await?;
        let like = at.project.memory.newest().unwrap_or_default();
        let snapshot = Arc::new(self.read_at(hash, &like).await?);
        self.remember(at, hash, Arc::clone(&snapshot));
        Ok(snapshot)
    }

    fn remember(&self, at: &At, hash: &CommitHash, snapshot: Arc<Snapshot>) {
        at.project.memory.set_newest(&snapshot);
        self.snapshots.insert((at.project.generation(), hash.clone()), snapshot);
    }

    fn readers(&self) -> &Pool {
        &self.connections.readers
    }
}
