//! Connections, and the locks that keep writers of one project apart.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};
use understory_sql::postgres::{Connection, POOL_SIZE, Pool, PoolStatus, ServerUrl};
use understory_sql::{SqlError, SqlValue};

use super::moves::Moves;
use crate::engine::tables::quote;
use crate::{StoreError, StoreResult};

/// How long a writer waits for another one, of whichever process.
const PATIENCE: Duration = Duration::from_secs(10);
/// Uses after which a connection forgets the branches that it was on. The engine looks at each of them again whenever
/// such a connection begins and ends a transaction, among all refs of the database (DoltGres 1.3.3: after 300 branches a
/// statement took 100 ms and more). Forgetting after each use would cost every write some milliseconds.
const USES: usize = 32;
const FIRST_WAIT: Duration = Duration::from_millis(2);
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// The connections of a store: those that read, those that move refs, and those that write rows.
///
/// A connection that committed on a branch fails for good once anybody deletes or renames that branch (DoltGres 1.3.3:
/// `branch not found`, whatever is asked). So only writers write, and each is tried before it is used. Who holds a
/// connection of the latter two may wait for one that reads, never the other way round.
#[derive(Debug)]
pub(super) struct Connections {
    pub(super) readers: Pool,
    movers: Pool,
    writers: Pool,
    database: String,
}

impl Connections {
    pub(super) fn open(url: &ServerUrl, size: usize) -> StoreResult<Self> {
        Ok(Self {
            readers: Pool::new(url, size, false)?,
            movers: Pool::new(url, size.div_ceil(2), false)?,
            writers: Pool::new(url, size.div_ceil(2), false)?,
            database: url.database().to_owned(),
        })
    }

    /// How the pools are doing.
    pub(super) fn status(&self) -> Vec<(&'static str, PoolStatus)> {
        let pools = [("readers", &self.readers), ("movers", &self.movers), ("writers", &self.writers)];
        pools.map(|(name, pool)| (name, pool.status())).into()
    }

    /// The database's name.
    pub(super) fn database(&self) -> &str {
        &self.database
    }

    /// A connection that holds the lock of a name, to move refs.
    pub(super) async fn lock(&self, name: &str) -> StoreResult<Locked<'_>> {
        self.hold(&self.movers, name).await
    }

    /// The same to write rows.
    pub(super) async fn lock_to_write(&self, name: &str) -> StoreResult<Locked<'_>> {
        self.hold(&self.writers, name).await
    }

    async fn hold(&self, pool: &Pool, name: &str) -> StoreResult<Locked<'_>> {
        let key = lock_key(name);
        let until = Instant::now() + PATIENCE;
        let (mut wait, mut stale) = (FIRST_WAIT, 0);
        loop {
            let connection = pool.connection().await?;
            // Dropped from here on it is closed, and the lock is free again.
            connection.keep(false);
            match connection.query_row("select pg_try_advisory_lock(?::bigint)", &[key.into()]).await {
                Ok(row) if row.as_ref().and_then(|row| row.first()).and_then(SqlValue::boolean) == Some(true) => {
                    return Ok(Locked { connection, key, database: &self.database });
                }
                Ok(_) => connection.keep(true),
                Err(error) if is_stale(&error) && stale < 4 * POOL_SIZE => {
                    stale += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            drop(connection);
            if Instant::now() > until {
                return Err(StoreError::Busy(None));
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}

/// A connection that holds a lock until it is released, or closed.
#[derive(Debug)]
pub(super) struct Locked<'a> {
    pub(super) connection: Connection,
    key: i64,
    database: &'a str,
}

impl Locked<'_> {
    /// Goes to a branch, and begins a transaction there.
    pub(super) async fn begin_on(&self, branch: &str) -> StoreResult<()> {
        Ok(self.connection.batch(&format!("use {}; begin", revision(self.database, branch))).await?)
    }

    /// Gives the lock back, and the connection to its pool. What was done under it stays whatever happens here.
    pub(super) async fn release(self) {
        let forget = if self.connection.reuses() % USES == USES - 1 { "; discard all" } else { "" };
        let end = format!("select pg_advisory_unlock({}::bigint){forget}", self.key);
        match self.connection.batch(&end).await {
            Ok(()) => self.connection.keep(true),
            Err(error) => tracing::debug!(%error, "a connection is closed instead of going back"),
        }
    }

    /// Moves refs, and gives all back.
    pub(super) async fn finish(self, moves: Moves) -> StoreResult<()> {
        moves.make(&self).await?;
        self.release().await;
        Ok(())
    }

    /// Calls a function of the engine for what it does.
    pub(super) async fn call(&self, sql: &str, arguments: &[&str]) -> StoreResult<()> {
        let arguments: Vec<SqlValue> = arguments.iter().map(|text| SqlValue::from(*text)).collect();
        Ok(self.connection.query(sql, &arguments).await.map(drop)?)
    }
}

/// What `use` is told to go to a branch or commit; to the database itself for none.
pub(super) fn revision(database: &str, name: &str) -> String {
    if name.is_empty() { quote(database) } else { quote(&format!("{database}/{name}")) }
}

/// Whether a connection fails since a branch that it wrote to is there no more.
pub(super) fn is_stale(error: &SqlError) -> bool {
    matches!(error, SqlError::Other(source) if has_words(source.as_ref(), "branch not found"))
}

/// Whether an error or what caused it says so.
pub(super) fn has_words(error: &(dyn std::error::Error + 'static), words: &str) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.to_string().contains(words) {
            return true;
        }
        next = error.source();
    }
    false
}

/// The number that stands for a name among all locks of the server.
fn lock_key(name: &str) -> i64 {
    let hash = Sha256::digest(format!("understory/{name}"));
    i64::from_be_bytes(std::array::from_fn(|at| hash[at]))
}
