//! SQL from the model: values, typed errors, connections, statements, DDL and migrations.

mod error;
mod sqlite;
mod value;

pub use error::{ConstraintKind, EngineError, SqlError};
pub use sqlite::{Database, Engine, Open};
pub use value::{Cells, SqlRef, SqlValue};
