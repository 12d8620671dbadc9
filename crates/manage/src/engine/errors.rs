//! The engine's errors as the store tells them.

use std::io;

use understory_sql::migration::{LedgerError, MigrationError};
use understory_sql::{SqlError, ValueError};

use crate::StoreError;

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Busy(_) => Self::Busy(Some(Box::new(error))),
            SqlError::Unavailable(_) => Self::Unavailable(Some(Box::new(error))),
            SqlError::Refused(_) => Self::Refused(error.to_string()),
            SqlError::DiskFull(_) => Self::DiskFull(Some(Box::new(error))),
            SqlError::Corrupt(_) | SqlError::NotOurs { .. } => {
                Self::Corrupt { detail: error.to_string(), source: Some(Box::new(error)) }
            }
            SqlError::Query { detail, source } => Self::Query { detail, source: Some(source) },
            _ => Self::Engine { detail: error.to_string(), source: Some(Box::new(error)) },
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(Some(Box::new(error))),
            _ => Self::Engine { detail: "a file cannot be read or written".into(), source: Some(Box::new(error)) },
        }
    }
}

impl From<LedgerError> for StoreError {
    fn from(error: LedgerError) -> Self {
        Self::Migration { name: error.name, detail: error.problem }
    }
}

impl From<MigrationError> for StoreError {
    fn from(error: MigrationError) -> Self {
        Self::Migration { name: error.path.display().to_string(), detail: error.problem }
    }
}

/// A stored value that does not fit its column.
pub(crate) fn damaged(place: String, error: ValueError) -> StoreError {
    StoreError::Corrupt { detail: place, source: Some(Box::new(error)) }
}

/// An answer that the engine never gives unless its data or its code changed.
pub(crate) fn unexpected(detail: impl Into<String>) -> StoreError {
    StoreError::Corrupt { detail: detail.into(), source: None }
}

pub(crate) fn failed(detail: impl Into<String>) -> StoreError {
    StoreError::Engine { detail: detail.into(), source: None }
}
