use understory_sql::SqlError;
use understory_sql::migration::{LedgerError, MigrateError};
use understory_sql::postgres::Retry;

/// What the runtime store answers.
pub type RuntimeResult<T> = Result<T, RuntimeError>;

/// Why the runtime store could not do as told. A storage failure is never told as absence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// There is one of this name already.
    #[error("{what} exists already")]
    Exists {
        /// The resource with its name: `project acme/shop`.
        what: String,
    },
    /// The intent is done or abandoned, or of a kind for which this step does not exist.
    #[error("intent {id} cannot be carried on: {detail}")]
    Intent {
        /// The intent.
        id: String,
        /// Why not.
        detail: String,
    },
    /// Another process holds the store for longer than we wait; nothing was written.
    #[error("the runtime store is busy")]
    Busy(#[source] SqlError),
    /// The server is away, or all connections to it are taken. Whether a write was done is not known.
    #[error("the runtime store does not answer")]
    Unavailable(#[source] SqlError),
    /// The server refuses who connects, or what for.
    #[error("the runtime store cannot be used")]
    Refused(#[source] SqlError),
    /// The server lacks migrations that it was not to be given; nothing was changed.
    #[error("the runtime store lacks {} migration(s): {}", .pending.len(), .pending.join(", "))]
    Behind {
        /// Their names.
        pending: Vec<String>,
    },
    /// The store's engine has no such thing; says what to do instead.
    #[error("{0}")]
    Unsupported(String),
    /// The disk is full; nothing was written.
    #[error("the disk is full")]
    DiskFull(#[source] SqlError),
    /// The stored data does not read back.
    #[error("the runtime store is damaged: {detail}")]
    Corrupt {
        /// What did not read back.
        detail: String,
        /// The cause, where there is one.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The store's schema is not one that this program knows; nothing was changed.
    #[error(transparent)]
    Schema(LedgerError),
    /// Any other failure of the engine.
    #[error("the runtime store failed")]
    Storage(#[source] SqlError),
    /// A file beside the database could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// The program is stopping; whether the work was done is not known.
    #[error("the program is stopping")]
    Stopping(#[source] tokio::task::JoinError),
}

impl RuntimeError {
    pub(crate) fn corrupt(detail: impl Into<String>) -> Self {
        Self::Corrupt { detail: detail.into(), source: None }
    }

    pub(crate) fn not_json(detail: &str, source: serde_json::Error) -> Self {
        Self::Corrupt { detail: detail.to_owned(), source: Some(Box::new(source)) }
    }
}

/// An error with all its causes, in one line.
pub(crate) fn causes(error: &RuntimeError) -> String {
    let mut told = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        told.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    told
}

impl Retry for RuntimeError {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy(_))
    }
}

impl From<SqlError> for RuntimeError {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Busy(_) => Self::Busy(error),
            SqlError::Unavailable(_) => Self::Unavailable(error),
            SqlError::Refused(_) => Self::Refused(error),
            SqlError::DiskFull(_) => Self::DiskFull(error),
            SqlError::Corrupt(source) => Self::Corrupt { detail: "the engine says so".into(), source: Some(source) },
            other => Self::Storage(other),
        }
    }
}

impl From<MigrateError> for RuntimeError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Ledger(error) => Self::Schema(error),
            MigrateError::Sql(error) => error.into(),
        }
    }
}
