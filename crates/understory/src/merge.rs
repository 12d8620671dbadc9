//! Merges in the API's terms: previewed, pinned to what the preview saw, made.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use understory_manage::graph::{bases_snapshot, merge_bases};
use understory_manage::merge::{Conflict, Merge, Resolution, ResolutionError, merge};
use understory_manage::{Applied, CommitHash, Signature, Snapshot, diff};

use crate::changes::{Changes, changes};
use crate::conflict::{WireResolution, resolution_error};
use crate::project::{Project, View};
use crate::write::WriteOptions;
use crate::{Error, Result};

/// What a merge would do.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Head of the branch that would be merged.
    pub source: CommitHash,
    /// Head of the branch merged into.
    pub target: CommitHash,
    /// Tables that differ between the two.
    pub tables: BTreeSet<String>,
    /// What only people can decide.
    pub conflicts: Vec<Conflict>,
    /// What would change on the target; nothing while there are conflicts.
    pub changes: Changes,
}

/// A merge to be made: pinned to the heads that its preview saw.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MergeRequest {
    /// The branch that is merged.
    pub source_branch: String,
    /// The branch merged into.
    pub target_branch: String,
    /// Its head, as previewed.
    pub source_hash: String,
    /// Its head, as previewed.
    pub target_hash: String,
    /// The commit's message.
    pub message: Option<String>,
    /// The author, where that is not the principal.
    pub author: Option<Author>,
    /// What people decided.
    #[serde(default)]
    pub resolutions: Vec<WireResolution>,
}

/// An author as requests name one.
#[derive(Clone, Debug, Deserialize)]
pub struct Author {
    name: String,
    email: String,
}

impl Author {
    /// The signature of commits.
    pub fn signature(&self) -> Signature {
        Signature::new(&self.name, &self.email)
    }
}

/// What a merge came to.
#[derive(Clone, Debug)]
pub struct MergeOutcome {
    /// The target's head afterwards.
    pub head: CommitHash,
}

impl Project {
    /// What merging `source` into `target` would do. Writes nothing.
    pub async fn merge_preview(&self, source: &str, target: &str) -> Result<Preview> {
        let (source, target) = (self.branch_view(source).await?, self.branch_view(target).await?);
        let (ours, theirs) = (&target.resolved.hash, &source.resolved.hash);
        let bases = merge_bases(self.app().inner.store.as_ref(), self.id(), ours, theirs).await?;
        let merged = self.merge(&source, &target, bases, &[]).await?;
        let changed = diff(&target.snapshot, &source.snapshot);
        let table = |entity: &str| self.model().entity(entity).map(|entity| entity.table.clone());
        let tables = changed.iter().filter_map(|row| table(&row.entity)).collect();
        let changes = changes(self.model(), merged.changes.iter());
        let (source, target) = (source.resolved.hash, target.resolved.hash);
        Ok(Preview { source, target, tables, conflicts: merged.conflicts, changes })
    }

    /// Merges one branch into another: one commit with two parents, or none if there is nothing to bring.
    ///
    /// Of `options` the message, the author and the idempotency key count; the request's own win.
    pub async fn merge_execute(&self, request: &MergeRequest, options: &WriteOptions) -> Result<MergeOutcome> {
        let author = request.author.as_ref().map(Author::signature).or_else(|| options.author.clone());
        let message = request.message.clone().or_else(|| options.message.clone());
        let options = WriteOptions { message, author, ..options.clone() };
        options.check(self.principal())?;
        let source = self.branch_view(&request.source_branch).await?;
        let target = self.branch_view(&request.target_branch).await?;
        let (ours, theirs) = (&target.resolved.hash, &source.resolved.hash);
        if theirs.as_str() != request.source_hash || ours.as_str() != request.target_hash {
            return Err(Error::HeadsMoved { from: theirs.clone(), to: ours.clone() });
        }
        let store = self.app().inner.store.as_ref();
        let resolutions = self.resolutions(&request.resolutions)?;
        let bases = merge_bases(store, self.id(), ours, theirs).await?;
        // Their head itself is the common past: it is in ours already.
        if bases.contains(theirs) {
            return match resolutions.first() {
                Some(Resolution { entity, key, .. }) => {
                    let (entity, key) = (entity.clone(), key.clone());
                    Err(resolution_error(self, &ResolutionError::UnknownConflict { entity, key }))
                }
                None => Ok(MergeOutcome { head: ours.clone() }),
            };
        }
        let merged = self.merge(&source, &target, bases, &resolutions).await?;
        if !merged.conflicts.is_empty() {
            return Err(Error::MergeConflict(merged.conflicts));
        }
        let meta = options
            .meta(self.principal(), || format!("Merge branch {} into {}", source.resolved.name, target.resolved.name));
        let Some(branch) = target.resolved.branch() else {
            return Err(Error::BadRequest("the target of a merge is a branch".into()));
        };
        match store.apply(self.id(), &branch, ours, &merged.changes, Some(theirs), &meta).await? {
            Applied::Commit(commit) => Ok(MergeOutcome { head: commit.hash }),
            Applied::Nothing => Ok(MergeOutcome { head: ours.clone() }),
            Applied::HeadMoved(head) => Err(Error::HeadsMoved { from: theirs.clone(), to: head }),
        }
    }

    async fn branch_view(&self, name: &str) -> Result<View> {
        let branch = self.branch(name).await?;
        self.view(branch.name.as_str()).await
    }

    async fn merge(
        &self,
        source: &View,
        target: &View,
        bases: Vec<CommitHash>,
        resolutions: &[Resolution],
    ) -> Result<Merge> {
        let store = self.app().inner.store.as_ref();
        let base: Arc<Snapshot> = bases_snapshot(store, self.model(), self.id(), bases).await?;
        let merged = merge(self.model(), &base, &target.snapshot, &source.snapshot, resolutions);
        merged.map_err(|error| resolution_error(self, &error))
    }
}
