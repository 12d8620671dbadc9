//! Commits and what branches reach.

use std::collections::BTreeSet;

use understory_sql::migration::{LEDGER_TABLE, LedgerEntry};
use understory_sql::{Database, SqlValue};

use crate::engine::errors::unexpected;
use crate::engine::names::{decode_branch, decode_hash, decode_keep, encode_branch, encode_hash};
use crate::engine::notes::{Notes, rfc3339};
use crate::engine::reachable::Reachable;
use crate::engine::refs::{BRANCHES, Naming, Refs, TAGS};
use crate::{Branch, BranchName, Commit, CommitHash, CommitMeta, Signature, StoreResult};

/// Commits with their parents, one row per parent, newest first.
const LOG: &str = "select l.commit_hash, l.committer, l.email, l.date, l.message, a.parent_hash \
                   from (select * from dolt_log(?) limit ? offset ?) l \
                   left join dolt_commit_ancestors a on a.commit_hash = l.commit_hash";

/// The names and hashes of a project's own file.
struct Own;

impl Naming for Own {
    fn branch(&self, name: &str) -> Option<BranchName> {
        decode_branch(name)
    }

    fn keep(&self, name: &str) -> Option<CommitHash> {
        decode_keep(name)
    }

    fn hash(&self, cell: Option<&SqlValue>) -> StoreResult<CommitHash> {
        hash_cell(cell)
    }
}

/// Where all refs of a project lead.
pub(super) fn refs(db: &Database) -> StoreResult<Refs> {
    Refs::of(&db.query(BRANCHES, &[])?, &db.query(TAGS, &[])?, &Own)
}

/// All branches that Understory made, by name.
pub(super) fn branches(db: &Database) -> StoreResult<Vec<Branch>> {
    Ok(refs(db)?.branches)
}

/// The head of a branch.
pub(super) fn branch_head(db: &Database, name: &BranchName) -> StoreResult<Option<CommitHash>> {
    let row = db.query_row("select hash from dolt_branches where name = ?", &[encode_branch(name).into()])?;
    row.map(|row| hash_cell(row.first())).transpose()
}

/// At most `limit` commits from one that is there, after the first `skip`, children before parents.
pub(super) fn log(db: &Database, from: &CommitHash, skip: usize, limit: usize) -> StoreResult<Vec<Commit>> {
    let number = |count: usize| SqlValue::from(i64::try_from(count).unwrap_or(i64::MAX));
    let mut commits: Vec<Commit> = Vec::new();
    for row in db.query(LOG, &[encode_hash(from).into(), number(limit), number(skip)])? {
        let hash = hash_cell(row.first())?;
        if commits.last().is_none_or(|last| last.hash != hash) {
            commits.push(commit(hash, &row)?);
        }
        if let (Some(last), Some(parent)) = (commits.last_mut(), row.get(5).filter(|cell| !cell.is_null())) {
            // Before a noted parent, which is the last.
            let at = last.parents.len() - usize::from(is_noted(&row));
            last.parents.insert(at, hash_cell(Some(parent))?);
        }
    }
    Ok(commits)
}

fn is_noted(row: &[SqlValue]) -> bool {
    row.get(4).and_then(SqlValue::text).is_some_and(|message| Notes::split(message).1.parent.is_some())
}

fn commit(hash: CommitHash, row: &[SqlValue]) -> StoreResult<Commit> {
    let text = |at: usize| {
        let cell = row.get(at).and_then(SqlValue::text);
        cell.ok_or_else(|| unexpected(format!("commit {hash} has a part that is no text")))
    };
    let (message, notes) = Notes::split(text(4)?);
    let meta = CommitMeta::from_engine(Signature::new(text(1)?, text(2)?), message);
    let date = notes.time.map_or_else(|| text(3).map(rfc3339), Ok)?;
    Ok(Commit { hash, parents: notes.parent.into_iter().collect(), meta, date })
}

/// The migrations that a commit has.
pub(super) fn ledger_at(db: &Database, hash: &CommitHash) -> StoreResult<Vec<LedgerEntry>> {
    let sql = format!("select name, checksum from dolt_at_{LEDGER_TABLE}(?)");
    Ok(LedgerEntry::all(&db.query(&sql, &[encode_hash(hash).into()])?)?)
}

pub(super) fn hash_cell(cell: Option<&SqlValue>) -> StoreResult<CommitHash> {
    let hash = cell.and_then(SqlValue::text).and_then(decode_hash);
    hash.ok_or_else(|| unexpected(format!("the engine answers {cell:?} where a hash should be")))
}

impl Reachable {
    /// Brings the set up to the present refs.
    pub(super) fn refresh(&mut self, db: &Database) -> StoreResult<()> {
        let heads = refs(db)?.heads();
        if self.is_at(&heads) {
            return Ok(());
        }
        if self.is_empty()
            && let Some(first) = branch_head(db, &BranchName::main())?
        {
            self.begin(line(db, &first)?, first);
        }
        self.move_to(heads, &mut |hash| parents(db, hash))
    }
}

/// All commits that one reaches, in one query: a long history is not to be walked step by step.
fn line(db: &Database, head: &CommitHash) -> StoreResult<BTreeSet<CommitHash>> {
    let rows = db.query("select commit_hash from dolt_log(?)", &[encode_hash(head).into()])?;
    rows.iter().map(|row| hash_cell(row.first())).collect()
}

fn parents(db: &Database, hash: &CommitHash) -> StoreResult<Vec<CommitHash>> {
    let sql = "select parent_hash from dolt_commit_ancestors where commit_hash = ? order by parent_index";
    let rows = db.query(sql, &[encode_hash(hash).into()])?;
    rows.iter()
        .filter(|row| row.first().is_some_and(|cell| !cell.is_null()))
        .map(|row| hash_cell(row.first()))
        .collect()
}
