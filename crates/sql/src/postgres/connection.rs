use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::Object;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, SimpleQueryMessage};

use crate::{SqlError, SqlValue};

/// What a transaction sees of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// All or nothing, as if nobody else were there; it may have to be run again.
    Serializable,
    /// One state of the database, and no writing.
    Snapshot,
}

/// One connection of a pool. Statements are sent in the order in which they are first polled.
///
/// One that fails in the middle of a transaction, or is dropped there, is closed instead of going back.
#[derive(Debug)]
pub struct Connection {
    object: Option<Object>,
    prepared: bool,
    /// How long an answer is waited for.
    patience: Duration,
    /// Whether it may go back as it is.
    clean: AtomicBool,
}

impl Connection {
    pub(super) fn new(object: Object, prepared: bool, patience: Duration) -> Self {
        Self { object: Some(object), prepared, patience, clean: AtomicBool::new(true) }
    }

    /// Runs a statement with `?` or `$1` for its values; how many rows it changed.
    pub async fn execute(&self, sql: &str, parameters: &[SqlValue]) -> Result<usize, SqlError> {
        let object = self.object()?;
        let sql = numbered(sql);
        let count = if self.prepared {
            let values = values(parameters);
            self.within(async { object.execute(&object.prepare_cached(&sql).await?, &values).await }).await?
        } else {
            self.within(object.execute_typed(&sql, &untyped(parameters))).await?
        };
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Runs a statement; all rows that it answers.
    pub async fn query(&self, sql: &str, parameters: &[SqlValue]) -> Result<Vec<Vec<SqlValue>>, SqlError> {
        let object = self.object()?;
        let sql = numbered(sql);
        let rows = if self.prepared {
            let values = values(parameters);
            self.within(async { object.query(&object.prepare_cached(&sql).await?, &values).await }).await?
        } else {
            self.within(object.query_typed(&sql, &untyped(parameters))).await?
        };
        rows.iter().map(cells).collect()
    }

    /// Runs a statement; the first row that it answers, if any.
    pub async fn query_row(&self, sql: &str, parameters: &[SqlValue]) -> Result<Option<Vec<SqlValue>>, SqlError> {
        Ok(self.query(sql, parameters).await?.into_iter().next())
    }

    /// Runs statements without parameters, separated by semicolons.
    pub async fn batch(&self, sql: &str) -> Result<(), SqlError> {
        self.within(self.object()?.batch_execute(sql)).await
    }

    /// Runs statements without parameters; every row that they answer, as text.
    pub async fn texts(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, SqlError> {
        let messages = self.within(self.object()?.simple_query(sql)).await?;
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        };
        let texts =
            |row: tokio_postgres::SimpleQueryRow| (0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect();
        Ok(messages.into_iter().filter_map(row).map(texts).collect())
    }

    /// Begins a transaction; ended by [`Self::commit`] or [`Self::rollback`].
    pub async fn begin(&self, isolation: Isolation) -> Result<(), SqlError> {
        self.clean.store(false, Ordering::Relaxed);
        self.batch(match isolation {
            Isolation::Serializable => "begin isolation level serializable",
            Isolation::Snapshot => "begin isolation level repeatable read read only",
        })
        .await
    }

    /// Ends a transaction: what it did is durable.
    pub async fn commit(&self) -> Result<(), SqlError> {
        self.batch("commit").await?;
        self.clean.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Ends a transaction: what it did is undone.
    pub async fn rollback(&self) -> Result<(), SqlError> {
        self.batch("rollback").await?;
        self.clean.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the connection goes back to its pool when it is dropped; else it is closed.
    pub fn keep(&self, keep: bool) {
        self.clean.store(keep, Ordering::Relaxed);
    }

    /// How often the connection was taken from its pool again.
    pub fn reuses(&self) -> usize {
        self.object.as_ref().map_or(0, |object| Object::metrics(object).recycle_count)
    }

    fn object(&self) -> Result<&Object, SqlError> {
        self.object.as_ref().ok_or_else(|| SqlError::Unavailable("the connection is closed".into()))
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, SqlError> {
        match tokio::time::timeout(self.patience, work).await {
            Ok(answer) => Ok(answer?),
            Err(late) => {
                self.clean.store(false, Ordering::Relaxed);
                // What made this connection silent did so to others that wait for their next use, most likely.
                if let Some(pool) = self.object.as_ref().and_then(Object::pool) {
                    pool.retain(|_, _| false);
                }
                Err(SqlError::Unavailable(Box::new(late)))
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.clean.load(Ordering::Relaxed) {
            drop(self.object.take().map(Object::take));
        }
    }
}

fn cells(row: &Row) -> Result<Vec<SqlValue>, SqlError> {
    (0..row.len()).map(|at| row.try_get(at).map_err(SqlError::from)).collect()
}

fn values(parameters: &[SqlValue]) -> Vec<&(dyn ToSql + Sync)> {
    parameters.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// The server finds out what type each value is to have.
fn untyped(parameters: &[SqlValue]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    parameters.iter().map(|value| (value as &(dyn ToSql + Sync), Type::UNKNOWN)).collect()
}

/// Numbers the places of values: `?` becomes `$1`, `$2`, … Texts and names in quotes stay as they are.
fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let (mut quote, mut count) = (None, 0);
    for c in sql.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '?') => {
                count += 1;
                out.push_str(&format!("${count}"));
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn places_are_numbered_outside_of_quotes() {
        assert_eq!(numbered("select ?, '?' from \"a?\" where b = ?"), "select $1, '?' from \"a?\" where b = $2");
        assert_eq!(numbered("select $1"), "select $1");
    }
}
