//! The commit graph: which commits lead to which, and where two lines have their common past.
//!
//! Computed here, above [`ConfigStore::log`], so that every engine merges alike.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use understory_model::Model;

use crate::merge::merge_virtual;
use crate::{CommitHash, ConfigStore, ProjectId, Snapshot, StoreResult, WHOLE_LOG};

/// How many commits of each line are looked at first; four times as many each time that was too few.
const FIRST_LOOK: usize = 16;

/// Whether `ancestor` is `descendant` itself or one that it was made from.
pub async fn is_ancestor(
    store: &dyn ConfigStore,
    project: &ProjectId,
    ancestor: &CommitHash,
    descendant: &CommitHash,
) -> StoreResult<bool> {
    let mut limit = FIRST_LOOK;
    loop {
        let line = Line::read(store, project, std::slice::from_ref(descendant), limit).await?;
        if line.parents.contains_key(ancestor) {
            return Ok(true);
        }
        if line.complete {
            return Ok(false);
        }
        limit = (limit * 4).min(WHOLE_LOG);
    }
}

/// The best common ancestors of two commits, by hash: those that are not ancestors of another common one.
///
/// Several if lines were merged both ways; none if the commits share no past.
pub async fn merge_bases(
    store: &dyn ConfigStore,
    project: &ProjectId,
    a: &CommitHash,
    b: &CommitHash,
) -> StoreResult<Vec<CommitHash>> {
    if a == b {
        return Ok(vec![a.clone()]);
    }
    bases_of(store, project, std::slice::from_ref(a), b).await
}

/// The snapshot that a merge of two commits compares both with.
///
/// Several best common ancestors are merged with each other, over the bases of their own, into rows that no commit
/// has; where they conflict, the value of their own base stays (see [`crate::merge`]). Commits with no common
/// past have the empty snapshot as base.
pub async fn merge_base_snapshot(
    store: &dyn ConfigStore,
    model: &Model,
    project: &ProjectId,
    ours: &CommitHash,
    theirs: &CommitHash,
) -> StoreResult<Arc<Snapshot>> {
    let bases = merge_bases(store, project, ours, theirs).await?;
    bases_snapshot(store, model, project, bases).await
}

/// The same of bases that are known.
pub async fn bases_snapshot(
    store: &dyn ConfigStore,
    model: &Model,
    project: &ProjectId,
    bases: Vec<CommitHash>,
) -> StoreResult<Arc<Snapshot>> {
    snapshot_of(store, model, project, bases).await
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The snapshot of several commits merged. It ends: the bases of commits none of which leads to another are all older.
fn snapshot_of<'a>(
    store: &'a dyn ConfigStore,
    model: &'a Model,
    project: &'a ProjectId,
    commits: Vec<CommitHash>,
) -> BoxFuture<'a, StoreResult<Arc<Snapshot>>> {
    Box::pin(async move {
        let Some(first) = commits.first() else { return Ok(Arc::default()) };
        let mut merged = store.read(project, first).await?;
        for next in 1..commits.len() {
            let bases = bases_of(store, project, &commits[..next], &commits[next]).await?;
            let base = snapshot_of(store, model, project, bases).await?;
            let other = store.read(project, &commits[next]).await?;
            merged = Arc::new(merge_virtual(model, &base, &merged, &other));
        }
        Ok(merged)
    })
}

/// The best common ancestors of `b` and of a commit that would have all of `a` as its parents.
async fn bases_of(
    store: &dyn ConfigStore,
    project: &ProjectId,
    a: &[CommitHash],
    b: &CommitHash,
) -> StoreResult<Vec<CommitHash>> {
    // Beginnings of several logs have gaps between them, so those are read whole.
    let mut limit = if a.len() == 1 { FIRST_LOOK } else { WHOLE_LOG };
    loop {
        let ours = Line::read(store, project, a, limit).await?;
        let theirs = Line::read(store, project, std::slice::from_ref(b), limit).await?;
        if let Some(best) = best_common(&ours, &theirs) {
            return Ok(best);
        }
        limit = (limit * 4).min(WHOLE_LOG);
    }
}

/// The beginning of a log: with every commit come all commits between it and the head.
struct Line {
    parents: BTreeMap<CommitHash, Vec<CommitHash>>,
    complete: bool,
}

