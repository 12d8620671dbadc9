//! The server engine: one DoltGres database, a branch of it for each branch of each project.
//!
//! Reads name a commit (`as of`), which nothing can change, and no connection that reads is ever on a branch. A write
//! holds the project's advisory lock, goes to the branch, and makes one transaction that `dolt_commit` ends: rows and
//! commit become durable in one step. Several servers may share a database.

mod admin;
mod history;
mod import;
mod locks;
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
use understory_sql::migration::Migrate;
use understory_sql::postgres::{Pool, PoolStatus, ServerUrl};
use understory_sql::{Dialect, Migrations, Store};

use self::locks::Connections;
use self::project::{Project, Projects};
use self::refs::Refs;
use self::root::Root;
use crate::engine::tables::Tables;
use crate::engine::{CACHED_CHANGES, CACHED_ROWS, KNOWN_SCHEMAS, changes_weight, check_model};
use crate::{Change, CommitHash, ProjectId, Snapshot, StoreError, StoreResult};

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
    snapshots: Cache<(u64, CommitHash), Arc<Snapshot>>,
    changes: Cache<(u64, CommitHash, CommitHash), Arc<Vec<Change>>>,
    /// Which commits are known to lack migrations, or to have them all.
    behind: Cache<CommitHash, bool>,
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
        root::probe(&connections).await?;
        let root = Root::prepare(&connections, &migrations, migrate).await?;
        let weight = |_: &(u64, CommitHash), snapshot: &Arc<Snapshot>| {
            u32::try_from(snapshot.row_count()).unwrap_or(u32::MAX).saturating_add(1)
        };
        let inner = Inner {
            connections,
            migrations,
            tables: Tables::new(&model, Dialect::Postgres),
            model,
            root,
            projects: Projects::default(),
            snapshots: Cache::builder().weigher(weight).max_capacity(CACHED_ROWS).build(),
            changes: Cache::builder()
                .weigher(|_, changes| changes_weight(changes))
                .max_capacity(CACHED_CHANGES)
                .build(),
            behind: Cache::new(KNOWN_SCHEMAS),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// How the pool of connections that read is doing.
    pub fn pool_status(&self) -> PoolStatus {
        self.inner.connections.readers.status()
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
        let refs = Refs::read(&self.connections.readers, &at.project.prefix).await?;
        if self.is_there(&refs) { Ok(refs) } else { Err(at.unknown()) }
    }

    /// A project is there once its main has a commit of its own: until then it is being created.
    fn is_there(&self, refs: &Refs) -> bool {
        refs.main().is_some_and(|head| !self.root.is(head))
    }

    /// Whether a ref of the project reaches a commit.
    async fn reaches(&self, at: &At, hash: &CommitHash) -> StoreResult<bool> {
        let heads = self.refs(at).await?.heads();
        Ok(heads.contains(hash) || self.reachable(at, heads, |reachable| reachable.contains(hash)).await?)
    }

    async fn require_commit(&self, at: &At, hash: &CommitHash) -> StoreResult<()> {
        if self.reaches(at, hash).await? { Ok(()) } else { Err(StoreError::UnknownCommit(hash.clone())) }
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
        let like = at.project.newest().unwrap_or_default();
        let snapshot = Arc::new(self.read_at(hash, &like).await?);
        self.remember(at, hash, Arc::clone(&snapshot));
        Ok(snapshot)
    }

    fn remember(&self, at: &At, hash: &CommitHash, snapshot: Arc<Snapshot>) {
        at.project.set_newest(&snapshot);
        self.snapshots.insert((at.project.generation(), hash.clone()), snapshot);
    }

    fn readers(&self) -> &Pool {
        &self.connections.readers
    }
}
