//! Making commits.

use std::future::Future;

use understory_sql::migration::{LEDGER_CREATE, LEDGER_ENTER, LEDGER_READ, LedgerEntry};
use understory_sql::postgres::Connection;
use understory_sql::{Dialect, Migrations, SqlError, SqlValue, Store};

use super::history::hash_cell;
use super::locks::{Locked, has_words, is_stale};
use super::moves::Moves;
use super::tables::bare;
use super::{At, Inner};
use crate::engine::commit::NewCommit;
use crate::engine::errors::{failed, unexpected};
use crate::engine::notes::Notes;
use crate::{Applied, BranchName, ChangeSet, Commit, CommitHash, CommitMeta, Snapshot, StoreError, StoreResult};

/// How often a write is begun again that others came in the way of.
const TRIES: usize = 8;

/// Does what may be begun again until it works or fails for another reason than `passing` knows.
pub(super) async fn again<T, F: Future<Output = StoreResult<T>>>(
    once: impl Fn() -> F,
    passing: fn(&StoreError) -> bool,
) -> StoreResult<T> {
    for _ in 1..TRIES {
        match once().await {
            Err(error) if passing(&error) => {}
            done => return done,
        }
    }
    once().await
}

/// What is written on a branch.
pub(super) struct Write {
    pub(super) branch: BranchName,
    pub(super) expected: CommitHash,
    pub(super) changes: ChangeSet,
    pub(super) merge_parent: Option<CommitHash>,
    pub(super) meta: CommitMeta,
}

