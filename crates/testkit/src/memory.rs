use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use understory_manage::replay::History;
use understory_manage::{
    Applied, Branch, BranchName, Change, ChangeSet, Commit, CommitHash, CommitMeta, ConfigStore, ProjectId, Signature,
    Snapshot, StoreError, StoreResult, Tag, changed_rows,
};
use understory_model::{Model, Row, Value, now, timestamp_iso};

mod copy;
mod import;

/// A [`ConfigStore`] in memory: the executable specification of the trait.
///
/// A commit is a map entry that holds its whole snapshot. There are no migrations, as there is no stored schema.
pub struct Memory {
    model: Arc<Model>,
    projects: Mutex<HashMap<String, Project>>,
}

#[derive(Clone, Default)]
struct Project {
    commits: HashMap<CommitHash, Entry>,
    branches: BTreeMap<BranchName, CommitHash>,
    tags: BTreeMap<BranchName, Tag>,
    /// Heads of deleted branches, and commits of deleted tags.
    kept: BTreeSet<CommitHash>,
    /// Number of commits ever made: parents have lesser numbers than their children.
    made: u64,
}

#[derive(Clone)]
struct Entry {
    number: u64,
    commit: Commit,
    snapshot: Arc<Snapshot>,
}

impl Memory {
    /// An empty store.
    pub fn new(model: Arc<Model>) -> Self {
        Self { model, projects: Mutex::default() }
    }

    fn projects(&self) -> MutexGuard<'_, HashMap<String, Project>> {
        self.projects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, id: &ProjectId, act: impl FnOnce(&mut Project) -> StoreResult<T>) -> StoreResult<T> {
        let mut projects = self.projects();
        act(projects.get_mut(&id.uid).ok_or_else(|| StoreError::UnknownProject(id.to_string()))?)
    }

    /// A snapshot after changes, with every column of the model in every row, as a table has it.
    fn after(&self, snapshot: &Snapshot, changes: &ChangeSet) -> Snapshot {
        let mut tables: BTreeMap<String, _> =
            snapshot.tables().map(|(entity, table)| (entity.to_owned(), table.clone())).collect();
        for change in changes.iter() {
            let table = tables.entry(change.entity.clone()).or_default();
            match &change.after {
                Some(row) => table.insert(change.key.clone(), Arc::new(self.whole(&change.entity, row))),
                None => table.remove(&change.key),
            };
        }
        Snapshot::new(tables)
    }

    fn whole(&self, entity: &str, row: &Row) -> Row {
        let columns = self.model.entity(entity).into_iter().flat_map(|entity| &entity.columns);
        let nulls: Row = columns.map(|column| (column.name.clone(), Value::Null)).collect();
        row.iter().fold(nulls, |whole, (column, value)| whole.with(column, value.clone()))
    }
}

impl Project {
    /// A project of nothing but its root.
    fn rooted() -> (Self, CommitHash) {
        let mut new = Self::default();
        let root = CommitMeta::new(Signature::understory(), "Create schema");
        let root = new.add(&BranchName::main(), Vec::new(), &root, Snapshot::default());
        (new, root.hash)
    }

    fn head(&self, branch: &BranchName) -> StoreResult<&CommitHash> {
        self.branches.get(branch).ok_or_else(|| StoreError::UnknownBranch(branch.clone()))
    }

    /// A commit that some ref reaches.
    fn reached(&self, hash: &CommitHash) -> StoreResult<&Entry> {
        let entry = self.commits.get(hash).filter(|_| self.all_reached().contains(hash));
        entry.ok_or_else(|| StoreError::UnknownCommit(hash.clone()))
    }

    /// What all refs reach.
    fn all_reached(&self) -> BTreeSet<&CommitHash> {
        self.ancestors(self.branches.values().chain(self.tags.values().map(|tag| &tag.hash)).chain(&self.kept))
    }

    /// Refuses a name that a ref has.
    fn require_free(&self, name: &BranchName) -> StoreResult<()> {
        match self.branches.contains_key(name) || self.tags.contains_key(name) {
            true => Err(StoreError::RefExists(name.clone())),
            false => Ok(()),
        }
    }

    /// The head of a branch that may be renamed or deleted.
    fn movable(&self, name: &BranchName) -> StoreResult<&CommitHash> {
        let head = self.head(name)?;
        match name.is_main() {
            true => Err(copy::failed("change main", "it is the project's own line")),
            false => Ok(head),
        }
    }

    /// These commits and all that they were made from.
    fn ancestors<'a>(&'a self, of: impl IntoIterator<Item = &'a CommitHash>) -> BTreeSet<&'a CommitHash> {
        let mut found = BTreeSet::new();
        let mut next: Vec<_> = of.into_iter().collect();
        while let Some(hash) = next.pop() {
            if found.insert(hash) {
                next.extend(self.commits.get(hash).into_iter().flat_map(|entry| &entry.commit.parents));
            }
        }
        found
    }

