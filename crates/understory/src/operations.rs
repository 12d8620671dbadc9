//! The operation log: everything that moved a ref, made of commits and of intents, and how each is undone.

use std::collections::HashSet;

use serde::Serialize;
use understory_manage::{BranchName, Commit, CommitHash};
use understory_model::timestamp_iso;
use understory_runtime::{Intent, IntentKind, RefAction, RefChange};

use crate::project::Project;
use crate::undo::Bring;
use crate::write::WriteOptions;
use crate::{Error, Result};

/// One thing that moved a ref.
#[derive(Clone, Debug, Serialize)]
pub struct Operation {
    /// A commit's hash, or the id of a change of a ref.
    pub id: String,
    /// What was done.
    pub kind: Kind,
    /// The branch or tag; of a renamed branch its new name.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The commit that it named before.
    pub from: Option<String>,
    /// The commit that it named afterwards.
    pub to: Option<String>,
    /// Name of who did it.
    pub author: String,
    /// Address of who did it.
    pub email: String,
    /// When.
    pub date: String,
    /// Why.
    pub message: String,
}

/// What moved a ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A commit on a branch.
    Commit,
    /// A commit with two parents.
    Merge,
    /// A branch was made.
    BranchCreate,
    /// A branch was given another name.
    BranchRename,
    /// A branch was deleted.
    BranchDelete,
    /// A tag was made.
    TagCreate,
    /// A tag was deleted.
    TagDelete,
}

/// What undoing an operation came to.
#[derive(Clone, Debug, Serialize)]
pub struct Undone {
    /// The operation.
    pub operation: String,
    /// The branch or tag.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The commit that undoes it, where one was needed.
    pub commit: Option<String>,
    /// What the ref names now; none if it is gone.
    pub head: Option<String>,
}

impl Project {
    /// The newest operations, newest first, after the one that `after` names; and whether there are more.
    pub async fn operations(&self, after: Option<&str>, limit: usize) -> Result<(Vec<Operation>, bool)> {
        let mut depth = limit.saturating_add(1);
        loop {
            let (found, whole) = self.newest_operations(depth).await?;
            let start = match after {
                None => Some(0),
                Some(id) => found.iter().position(|operation| operation.id == id).map(|at| at + 1),
            };
            match start {
                Some(start) if whole || found.len() > start + limit => {
                    let more = found.len() > start + limit;
                    return Ok((found.into_iter().skip(start).take(limit).collect(), more));
                }
                None if whole => return Err(Error::not_found("Operation", after.unwrap_or_default())),
                _ => depth = depth.saturating_mul(4),
            }
        }
    }

    /// Operations of which at least the newest `depth` are told in their order, and whether these are all.
    async fn newest_operations(&self, depth: usize) -> Result<(Vec<Operation>, bool)> {
        let store = &self.app().inner.store;
        let (mut seen, mut all, mut whole) = (HashSet::new(), Vec::new(), true);
        let heads = store.branches(self.id()).await?.into_iter().map(|branch| branch.head);
        for head in heads.chain(store.kept(self.id()).await?) {
            let commits = store.log(self.id(), &head, depth).await?;
            whole &= commits.len() < depth;
            let new = commits.into_iter().filter(|commit| seen.insert(commit.hash.clone()));
            all.extend(new.filter(|commit| !commit.parents.is_empty()).map(of_commit));
        }
        let (tenant, id) = (&self.id().tenant, &self.id().id);
        let changes = self.app().inner.runtime.ref_change_list(tenant, id, depth).await?;
        whole &= changes.len() < depth;
        let changes = self.with_present_hashes(changes).await?;
        all.extend(changes.iter().filter_map(|intent| self.of_intent(intent)));
        // Stable: commits of one instant stay in the order of the log.
        all.sort_by(|a, b| b.date.cmp(&a.date));
        if !whole {
            all.truncate(depth);
        }
        Ok((all, whole))
    }

    /// An intent of an earlier project of the same id is none of ours.
    fn of_intent(&self, intent: &Intent) -> Option<Operation> {
        let IntentKind::RefChange(change) = &intent.kind else { return None };
        (change.uid == self.id().uid).then(|| of_ref_change(intent, change.clone()))
    }

    /// Undoes an operation: by a new commit, or by the opposite change of the ref. No head ever moves back.
    pub async fn operation_undo(&self, id: &str, bring: &Bring, options: &WriteOptions) -> Result<Undone> {
        let unknown = || Error::not_found("Operation", id);
        if CommitHash::parse(id).is_some() {
            let commit = self.commit(id).await.map_err(|error| match error {
                Error::NotFound { .. } => unknown(),
                error => error,
            })?;
            return self.undo_commit(&commit, bring, options).await;
        }
        let (tenant, project) = (&self.id().tenant, &self.id().id);
        let intent = self.app().inner.runtime.ref_change_get(tenant, project, id).await?;
        let found = self.with_present_hashes(intent.into_iter().collect()).await?.into_iter().next();
        match found.map(|intent| intent.kind) {
            Some(IntentKind::RefChange(change)) if change.uid == self.id().uid => {
                self.undo_ref_change(id, &change).await
            }
            _ => Err(unknown()),
        }
    }

