//! Connections to servers that speak PostgreSQL's protocol: PostgreSQL itself, and DoltGres.

mod connection;
mod error;
mod session;
mod tls;
mod url;
mod value;

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, PoolError, RecyclingMethod, Runtime, Timeouts};

use crate::SqlError;

pub use connection::{Connection, Isolation};
pub use session::{Retry, Session};
pub use url::{ServerUrl, UrlError};

/// How long a connection is waited for before the caller is told that the database is busy or away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connections of one pool unless set otherwise.
pub const POOL_SIZE: usize = 10;

/// Connections to one database, opened when they are needed and kept for the next use. Clones share them.
#[derive(Clone, Debug)]
pub struct Pool {
    pool: deadpool_postgres::Pool,
    prepared: bool,
    patience: Duration,
}

/// How a pool is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolStatus {
    /// Connections that may be open.
    pub limit: usize,
    /// Connections that are open.
    pub open: usize,
    /// Those of them that nobody uses.
    pub idle: usize,
    /// Callers that wait for one.
    pub waiting: usize,
}

impl Pool {
    /// A pool of at most so many connections; none is opened yet. `prepared`: statements are prepared once for each
    /// connection, which saves time where the same ones come again.
    pub fn new(url: &ServerUrl, size: usize, prepared: bool) -> Result<Self, SqlError> {
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(url.config.clone(), url.tls.connector()?, manager);
        let patience = Some(PATIENCE.min(url.patience));
        let timeouts = Timeouts { wait: patience, create: patience, recycle: patience };
        let builder = deadpool_postgres::Pool::builder(manager).max_size(size.max(1)).timeouts(timeouts);
        let pool = builder.runtime(Runtime::Tokio1).build().map_err(|error| SqlError::Other(Box::new(error)))?;
        Ok(Self { pool, prepared, patience: url.patience })
    }

    /// A connection that nobody else uses; it goes back by itself.
    pub async fn connection(&self) -> Result<Connection, SqlError> {
        match self.pool.get().await {
            Ok(object) => Ok(Connection::new(object, self.prepared, self.patience)),
            Err(PoolError::Backend(error)) => Err(error.into()),
            Err(error) => Err(SqlError::Unavailable(Box::new(error))),
        }
    }

    /// How the pool is doing.
    pub fn status(&self) -> PoolStatus {
        let status = self.pool.status();
        PoolStatus { limit: status.max_size, open: status.size, idle: status.available, waiting: status.waiting }
    }
}