    fn add(&mut self, branch: &BranchName, parents: Vec<CommitHash>, meta: &CommitMeta, snapshot: Snapshot) -> Commit {
        let commit = self.put(parents, meta, timestamp_iso(&now()), snapshot);
        self.branches.insert(branch.clone(), commit.hash.clone());
        commit
    }

    fn put(&mut self, parents: Vec<CommitHash>, meta: &CommitMeta, date: String, snapshot: Snapshot) -> Commit {
        self.made += 1;
        let text = format!("{} {parents:?} {meta:?} {date} {snapshot:?}", self.made);
        let digest: [u8; 32] = Sha256::digest(text).into();
        let hash = CommitHash::from_bytes(&std::array::from_fn(|i| digest[i]));
        let commit = Commit { hash: hash.clone(), parents, meta: meta.clone(), date };
        let entry = Entry { number: self.made, commit: commit.clone(), snapshot: Arc::new(snapshot) };
        self.commits.insert(hash, entry);
        commit
    }
}

#[async_trait]
impl ConfigStore for Memory {
    async fn project_create(&self, project: &ProjectId, changes: &ChangeSet, meta: &CommitMeta) -> StoreResult<Commit> {
        let main = BranchName::main();
        if let Some(existing) = self.projects().get(&project.uid) {
            return Ok(existing.reached(existing.head(&main)?)?.commit.clone());
        }
        let (mut new, root) = Project::rooted();
        let first = self.after(&Snapshot::default(), changes);
        let commit = new.add(&main, vec![root], &meta.clone().on(&main), first);
        self.projects().insert(project.uid.clone(), new);
        Ok(commit)
    }

    async fn project_delete(&self, project: &ProjectId) -> StoreResult<()> {
        self.projects().remove(&project.uid);
        Ok(())
    }

    async fn project_exists(&self, project: &ProjectId) -> StoreResult<bool> {
        Ok(self.projects().contains_key(&project.uid))
    }

    async fn branches(&self, project: &ProjectId) -> StoreResult<Vec<Branch>> {
        let branch = |(name, head): (&BranchName, &CommitHash)| Branch { name: name.clone(), head: head.clone() };
        self.with(project, |project| Ok(project.branches.iter().map(branch).collect()))
    }

    async fn branch_head(&self, project: &ProjectId, name: &BranchName) -> StoreResult<Option<CommitHash>> {
        self.with(project, |project| Ok(project.branches.get(name).cloned()))
    }

    async fn branch_create(&self, project: &ProjectId, name: &BranchName, at: &CommitHash) -> StoreResult<()> {
        self.with(project, |project| {
            project.require_free(name)?;
            project.reached(at)?;
            project.branches.insert(name.clone(), at.clone());
            Ok(())
        })
    }

    async fn branch_rename(&self, project: &ProjectId, from: &BranchName, to: &BranchName) -> StoreResult<()> {
        self.with(project, |project| {
            let head = project.movable(from)?.clone();
            project.require_free(to)?;
            project.branches.remove(from);
            project.branches.insert(to.clone(), head);
            Ok(())
        })
    }

    async fn branch_delete(&self, project: &ProjectId, name: &BranchName, expected: &CommitHash) -> StoreResult<()> {
        self.with(project, |project| {
            let head = project.movable(name)?.clone();
            if head != *expected {
                return Err(StoreError::HeadMoved { branch: name.clone(), head });
            }
            project.branches.remove(name);
            project.kept.insert(head);
            Ok(())
        })
    }

    async fn kept(&self, project: &ProjectId) -> StoreResult<Vec<CommitHash>> {
        self.with(project, |project| Ok(project.kept.iter().cloned().collect()))
    }

    async fn keep_drop(&self, project: &ProjectId, head: &CommitHash) -> StoreResult<()> {
        self.with(project, |project| {
            project.kept.remove(head);
            Ok(())
        })
    }

    async fn tags(&self, project: &ProjectId) -> StoreResult<Vec<Tag>> {
        self.with(project, |project| Ok(project.tags.values().cloned().collect()))
    }

    async fn tag_create(&self, project: &ProjectId, tag: &Tag) -> StoreResult<()> {
        self.with(project, |project| {
            project.require_free(&tag.name)?;
            project.reached(&tag.hash)?;
            project.tags.insert(tag.name.clone(), tag.clone());
            Ok(())
        })
    }

