//! Connections to embedded databases: stock SQLite files and DoltLite files, through one C library.

mod file;
mod question;

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use crate::{Cells, SqlError, SqlValue};

pub use question::{QueryAnswer, QueryLimits};

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const CACHED_STATEMENTS: usize = 256;

/// The storage engine of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Prolly trees with version control.
    DoltLite,
    /// SQLite's own format, in WAL mode, synced at every commit.
    Stock,
}

/// How to open a database.
#[derive(Clone, Copy, Debug)]
pub struct Open {
    /// The file's engine.
    pub engine: Engine,
    /// Whether to make the file if it is not there.
    pub create: bool,
    /// Whether to refuse writes.
    pub read_only: bool,
}

/// One connection to an embedded database. It may move between threads, and is used by one at a time.
///
/// Double-quoted string literals are off: the engine would read an unknown column as text.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
}

impl Database {
    /// Opens a database file. An empty file and one of another format are refused before the engine sees them.
    pub fn open(path: &Path, open: Open) -> Result<Self, SqlError> {
        let path = file::absolute(path)?;
        let exists = file::check(&path, open.engine)?;
        if !exists && (!open.create || open.read_only) {
            return Err(SqlError::Missing { path });
        }
        match open.engine {
            Engine::DoltLite => Self::connect(&path, open),
            Engine::Stock if exists => Self::connect(&path, open),
            Engine::Stock => Self::create_stock(&path, open),
        }
    }

    /// Opens a DoltLite file at a branch, or read-only at a commit's 40-digit hash.
    pub fn open_at(path: &Path, revision: &str, read_only: bool) -> Result<Self, SqlError> {
        let path = file::absolute(path)?;
        if !file::check(&path, Engine::DoltLite)? {
            return Err(SqlError::Missing { path });
        }
        Self::connect(&path.join(revision), Open { engine: Engine::DoltLite, create: false, read_only })
    }

    /// Makes a stock file whole before it gets its name, so that a crash leaves no empty file behind.
    fn create_stock(path: &Path, open: Open) -> Result<Self, SqlError> {
        let io = |error: std::io::Error| SqlError::Io(Box::new(error));
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".new-{}", std::process::id()));
        let new = Path::new(&name);
        let made = Connection::open_with_flags(file::stock_uri(new), flags(open) | OpenFlags::SQLITE_OPEN_URI)?;
        made.query_row("pragma journal_mode = wal", [], |_| Ok(()))?;
        made.close().map_err(|(_, error)| error)?;
        std::fs::File::open(new).and_then(|file| file.sync_all()).map_err(io)?;
        std::fs::rename(new, path).map_err(io)?;
        if let Some(directory) = path.parent() {
            std::fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(io)?;
        }
        Self::connect(path, open)
    }

    fn connect(path: &Path, open: Open) -> Result<Self, SqlError> {
        let database = Self { connection: Connection::open_with_flags(path, flags(open))? };
        database.configure(open)?;
        database.assert_engine(path, open.engine)?;
        Ok(database)
    }

    fn configure(&self, open: Open) -> Result<(), SqlError> {
        let connection = &self.connection;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        if open.engine == Engine::Stock {
            connection.execute_batch("pragma synchronous = full; pragma foreign_keys = on")?;
        }
        if open.engine == Engine::Stock && !open.read_only {
            connection.query_row("pragma journal_mode = wal", [], |_| Ok(()))?;
        }
        Ok(())
    }

    /// Another SQLite linked into the program would win silently and have neither function.
    fn assert_engine(&self, path: &Path, engine: Engine) -> Result<(), SqlError> {
        let (sql, wanted) = match engine {
            Engine::DoltLite => ("select doltlite_engine(), dolt_version()", "prolly"),
            Engine::Stock => ("select doltlite_engine()", "orig"),
        };
        let found: String = self.connection.query_row(sql, [], |row| row.get(0))?;
        if found == wanted {
            return Ok(());
        }
        let detail = format!("the engine opened it as '{found}', not '{wanted}'");
        Err(SqlError::NotOurs { path: path.to_owned(), detail })
    }

    /// Runs a statement; how many rows it changed. A statement that answers rows is run to its end.
    pub fn execute(&self, sql: &str, parameters: &[SqlValue]) -> Result<usize, SqlError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        if statement.column_count() == 0 {
            return Ok(statement.execute(params_from_iter(parameters))?);
        }
        let mut rows = statement.query(params_from_iter(parameters))?;
        while rows.next()?.is_some() {}
        drop(rows);
        Ok(self.connection.changes() as usize)
    }

    /// Runs a statement; all rows that it answers.
    pub fn query(&self, sql: &str, parameters: &[SqlValue]) -> Result<Vec<Vec<SqlValue>>, SqlError> {
        let mut found = Vec::new();
        self.query_each(sql, parameters, |cells| -> Result<(), SqlError> {
            found.push(cells.to_values()?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Runs a statement; the first row that it answers, if any.
    pub fn query_row(&self, sql: &str, parameters: &[SqlValue]) -> Result<Option<Vec<SqlValue>>, SqlError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(parameters))?;
        rows.next()?.map(|row| Cells::new(row).to_values()).transpose()
    }

    /// Runs a statement and lends each row that it answers.
    pub fn query_each<E: From<SqlError>>(
        &self,
        sql: &str,
        parameters: &[SqlValue],
        mut each: impl FnMut(&Cells<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self.connection.prepare_cached(sql).map_err(SqlError::from)?;
        let mut rows = statement.query(params_from_iter(parameters)).map_err(SqlError::from)?;
        while let Some(row) = rows.next().map_err(SqlError::from)? {
            each(&Cells::new(row))?;
        }
        Ok(())
    }

    /// Runs statements that take no parameters, separated by semicolons.
    pub fn batch(&self, sql: &str) -> Result<(), SqlError> {
        Ok(self.connection.execute_batch(sql)?)
    }

    /// Runs `work` in one transaction that holds the write lock from its beginning; an error or a panic undoes all.
    pub fn transaction<T, E: From<SqlError>>(&self, work: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
        self.batch("begin immediate")?;
        let undo = Undo(self);
        let answer = work(self)?;
        self.batch("commit")?;
        drop(undo);
        Ok(answer)
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    /// Closes the connection and tells what went wrong, which dropping it does not.
    pub fn close(self) -> Result<(), SqlError> {
        self.connection.close().map_err(|(_, error)| error.into())
    }
}

/// Rolls back the transaction that is still open when it goes.
///
/// If that fails too the transaction stays open, and the next one says so.
struct Undo<'a>(&'a Database);

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if self.0.in_transaction() {
            let _ = self.0.batch("rollback");
        }
    }
}

fn flags(open: Open) -> OpenFlags {
    let access = match (open.read_only, open.create) {
        (true, _) => OpenFlags::SQLITE_OPEN_READ_ONLY,
        (false, true) => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        (false, false) => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    access | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

#[cfg(test)]
mod tests;