impl Line {
    async fn read(
        store: &dyn ConfigStore,
        project: &ProjectId,
        heads: &[CommitHash],
        limit: usize,
    ) -> StoreResult<Self> {
        let mut parents = BTreeMap::new();
        let mut complete = true;
        for head in heads {
            let commits = store.log(project, head, limit).await?;
            complete &= commits.len() < limit;
            parents.extend(commits.into_iter().map(|commit| (commit.hash, commit.parents)));
        }
        Ok(Self { parents, complete })
    }

    /// Whether every way out of what is known leads through a common commit, so that nothing beyond is a best one.
    ///
    /// What lies behind a common commit is common too, known to the other line or not.
    fn closed(&self, common: &BTreeSet<&CommitHash>) -> bool {
        if self.complete {
            return true;
        }
        let settled = self.behind(common);
        let mut own = self.parents.iter().filter(|(hash, _)| !settled.contains(hash));
        own.all(|(_, parents)| parents.iter().all(|parent| self.parents.contains_key(parent)))
    }

    /// These commits and what is known of their past.
    fn behind<'a>(&'a self, commits: &BTreeSet<&'a CommitHash>) -> BTreeSet<&'a CommitHash> {
        let mut found = BTreeSet::new();
        let mut next: Vec<&CommitHash> = commits.iter().copied().collect();
        while let Some(hash) = next.pop() {
            if let Some(parents) = self.parents.get(hash)
                && found.insert(hash)
            {
                next.extend(parents);
            }
        }
        found
    }
}

/// The best common ancestors, if what is known of both lines is enough to tell.
fn best_common(a: &Line, b: &Line) -> Option<Vec<CommitHash>> {
    let common: BTreeSet<_> = a.parents.keys().filter(|hash| b.parents.contains_key(*hash)).collect();
    if !a.closed(&common) || !b.closed(&common) {
        return None;
    }
    // All commits between two known ones are known: whatever leads to a common commit has a common child of it.
    let dominated: BTreeSet<_> = common.iter().filter_map(|hash| a.parents.get(*hash)).flatten().collect();
    Some(common.into_iter().filter(|hash| !dominated.contains(hash)).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(name: u8) -> CommitHash {
        CommitHash::from_bytes(&[name; 20])
    }

    /// A line of commits, each with its parents, as a log of `limit` would give it.
    fn line(commits: &[(u8, &[u8])], limit: usize) -> Line {
        let known = commits.iter().take(limit).map(|(c, p)| (hash(*c), p.iter().copied().map(hash).collect()));
        Line { parents: known.collect(), complete: commits.len() < limit }
    }

    #[test]
    fn a_common_past_is_found_as_soon_as_it_is_certain() {
        let ours: &[(u8, &[u8])] = &[(5, &[4]), (4, &[2]), (2, &[1]), (1, &[])];
        let theirs: &[(u8, &[u8])] = &[(3, &[2]), (2, &[1]), (1, &[])];
        assert_eq!(best_common(&line(ours, 9), &line(theirs, 9)), Some(vec![hash(2)]));
        assert_eq!(best_common(&line(ours, 3), &line(theirs, 2)), Some(vec![hash(2)]));
        assert_eq!(best_common(&line(ours, 2), &line(theirs, 2)), None);
        assert_eq!(best_common(&line(ours, 9), &line(theirs, 1)), None);
        assert_eq!(best_common(&line(ours, 9), &line(&ours[2..], 9)), Some(vec![hash(2)]));
        // However long the past, the beginnings of both lines are enough.
        let long: Vec<(u8, [u8; 1])> = (1..=99).rev().map(|n| (n, [n - 1])).collect();
        let long: Vec<(u8, &[u8])> = long.iter().map(|(n, parents)| (*n, parents.as_slice())).collect();
        let ahead = [&[(200, &[99][..])], long.as_slice()].concat();
        assert_eq!(best_common(&line(&long, 5), &line(&ahead, 5)), Some(vec![hash(99)]));
        assert_eq!(best_common(&line(&long, 5), &line(&long[50..], 5)), None, "too far apart to tell");
    }

    #[test]
    fn lines_merged_both_ways_have_two_bases() {
        let ours: &[(u8, &[u8])] = &[(4, &[2, 3]), (2, &[1]), (3, &[1]), (1, &[])];
        let theirs: &[(u8, &[u8])] = &[(5, &[3, 2]), (2, &[1]), (3, &[1]), (1, &[])];
        assert_eq!(best_common(&line(ours, 9), &line(theirs, 9)), Some(vec![hash(2), hash(3)]));
        assert_eq!(best_common(&line(&[(1, &[])], 9), &line(&[(9, &[])], 9)), Some(Vec::new()));
    }
}