/// What is done on a branch before it is committed.
enum Work<'a> {
    /// Rows change; where none does there is no commit.
    Rows(&'a ChangeSet),
    /// The first rows of a project come, if any.
    First(&'a ChangeSet),
    /// Another commit is merged: with these changes of ours, the rows are to be those wanted.
    Merge { theirs: &'a CommitHash, changes: &'a ChangeSet, wanted: &'a Snapshot },
}

/// What came of an attempt to commit.
pub(super) enum Outcome {
    Made(Commit),
    Moved(CommitHash),
    Nothing,
}

impl Inner {
    pub(super) async fn apply(&self, at: &At, write: &Write) -> StoreResult<Applied> {
        if let Some(parent) = &write.merge_parent {
            self.require_commit(at, parent).await?;
        }
        let after = self.successor(at, write).await?;
        let applied = self.write(at, write, after.as_ref()).await?;
        if let Applied::Commit(commit) = &applied {
            self.behind.insert(commit.hash.clone(), false);
            if let Some(after) = after {
                self.remember(at, &commit.hash, std::sync::Arc::new(after));
            }
        }
        Ok(applied)
    }

    /// The rows after the write: what a merge must make, and what the next read finds in memory.
    async fn successor(&self, at: &At, write: &Write) -> StoreResult<Option<Snapshot>> {
        let key = (at.project.generation(), write.expected.clone());
        let before = match (self.snapshots.get(&key), &write.merge_parent) {
            (None, None) => return Ok(None),
            (Some(before), _) => before,
            (None, Some(_)) => match self.snapshot(at, &write.expected).await {
                // The head is another one, which is told by whoever looks at it under the lock.
                Err(StoreError::UnknownCommit(_)) => return Ok(None),
                before => before?,
            },
        };
        Ok(Some(before.after(&write.changes)))
    }

    async fn write(&self, at: &At, write: &Write, after: Option<&Snapshot>) -> StoreResult<Applied> {
        let merge = write.merge_parent.as_ref().zip(after);
        let is_empty = write.changes.is_empty() && merge.is_none();
        // Whoever writes looks at the head under the lock.
        if is_empty || self.behind.get(&write.expected) != Some(false) {
            let (head, _) = self.head(at, &write.branch).await?;
            if head != write.expected {
                return Ok(Applied::HeadMoved(head));
            }
        }
        if is_empty {
            return Ok(Applied::Nothing);
        }
        let base = match self.migrate_branch(at, &write.branch, &write.expected).await? {
            Outcome::Nothing => write.expected.clone(),
            Outcome::Made(commit) => commit.hash,
            Outcome::Moved(head) => return Ok(Applied::HeadMoved(head)),
        };
        let work = match merge {
            None => Work::Rows(&write.changes),
            Some((theirs, wanted)) => Work::Merge { theirs, changes: &write.changes, wanted },
        };
        let outcome = self.on_branch(at, &write.branch, &base, &NewCommit::new(&write.meta), &work).await?;
        Ok(match outcome {
            Outcome::Made(commit) => Applied::Commit(commit),
            Outcome::Moved(head) => Applied::HeadMoved(head),
            Outcome::Nothing => Applied::Nothing,
        })
    }

    /// Makes the first commit of a project; the project is there from then on.
    pub(super) async fn project_create(&self, at: &At, changes: &ChangeSet, meta: &CommitMeta) -> StoreResult<Commit> {
        let main = BranchName::main();
        let root = self.root.newest();
        let refs = super::refs::read(self.readers(), &at.project.prefix).await?;
        match refs.head(&BranchName::main()) {
            Some(head) if !self.root.is(head) => {
                let newest = self.log(head, 0, 1).await?.into_iter().next();
                return newest.ok_or_else(|| StoreError::UnknownCommit(head.clone()));
            }
            Some(_) => {}
            None => {
                let locked = self.connections.lock(at.project.prefix.first()).await?;
                let mut moves = Moves::default();
                moves.create(&at.project.prefix.branch(&main), root);
                locked.finish(moves).await?;
            }
        }
        let outcome = self.on_branch(at, &main, root, &NewCommit::new(meta), &Work::First(changes)).await?;
        match outcome {
            Outcome::Made(commit) => Ok(commit),
            Outcome::Moved(_) | Outcome::Nothing => Err(failed("the project was created by somebody else meanwhile")),
        }
    }

    /// Does the work on a branch whose head is `expected`, and commits it. Begun again where another transaction came in
    /// its way.
    async fn on_branch(
        &self,
        at: &At,
        branch: &BranchName,
        expected: &CommitHash,
        new: &NewCommit<'_>,
        work: &Work<'_>,
    ) -> StoreResult<Outcome> {
        let mut tries = 0;
        loop {
            tries += 1;
            let locked = self.connections.lock_to_write(at.project.prefix.first()).await?;
            match self.attempt(&locked, at, branch, expected, new, work).await {
                Ok(outcome) => {
                    locked.release().await;
                    return Ok(outcome);
                }
                Err(error) => {
                    // The connection is closed with what it did not commit, and its lock is free.
                    drop(locked);
                    if let Some(made) = self.settle(at, branch, expected, new).await? {
                        tracing::warn!(%branch, %error, "a commit that was made was told as failed");
                        return Ok(Outcome::Made(made));
                    }
                    if !may_work_again(&error) || tries == TRIES {
                        return Err(error);
                    }
                }
            }
        }
    }

    async fn attempt(
        &self,
        locked: &Locked<'_>,
        at: &At,
        branch: &BranchName,
        expected: &CommitHash,
        new: &NewCommit<'_>,
        work: &Work<'_>,
    ) -> StoreResult<Outcome> {
        let connection = &locked.connection;
        let name = at.project.prefix.branch(branch);
        match locked.begin_on(&name).await {
            Err(StoreError::Refused(_)) => {
                self.refs(at).await?;
                return Err(StoreError::UnknownBranch(branch.clone()));
            }
            begun => begun?,
        }
        let state =
            connection.query_row("select hash, dirty from dolt_branches where name = ?", &[name.into()]).await?;
        let state = state.ok_or_else(|| StoreError::UnknownBranch(branch.clone()))?;
        let head = hash_cell(state.first())?;
        if head != *expected {
            connection.batch("rollback").await?;
            return Ok(Outcome::Moved(head));
        }
        if state.get(1).and_then(SqlValue::boolean) != Some(false) {
            return Err(StoreError::Dirty(branch.clone()));
        }
        let Some((parents, noted)) = self.perform(connection, expected, work).await? else {
            connection.batch("rollback").await?;
            return Ok(Outcome::Nothing);
        };
        let noted = parents.last().filter(|_| noted);
        let hash = commit(connection, new, noted, !matches!(work, Work::Rows(_))).await?;
        Ok(Outcome::Made(new.done(hash, parents)))
    }

    /// Does the work; the parents of the commit to be made of it, if any, and whether the last of them is only noted.
    async fn perform(
        &self,
        connection: &Connection,
        expected: &CommitHash,
        work: &Work<'_>,
    ) -> StoreResult<Option<(Vec<CommitHash>, bool)>> {
        let mut parents = vec![expected.clone()];
        let written = match work {
            Work::Rows(changes) | Work::First(changes) => self.write_rows(connection, changes.iter()).await?,
            Work::Merge { theirs, changes, wanted } => {
                let known = self.merge_rows(connection, theirs, changes, wanted).await?;
                parents.push((*theirs).clone());
                return Ok(Some((parents, !known)));
            }
        };
        Ok((written > 0 || matches!(work, Work::First(_))).then_some((parents, false)))
    }

    /// The commit, if an attempt that failed made it after all.
    async fn settle(
        &self,
        at: &At,
        branch: &BranchName,
        expected: &CommitHash,
        new: &NewCommit<'_>,
    ) -> StoreResult<Option<Commit>> {
        let Ok((head, _)) = self.head(at, branch).await else { return Ok(None) };
        if head == *expected {
            return Ok(None);
        }
        let newest = self.log(&head, 0, 1).await?.into_iter().next();
        Ok(newest.filter(|commit| new.is(commit, expected)))
    }

    /// The head of a branch, and whether somebody left uncommitted changes on it.
    pub(super) async fn head(&self, at: &At, branch: &BranchName) -> StoreResult<(CommitHash, bool)> {
        let connection = self.readers().connection().await?;
        let name = at.project.prefix.branch(branch);
        let row = connection.query_row("select hash, dirty from dolt_branches where name = ?", &[name.into()]).await?;
        match row {
            Some(row) => Ok((hash_cell(row.first())?, row.get(1).and_then(SqlValue::boolean).unwrap_or_default())),
            None => {
                self.refs(at).await?;
                Err(StoreError::UnknownBranch(branch.clone()))
            }
        }
    }

    /// Makes the next commit one with two parents and these rows; `false` if the engine will not hear of the other one,
    /// which is then to be noted: it is in the history already, or the engine gives up where rows conflict.
    pub(super) async fn merge_rows(
        &self,
        connection: &Connection,
        theirs: &CommitHash,
        changes: &ChangeSet,
        wanted: &Snapshot,
    ) -> StoreResult<bool> {
        connection.batch("savepoint before_merge").await?;
        let merging = match begin_merge(connection, theirs).await {
            Ok(merging) => merging,
            Err(StoreError::Engine { source: Some(source), .. }) if has_words(source.as_ref(), "conflict") => {
                connection.batch("rollback to savepoint before_merge").await?;
                false
            }
            Err(error) => return Err(error),
        };
        if !merging {
            self.write_rows(connection, changes.iter()).await?;
            return Ok(false);
        }
        // Whatever the engine made of the rows, they are made ours. Only tables that it or we changed can differ.
        let status = connection.query("select table_name from dolt_status", &[]).await?;
        let mut touched: Vec<String> =
            status.iter().flatten().filter_map(SqlValue::text).map(|name| bare(name).to_owned()).collect();
        touched.extend(changes.iter().filter_map(|change| self.table_of(&change.entity)));
        self.make_rows(connection, &touched, wanted).await?;
        Ok(true)
    }
}

/// Whether a write may succeed when it is begun again.
fn may_work_again(error: &StoreError) -> bool {
    match error {
        StoreError::Busy(_) => true,
        error => is_stale_writer(error),
    }
}

/// Whether a connection failed for what it did before: what it was to do now may be begun again on another one.
pub(super) fn is_stale_writer(error: &StoreError) -> bool {
    matches!(error, StoreError::Engine { source: Some(source), .. }
        if source.downcast_ref::<SqlError>().is_some_and(is_stale))
}

/// Commits all that the connection has changed, which ends its transaction.
pub(super) async fn commit(
    connection: &Connection,
    new: &NewCommit<'_>,
    noted: Option<&CommitHash>,
    even_empty: bool,
) -> StoreResult<CommitHash> {
    let message = Notes { parent: noted.cloned(), time: None }.add_to(&new.message);
    let empty = if even_empty { "'--allow-empty', " } else { "" };
    let sql = format!("select * from dolt_commit({empty}'-A', '-m', ?, '--author', ?, '--date', ?)");
    let row = connection.query_row(&sql, &[message.into(), (&new.author).into(), (&new.date).into()]).await?;
    connection.batch("commit").await?;
    hash_cell(row.as_ref().and_then(|row| row.first()))
}

/// Runs the migrations that the branch a connection is on lacks, and commits them.
pub(super) async fn migrate_on(
    connection: &Connection,
    migrations: &Migrations,
    new: &NewCommit<'_>,
) -> StoreResult<Option<CommitHash>> {
    if run_migrations(connection, migrations).await? == 0 {
        connection.batch("rollback").await?;
        return Ok(None);
    }
    Ok(Some(commit(connection, new, None, false).await?))
}

/// Runs the migrations that the branch a connection is on lacks; how many.
pub(super) async fn run_migrations(connection: &Connection, migrations: &Migrations) -> StoreResult<usize> {
    connection.batch(LEDGER_CREATE).await?;
    let ledger = LedgerEntry::all(&connection.query(LEDGER_READ, &[]).await?)?;
    let pending = migrations.pending(Store::Manage, &ledger)?;
    for migration in &pending {
        for statement in migration.statements(Dialect::Postgres) {
            connection.batch(statement).await?;
        }
        let entry = [(&migration.name).into(), (&migration.checksum).into(), understory_model::now().into()];
        connection.execute(LEDGER_ENTER, &entry).await?;
    }
    Ok(pending.len())
}

/// Merges a commit into the branch that a connection is on, without committing; whether a merge is under way.
///
/// The engine merges rows in its own way, and says so where it cannot. Neither matters: all rows are made ours
/// afterwards. Only what would refuse the commit is cleared here.
async fn begin_merge(connection: &Connection, theirs: &CommitHash) -> StoreResult<bool> {
    connection.query("select * from dolt_merge(?, '--no-ff', '--no-commit')", &[theirs.as_str().into()]).await?;
    let state = connection.query_row("select is_merging from dolt_merge_status", &[]).await?;
    if state.and_then(|row| row.first().and_then(SqlValue::boolean)) != Some(true) {
        return Ok(false);
    }
    if connection.query_row("select 1 from dolt_schema_conflicts limit 1", &[]).await?.is_some() {
        return Err(failed("the tables of the two branches differ in a way that the engine cannot merge"));
    }
    if connection.query_row("select \"table\" from dolt_conflicts limit 1", &[]).await?.is_some() {
        connection.query("select dolt_conflicts_resolve('--ours', '.')", &[]).await?;
    }
    for row in connection.query("select \"table\" from dolt_constraint_violations", &[]).await? {
        let table = row.first().and_then(SqlValue::text).map(bare);
        let table = table.ok_or_else(|| unexpected("a violation in no table"))?;
        let name = crate::engine::tables::quote(&format!("dolt_constraint_violations_{table}"));
        connection.execute(&format!("delete from {name}"), &[]).await?;
    }
    Ok(true)
}
