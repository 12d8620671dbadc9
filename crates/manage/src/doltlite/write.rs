//! Making commits.

use understory_sql::migration::{self, ledger};
use understory_sql::{Database, Migrations, SqlValue, Store};

use super::history::{self, hash_cell};
use crate::engine::commit::NewCommit;
use crate::engine::errors::{failed, unexpected};
use crate::engine::names::encode_hash;
use crate::engine::notes::Notes;
use crate::engine::tables::Tables;
use crate::{BranchName, ChangeSet, Commit, CommitHash, CommitMeta, Signature, Snapshot, StoreError, StoreResult};

impl NewCommit<'_> {
    /// Commits all that the connection has changed. The engine writes it through at once: from here on the commit
    /// stays, whatever becomes of the transaction. `noted` is a second parent that the engine is not told of.
    pub(super) fn make(&self, db: &Database, options: &[&str], noted: Option<&CommitHash>) -> StoreResult<CommitHash> {
        let seconds = seconds(&self.date);
        let time = (seconds != self.date).then(|| self.date.clone());
        let message = Notes { parent: noted.cloned(), time }.add_to(&self.message);
        let fixed = ["-A", "-m", &message, "--author", &self.author, "--date", &seconds];
        let arguments: Vec<SqlValue> = options.iter().chain(&fixed).map(|text| SqlValue::from(*text)).collect();
        let places = vec!["?"; arguments.len()].join(", ");
        let row = db.query_row(&format!("select dolt_commit({places})"), &arguments)?;
        hash_cell(row.as_ref().and_then(|row| row.first()))
    }

    /// The same by the engine's own merge of a commit into a branch. It takes its own time, so that ours is noted.
    fn merge(&self, db: &Database, branch: &BranchName, theirs: &CommitHash) -> StoreResult<CommitHash> {
        let message = Notes { parent: None, time: Some(self.date.clone()) }.add_to(&self.message);
        let arguments = [encode_hash(theirs), message, self.author.clone()].map(SqlValue::from);
        db.query_row("select dolt_merge(?, '--no-ff', '-m', ?, '--author', ?)", &arguments)?;
        history::branch_head(db, branch)?.ok_or_else(|| StoreError::UnknownBranch(branch.clone()))
    }
}

/// `2026-11-21 08:00:00.123` or RFC 3339 in UTC as RFC 3339 in whole seconds, which is all that the engine keeps.
fn seconds(time: &str) -> String {
    format!("{}Z", time.trim_end_matches('Z').split('.').next().unwrap_or(time).replacen(' ', "T", 1))
}

/// The rows to be committed on a branch.
pub(super) struct Rows<'a> {
    pub(super) tables: &'a Tables,
    pub(super) changes: &'a ChangeSet,
    /// The other parent, and what the rows must be after the merge.
    pub(super) merge: Option<(&'a CommitHash, &'a Snapshot)>,
    /// Whether those are exactly the rows of the other parent, in the same schema.
    pub(super) as_theirs: bool,
}

/// What came of an attempt to commit.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    Made(Commit),
    Moved(CommitHash),
    Nothing,
}

/// How what was written becomes a commit.
enum Making {
    /// A commit with these parents, of which the last is perhaps only noted in the message.
    Commit { parents: Vec<CommitHash>, noted: bool },
    /// The engine's own merge with this commit. It builds on ours and holds the rows that are wanted, so that there is
    /// nothing to settle; one call of the engine takes less time than two.
    Merge(CommitHash),
}

/// A branch that is being written, by the one who holds the project's lock.
pub(super) struct Writer<'a> {
    pub(super) db: &'a Database,
    pub(super) branch: &'a BranchName,
}

