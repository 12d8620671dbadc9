use crate::{Database, Dialect, SqlError, SqlValue};

/// Statements on one connection, whichever engine is at its other end: `?` stands for a value.
///
/// Calls block.
pub trait Statements {
    /// The engine's family.
    fn dialect(&self) -> Dialect;

    /// Runs a statement; how many rows it changed.
    fn execute(&self, sql: &str, parameters: &[SqlValue]) -> Result<usize, SqlError>;

    /// Runs a statement; all rows that it answers.
    fn query(&self, sql: &str, parameters: &[SqlValue]) -> Result<Vec<Vec<SqlValue>>, SqlError>;

    /// Runs a statement; the first row that it answers, if any.
    fn query_row(&self, sql: &str, parameters: &[SqlValue]) -> Result<Option<Vec<SqlValue>>, SqlError>;

    /// Runs statements that take no values, separated by semicolons.
    fn batch(&self, sql: &str) -> Result<(), SqlError>;
}

impl Statements for Database {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn execute(&self, sql: &str, parameters: &[SqlValue]) -> Result<usize, SqlError> {
        Self::execute(self, sql, parameters)
    }

    fn query(&self, sql: &str, parameters: &[SqlValue]) -> Result<Vec<Vec<SqlValue>>, SqlError> {
        Self::query(self, sql, parameters)
    }

    fn query_row(&self, sql: &str, parameters: &[SqlValue]) -> Result<Option<Vec<SqlValue>>, SqlError> {
        Self::query_row(self, sql, parameters)
    }

    fn batch(&self, sql: &str) -> Result<(), SqlError> {
        Self::batch(self, sql)
    }
}