    async fn tag_delete(&self, project: &ProjectId, name: &BranchName) -> StoreResult<()> {
        self.with(project, |project| {
            let tag = project.tags.remove(name).ok_or_else(|| StoreError::UnknownTag(name.clone()))?;
            project.kept.insert(tag.hash);
            Ok(())
        })
    }

    async fn commit(&self, project: &ProjectId, hash: &CommitHash) -> StoreResult<Option<Commit>> {
        self.with(project, |project| Ok(project.reached(hash).ok().map(|entry| entry.commit.clone())))
    }

    async fn commits_by_prefix(&self, project: &ProjectId, prefix: &str) -> StoreResult<Vec<CommitHash>> {
        self.with(project, |project| {
            let matching = project.all_reached().into_iter().filter(|hash| hash.as_str().starts_with(prefix));
            Ok(matching.take(2).cloned().collect())
        })
    }

    async fn log_page(
        &self,
        project: &ProjectId,
        from: &CommitHash,
        skip: usize,
        limit: usize,
    ) -> StoreResult<Vec<Commit>> {
        self.with(project, |project| {
            project.reached(from)?;
            let ancestors = project.ancestors([from]);
            let mut entries: Vec<_> = ancestors.into_iter().filter_map(|hash| project.commits.get(hash)).collect();
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.number));
            Ok(entries.into_iter().skip(skip).take(limit).map(|entry| entry.commit.clone()).collect())
        })
    }

    async fn changes(
        &self,
        project: &ProjectId,
        from: Option<&CommitHash>,
        to: &CommitHash,
    ) -> StoreResult<Vec<Change>> {
        self.with(project, |project| {
            let from = from.map(|from| project.reached(from)).transpose()?;
            let from = from.map(|entry| Arc::clone(&entry.snapshot)).unwrap_or_default();
            Ok(changed_rows(&from, &project.reached(to)?.snapshot))
        })
    }

    async fn read(&self, project: &ProjectId, hash: &CommitHash) -> StoreResult<Arc<Snapshot>> {
        self.with(project, |project| Ok(Arc::clone(&project.reached(hash)?.snapshot)))
    }

    async fn apply(
        &self,
        project: &ProjectId,
        branch: &BranchName,
        expected: &CommitHash,
        changes: &ChangeSet,
        merge_parent: Option<&CommitHash>,
        meta: &CommitMeta,
    ) -> StoreResult<Applied> {
        self.with(project, |project| {
            let head = project.head(branch)?;
            if head != expected {
                return Ok(Applied::HeadMoved(head.clone()));
            }
            if changes.is_empty() && merge_parent.is_none() {
                return Ok(Applied::Nothing);
            }
            let mut parents = vec![head.clone()];
            if let Some(other) = merge_parent {
                parents.push(project.reached(other)?.commit.hash.clone());
            }
            let snapshot = self.after(&project.reached(head)?.snapshot, changes);
            Ok(Applied::Commit(project.add(branch, parents, &meta.clone().on(branch), snapshot)))
        })
    }

    async fn migrate(&self, project: &ProjectId) -> StoreResult<Vec<(BranchName, Commit)>> {
        self.with(project, |_| Ok(Vec::new()))
    }

    async fn needs_migration(&self, project: &ProjectId, branch: &BranchName) -> StoreResult<bool> {
        self.with(project, |project| project.head(branch).map(|_| false))
    }

    async fn import(&self, project: &ProjectId, history: &History) -> StoreResult<Vec<CommitHash>> {
        let mut projects = self.projects();
        let present = projects.get(&project.uid).cloned();
        let (imported, hashes) = import::import(present, history)?;
        projects.insert(project.uid.clone(), imported);
        Ok(hashes)
    }

    async fn size(&self, project: &ProjectId) -> StoreResult<u64> {
        self.with(project, |project| Ok(copy::write(project).len() as u64))
    }

    async fn gc(&self, project: &ProjectId) -> StoreResult<()> {
        self.with(project, |project| {
            let reached: BTreeSet<_> = project.all_reached().into_iter().cloned().collect();
            project.commits.retain(|hash, _| reached.contains(hash));
            Ok(())
        })
    }

    async fn backup(&self, project: &ProjectId, to: &Path) -> StoreResult<()> {
        let text = self.with(project, |project| Ok(copy::write(project)))?;
        std::fs::write(to, text).map_err(|error| copy::failed("write a backup", error))
    }

    async fn restore(&self, project: &ProjectId, from: &Path) -> StoreResult<()> {
        let text = std::fs::read_to_string(from).map_err(|error| copy::failed("read a backup", error))?;
        let restored = copy::read(&text).map_err(|error| copy::failed("read a backup", error))?;
        self.projects().insert(project.uid.clone(), restored);
        Ok(())
    }
}
