//! Space: what projects take, and giving back what nothing needs.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;
use understory_auth::Principal;
use understory_manage::CommitHash;

use crate::Result;
use crate::app::Understory;
use crate::project::Project;

/// How long changes of refs are on record, and so can be undone, unless somebody asks for less: 90 days.
pub const UNDO_KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// More commits than any project has.
const ALL: usize = 1 << 31;

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
            stats.push(self.project(principal, &tenant, &id).await?.stats().await?);
        }
        Ok(stats)
    }
}

impl Understory {
    /// Forgets in every project changes of refs that are older than `undo_kept` and what only they kept. A project that
    /// fails is logged; the others have their turn.
    pub async fn keep_house(&self, undo_kept: Duration) {
        let projects = match self.projects().await {
            Ok(projects) => projects,
            Err(error) => return tracing::warn!(%error, "the projects could not be listed for housekeeping"),
        };
        for (tenant, id) in projects {
            let kept = async {
                let project = self.project(&Principal::system(), &tenant, &id).await?;
                let old = project.forget(undo_kept).await?;
                if old > 0 { project.collect(undo_kept).await.map(drop) } else { Ok(()) }
            };
            if let Err(error) = kept.await {
                tracing::warn!(tenant, project.id = id, %error, "housekeeping left a project for the next time");
            }
        }
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
        let mut dropped = 0;
        for head in store.kept(self.id()).await? {
            let own = self.only_reached_by(&head).await?;
            if !own.iter().any(|commit| named.contains(commit.as_str())) {
                store.keep_drop(self.id(), &head).await?;
                dropped += 1;
            }
        }
        if dropped > 0 {
            self.app().inner.documents.forget(&self.id().uid);
        }
        Ok(dropped)
    }

    /// The commits that a kept head reaches and no other ref does. The head itself counts, as it is what an undo needs.
    async fn only_reached_by(&self, head: &CommitHash) -> Result<BTreeSet<CommitHash>> {
        let store = &self.app().inner.store;
        let mut others: BTreeSet<CommitHash> = store.kept(self.id()).await?.into_iter().collect();
        others.remove(head);
        others.extend(store.branches(self.id()).await?.into_iter().map(|branch| branch.head));
        others.extend(store.tags(self.id()).await?.into_iter().map(|tag| tag.hash));
        let line = async |head: &CommitHash| -> Result<BTreeSet<CommitHash>> {
            Ok(store.log(self.id(), head, ALL).await?.into_iter().map(|commit| commit.hash).collect())
        };
        let mut own = line(head).await?;
        for other in &others {
            let reached = line(other).await?;
            own.retain(|commit| !reached.contains(commit));
        }
        own.insert(head.clone());
        Ok(own)
    }
}
