use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use understory_model::id::made_id;
use understory_sql::postgres::{Isolation, Pool, PoolStatus, ServerUrl};
use understory_sql::{Migrations, Statements};

use crate::Migrate;
use crate::embedded::Embedded;
use crate::in_flight::InFlight;
use crate::{RuntimeError, RuntimeResult, replica, server};

/// The transactional store: a stock SQLite file of this process, or a PostgreSQL database that several processes may
/// share. Clones share it.
///
/// A method that has answered `Ok` has made its change durable. One that is dropped before may still make it.
#[derive(Clone)]
pub struct RuntimeStore {
    inner: Arc<Inner>,
}

struct Inner {
    run: String,
    beats: AtomicI64,
    /// Ids of intents.
    intents: InFlight<String>,
    /// Principals and keys of claims.
    claims: InFlight<(String, String)>,
    engine: Engine,
}

enum Engine {
    Embedded(Embedded),
    Server(Pool),
}

impl RuntimeStore {
    /// Opens the store of a data directory, makes it if it is not there, and brings it to the newest schema. Blocks.
    ///
    /// Whoever opens it has made sure that nobody else has it open.
    pub fn open(directory: &Path, migrations: &Migrations) -> RuntimeResult<Self> {
        let run = made_id();
        let embedded = Embedded::open(directory, migrations, |db| replica::alone_in_txn(db, &run))?;
        Ok(Self::new(run, Engine::Embedded(embedded)))
    }

    /// Opens the store in a PostgreSQL database, with at most so many connections.
    pub async fn connect(
        url: &ServerUrl,
        pool_size: usize,
        migrations: &Migrations,
        migrate: Migrate,
    ) -> RuntimeResult<Self> {
        let store = Self::on_server(server::connect(url, pool_size, migrations, migrate).await?);
        store.replica_beat().await?;
        Ok(store)
    }

    pub(crate) fn on_server(pool: Pool) -> Self {
        Self::new(made_id(), Engine::Server(pool))
    }

    fn new(run: String, engine: Engine) -> Self {
        Self {
            inner: Arc::new(Inner {
                run,
                beats: AtomicI64::new(0),
                intents: InFlight::default(),
                claims: InFlight::default(),
                engine,
            }),
        }
    }

    /// Whether other processes may work on the same data.
    pub fn is_shared(&self) -> bool {
        matches!(self.inner.engine, Engine::Server(_))
    }

    /// How the connections to the server are doing; none where the store is a file.
    pub fn pool_status(&self) -> Option<PoolStatus> {
        match &self.inner.engine {
            Engine::Embedded(_) => None,
            Engine::Server(pool) => Some(pool.status()),
        }
    }

    /// The store's file; `Unsupported` on a server.
    pub fn path(&self) -> RuntimeResult<&Path> {
        Ok(self.embedded("a PostgreSQL database has no file here; ask its server")?.path())
    }

    /// A random name of this opening: tells work of this run from that of others.
    pub(crate) fn run(&self) -> &str {
        &self.inner.run
    }

    pub(crate) fn intents_in_flight(&self) -> &InFlight<String> {
        &self.inner.intents
    }

    pub(crate) fn claims_in_flight(&self) -> &InFlight<(String, String)> {
        &self.inner.claims
    }

    /// A number that this run has not told yet.
    pub(crate) fn next_beat(&self) -> i64 {
        self.inner.beats.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Writes a consistent copy to a file that is not there yet, while others read and write; `Unsupported` on a
    /// server.
    pub async fn backup(&self, to: &Path) -> RuntimeResult<()> {
        self.embedded("a PostgreSQL database is backed up by pg_dump")?.backup(to).await
    }

    /// Reads the whole file and tells what is wrong with it: nothing, if the answer is empty. `Unsupported` on a
    /// server.
    pub async fn integrity_check(&self) -> RuntimeResult<Vec<String>> {
        let instead = "a PostgreSQL database is checked by pg_amcheck";
        self.embedded(instead)?.integrity_check().await
    }

    fn embedded(&self, instead: &str) -> RuntimeResult<&Embedded> {
        match &self.inner.engine {
            Engine::Embedded(embedded) => Ok(embedded),
            Engine::Server(_) => Err(RuntimeError::Unsupported(instead.to_owned())),
        }
    }

    /// Runs `work` in one transaction: all of it, or nothing. On a server it may be run again from its beginning.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&dyn Statements) -> RuntimeResult<T> + Send + Sync + 'static,
    ) -> RuntimeResult<T> {
        match &self.inner.engine {
            Engine::Embedded(embedded) => embedded.write(work).await,
            Engine::Server(pool) => pool.transaction(Isolation::Serializable, work).await,
        }
    }

    /// Runs `work`, of one statement that writes: on a server it needs no transaction around it.
    pub(crate) async fn write_one<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Statements) -> RuntimeResult<T> + Send + 'static,
    ) -> RuntimeResult<T> {
        match &self.inner.engine {
            Engine::Embedded(embedded) => embedded.write(work).await,
            Engine::Server(pool) => pool.autocommit(work).await,
        }
    }

    /// Runs `work`, of one statement that reads.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Statements) -> RuntimeResult<T> + Send + 'static,
    ) -> RuntimeResult<T> {
        match &self.inner.engine {
            Engine::Embedded(embedded) => embedded.read(work).await,
            Engine::Server(pool) => pool.autocommit(work).await,
        }
    }

    /// Runs `work`, which reads: all its statements see one state of the store.
    pub(crate) async fn read_one_state<T: Send + 'static>(
        &self,
        work: impl Fn(&dyn Statements) -> RuntimeResult<T> + Send + Sync + 'static,
    ) -> RuntimeResult<T> {
        match &self.inner.engine {
            Engine::Embedded(embedded) => embedded.read_one_state(work).await,
            Engine::Server(pool) => pool.transaction(Isolation::Snapshot, work).await,
        }
    }
}
