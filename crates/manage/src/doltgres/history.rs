//! Commits and what refs reach.

use std::collections::{BTreeSet, HashMap};

use understory_sql::SqlValue;

use super::{At, Inner};
use crate::engine::errors::unexpected;
use crate::engine::notes::{Notes, rfc3339};
use crate::engine::reachable::Reachable;
use crate::{Commit, CommitHash, CommitMeta, Signature, StoreResult};

/// Commits read at once when a history is looked at further than is known: few at first, since mostly few are new.
const STEPS: [usize; 2] = [32, 4_096];

/// The commits that one reaches, children before parents. Unless told not to, the engine looks up all refs of the database
/// first, and fails where one goes meanwhile.
pub(super) const LOG: &str = "from dolt_log(?, '--parents', '--decorate', 'no')";

/// What is known of a project's history.
#[derive(Debug, Default)]
pub(super) struct Known {
    reachable: Reachable,
    /// Commits by hash; what is here never changes.
    parents: HashMap<CommitHash, Vec<CommitHash>>,
}

impl Inner {
    /// Asks what the project's refs reach, which is at these heads.
    pub(super) async fn reachable<T>(
        &self,
        at: &At,
        heads: BTreeSet<CommitHash>,
        ask: impl FnOnce(&Reachable) -> T,
    ) -> StoreResult<T> {
        let mut known = at.project.known.lock().await;
        if !known.reachable.is_at(&heads) {
            self.read_parents(&mut known.parents, &heads).await?;
            let Known { reachable, parents } = &mut *known;
            reachable.move_to(heads, &mut |hash| {
                parents.get(hash).cloned().ok_or_else(|| unexpected(format!("commit {hash} was not read")))
            })?;
        }
        Ok(ask(&known.reachable))
    }

    /// Reads the parents of all commits that heads reach and that are not known: whatever is known, its past is.
    async fn read_parents(
        &self,
        known: &mut HashMap<CommitHash, Vec<CommitHash>>,
        heads: &BTreeSet<CommitHash>,
    ) -> StoreResult<()> {
        let connection = self.readers().connection().await?;
        let sql = format!("select commit_hash, parents {LOG} limit ?");
        let mut read = HashMap::new();
        let mut steps = STEPS.into_iter();
        let mut limit = STEPS[1];
        let mut queue: Vec<CommitHash> = heads.iter().cloned().collect();
        let mut met = BTreeSet::new();
        while let Some(hash) = queue.pop() {
            if known.contains_key(&hash) || !met.insert(hash.clone()) {
                continue;
            }
            if !read.contains_key(&hash) {
                limit = steps.next().unwrap_or(limit);
                for row in connection.query(&sql, &[hash.as_str().into(), number(limit)]).await? {
                    let hash = hash_cell(row.first())?;
                    let parents = self.parents_in(&hash, row.get(1))?;
                    read.insert(hash, parents);
                }
            }
            let parents = read.get(&hash).ok_or_else(|| unexpected(format!("commit {hash} is in no log")))?;
            queue.extend(parents.iter().cloned());
        }
        drop(queue);
        known.extend(met.into_iter().filter_map(|hash| read.remove_entry(&hash)));
        Ok(())
    }

    /// The parents of a commit. A project's history begins at its root, whatever the database has before.
    fn parents_in(&self, hash: &CommitHash, cell: Option<&SqlValue>) -> StoreResult<Vec<CommitHash>> {
        if self.root.is(hash) { Ok(Vec::new()) } else { parents_of(cell) }
    }

    /// At most `limit` commits from one that is there, after the first `skip`, children before parents.
    pub(super) async fn log(&self, from: &CommitHash, skip: usize, limit: usize) -> StoreResult<Vec<Commit>> {
        let connection = self.readers().connection().await?;
        let sql =
            format!("select commit_hash, author, author_email, author_date, message, parents {LOG} limit ? offset ?");
        // The one before the page tells whether the project's history is at its end there: a root is its last commit,
        // and after it come those of the database.
        let known = skip.min(1);
        let (limit, skip) = (limit.saturating_add(known), skip - known);
        let rows = connection.query(&sql, &[from.as_str().into(), number(limit), number(skip)]).await?;
        let mut commits = Vec::with_capacity(rows.len());
        for (at, row) in rows.into_iter().enumerate() {
            let hash = hash_cell(row.first())?;
            if at < known {
                if self.root.is_or_precedes(&hash) {
                    break;
                }
                continue;
            }
            let is_root = self.root.is(&hash);
            commits.push(self.commit(hash, &row)?);
            if is_root {
                break;
            }
        }
        Ok(commits)
    }

    fn commit(&self, hash: CommitHash, row: &[SqlValue]) -> StoreResult<Commit> {
        let text = |at: usize| {
            let cell = row.get(at).and_then(SqlValue::text);
            cell.ok_or_else(|| unexpected(format!("commit {hash} has a part that is no text")))
        };
        let (message, notes) = Notes::split(text(4)?);
        let meta = CommitMeta::from_engine(Signature::new(text(1)?, text(2)?), message);
        let date = notes.time.map_or_else(|| text(3).map(rfc3339), Ok)?;
        let mut parents = self.parents_in(&hash, row.get(5))?;
        parents.extend(notes.parent);
        Ok(Commit { hash, parents, meta, date })
    }
}

/// Hashes separated by commas, as the engine tells a commit's parents.
pub(super) fn parents_of(cell: Option<&SqlValue>) -> StoreResult<Vec<CommitHash>> {
    let text = cell.and_then(SqlValue::text).unwrap_or_default();
    let hashes = text.split(',').map(str::trim).filter(|hash| !hash.is_empty());
    hashes.map(|hash| hash_cell(Some(&SqlValue::from(hash)))).collect()
}

pub(super) fn hash_cell(cell: Option<&SqlValue>) -> StoreResult<CommitHash> {
    let hash = cell.and_then(SqlValue::text).and_then(CommitHash::parse);
    hash.ok_or_else(|| unexpected(format!("the engine answers {cell:?} where a hash should be")))
}

fn number(count: usize) -> SqlValue {
    i64::try_from(count).unwrap_or(i64::MAX).into()
}
