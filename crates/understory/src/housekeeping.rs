//! Space: what projects take, and giving back what nothing needs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use understory_auth::Principal;
use understory_manage::{CommitHash, WHOLE_LOG};

use crate::Result;
use crate::app::Understory;
use crate::project::Project;

/// How long changes of refs are on record, and so can be undone, unless somebody asks for less: 90 days.
pub const UNDO_KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How long events of conversations can be read again: a day. The messages themselves stay.
const EVENTS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the answers to requests with an idempotency key are kept.
const ANSWERS_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What a project takes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// The project's tenant.
    pub tenant_id: String,
    /// The project.
    pub project_id: String,
    /// Bytes on disk, history included.
    pub bytes: u64,
    /// Branches.
    pub branches: usize,
    /// Tags.
    pub tags: usize,
    /// Heads of deleted branches that are kept.
    pub deleted_branches: usize,
    /// Rows at the head of `main`.
    pub rows: usize,
}

/// What giving back space came to.
#[derive(Clone, Debug, Serialize)]
pub struct Collected {
    /// Bytes before.
    pub before: u64,
    /// Bytes after.
    pub after: u64,
    /// Heads of deleted branches that are kept no longer.
    pub dropped: usize,
}

impl Understory {
    /// What every project takes.
    pub async fn stats(&self, principal: &Principal) -> Result<Vec<Stats>> {
        let mut stats = Vec::new();
        for (tenant, id) in self.projects().await? {
            stats.push(self.project_open(principal, &tenant, &id).await?.stats().await?);
        }
        Ok(stats)
    }
}

impl Understory {
    /// Forgets events of conversations, kept answers and sessions that are too old, and in every project changes of refs that are older than `undo_kept` and what only they kept. A project that
    /// fails is logged; the others have their turn.
    pub async fn keep_house(&self, undo_kept: Duration) {
        if let Err(error) = self.forget_old_rows().await {
            tracing::warn!(%error, "old events, answers or sessions are left for the next time");
        }
        let projects = match self.projects().await {
            Ok(projects) => projects,
            Err(error) => return tracing::warn!(%error, "the projects could not be listed for housekeeping"),
        };
        for (tenant, id) in projects {
            let kept = async {
                let project = self.project_open(&Principal::system(), &tenant, &id).await?;
                let old = project.forget(undo_kept).await?;
                if old > 0 { project.collect(undo_kept).await.map(drop) } else { Ok(()) }
            };
            if let Err(error) = kept.await {
                tracing::warn!(tenant, project.id = id, %error, "housekeeping left a project for the next time");
            }
        }
    }
}

impl Understory {
    async fn forget_old_rows(&self) -> Result<()> {
        self.inner.runtime.events_prune(EVENTS_KEPT).await?;
        self.inner.runtime.idempotency_prune(ANSWERS_KEPT).await?;
        Ok(self.people().sessions_prune().await?)
    }
}

impl Project {
    /// What the project takes.
    pub async fn stats(&self) -> Result<Stats> {
        let store = &self.app().inner.store;
        Ok(Stats {
            tenant_id: self.id().tenant.clone(),
            project_id: self.id().id.clone(),
            bytes: store.size(self.id()).await?,
            branches: store.branches(self.id()).await?.len(),
            tags: store.tags(self.id()).await?.len(),
            deleted_branches: store.kept(self.id()).await?.len(),
            rows: self.view("").await?.snapshot.row_count(),
        })
    }

    /// Forgets changes of refs that are older than `undo_kept`, then what deleted branches alone reached and no record
    /// names any more, and gives the space back.
    pub async fn collect(&self, undo_kept: Duration) -> Result<Collected> {
        let store = &self.app().inner.store;
        let before = store.size(self.id()).await?;
        let dropped = self.forget(undo_kept).await?;
        store.gc(self.id()).await?;
        Ok(Collected { before, after: store.size(self.id()).await?, dropped })
    }

    /// Forgets old changes of refs, and keeps what only they named no longer; how many heads that were.
    async fn forget(&self, undo_kept: Duration) -> Result<usize> {
        let (store, runtime) = (&self.app().inner.store, &self.app().inner.runtime);
        let (tenant, id) = (&self.id().tenant, &self.id().id);
        runtime.ref_change_prune(tenant, id, undo_kept).await?;
        let named: BTreeSet<String> = runtime.commits_named(tenant, id).await?.into_iter().collect();
        let mut kept = BTreeMap::new();
        for head in store.kept(self.id()).await? {
            let line = self.line(&head).await?.into_iter().filter(|commit| named.contains(commit.as_str())).collect();
            kept.insert(head, line);
        }
        let mut reached = BTreeSet::new();
        if kept.values().any(|line: &BTreeSet<_>| !line.is_empty()) {
            let branches = store.branches(self.id()).await?.into_iter().map(|branch| branch.head);
            let tags = store.tags(self.id()).await?.into_iter().map(|tag| tag.hash);
            for head in branches.chain(tags).collect::<BTreeSet<_>>() {
                reached.extend(self.line(&head).await?);
            }
        }
        let unneeded = unneeded(kept, &reached);
        for head in &unneeded {
            store.keep_drop(self.id(), head).await?;
        }
        if !unneeded.is_empty() {
            self.app().inner.documents.forget(&self.id().uid);
        }
        Ok(unneeded.len())
    }

    /// A commit and all that it builds on.
    async fn line(&self, head: &CommitHash) -> Result<BTreeSet<CommitHash>> {
        let commits = self.app().inner.store.log(self.id(), head, WHOLE_LOG).await?;
        Ok(commits.into_iter().map(|commit| commit.hash).collect())
    }
}

/// The kept heads that nothing needs, of all with the named commits that each reaches. One is needed while it is named
/// itself, as it is what an undo needs, or while no other ref reaches a named commit.
fn unneeded(mut kept: BTreeMap<CommitHash, BTreeSet<CommitHash>>, reached: &BTreeSet<CommitHash>) -> Vec<CommitHash> {
    let mut unneeded = Vec::new();
    for head in kept.keys().cloned().collect::<Vec<_>>() {
        let elsewhere = |commit: &CommitHash| {
            reached.contains(commit) || kept.iter().any(|(other, line)| *other != head && line.contains(commit))
        };
        if kept[&head].iter().all(|commit| *commit != head && elsewhere(commit)) {
            kept.remove(&head);
            unneeded.push(head);
        }
    }
    unneeded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u8) -> CommitHash {
        CommitHash::from_bytes(&[n; 20])
    }

    fn kept(heads: &[(u8, &[u8])]) -> BTreeMap<CommitHash, BTreeSet<CommitHash>> {
        heads.iter().map(|(head, line)| (hash(*head), line.iter().map(|n| hash(*n)).collect())).collect()
    }

    #[test]
    fn a_head_is_needed_for_what_it_is_or_alone_reaches() {
        let reached = BTreeSet::from([hash(1), hash(2)]);
        let heads: [(u8, &[u8]); 4] = [(2, &[2]), (5, &[4]), (6, &[1, 2]), (7, &[])];
        assert_eq!(unneeded(kept(&heads), &reached), [hash(6), hash(7)]);
    }

    #[test]
    fn of_two_heads_that_reach_a_named_commit_one_stays() {
        assert_eq!(unneeded(kept(&[(5, &[4]), (6, &[4])]), &BTreeSet::new()), [hash(5)]);
    }
}
