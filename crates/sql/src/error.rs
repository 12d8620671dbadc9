use std::path::PathBuf;

use rusqlite::ErrorCode;
use rusqlite::ffi;

/// The engine's own error.
pub type EngineError = Box<dyn std::error::Error + Send + Sync>;

/// The kind of constraint that a statement would break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstraintKind {
    /// A primary key or unique value is taken.
    Unique,
    /// A column must not be null.
    NotNull,
    /// A row refers to a row that is not there, or is still referred to.
    ForeignKey,
    /// A check, a type or any other rule.
    Other,
}

/// Why a statement, or opening a database, failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// Another connection holds the lock for longer than we wait.
    #[error("the database is busy")]
    Busy(#[source] EngineError),
    /// A constraint would be broken.
    #[error("a constraint would be broken: {kind:?} ({})", .columns.join(", "))]
    Constraint {
        /// Which kind.
        kind: ConstraintKind,
        /// The columns as `table.column`, where the engine names them.
        columns: Vec<String>,
        /// The engine's words.
        source: EngineError,
    },
    /// The stored data does not read back.
    #[error("the database is damaged")]
    Corrupt(#[source] EngineError),
    /// No space is left.
    #[error("the disk is full")]
    DiskFull(#[source] EngineError),
    /// Reading or writing the file failed.
    #[error("the database file cannot be read or written")]
    Io(#[source] EngineError),
    /// The file is there but is no database of the engine asked for.
    #[error("{} is not a database of ours: {detail}", .path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// There is no such file.
    #[error("there is no database {}", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The database, or the snapshot opened, cannot be written.
    #[error("the database is read-only")]
    ReadOnly(#[source] EngineError),
    /// The statement names a table that is not there.
    #[error("there is no table {table}")]
    MissingTable {
        /// Its name.
        table: String,
        /// The engine's words.
        source: EngineError,
    },
    /// The statement names a column that is not there.
    #[error("there is no column {column}")]
    MissingColumn {
        /// Its name.
        column: String,
        /// The engine's words.
        source: EngineError,
    },
    /// The server is away, is starting or stopping, has no connection left, or went silent. Whether the statement took
    /// effect is not known, unless it was the first one.
    #[error("the database does not answer")]
    Unavailable(#[source] EngineError),
    /// The server refuses who connects, or what for, in its own words.
    #[error("the database refuses: {0}")]
    Refused(String),
    /// A query that somebody wrote cannot be answered.
    #[error("{detail}")]
    Query {
        /// What is wrong with it.
        detail: String,
        /// The engine's words.
        source: EngineError,
    },
    /// Any other failure.
    #[error("the statement failed")]
    Other(#[source] EngineError),
}

impl SqlError {
    /// Whether the same transaction may succeed when run again from its beginning.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy(_))
    }

    /// Whether a key or unique value is taken.
    pub fn is_unique(&self) -> bool {
        matches!(self, Self::Constraint { kind: ConstraintKind::Unique, .. })
    }

    pub(crate) fn not_text(error: std::str::Utf8Error) -> Self {
        Self::Corrupt(Box::new(error))
    }
}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        let message = match &error {
            rusqlite::Error::SqliteFailure(_, message) => message.clone().unwrap_or_default(),
            rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
            _ => return Self::Other(Box::new(error)),
        };
        let extended = error.sqlite_error().map_or(ffi::SQLITE_ERROR, |error| error.extended_code);
        let code = error.sqlite_error_code();
        let source: EngineError = Box::new(error);
        match code {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(source),
            Some(ErrorCode::ConstraintViolation) => constraint(extended, &message, source),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(source),
            Some(ErrorCode::DiskFull) => Self::DiskFull(source),
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Self::Io(source),
            Some(ErrorCode::ReadOnly) => Self::ReadOnly(source),
            _ => by_message(&message, source),
        }
    }
}

fn constraint(extended: i32, message: &str, source: EngineError) -> SqlError {
    let kind = match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            ConstraintKind::Unique
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => ConstraintKind::NotNull,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ConstraintKind::ForeignKey,
        _ => ConstraintKind::Other,
    };
    let named = matches!(kind, ConstraintKind::Unique | ConstraintKind::NotNull);
    let columns = message.split_once("failed: ").filter(|_| named).map(|(_, columns)| columns);
    let columns = columns.into_iter().flat_map(|columns| columns.split(", ")).map(str::to_owned).collect();
    SqlError::Constraint { kind, columns, source }
}

/// The engine tells a missing table and a missing column in words only.
fn by_message(message: &str, source: EngineError) -> SqlError {
    let named =
        |prefix: &str| message.strip_prefix(prefix).map(|rest| rest.split(' ').next().unwrap_or(rest).to_owned());
    if let Some(table) = named("no such table: ") {
        return SqlError::MissingTable { table, source };
    }
    match named("no such column: ") {
        Some(column) => SqlError::MissingColumn { column, source },
        None => SqlError::Other(source),
    }
}
