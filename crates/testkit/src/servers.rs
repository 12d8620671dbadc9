//! Database servers for tests, named by environment variables. Each test has a database of its own on them.

use std::io::Write as _;

use tokio::sync::OnceCell;
use understory_model::id::made_id;
use understory_sql::postgres::{Pool, ServerUrl};

use crate::conformance::Failure;

/// Set where every server must be there, so that no test is left out.
const ALL_ENGINES: &str = "UNDERSTORY_TEST_ALL_ENGINES";

/// A server that tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestServer {
    /// The newest PostgreSQL.
    Postgres,
    /// The oldest PostgreSQL that is supported.
    Postgres16,
    /// DoltGres.
    DoltGres,
}

impl TestServer {
    fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "UNDERSTORY_TEST_POSTGRES_URL",
            Self::Postgres16 => "UNDERSTORY_TEST_POSTGRES16_URL",
            Self::DoltGres => "UNDERSTORY_TEST_DOLTGRES_URL",
        }
    }

    /// The server's address as it is set. Where it is not, says that `test` is skipped.
    ///
    /// # Panics
    ///
    /// Where it is not set and `UNDERSTORY_TEST_ALL_ENGINES` is.
    pub fn address(self, test: &str) -> Option<String> {
        let variable = self.variable();
        let address = std::env::var(variable).ok().filter(|address| !address.is_empty());
        if address.is_none() {
            assert!(std::env::var_os(ALL_ENGINES).is_none(), "{test}: {variable} is not set, but {ALL_ENGINES} is");
            // Written past the test harness, which keeps what passing tests print to itself.
            let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {variable} is not set");
        }
        address
    }

    /// A new, empty database on the server, where it is set; see [`Self::address`].
    pub async fn database(self, test: &str) -> Result<Option<FreshDatabase>, Failure> {
        match self.address(test) {
            Some(address) => Ok(Some(FreshDatabase::create(&address).await?)),
            None => Ok(None),
        }
    }
}

/// A DoltGres database that the tests of this process share, where there is a server; see [`TestServer::address`].
///
/// Making one takes long, and projects there are told apart by their random uids. It stays on the server.
pub async fn shared_doltgres(test: &str) -> Result<Option<&'static FreshDatabase>, Failure> {
    static SHARED: OnceCell<FreshDatabase> = OnceCell::const_new();
    let Some(address) = TestServer::DoltGres.address(test) else { return Ok(None) };
    SHARED.get_or_try_init(|| FreshDatabase::create(&address)).await.map(Some)
}

/// A database that was empty at first and goes when this is dropped.
#[derive(Debug)]
pub struct FreshDatabase {
    server: ServerUrl,
    address: String,
    name: String,
}

impl FreshDatabase {
    async fn create(address: &str) -> Result<Self, Failure> {
        let server = ServerUrl::parse(address)?;
        let name = format!("understory_test_{}", made_id());
        Pool::new(&server, 1, false)?.connection().await?.batch(&format!("create database {name}")).await?;
        Ok(Self { server, address: address.to_owned(), name })
    }

    /// The database's address.
    pub fn url(&self) -> ServerUrl {
        self.server.with_database(&self.name)
    }

    /// The database's address as text, password and all.
    pub fn address(&self) -> String {
        let (base, query) = self.address.split_once('?').unwrap_or((&self.address, ""));
        let server = base.rsplit_once('/').map_or(base, |(server, _)| server);
        format!("{server}/{}?{query}", self.name)
    }

    /// The server's address as it was given, password and all.
    pub fn server_address(&self) -> &str {
        &self.address
    }

    /// Runs statements on a connection of their own.
    pub async fn batch(&self, sql: &str) -> Result<(), Failure> {
        Ok(Pool::new(&self.url(), 1, false)?.connection().await?.batch(sql).await?)
    }

    fn remove(&self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let connection = Pool::new(&self.server, 1, false)?.connection().await?;
            // Stores that are just being dropped may still be connected.
            let forced = connection.batch(&format!("drop database {} with (force)", self.name)).await;
            if forced.is_err() {
                connection.batch(&format!("drop database {}", self.name)).await?;
            }
            Ok(())
        })
    }
}

impl Drop for FreshDatabase {
    fn drop(&mut self) {
        // A thread that belongs to no async runtime may wait.
        let removed = std::thread::scope(|scope| scope.spawn(|| self.remove()).join());
        if !matches!(removed, Ok(Ok(()))) {
            let _ = writeln!(std::io::stderr(), "{} stays on its server: {removed:?}", self.name);
        }
    }
}
