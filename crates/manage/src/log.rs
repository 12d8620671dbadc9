//! The log, filtered: by author, by time, by what a commit changed.

use std::collections::VecDeque;

use jiff::Timestamp;
use understory_model::Key;

use crate::revision::time_of;
use crate::{Change, Commit, CommitHash, ConfigStore, ProjectId, StoreResult};

/// Commits read from the store at a time.
const PAGE: usize = 100;
/// Commits that one page of a filtered log looks at before it ends early, so that no request takes long.
const LOOKED_AT: usize = 1_000;

/// Which commits of a log are wanted. Nothing given: all.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Name or address of the author.
    pub author: Option<String>,
    /// Not earlier than this.
    pub since: Option<Timestamp>,
    /// Not later than this.
    pub until: Option<Timestamp>,
    /// Which changed rows of this kind.
    pub rows: Option<RowFilter>,
}

/// Rows that a commit may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFilter {
    /// The entity's name.
    pub entity: String,
    /// One row; all of the entity if none.
    pub key: Option<Key>,
}

/// Some of what was asked for, and where the rest begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, newest first. There may be fewer than asked for though more follow.
    pub items: Vec<T>,
    /// How many commits to skip for the next page; none after the last.
    pub next: Option<usize>,
}

/// At most `limit` commits that `from` reaches and that pass the filter, after the first `skip` commits.
pub async fn log(
    store: &dyn ConfigStore,
    project: &ProjectId,
    from: &CommitHash,
    skip: usize,
    limit: usize,
    filter: &LogFilter,
) -> StoreResult<Page<Commit>> {
    let mut scan = Scan::new(store, project, from, skip);
    let mut items = Vec::new();
    while items.len() < limit {
        let Some(commit) = scan.next().await? else { return Ok(scan.page(items)) };
        if filter.admits(&commit)
            && match &filter.rows {
                Some(rows) => !own_changes(store, project, &commit, rows).await?.is_empty(),
                None => true,
            }
        {
            items.push(commit);
        }
    }
    scan.settle().await?;
    Ok(scan.page(items))
}

/// The commits that changed one row, newest first, each with what it did to the row.
pub async fn row_history(
    store: &dyn ConfigStore,
    project: &ProjectId,
    from: &CommitHash,
    row: &RowFilter,
    skip: usize,
    limit: usize,
) -> StoreResult<Page<(Commit, Change)>> {
    let mut scan = Scan::new(store, project, from, skip);
    let mut items = Vec::new();
    while items.len() < limit {
        let Some(commit) = scan.next().await? else { return Ok(scan.page(items)) };
        let changed = own_changes(store, project, &commit, row).await?.into_iter().next();
        items.extend(changed.map(|change| (commit, change)));
    }
    scan.settle().await?;
    Ok(scan.page(items))
}

/// What a commit changed in its first parent, of rows that the filter admits; timestamps alone are no change.
///
/// A merge has changed only what is as in none of its parents: the rest is the work of the commits that it brought.
async fn own_changes(
    store: &dyn ConfigStore,
    project: &ProjectId,
    commit: &Commit,
    rows: &RowFilter,
) -> StoreResult<Vec<Change>> {
    let mut own = wanted(store.changes(project, commit.parents.first(), &commit.hash).await?, rows);
    for parent in commit.parents.iter().skip(1) {
        if !own.is_empty() {
            let others = wanted(store.changes(project, Some(parent), &commit.hash).await?, rows);
            own.retain(|change| others.iter().any(|other| other.key == change.key && other.entity == change.entity));
        }
    }
    Ok(own)
}

fn wanted(changes: Vec<Change>, rows: &RowFilter) -> Vec<Change> {
    let admits = |change: &Change| {
        change.entity == rows.entity
            && rows.key.as_ref().is_none_or(|key| change.key == *key)
            && crate::RowDiff::of(change).is_some()
    };
    changes.into_iter().filter(admits).collect()
}

impl LogFilter {
    /// Whether author and time are as wanted.
    fn admits(&self, commit: &Commit) -> bool {
        let author = &commit.meta.author;
        let by = |wanted: &String| author.name == *wanted || author.email == *wanted;
        let time = time_of(commit);
        let not = |bound: Option<Timestamp>, out: fn(&Timestamp, &Timestamp) -> bool| match (bound, time) {
            (Some(bound), Some(time)) => !out(&time, &bound),
            _ => true,
        };
        self.author.as_ref().is_none_or(by) && not(self.since, Timestamp::lt) && not(self.until, Timestamp::gt)
    }
}

/// Goes through a log from a place in it, as far as one request may.
struct Scan<'a> {
    store: &'a dyn ConfigStore,
    project: &'a ProjectId,
    from: &'a CommitHash,
    /// Commits passed since the log's beginning.
    at: usize,
    left: usize,
    ended: bool,
    page: VecDeque<Commit>,
}

impl<'a> Scan<'a> {
    fn new(store: &'a dyn ConfigStore, project: &'a ProjectId, from: &'a CommitHash, skip: usize) -> Self {
        Self { store, project, from, at: skip, left: LOOKED_AT, ended: false, page: VecDeque::new() }
    }

    /// The next commit; none at the log's end, or where this request must end.
    async fn next(&mut self) -> StoreResult<Option<Commit>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.settle().await?;
        let commit = self.page.pop_front();
        if commit.is_some() {
            self.at += 1;
            self.left -= 1;
        }
        Ok(commit)
    }

    /// Reads on, so that the end of the log is known as such.
    async fn settle(&mut self) -> StoreResult<()> {
        if self.page.is_empty() && !self.ended {
            self.page = self.store.log_page(self.project, self.from, self.at, PAGE).await?.into();
            self.ended = self.page.is_empty();
        }
        Ok(())
    }

    fn page<T>(self, items: Vec<T>) -> Page<T> {
        Page { items, next: (!self.ended).then_some(self.at) }
    }
}