impl Writer<'_> {
    /// Commits rows on a branch if its head is still `expected`.
    pub(super) fn commit(&self, expected: &CommitHash, rows: &Rows<'_>, new: &NewCommit<'_>) -> StoreResult<Outcome> {
        self.in_transaction(expected, new, |db| {
            let mut parents = vec![expected.clone()];
            match rows.merge {
                None if rows.tables.write(db, rows.changes)? == 0 => return Ok(None),
                None => {}
                Some((theirs, wanted)) => {
                    let ahead = rows.as_theirs && theirs != expected;
                    if ahead && merge_base(db, expected, theirs)?.as_ref() == Some(expected) {
                        return Ok(Some(Making::Merge(theirs.clone())));
                    }
                    let known = begin_merge(db, theirs)?;
                    rows.tables.make(db, wanted)?;
                    parents.push(theirs.clone());
                    return Ok(Some(Making::Commit { parents, noted: !known }));
                }
            }
            Ok(Some(Making::Commit { parents, noted: false }))
        })
    }

    /// Commits the migrations that a branch lacks, if its head is still `expected`.
    pub(super) fn migrate(&self, expected: &CommitHash, migrations: &Migrations) -> StoreResult<Outcome> {
        let names: Vec<String> = pending(self.db, migrations)?;
        if names.is_empty() {
            return Ok(Outcome::Nothing);
        }
        let message = format!("Migrate to {}", names.join(", "));
        let meta = CommitMeta::new(Signature::understory(), message).on(self.branch);
        self.in_transaction(expected, &NewCommit::new(&meta), |db| {
            for migration in migrations.pending(Store::Manage, &ledger(db)?)? {
                migration::apply(db, migration, &understory_model::now())?;
            }
            Ok(Some(Making::Commit { parents: vec![expected.clone()], noted: false }))
        })
    }

    /// Runs `write`, which says how to commit what it wrote, or that there is nothing to commit, and does so.
    fn in_transaction(
        &self,
        expected: &CommitHash,
        new: &NewCommit<'_>,
        write: impl FnOnce(&Database) -> StoreResult<Option<Making>>,
    ) -> StoreResult<Outcome> {
        let mut outcome = None;
        let mut committing = false;
        let ended = self.db.transaction(|db| -> StoreResult<()> {
            let head = history::branch_head(db, self.branch)?;
            let head = head.ok_or_else(|| StoreError::UnknownBranch(self.branch.clone()))?;
            if head != *expected {
                outcome = Some(Outcome::Moved(head));
                return Ok(());
            }
            self.refuse_dirty(db)?;
            let Some(making) = write(db)? else {
                outcome = Some(Outcome::Nothing);
                return Ok(());
            };
            committing = true;
            let (hash, parents) = match making {
                Making::Commit { parents, noted } => {
                    let options: &[&str] = if parents.len() > 1 { &["--allow-empty"] } else { &[] };
                    (new.make(db, options, parents.last().filter(|_| noted))?, parents)
                }
                Making::Merge(theirs) => (new.merge(db, self.branch, &theirs)?, vec![expected.clone(), theirs]),
            };
            outcome = Some(Outcome::Made(new.done(hash, parents)));
            Ok(())
        });
        match (outcome, ended) {
            (Some(outcome @ Outcome::Made(_)), Err(error)) => {
                tracing::error!(branch = %self.branch, %error, "closing the transaction of a commit that was made");
                Ok(outcome)
            }
            (None, Err(error)) if committing => self.settle(expected, new, error),
            (_, Err(error)) => Err(error),
            (outcome, Ok(())) => outcome.ok_or_else(|| unexpected("a transaction ended without an outcome")),
        }
    }

    /// `dolt_commit` failed: the head tells whether it did so before or after the commit was made.
    fn settle(&self, expected: &CommitHash, new: &NewCommit<'_>, error: StoreError) -> StoreResult<Outcome> {
        match self.newest() {
            Ok(Some(commit)) if new.is(&commit, expected) => {
                tracing::error!(branch = %self.branch, %error, "a commit that was made was told as failed");
                Ok(Outcome::Made(commit))
            }
            Ok(_) => Err(error),
            Err(unread) => {
                tracing::error!(branch = %self.branch, error = %unread, "the head after a failed commit");
                Err(error)
            }
        }
    }

    fn newest(&self) -> StoreResult<Option<Commit>> {
        let head = history::branch_head(self.db, self.branch)?;
        Ok(head.map(|head| history::log(self.db, &head, 0, 1)).transpose()?.into_iter().flatten().next())
    }

    fn refuse_dirty(&self, db: &Database) -> StoreResult<()> {
        if is_dirty(db)? { Err(StoreError::Dirty(self.branch.clone())) } else { Ok(()) }
    }
}

/// Whether the branch that a connection is open on has changes that are not committed.
pub(super) fn is_dirty(db: &Database) -> StoreResult<bool> {
    Ok(db.query_row("select 1 from dolt_status limit 1", &[])?.is_some())
}

/// The names of the migrations that the commit or branch a connection is open on lacks.
pub(super) fn pending(db: &Database, migrations: &Migrations) -> StoreResult<Vec<String>> {
    let pending = migrations.pending(Store::Manage, &ledger(db)?)?;
    Ok(pending.into_iter().map(|migration| migration.name.clone()).collect())
}

/// The best common ancestor of two commits, if the engine finds one.
fn merge_base(db: &Database, a: &CommitHash, b: &CommitHash) -> StoreResult<Option<CommitHash>> {
    let row = db.query_row("select dolt_merge_base(?, ?)", &[encode_hash(a).into(), encode_hash(b).into()])?;
    let cell = row.as_ref().and_then(|row| row.first()).filter(|cell| !cell.is_null());
    cell.map(|cell| hash_cell(Some(cell))).transpose()
}

/// Makes the next commit one with two parents; `false` if the branch has the other one in its history already, and
/// the engine will not hear of it.
///
/// The engine merges rows in its own way, and says so with an error where it cannot. Neither matters: all rows are
/// made ours afterwards. Only what would refuse the commit is cleared here.
pub(super) fn begin_merge(db: &Database, theirs: &CommitHash) -> StoreResult<bool> {
    let merged = db.query_row("select dolt_merge(?, '--no-ff', '--no-commit')", &[encode_hash(theirs).into()]);
    let state = db.query_row("select is_merging from dolt_merge_status", &[])?;
    let merging = state.and_then(|row| row.first().and_then(SqlValue::boolean)).unwrap_or_default();
    match merged {
        Err(error) if !merging => return Err(error.into()),
        Ok(_) => return Ok(merging),
        Err(_) => {}
    }
    if db.query_row("select 1 from dolt_schema_conflicts limit 1", &[])?.is_some() {
        return Err(failed("the tables of the two branches differ in a way that the engine cannot merge"));
    }
    for table in names(db, "select \"table\" from dolt_conflicts")? {
        db.query_row("select dolt_conflicts_resolve('--ours', ?)", &[table.into()])?;
    }
    for table in names(db, "select \"table\" from dolt_constraint_violations")? {
        db.execute(&format!("delete from \"dolt_constraint_violations_{}\"", table.replace('"', "\"\"")), &[])?;
    }
    Ok(true)
}

fn names(db: &Database, sql: &str) -> StoreResult<Vec<String>> {
    let rows = db.query(sql, &[])?;
    Ok(rows.into_iter().flatten().filter_map(|cell| cell.into_text().ok()).collect())
}
