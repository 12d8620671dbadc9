//! The embedded engine: one DoltLite file per project, its branches inside.
//!
//! Reads open a commit by its hash, which nothing can change, and keep what they read. Writes go through a
//! connection to the branch, one writer per project at a time, each write one transaction and at most one commit
//! (see DESIGN, section 4, for why). No connection ever changes its branch.

mod admin;
mod changes;
mod files;
mod history;
mod import;
mod pool;
mod project;
mod question;
mod refs;
mod store;
mod tables;
mod template;
mod write;

use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError};

use moka::sync::Cache;
use tokio::sync::Semaphore;
use understory_model::Model;
use understory_sql::{Database, Dialect, Migrations, SqlError, Store};

use self::files::Files;
use self::pool::{Pool, PoolKey};
use self::project::{Project, Projects};
use crate::engine::check_model;
use crate::engine::errors::failed;
use crate::engine::names::{encode_branch, encode_hash};
use crate::engine::reachable::Reachable;
use crate::engine::remembered::{Differences, KNOWN_SCHEMAS, Snapshots, differences, snapshots};
use crate::engine::tables::Tables;
use crate::{BranchName, CommitHash, ProjectId, Snapshot, StoreError, StoreResult};

/// Operations that use the engine at the same moment: each has one or two files open.
const AT_ONCE: usize = 8;

/// A [`crate::ConfigStore`] in a directory of DoltLite files. Clones are the same store.
#[derive(Clone, Debug)]
pub struct DoltLite {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    files: Files,
    migrations: Arc<Migrations>,
    tables: Tables,
    projects: Projects,
    pool: Pool,
    snapshots: Snapshots,
    changes: Differences,
    /// Which commits are known to lack migrations, or to have them all.
    behind: Cache<(u64, CommitHash), bool>,
    template: OnceLock<Vec<u8>>,
    at_once: Arc<Semaphore>,
}

impl DoltLite {
    /// Opens a directory, which is made if need be. One process at a time may use it; the caller sees to that.
    pub fn open(directory: &Path, model: Arc<Model>, migrations: Arc<Migrations>) -> StoreResult<Self> {
        Self::open_with(directory, &model, migrations, true)
    }

    /// The same without syncing to disk, for data that may vanish with the machine.
    pub fn open_unsynced(directory: &Path, model: Arc<Model>, migrations: Arc<Migrations>) -> StoreResult<Self> {
        Self::open_with(directory, &model, migrations, false)
    }

    fn open_with(directory: &Path, model: &Model, migrations: Arc<Migrations>, synced: bool) -> StoreResult<Self> {
        check_model(model, &migrations)?;
        let inner = Inner {
            files: Files::open(directory, synced)?,
            migrations,
            tables: Tables::new(model, Dialect::Sqlite),
            projects: Projects::default(),
            pool: Pool::default(),
            snapshots: snapshots(),
            changes: differences(),
            behind: Cache::new(KNOWN_SCHEMAS),
            template: OnceLock::new(),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Runs engine work on a thread that may block.
    async fn run<T: Send + 'static>(
        &self,
        project: &ProjectId,
        work: impl FnOnce(&Inner, &At) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        let at = self.at(project)?;
        self.on_thread(at, None, work).await
    }

    /// The same for one writer of the project at a time, in the order in which they came.
    async fn run_alone<T: Send + 'static>(
        &self,
        project: &ProjectId,
        work: impl FnOnce(&Inner, &At) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        let at = self.at(project)?;
        let turn = Arc::clone(&at.project.writer).lock_owned().await;
        self.on_thread(at, Some(turn), work).await
    }

    /// The work keeps its turn and its permit until it ends, even if nobody waits for it any more.
    async fn on_thread<T: Send + 'static>(
        &self,
        at: At,
        turn: Option<tokio::sync::OwnedMutexGuard<()>>,
        work: impl FnOnce(&Inner, &At) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        let permit = Arc::clone(&self.inner.at_once).acquire_owned().await;
        let permit = permit.map_err(|_| failed("the store is shutting down"))?;
        let inner = Arc::clone(&self.inner);
        let task = tokio::task::spawn_blocking(move || {
            let answer = work(&inner, &at);
            drop((turn, permit));
            answer
        });
        task.await.map_err(|error| StoreError::Engine {
            detail: "the store's thread ended".into(),
            source: Some(Box::new(error)),
        })?
    }

    fn at(&self, project: &ProjectId) -> StoreResult<At> {
        let file = self.inner.files.of(project)?;
        Ok(At { project: self.inner.projects.get(file), id: project.clone() })
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

    /// A missing file is an unknown project.
    fn opened(&self, opened: Result<Database, SqlError>) -> StoreResult<Database> {
        opened.map_err(|error| match error {
            SqlError::Missing { .. } => self.unknown(),
            other => other.into(),
        })
    }
}

