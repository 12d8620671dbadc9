//! Group commit: writes that wait at the same moment share one transaction, and so one wait for the disk.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::task::spawn_blocking;
use understory_sql::{Database, SqlError, Statements};

use crate::{RuntimeError, RuntimeResult};

/// The most writes of one transaction: readers see none of them before its end.
const MOST: usize = 128;

/// What a write came to: its answer, or the panic in it.
type Outcome<T> = Result<RuntimeResult<T>, Box<dyn Any + Send>>;
/// Tells the caller, once it is known whether the transaction was committed or why not.
type Tell = Box<dyn FnOnce(Option<&RuntimeError>) + Send>;
/// A write that waits; without a database it is refused.
type Job = Box<dyn FnOnce(Option<&Database>) -> Tell + Send>;

/// The writing connection of a file, and the writes that wait for it.
#[derive(Clone)]
pub(crate) struct Group {
    writer: Arc<AsyncMutex<Database>>,
    waiting: Arc<Mutex<Vec<Job>>>,
}

impl Group {
    pub(crate) fn new(writer: Database) -> Self {
        Self { writer: Arc::new(AsyncMutex::new(writer)), waiting: Arc::default() }
    }

    /// Does a write, alone or with others that wait: all of it or nothing, durable when this answers.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Statements) -> RuntimeResult<T> + Send + 'static,
    ) -> RuntimeResult<T> {
        let (sender, receiver) = oneshot::channel::<Outcome<T>>();
        let job: Job = Box::new(move |db| {
            let outcome = db.map(|db| attempt(db, work));
            Box::new(move |failure| {
                let told = match (outcome, failure) {
                    (Some(Ok(Ok(_))) | None, Some(failure)) => Ok(Err(twin(failure))),
                    (Some(outcome), _) => outcome,
                    (None, None) => return,
                };
                let _ = sender.send(told);
            })
        });
        self.all().push(job);
        let group = self.clone();
        // In a task of its own: a caller that goes away must not leave others waiting.
        let turn = tokio::spawn(async move { group.take_turn().await });
        match receiver.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(turn
                .await
                .err()
                .map_or_else(|| RuntimeError::corrupt("a write was neither done nor refused"), RuntimeError::Stopping)),
        }
    }

    /// Does all that waits, when the connection is free. Often somebody else has done it by then.
    async fn take_turn(&self) {
        let writer = Arc::clone(&self.writer).lock_owned().await;
        let jobs = {
            let mut all = self.all();
            let count = all.len().min(MOST);
            all.drain(..count).collect::<Vec<_>>()
        };
        if !jobs.is_empty() {
            // It fails only where the process ends: then nobody waits any more.
            let _ = spawn_blocking(move || commit(&writer, jobs)).await;
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<Job>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does the writes in one transaction, in the order in which they came, then tells their callers.
fn commit(writer: &Database, jobs: Vec<Job>) {
    let (mut told, mut jobs): (Vec<Tell>, _) = (Vec::new(), jobs.into_iter());
    let committed = writer.transaction(|db| {
        for job in jobs.by_ref() {
            told.push(job(Some(db)));
            // A full disk makes the engine undo all of it, and what came next would be outside.
            if !db.in_transaction() {
                return Err(RuntimeError::Storage(SqlError::Other("the transaction was undone".into())));
            }
        }
        Ok(())
    });
    told.extend(jobs.map(|job| job(None)));
    for tell in told {
        tell(committed.as_ref().err());
    }
}

/// Does a write so that it is undone without the others if it fails.
fn attempt<T>(db: &Database, work: impl FnOnce(&dyn Statements) -> RuntimeResult<T>) -> Outcome<T> {
    if let Err(error) = db.batch("savepoint one") {
        return Ok(Err(error.into()));
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| work(db)));
    let end = if matches!(outcome, Ok(Ok(_))) { "release one" } else { "rollback to one; release one" };
    match db.batch(end) {
        Err(error) if db.in_transaction() => Ok(Err(error.into())),
        // Undone as a whole: the write's own error says why.
        _ => outcome,
    }
}

/// The failure of a transaction, told to one more of its writes.
fn twin(failure: &RuntimeError) -> RuntimeError {
    let words = || Box::from(crate::error::causes(failure));
    match failure {
        RuntimeError::Busy(_) => RuntimeError::Busy(SqlError::Busy(words())),
        RuntimeError::DiskFull(_) => RuntimeError::DiskFull(SqlError::DiskFull(words())),
        RuntimeError::Corrupt { detail, .. } => RuntimeError::corrupt(detail.clone()),
        _ => RuntimeError::Storage(SqlError::Other(words())),
    }
}

#[cfg(test)]
mod tests {
    use understory_sql::{Engine, Open};

    use super::*;

    fn group() -> (tempfile::TempDir, Group) {
        let dir = tempfile::tempdir().unwrap();
        let open = Open { engine: Engine::Stock, create: true, read_only: false };
        let db = Database::open(&dir.path().join("x.db"), open).unwrap();
        db.batch("create table numbers (n integer primary key)").unwrap();
        (dir, Group::new(db))
    }

    fn insert(n: i64) -> impl FnOnce(&dyn Statements) -> RuntimeResult<usize> {
        move |db| Ok(db.execute("insert into numbers values (?)", &[n.into()])?)
    }

    async fn all(group: &Group) -> Vec<i64> {
        let read = |db: &dyn Statements| Ok(db.query("select n from numbers order by n", &[])?);
        let rows = group.write(read).await.unwrap();
        rows.into_iter().map(|row| row[0].integer().unwrap()).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn one_of_many_that_fails_is_undone_alone() {
        let (_dir, group) = group();
        // They wait together for the connection.
        let held = Arc::clone(&group.writer).lock_owned().await;
        let tasks: Vec<_> = (0..40)
            .map(|n| {
                let group = group.clone();
                tokio::spawn(async move {
                    let fails = n % 4 == 0;
                    let work = move |db: &dyn Statements| {
                        insert(n)(db)?;
                        if fails { Err(RuntimeError::corrupt("on purpose")) } else { Ok(n) }
                    };
                    (fails, group.write(work).await)
                })
            })
            .collect();
        drop(held);
        for task in tasks {
            let (fails, answer) = task.await.unwrap();
            assert_eq!(answer.is_err(), fails);
        }
        assert_eq!(all(&group).await, (0..40).filter(|n| n % 4 != 0).collect::<Vec<_>>());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_panic_goes_on_in_its_caller_only() {
        let (_dir, group) = group();
        let held = Arc::clone(&group.writer).lock_owned().await;
        let (first, second) = (group.clone(), group.clone());
        let panics = tokio::spawn(async move {
            let work = |db: &dyn Statements| {
                insert(1)(db)?;
                if true { panic!("on purpose") } else { Ok(()) }
            };
            first.write(work).await
        });
        let writes = tokio::spawn(async move { second.write(insert(2)).await });
        drop(held);
        assert!(panics.await.unwrap_err().is_panic());
        writes.await.unwrap().unwrap();
        assert_eq!(all(&group).await, [2]);
    }

    #[tokio::test]
    async fn writes_that_cannot_begin_are_all_refused() {
        let (dir, group) = group();
        let other =
            Database::open(&dir.path().join("x.db"), Open { engine: Engine::Stock, create: false, read_only: false });
        let other = other.unwrap();
        other.batch("begin immediate").unwrap();
        let (one, two) = tokio::join!(group.write(insert(1)), group.write(insert(2)));
        assert!(matches!((one, two), (Err(RuntimeError::Busy(_)), Err(RuntimeError::Busy(_)))));
        other.batch("rollback").unwrap();
        assert_eq!(all(&group).await, [0; 0]);
    }
}