    async fn undo_commit(&self, commit: &Commit, bring: &Bring, options: &WriteOptions) -> Result<Undone> {
        let branch = self.present_name(commit.meta.branch.clone().unwrap_or_else(BranchName::main)).await?;
        let store = self.app().inner.store.as_ref();
        let gone = || Error::Conflict(format!("branch '{branch}', on which it was made, is not there any more"));
        let head = store.branch_head(self.id(), &branch).await?.ok_or_else(gone)?;
        if !understory_manage::graph::is_ancestor(store, self.id(), &commit.hash, &head).await? {
            return Err(Error::Conflict(format!("branch '{branch}' has no commit {} in its past", commit.hash)));
        }
        let options = WriteOptions { reference: Some(branch.to_string()), ..options.clone() };
        let written = self.revert(commit.hash.as_str(), bring, &options).await?;
        Ok(Undone {
            operation: commit.hash.to_string(),
            reference: branch.to_string(),
            commit: written.commit.map(|commit| commit.hash.to_string()),
            head: Some(written.head.to_string()),
        })
    }

    /// What a branch is called by now. Names that were given again since mean the branch that has them.
    async fn present_name(&self, name: BranchName) -> Result<BranchName> {
        let (tenant, id) = (&self.id().tenant, &self.id().id);
        if self.app().inner.store.branch_head(self.id(), &name).await?.is_some() {
            return Ok(name);
        }
        let changes = self.app().inner.runtime.ref_change_list(tenant, id, usize::MAX).await?;
        let renames = changes.into_iter().rev().filter_map(|intent| match intent.kind {
            IntentKind::RefChange(change) if change.uid == self.id().uid => Some((change.name, change.new_name?)),
            _ => None,
        });
        let present = renames.fold(name.to_string(), |name, (from, to)| if name == from { to } else { name });
        Ok(BranchName::new(&present).unwrap_or(name))
    }

    async fn undo_ref_change(&self, id: &str, change: &RefChange) -> Result<Undone> {
        let (from, to) = (change.from.as_deref(), change.to.as_deref());
        match change.action {
            RefAction::BranchCreate => self.undo_branch_create(change).await?,
            RefAction::BranchRename => {
                let new = change.new_name.as_deref().unwrap_or_default();
                self.branch_rename(new, &change.name).await?;
            }
            RefAction::BranchDelete => _ = self.branch_create(&change.name, None, from).await?,
            RefAction::TagCreate => {
                self.require_tag_at(&change.name, to).await?;
                self.tag_delete(&change.name).await?;
            }
            RefAction::TagDelete => {
                let message = change.message.as_deref().unwrap_or_default();
                self.tag_create(&change.name, from.unwrap_or_default(), message).await?;
            }
        }
        let head = match self.resolve(&change.name).await {
            Ok(resolved) => Some(resolved.hash.to_string()),
            Err(Error::NotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Undone { operation: id.to_owned(), reference: change.name.clone(), commit: None, head })
    }

    /// A branch on which somebody has worked since is not taken away by undoing its creation.
    async fn undo_branch_create(&self, change: &RefChange) -> Result<()> {
        let made = BranchName::new(&change.name).map_err(|_| Error::not_found("Branch", &change.name))?;
        let branch = self.branch(self.present_name(made).await?.as_str()).await?;
        if Some(branch.head.as_str()) != change.to.as_deref() {
            let detail = format!("branch '{}' has moved since; delete it if it is not wanted", branch.name);
            return Err(Error::Conflict(detail));
        }
        self.branch_delete(branch.name.as_str()).await
    }

    async fn require_tag_at(&self, name: &str, hash: Option<&str>) -> Result<()> {
        let tag = self.tag(name).await?;
        match hash == Some(tag.hash.as_str()) {
            true => Ok(()),
            false => Err(Error::Conflict(format!("tag '{name}' was made anew since"))),
        }
    }
}

fn of_commit(commit: Commit) -> Operation {
    Operation {
        id: commit.hash.to_string(),
        kind: if commit.parents.len() > 1 { Kind::Merge } else { Kind::Commit },
        reference: commit.meta.branch.map_or_else(|| BranchName::MAIN.to_owned(), |branch| branch.to_string()),
        from: commit.parents.first().map(ToString::to_string),
        to: Some(commit.hash.to_string()),
        author: commit.meta.author.name,
        email: commit.meta.author.email,
        date: commit.date,
        message: commit.meta.message,
    }
}

fn of_ref_change(intent: &Intent, change: RefChange) -> Operation {
    let (kind, what) = match change.action {
        RefAction::BranchCreate => (Kind::BranchCreate, format!("Create branch {}", change.name)),
        RefAction::BranchRename => {
            let new = change.new_name.as_deref().unwrap_or_default();
            (Kind::BranchRename, format!("Rename branch {} to {new}", change.name))
        }
        RefAction::BranchDelete => (Kind::BranchDelete, format!("Delete branch {}", change.name)),
        RefAction::TagCreate => (Kind::TagCreate, format!("Create tag {}", change.name)),
        RefAction::TagDelete => (Kind::TagDelete, format!("Delete tag {}", change.name)),
    };
    Operation {
        id: intent.id.clone(),
        kind,
        reference: change.new_name.unwrap_or(change.name),
        from: change.from,
        to: change.to,
        author: change.author,
        email: change.email,
        date: timestamp_iso(&intent.created_at),
        message: what,
    }
}
