//! What servers answer, as typed errors.

use tokio_postgres::error::{DbError, SqlState};

use crate::{ConstraintKind, SqlError};

impl From<tokio_postgres::Error> for SqlError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(told) => by_state(told.clone(), error),
            None if error.is_closed() || is_network(&error) => Self::Unavailable(Box::new(error)),
            None => Self::Other(Box::new(error)),
        }
    }
}

fn is_network(error: &tokio_postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if inner.is::<std::io::Error>() {
            return true;
        }
        cause = inner.source();
    }
    // Connecting fails by a time-out that has no cause of its own.
    error.to_string().contains("connecting to server")
}

fn by_state(told: DbError, error: tokio_postgres::Error) -> SqlError {
    let state = told.code().clone();
    let (class, message) = (state.code().get(..2).unwrap_or_default(), told.message().to_owned());
    match state {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED | SqlState::LOCK_NOT_AVAILABLE => {
            SqlError::Busy(Box::new(error))
        }
        SqlState::UNIQUE_VIOLATION => constraint(ConstraintKind::Unique, &told, error),
        SqlState::NOT_NULL_VIOLATION => constraint(ConstraintKind::NotNull, &told, error),
        SqlState::FOREIGN_KEY_VIOLATION => constraint(ConstraintKind::ForeignKey, &told, error),
        _ if class == "23" => constraint(ConstraintKind::Other, &told, error),
        SqlState::DISK_FULL => SqlError::DiskFull(Box::new(error)),
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => SqlError::Corrupt(Box::new(error)),
        SqlState::READ_ONLY_SQL_TRANSACTION => SqlError::ReadOnly(Box::new(error)),
        SqlState::UNDEFINED_TABLE => SqlError::MissingTable { table: named(&message), source: Box::new(error) },
        SqlState::UNDEFINED_COLUMN => SqlError::MissingColumn { column: named(&message), source: Box::new(error) },
        SqlState::UNDEFINED_DATABASE => SqlError::Refused(message),
        _ if class == "28" => SqlError::Refused(message),
        // Connections that are ended, refused or too many; a server that stops or starts.
        _ if matches!(class, "08" | "53" | "57") => SqlError::Unavailable(Box::new(error)),
        _ => by_words(&message, error),
    }
}

/// DoltGres tells much in words only.
fn by_words(message: &str, error: tokio_postgres::Error) -> SqlError {
    let lower = message.to_ascii_lowercase();
    if ["serialization failure", "transaction conflicts", "optimistic lock", "please retry"]
        .iter()
        .any(|words| lower.contains(words))
    {
        return SqlError::Busy(Box::new(error));
    }
    if lower.starts_with("database not found") {
        return SqlError::Refused(message.to_owned());
    }
    SqlError::Other(Box::new(error))
}

fn constraint(kind: ConstraintKind, told: &DbError, error: tokio_postgres::Error) -> SqlError {
    let table = told.table().unwrap_or_default();
    let named = told.detail().and_then(|detail| detail.strip_prefix("Key (")).and_then(|rest| rest.split_once(")="));
    let columns = match (told.column(), named) {
        (Some(column), _) => vec![format!("{table}.{column}")],
        (None, Some((names, _))) => names.split(", ").map(|name| format!("{table}.{name}")).collect(),
        (None, None) => Vec::new(),
    };
    SqlError::Constraint { kind, columns, source: Box::new(error) }
}

/// The name in a message: `relation "tools" does not exist`, or DoltGres's `table not found: tools`.
fn named(message: &str) -> String {
    let quoted = message.split('"').nth(1);
    quoted.or_else(|| message.rsplit(' ').next()).unwrap_or(message).to_owned()
}
