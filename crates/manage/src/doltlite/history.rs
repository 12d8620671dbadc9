//! Commits and what branches reach.

use std::collections::{BTreeSet, VecDeque};

use understory_sql::{Database, SqlValue};

use super::errors::unexpected;
use super::names::{decode_branch, decode_hash, encode_branch, encode_hash};
use crate::{Branch, BranchName, Commit, CommitHash, CommitMeta, Signature, StoreResult};

/// Commits with their parents, one row per parent, newest first.
const LOG: &str = "select l.commit_hash, l.committer, l.email, l.date, l.message, a.parent_hash \
                   from (select * from dolt_log(?) limit ?) l \
                   left join dolt_commit_ancestors a on a.commit_hash = l.commit_hash";

/// Begins a note of ours in a message; messages never hold it otherwise.
pub(super) const NOTE: char = '\u{1f}';
const PARENT: &str = "second parent: ";

/// A message with a note of a second parent, for merges of what is an ancestor already: the engine makes none of those.
pub(super) fn note_parent(message: &str, parent: &CommitHash) -> String {
    format!("{message}\n{NOTE}{PARENT}{parent}")
}

fn split_note(message: &str) -> (&str, Option<CommitHash>) {
    match message.rsplit_once(NOTE) {
        Some((message, note)) => (message, note.strip_prefix(PARENT).and_then(CommitHash::parse)),
        None => (message, None),
    }
}

/// All branches that Understory made, by name.
pub(super) fn branches(db: &Database) -> StoreResult<Vec<Branch>> {
    let mut branches = Vec::new();
    for row in db.query("select name, hash from dolt_branches", &[])? {
        if let Some(name) = row.first().and_then(SqlValue::text).and_then(decode_branch) {
            branches.push(Branch { name, head: hash_cell(row.get(1))? });
        }
    }
    branches.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(branches)
}

/// The head of a branch.
pub(super) fn branch_head(db: &Database, name: &BranchName) -> StoreResult<Option<CommitHash>> {
    let row = db.query_row("select hash from dolt_branches where name = ?", &[encode_branch(name).into()])?;
    row.map(|row| hash_cell(row.first())).transpose()
}

/// At most `limit` commits from one that is there, children before parents.
pub(super) fn log(db: &Database, from: &CommitHash, limit: usize) -> StoreResult<Vec<Commit>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut commits: Vec<Commit> = Vec::new();
    for row in db.query(LOG, &[encode_hash(from).into(), limit.into()])? {
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
    row.get(4).and_then(SqlValue::text).is_some_and(|message| split_note(message).1.is_some())
}

fn commit(hash: CommitHash, row: &[SqlValue]) -> StoreResult<Commit> {
    let text = |at: usize| {
        let cell = row.get(at).and_then(SqlValue::text);
        cell.ok_or_else(|| unexpected(format!("commit {hash} has a part that is no text")))
    };
    let (message, noted) = split_note(text(4)?);
    let meta = CommitMeta::from_engine(Signature::new(text(1)?, text(2)?), message);
    let date = format!("{}Z", text(3)?.replacen(' ', "T", 1));
    Ok(Commit { hash, parents: noted.into_iter().collect(), meta, date })
}

pub(super) fn hash_cell(cell: Option<&SqlValue>) -> StoreResult<CommitHash> {
    let hash = cell.and_then(SqlValue::text).and_then(decode_hash);
    hash.ok_or_else(|| unexpected(format!("the engine answers {cell:?} where a hash should be")))
}

/// The commits that branches reach, kept up to date by walking only what is new.
#[derive(Debug, Default)]
pub(super) struct Reachable {
    heads: BTreeSet<CommitHash>,
    commits: BTreeSet<CommitHash>,
}

impl Reachable {
    /// Brings the set up to the present branches.
    pub(super) fn refresh(&mut self, db: &Database) -> StoreResult<()> {
        let heads: BTreeSet<CommitHash> = branches(db)?.into_iter().map(|branch| branch.head).collect();
        if heads == self.heads {
            return Ok(());
        }
        let mut met = heads.clone();
        let mut new = BTreeSet::new();
        self.walk(db, &heads, &mut new, &mut met)?;
        // An old head that was not met again may be reached no more, and what it reached with it.
        if !self.heads.is_subset(&met) {
            self.commits.clear();
            new.clear();
            self.walk(db, &heads, &mut new, &mut met)?;
        }
        self.commits.append(&mut new);
        self.heads = heads;
        Ok(())
    }

    /// Whether a branch reaches a commit.
    pub(super) fn contains(&self, hash: &CommitHash) -> bool {
        self.commits.contains(hash)
    }

    /// The one commit whose hash begins so.
    pub(super) fn by_prefix(&self, prefix: &str) -> Option<CommitHash> {
        let first = CommitHash::parse(&format!("{prefix:0<32}"))?;
        let mut found = self.commits.range(first..).take_while(|hash| hash.as_str().starts_with(prefix));
        let only = found.next()?;
        found.next().is_none().then(|| only.clone())
    }

    /// Walks from heads up to known commits: new ones go to `new`, known ones that were met to `met`.
    fn walk(
        &self,
        db: &Database,
        heads: &BTreeSet<CommitHash>,
        new: &mut BTreeSet<CommitHash>,
        met: &mut BTreeSet<CommitHash>,
    ) -> StoreResult<()> {
        let mut queue: VecDeque<CommitHash> = heads.iter().cloned().collect();
        while let Some(hash) = queue.pop_front() {
            if self.commits.contains(&hash) {
                met.insert(hash);
            } else if new.insert(hash.clone()) {
                queue.extend(parents(db, &hash)?);
            }
        }
        Ok(())
    }
}

fn parents(db: &Database, hash: &CommitHash) -> StoreResult<Vec<CommitHash>> {
    let sql = "select parent_hash from dolt_commit_ancestors where commit_hash = ? order by parent_index";
    let rows = db.query(sql, &[encode_hash(hash).into()])?;
    rows.iter()
        .filter(|row| row.first().is_some_and(|cell| !cell.is_null()))
        .map(|row| hash_cell(row.first()))
        .collect()
}
