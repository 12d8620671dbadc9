//! Taking back and bringing over: each is a merge of one commit's or one state's changes, and ends in a new commit.

use std::sync::Arc;

use serde::Deserialize;
use understory_manage::change::restored;
use understory_manage::merge::merge;
use understory_manage::{Commit, CommitHash, Snapshot};
use understory_model::{Entity, Key, camel_case};

use crate::changes::{Changes, changes};
use crate::conflict::{WireResolution, resolution_error};
use crate::naming::short_key;
use crate::project::Project;
use crate::write::{WriteOptions, Written};
use crate::{Error, Result};

/// The body of a request to take back or bring over.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bring {
    /// What people decided about conflicts that an attempt answered.
    pub resolutions: Vec<WireResolution>,
}

/// The body of a request to restore.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// The ref whose state is wanted.
    pub from: String,
    /// What people decided about conflicts that an attempt answered.
    #[serde(default)]
    pub resolutions: Vec<WireResolution>,
}

impl Project {
    /// Takes back what a commit changed, as a new commit on a branch. What came after it stays.
    pub async fn revert(&self, commit: &str, bring: &Bring, options: &WriteOptions) -> Result<Written<Changes>> {
        let commit = self.commit(commit).await?;
        let (before, after) = self.sides(&commit).await?;
        let message = format!("Revert \"{}\"\n\nThis takes back commit {}.", subject(&commit), commit.hash);
        self.bring(options, &message, &bring.resolutions, |_| (Arc::clone(&after), Arc::clone(&before))).await
    }

    /// Makes what a commit changed on another branch, as a new commit there.
    pub async fn cherry_pick(&self, commit: &str, bring: &Bring, options: &WriteOptions) -> Result<Written<Changes>> {
        let commit = self.commit(commit).await?;
        let (before, after) = self.sides(&commit).await?;
        let message = format!("{}\n\nThis brings over commit {}.", commit.meta.message, commit.hash);
        self.bring(options, &message, &bring.resolutions, |_| (Arc::clone(&before), Arc::clone(&after))).await
    }

    /// Makes the whole project on a branch what it is at another ref, as a new commit.
    pub async fn restore(&self, request: &Restore, options: &WriteOptions) -> Result<Written<Changes>> {
        let then = self.view(&request.from).await?;
        let message = format!("Restore the project as of {}", request.from);
        let rows = then.snapshot;
        self.bring(options, &message, &request.resolutions, |now| (Arc::clone(now), Arc::clone(&rows))).await
    }

    /// Makes one row, with all that lies below it, what it is at another ref, as a new commit.
    pub(crate) async fn restore_row(
        &self,
        entity: &Entity,
        key: &Key,
        request: &Restore,
        options: &WriteOptions,
    ) -> Result<Written<Changes>> {
        let then = self.view(&request.from).await?.snapshot;
        let row = format!("{} {}", camel_case(&entity.name), short_key(Some(entity), key));
        if then.get(&entity.name, key).is_none() {
            return Err(Error::not_found(format!("At {}, {}", request.from, entity.title()), key.id()));
        }
        let message = format!("Restore {row} as of {}", request.from);
        let sides = |now: &Arc<Snapshot>| {
            let wanted = restored(self.model(), now, &then, &entity.name, key);
            (Arc::clone(now), Arc::new(wanted))
        };
        self.bring(options, &message, &request.resolutions, sides).await
    }

    /// Merges into a branch what differs between two states, as one commit; `sides` tells them for a head.
    async fn bring(
        &self,
        options: &WriteOptions,
        message: &str,
        resolutions: &[WireResolution],
        sides: impl Fn(&Arc<Snapshot>) -> (Arc<Snapshot>, Arc<Snapshot>),
    ) -> Result<Written<Changes>> {
        let resolutions = self.resolutions(resolutions)?;
        let edit = |draft: &mut understory_manage::Draft| {
            let ours = Arc::clone(draft.base());
            let (base, theirs) = sides(&ours);
            let merged = merge(self.model(), &base, &ours, &theirs, &resolutions);
            let merged = merged.map_err(|error| resolution_error(self, &error))?;
            if !merged.conflicts.is_empty() {
                return Err(Error::MergeConflict(merged.conflicts));
            }
            draft.take(&merged.changes);
            Ok(changes(self.model(), merged.changes.iter()))
        };
        self.write(options, || message.to_owned(), |_| None, edit).await
    }

    /// The commit of a ref.
    pub(crate) async fn commit(&self, reference: &str) -> Result<Commit> {
        let hash = self.resolve(reference).await?.hash;
        let commit = self.app().inner.store.commit(self.id(), &hash).await?;
        commit.ok_or_else(|| Error::not_found("Commit", hash.as_str()))
    }

    /// The rows before and after a commit. The first two commits make the project, and are not to be taken apart.
    async fn sides(&self, commit: &Commit) -> Result<(Arc<Snapshot>, Arc<Snapshot>)> {
        let store = &self.app().inner.store;
        let parent: Option<&CommitHash> = commit.parents.first();
        let before = match parent {
            Some(parent) => store.read(self.id(), parent).await?,
            None => Arc::default(),
        };
        if before.row_count() == 0 {
            return Err(Error::Conflict("this commit made the project; delete the project instead".into()));
        }
        Ok((before, store.read(self.id(), &commit.hash).await?))
    }
}

fn subject(commit: &Commit) -> &str {
    commit.meta.message.lines().next().unwrap_or_default()
}
