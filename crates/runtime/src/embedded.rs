use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::spawn_blocking;
use understory_sql::migration::{MigrateError, ledger, migrate_in_txn};
use understory_sql::{Database, Engine, Migrations, Open, SqlValue, Statements, Store};

use crate::columns::{Columns, decode_all};
use crate::group::Group;
use crate::{RuntimeError, RuntimeResult};

/// Name of the store's file in the data directory.
pub const RUNTIME_FILE: &str = "runtime.db";

const READERS: usize = 4;

/// One stock SQLite file with one writer and a few readers.
pub(crate) struct Embedded {
    path: PathBuf,
    writer: Group,
    readers: Vec<Arc<Mutex<Database>>>,
    turn: AtomicUsize,
}

impl Embedded {
    /// Opens the file, makes or migrates it if need be, and does what comes first, in one transaction of its own.
    pub(crate) fn open(
        directory: &Path,
        migrations: &Migrations,
        first: impl FnOnce(&dyn Statements) -> RuntimeResult<()>,
    ) -> RuntimeResult<Self> {
        let path = directory.join(RUNTIME_FILE);
        let open = Open { engine: Engine::Stock, create: true, read_only: false };
        let writer = Database::open(&path, open)?;
        if !migrations.pending(Store::Runtime, &ledger(&writer)?).map_err(MigrateError::from)?.is_empty() {
            writer.transaction(|db| migrate_in_txn(db, migrations, Store::Runtime).map(drop))?;
        }
        writer.transaction(|db| first(db))?;
        let open = Open { engine: Engine::Stock, create: false, read_only: true };
        let reader = |_| Ok(Arc::new(Mutex::new(Database::open(&path, open)?)));
        let readers = (0..READERS).map(reader).collect::<RuntimeResult<Vec<_>>>()?;
        Ok(Self { path, writer: Group::new(writer), readers, turn: AtomicUsize::new(0) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn backup(&self, to: &Path) -> RuntimeResult<()> {
        let to = to.to_owned();
        let file = |source| RuntimeError::File { path: to.display().to_string(), source };
        let text = to.to_str().ok_or_else(|| file(std::io::ErrorKind::InvalidFilename.into()))?;
        let target = [SqlValue::from(text)];
        self.read(move |db| Ok(db.execute("vacuum into ?", &target)?)).await?;
        File::open(&to).and_then(|copy| copy.sync_all()).map_err(file)
    }

    pub(crate) async fn integrity_check(&self) -> RuntimeResult<Vec<String>> {
        let found = self.read(|db| decode_all(db.query("pragma integrity_check", &[])?, Columns::text)).await?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    /// Runs `work` on the writer, all of it or nothing; what waits at the same moment is committed together.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Statements) -> RuntimeResult<T> + Send + 'static,
    ) -> RuntimeResult<T> {
        self.writer.write(work).await
    }

    /// Runs `work`, of one statement, on a reader.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Statements) -> RuntimeResult<T> + Send + 'static,
    ) -> RuntimeResult<T> {
        let reader = self.reader().await;
        blocking(move || work(&*reader)).await
    }

    /// Runs `work` in one transaction on a reader.
    pub(crate) async fn read_one_state<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Statements) -> RuntimeResult<T> + Send + 'static,
    ) -> RuntimeResult<T> {
        let reader = self.reader().await;
        blocking(move || {
            reader.execute("begin", &[])?;
            let _end = EndOfRead(&reader);
            work(&*reader)
        })
        .await
    }

    /// A reader that is free, or else the next one in turn.
    async fn reader(&self) -> OwnedMutexGuard<Database> {
        if let Some(free) = self.readers.iter().find_map(|reader| Arc::clone(reader).try_lock_owned().ok()) {
            return free;
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % READERS;
        Arc::clone(&self.readers[turn]).lock_owned().await
    }
}

/// Ends the transaction of a read when it goes. If that fails, the connection's next `begin` says so.
struct EndOfRead<'a>(&'a Database);

impl Drop for EndOfRead<'_> {
    fn drop(&mut self) {
        let _ = self.0.execute("rollback", &[]);
    }
}

/// Runs blocking work off the async threads; a panic in it goes on in the caller.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> RuntimeResult<T> + Send + 'static) -> RuntimeResult<T> {
    match spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => Err(RuntimeError::Stopping(error)),
    }
}
