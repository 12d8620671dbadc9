//! SQL from the model: values, typed errors, connections, statements, DDL and migrations.

mod convert;
mod ddl;
mod error;
pub mod migration;
pub mod postgres;
mod sqlite;
mod statement;
mod statements;
mod value;

pub use convert::{ValueError, decode, encode, holds};
pub use ddl::Refused;
pub use error::{ConstraintKind, EngineError, SqlError};
pub use migration::{Migration, Migrations, Store};
pub use sqlite::{Database, Engine, Open, QueryAnswer, QueryLimits};
pub use statement::Dialect;
pub use statements::Statements;
pub use value::{Cells, SqlRef, SqlValue};
