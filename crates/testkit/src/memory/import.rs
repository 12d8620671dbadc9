//! Taking over a history: on a copy of the project, which then takes the project's place.

use understory_manage::replay::{History, Origin};
use understory_manage::{BranchName, CommitHash, StoreError, StoreResult, Tag};

use super::Project;

pub(super) fn import(present: Option<Project>, history: &History) -> StoreResult<(Project, Vec<CommitHash>)> {
    let new = present.is_none();
    let (mut project, root) = match present {
        Some(project) => {
            let root = project.commits.values().find(|entry| entry.commit.parents.is_empty());
            let root = root.map(|entry| entry.commit.hash.clone()).ok_or_else(|| misfit("it has no root"))?;
            (project, root)
        }
        None => Project::rooted(),
    };
    if new {
        project.branches.clear();
    }
    let mut made: Vec<CommitHash> = Vec::with_capacity(history.commits.len());
    for commit in &history.commits {
        let parents = commit.parents.iter().map(|parent| place(&project, &root, &made, parent));
        let parents = parents.collect::<StoreResult<Vec<_>>>()?;
        made.push(project.put(parents, &commit.meta, commit.date.clone(), commit.rows.clone()).hash);
    }
    for branch in &history.branches {
        let head = project.branches.get(&branch.name);
        match (head, &branch.from) {
            (Some(head), Some(from)) if head == from => {}
            (Some(head), Some(_)) => {
                return Err(StoreError::HeadMoved { branch: branch.name.clone(), head: head.clone() });
            }
            (None, Some(_)) => return Err(StoreError::UnknownBranch(branch.name.clone())),
            (_, None) => project.require_free(&branch.name)?,
        }
        let to = place(&project, &root, &made, &branch.to)?;
        project.branches.insert(branch.name.clone(), to);
    }
    for (tag, origin) in &history.tags {
        project.require_free(&tag.name)?;
        let hash = place(&project, &root, &made, origin)?;
        project.tags.insert(tag.name.clone(), Tag { hash, ..tag.clone() });
    }
    for origin in &history.kept {
        let hash = place(&project, &root, &made, origin)?;
        project.kept.insert(hash);
    }
    match project.branches.contains_key(&BranchName::main()) {
        true => Ok((project, made)),
        false => Err(misfit("it has no main branch")),
    }
}

fn place(project: &Project, root: &CommitHash, made: &[CommitHash], origin: &Origin) -> StoreResult<CommitHash> {
    let found = match origin {
        Origin::Root => Some(root.clone()),
        Origin::Known(hash) => project.commits.contains_key(hash).then(|| hash.clone()),
        Origin::New(index) => made.get(*index).cloned(),
    };
    found.ok_or_else(|| misfit("it builds on a commit that is not there"))
}

fn misfit(detail: &str) -> StoreError {
    StoreError::Misfit(format!("the history does not fit: {detail}"))
}
