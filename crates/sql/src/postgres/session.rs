use std::future::Future;
use std::time::Duration;

use rand::RngExt as _;
use tokio::runtime::Handle;

use super::{Connection, Isolation, Pool};
use crate::{Dialect, SqlError, SqlValue, Statements};

/// How often a unit of work is run again that others came in the way of.
const TRIES: u32 = 12;
/// The longest wait before the first repetition; each further one waits up to twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(2);
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// A connection for code that blocks. It is used on a thread that may.
#[derive(Debug)]
pub struct Session<'a> {
    connection: &'a Connection,
    threads: Handle,
}

impl Session<'_> {
    fn wait<T>(&self, work: impl Future<Output = Result<T, SqlError>>) -> Result<T, SqlError> {
        self.threads.block_on(work)
    }
}

impl Statements for Session<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn execute(&self, sql: &str, parameters: &[SqlValue]) -> Result<usize, SqlError> {
        self.wait(self.connection.execute(sql, parameters))
    }

    fn query(&self, sql: &str, parameters: &[SqlValue]) -> Result<Vec<Vec<SqlValue>>, SqlError> {
        self.wait(self.connection.query(sql, parameters))
    }

    fn query_row(&self, sql: &str, parameters: &[SqlValue]) -> Result<Option<Vec<SqlValue>>, SqlError> {
        self.wait(self.connection.query_row(sql, parameters))
    }

    fn batch(&self, sql: &str) -> Result<(), SqlError> {
        self.wait(self.connection.batch(sql))
    }
}

impl Pool {
    /// Runs `work` in one transaction: all of it, or nothing. It is run again from its beginning where another
    /// transaction came in its way.
    pub async fn transaction<T, E>(
        &self,
        isolation: Isolation,
        work: impl Fn(&dyn Statements) -> Result<T, E> + Send + Sync + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<SqlError> + Retry + Send + 'static,
    {
        let work = std::sync::Arc::new(work);
        let mut tries = 0;
        loop {
            let connection = self.connection().await.map_err(E::from)?;
            let work = std::sync::Arc::clone(&work);
            let answer = blocking(move |threads| once(&connection, threads, isolation, &*work)).await;
            tries += 1;
            match answer {
                Err(error) if error.is_retryable() && tries < TRIES => tokio::time::sleep(wait(tries)).await,
                answer => return answer,
            }
        }
    }

    /// Runs `work`, of one statement, without a transaction.
    pub async fn autocommit<T, E>(
        &self,
        work: impl FnOnce(&dyn Statements) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<SqlError> + Send + 'static,
    {
        let connection = self.connection().await.map_err(E::from)?;
        blocking(move |threads| work(&Session { connection: &connection, threads })).await
    }
}

/// Errors that may go away when the same is done again.
pub trait Retry {
    /// Whether the same transaction may succeed when run again from its beginning.
    fn is_retryable(&self) -> bool;
}

impl Retry for SqlError {
    fn is_retryable(&self) -> bool {
        Self::is_retryable(self)
    }
}

fn once<T, E: From<SqlError>>(
    connection: &Connection,
    threads: Handle,
    isolation: Isolation,
    work: &impl Fn(&dyn Statements) -> Result<T, E>,
) -> Result<T, E> {
    let session = Session { connection, threads };
    session.wait(connection.begin(isolation))?;
    let answer = work(&session);
    match answer {
        Ok(answer) => {
            session.wait(connection.commit())?;
            Ok(answer)
        }
        Err(error) => {
            // A connection that cannot even do this is closed, which comes to the same.
            let _ = session.wait(connection.rollback());
            Err(error)
        }
    }
}

/// Some time, at random, so that those who met do not meet again.
fn wait(tries: u32) -> Duration {
    let longest = FIRST_WAIT.saturating_mul(1 << tries.min(10)).min(LONGEST_WAIT);
    rand::rng().random_range(Duration::ZERO..=longest)
}

/// Runs blocking work off the async threads; a panic in it goes on in the caller.
async fn blocking<T, E>(work: impl FnOnce(Handle) -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<SqlError> + Send + 'static,
{
    let threads = Handle::current();
    match tokio::task::spawn_blocking(move || work(threads)).await {
        Ok(answer) => answer,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => Err(SqlError::Other(Box::new(error)).into()),
    }
}
