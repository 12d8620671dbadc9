//! A whole project, read from a store to be made again elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use understory_model::Model;

use super::{BranchMove, History, Origin, Replayed};
use crate::change::settle;
use crate::{
    Change, Commit, CommitHash, ConfigStore, ProjectId, Signature, Snapshot, StoreError, StoreResult, Tag, WHOLE_LOG,
};

/// All that a store keeps of a project, and how the store names its commits.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Its commits and refs.
    pub history: History,
    /// The hashes of the history's commits, in their order.
    pub hashes: Vec<CommitHash>,
    /// Commits that are not made again, and what stands for each, oldest first. The root stands for those that hold the
    /// schema and nothing else: every store has its own.
    pub stand_ins: Vec<(CommitHash, Origin)>,
}

/// Reads all of a project: what branches, tags and kept heads reach. Nothing is written.
pub async fn read(store: &dyn ConfigStore, model: &Model, project: &ProjectId) -> StoreResult<Project> {
    let refs = Refs {
        branches: store.branches(project).await?.into_iter().map(|branch| (branch.name, branch.head)).collect(),
        tags: store.tags(project).await?,
        kept: store.kept(project).await?,
    };
    let commits = commits(store, project, &refs).await?;
    let mut reading = Reading { store, model, project, found: Project::default(), places: BTreeMap::new() };
    for commit in commits {
        reading.take(commit).await?;
    }
    reading.finish(refs).await
}

struct Refs {
    branches: Vec<(crate::BranchName, CommitHash)>,
    tags: Vec<Tag>,
    kept: Vec<CommitHash>,
}

/// All commits that the refs reach, parents before children.
async fn commits(store: &dyn ConfigStore, project: &ProjectId, refs: &Refs) -> StoreResult<Vec<Commit>> {
    let heads = refs.branches.iter().map(|(_, head)| head).chain(refs.tags.iter().map(|tag| &tag.hash));
    let (mut known, mut commits) = (BTreeSet::new(), Vec::new());
    for head in heads.chain(&refs.kept) {
        if known.contains(head) {
            continue;
        }
        let log = store.log(project, head, WHOLE_LOG).await?;
        // What a later head adds comes after what it builds on, which an earlier head has reached or this one does.
        let new = log.into_iter().rev().filter(|commit| known.insert(commit.hash.clone()));
        commits.extend(new);
    }
    Ok(commits)
}

struct Reading<'a> {
    store: &'a dyn ConfigStore,
    model: &'a Model,
    project: &'a ProjectId,
    found: Project,
    places: BTreeMap<CommitHash, Origin>,
}

impl Reading<'_> {
    async fn take(&mut self, commit: Commit) -> StoreResult<()> {
        let changes = match commit.parents.first() {
            Some(first) => self.store.changes(self.project, Some(first), &commit.hash).await?,
            None => Vec::new(),
        };
        if self.is_root(&commit, &changes) {
            self.places.insert(commit.hash.clone(), Origin::Root);
            self.found.stand_ins.push((commit.hash, Origin::Root));
            return Ok(());
        }
        let parents = commit.parents.iter().map(|parent| self.place(parent)).collect::<StoreResult<Vec<_>>>()?;
        let replayed = replayed(self.model, &self.found.history, &commit, parents, changes)?;
        self.places.insert(commit.hash.clone(), Origin::New(self.found.history.commits.len()));
        self.found.history.commits.push(replayed);
        self.found.hashes.push(commit.hash);
        Ok(())
    }

    /// The first commit holds the schema and nothing else, and where several projects share it there may be more of
    /// that kind on it, one for each migration: every store has its own.
    fn is_root(&self, commit: &Commit, changes: &[Change]) -> bool {
        let on_root = || commit.parents.iter().all(|parent| self.places.get(parent) == Some(&Origin::Root));
        let of_ours = || changes.is_empty() && commit.meta.author == Signature::understory();
        commit.parents.is_empty() || (commit.parents.len() == 1 && on_root() && of_ours())
    }

    fn place(&self, hash: &CommitHash) -> StoreResult<Origin> {
        self.places.get(hash).cloned().ok_or_else(|| StoreError::UnknownCommit(hash.clone()))
    }

    /// Adds the refs, and makes sure that where they lead there is what a reader would see.
    async fn finish(mut self, refs: Refs) -> StoreResult<Project> {
        let mut history = std::mem::take(&mut self.found.history);
        for (name, head) in refs.branches {
            history.branches.push(BranchMove { name, from: None, to: self.place(&head)? });
        }
        for tag in refs.tags {
            let to = self.place(&tag.hash)?;
            history.tags.push((tag, to));
        }
        history.kept = refs.kept.iter().map(|head| self.place(head)).collect::<StoreResult<_>>()?;
        self.found.history = history;
        for head in self.found.history.heads() {
            if let Origin::New(index) = head {
                self.require_rows(index).await?;
            }
        }
        Ok(self.found)
    }

    async fn require_rows(&self, index: usize) -> StoreResult<()> {
        let (commit, hash) = (&self.found.history.commits[index], &self.found.hashes[index]);
        if crate::changed_rows(&commit.rows, &*self.store.read(self.project, hash).await?).is_empty() {
            return Ok(());
        }
        let detail = format!("the changes of project {} do not lead to the rows of commit {hash}", self.project);
        Err(StoreError::Corrupt { detail, source: None })
    }
}

/// A commit as it is to be made again on what came before it in a history.
pub(crate) fn replayed(
    model: &Model,
    history: &History,
    commit: &Commit,
    parents: Vec<Origin>,
    changes: Vec<Change>,
) -> StoreResult<Replayed> {
    let before = history.rows_at(parents.first().unwrap_or(&Origin::Root));
    let edits = changes.into_iter().map(|change| ((change.entity, change.key), change.after)).collect();
    let set = settle(model, &before, edits).map_err(|broken| {
        let first = broken.first().map(ToString::to_string).unwrap_or_default();
        StoreError::Misfit(format!("commit {} breaks the model: {first}", commit.hash))
    })?;
    let rows = before.after(&set);
    Ok(Replayed { parents, meta: commit.meta.clone(), date: commit.date.clone(), changes: set, rows })
}

impl History {
    /// The rows at a place: none at the root.
    pub(crate) fn rows_at(&self, origin: &Origin) -> Snapshot {
        match origin {
            Origin::New(index) => self.commits.get(*index).map(|commit| commit.rows.clone()).unwrap_or_default(),
            Origin::Root | Origin::Known(_) => Snapshot::default(),
        }
    }

    /// Where refs lead, each place once.
    fn heads(&self) -> BTreeSet<Origin> {
        let named = self.branches.iter().map(|branch| &branch.to).chain(self.tags.iter().map(|(_, to)| to));
        named.chain(&self.kept).cloned().collect()
    }
}
