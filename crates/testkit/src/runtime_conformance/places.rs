use std::time::{Duration, Instant};

use async_trait::async_trait;
use tempfile::TempDir;
use understory_runtime::{Liveness, Migrate, RUNTIME_FILE, RuntimeStore};
use understory_sql::postgres::POOL_SIZE;
use understory_sql::{Database, Engine, Migrations, Open};

use crate::conformance::{Checked, Failure};
use crate::servers::FreshDatabase;

/// Where a store is, empty at first.
#[async_trait]
pub trait Place: Send + Sync {
    /// Opens the store.
    async fn open(&self) -> Result<RuntimeStore, Failure>;

    /// Opens it after a run that was killed.
    async fn open_after_crash(&self, killed: RuntimeStore) -> Result<RuntimeStore, Failure>;

    /// Runs statements behind the store's back.
    async fn sql(&self, statements: &str) -> Checked;
}

/// A store in a temporary directory.
#[derive(Debug)]
pub struct InDirectory(TempDir);

impl InDirectory {
    /// A new directory.
    pub fn new() -> Result<Self, Failure> {
        Ok(Self(tempfile::tempdir()?))
    }
}

#[async_trait]
impl Place for InDirectory {
    async fn open(&self) -> Result<RuntimeStore, Failure> {
        Ok(RuntimeStore::open(self.0.path(), &Migrations::embedded()?)?)
    }

    async fn open_after_crash(&self, killed: RuntimeStore) -> Result<RuntimeStore, Failure> {
        drop(killed);
        self.open().await
    }

    async fn sql(&self, statements: &str) -> Checked {
        let open = Open { engine: Engine::Stock, create: false, read_only: false };
        Ok(Database::open(&self.0.path().join(RUNTIME_FILE), open)?.batch(statements)?)
    }
}

/// Lets a store judge the others as if none had beaten for a while; how many were dead.
pub(super) async fn silence(store: &RuntimeStore) -> Result<usize, Failure> {
    let (mut liveness, begin) = (Liveness::default(), Instant::now());
    assert_eq!(store.replicas_judge(&mut liveness, begin).await?, 0, "at first sight all are alive");
    Ok(store.replicas_judge(&mut liveness, begin + Duration::from_secs(11)).await?)
}

/// A store on a server, in a database of its own.
#[derive(Debug)]
pub struct OnServer(pub FreshDatabase);

#[async_trait]
impl Place for OnServer {
    async fn open(&self) -> Result<RuntimeStore, Failure> {
        Ok(RuntimeStore::connect(&self.0.url(), POOL_SIZE, &Migrations::embedded()?, Migrate::Run).await?)
    }

    async fn open_after_crash(&self, killed: RuntimeStore) -> Result<RuntimeStore, Failure> {
        drop(killed);
        let store = self.open().await?;
        assert_eq!(silence(&store).await?, 1, "the killed run is noticed");
        Ok(store)
    }

    async fn sql(&self, statements: &str) -> Checked {
        self.0.batch(statements).await
    }
}