impl Inner {
    /// Runs work on a connection to a branch, which is kept for the next use unless the work failed.
    fn on_branch<T>(
        &self,
        at: &At,
        branch: &BranchName,
        work: impl FnOnce(&Database) -> StoreResult<T>,
    ) -> StoreResult<T> {
        let key = PoolKey { generation: at.project.generation(), branch: encode_branch(branch) };
        let database = match self.pool.take(&key) {
            Some(database) => database,
            None => self.connect(at, &key.branch)?,
        };
        let answer = work(&database)?;
        if key.generation == at.project.generation() {
            self.pool.give(key, database);
        }
        Ok(answer)
    }

    /// Runs work that is about refs and history: any branch's connection sees all of them.
    fn on_refs<T>(&self, at: &At, work: impl FnOnce(&Database) -> StoreResult<T>) -> StoreResult<T> {
        self.on_branch(at, &BranchName::main(), work)
    }

    fn connect(&self, at: &At, branch: &str) -> StoreResult<Database> {
        let database = at.opened(Database::open_at(&at.project.file, branch, false))?;
        self.unsync(&database)?;
        Ok(database)
    }

    fn unsync(&self, database: &Database) -> StoreResult<()> {
        if !self.files.synced() {
            database.batch("pragma synchronous = off")?;
        }
        Ok(())
    }

    /// Whether a ref of the project reaches a commit. For where refs lead nothing is walked: a first read of a long
    /// history is not to wait for that.
    fn reaches(&self, at: &At, hash: &CommitHash) -> StoreResult<bool> {
        let heads = self.on_refs(at, |db| Ok(history::refs(db)?.heads()))?;
        if heads.contains(hash) {
            return Ok(true);
        }
        self.reachable(at, |reachable| reachable.contains(hash))
    }

    fn reachable<T>(&self, at: &At, ask: impl FnOnce(&Reachable) -> T) -> StoreResult<T> {
        self.on_refs(at, |db| {
            let mut reachable = at.project.reachable.lock().unwrap_or_else(PoisonError::into_inner);
            reachable.refresh(db)?;
            Ok(ask(&reachable))
        })
    }

    fn require_commit(&self, at: &At, hash: &CommitHash) -> StoreResult<()> {
        if self.reaches(at, hash)? { Ok(()) } else { Err(StoreError::UnknownCommit(hash.clone())) }
    }

    /// Whether a commit lacks migrations. A schema that this program does not know is an error.
    fn is_behind(&self, at: &At, hash: &CommitHash) -> StoreResult<bool> {
        let key = (at.project.generation(), hash.clone());
        if let Some(known) = self.behind.get(&key) {
            return Ok(known);
        }
        let ledger = self.on_refs(at, |db| history::ledger_at(db, hash))?;
        let behind = !self.migrations.pending(Store::Manage, &ledger)?.is_empty();
        self.behind.insert(key, behind);
        Ok(behind)
    }

    /// The rows of a commit, from memory or from the file.
    fn snapshot(&self, at: &At, hash: &CommitHash) -> StoreResult<Arc<Snapshot>> {
        if let Some(snapshot) = self.snapshots.get(&(at.project.generation(), hash.clone())) {
            return Ok(snapshot);
        }
        self.require_commit(at, hash)?;
        let database = at.opened(Database::open_at(&at.project.file, &encode_hash(hash), true))?;
        let like = at.project.memory.newest().unwrap_or_default();
        let snapshot = Arc::new(self.tables.read(&database, &self.migrations, &like)?);
        self.remember(at, hash, Arc::clone(&snapshot));
        Ok(snapshot)
    }

    /// Remembers that a commit has all migrations: one that was just made.
    fn set_current(&self, at: &At, hash: &CommitHash) {
        self.behind.insert((at.project.generation(), hash.clone()), false);
    }

    fn remember(&self, at: &At, hash: &CommitHash, snapshot: Arc<Snapshot>) {
        at.project.memory.set_newest(&snapshot);
        self.snapshots.insert((at.project.generation(), hash.clone()), snapshot);
    }

    /// Ends a generation: nothing that was open or cached is used again.
    fn renew(&self, at: &At) {
        self.pool.close(at.project.renew());
    }
}
