//! Projects with their whole history.

use understory_manage::ProjectId;
use understory_manage::replay::{self, History, Outline};

use super::Setting;
use super::aliases::{self, Moved};
use super::place::Stores;
use super::report::{CopyProgress, CopyReport, ProjectCopied};
use super::source::Source;
use super::tables::Selection;
use crate::{Error, Result};

/// Notes what would come along.
pub(super) async fn list(
    from: &Source,
    selection: &Selection,
    setting: &Setting,
    report: &mut CopyReport,
) -> Result<()> {
    for project in selection.projects() {
        let (found, left_out) = from.read(project, setting).await?;
        report.left_out.extend(left_out);
        report.projects.push(copied(project, &found.history, false));
    }
    Ok(())
}

/// Copies one project after the other.
pub(super) async fn copy(
    from: &Source,
    to: &Stores,
    selection: &Selection,
    setting: &Setting,
    report: &mut CopyReport,
    progress: &(dyn Fn(CopyProgress<'_>) + Sync),
) -> Result<()> {
    let (total, mut gone) = (selection.projects().len(), 0);
    for (index, project) in selection.projects().iter().enumerate() {
        let (last, lost) = copy_one(from, to, project, setting, report).await?;
        gone += lost;
        progress(CopyProgress::Project { done: index + 1, total, last: &last });
        report.projects.push(last);
    }
    report.leave_out("earlier names of commits", gone as u64, "the commits are gone");
    Ok(())
}

/// Copies a project unless it is there, and compares what is there with what was to come; how many earlier names of
/// commits lead nowhere.
async fn copy_one(
    from: &Source,
    to: &Stores,
    project: &ProjectId,
    setting: &Setting,
    report: &mut CopyReport,
) -> Result<(ProjectCopied, usize)> {
    let model = &setting.model;
    let (mut found, left_out) = from.read(project, setting).await?;
    report.left_out.extend(left_out);
    let was_there = to.store.project_exists(project).await?;
    if !was_there {
        // A copy that was cut off may have left some of its refs.
        to.store.project_delete(project).await?;
        to.store.import(project, &found.history).await?;
    }
    let outline = Outline::of(model, project, &found.history);
    let said = copied(project, &found.history, was_there);
    // What is compared from here on is the outlines.
    found.history = History::default();
    let arrived = replay::read(to.store.as_ref(), model, project).await?;
    let theirs = Outline::of(model, project, &arrived.history);
    if let Some(difference) = outline.difference(&theirs) {
        let detail = format!("project {project} is not the same in the place to copy to: {difference}");
        return Err(Error::Conflict(detail));
    }
    let moved = Moved::between((&found, &outline), (&arrived, &theirs));
    let (names, gone) = moved.names(from.aliases(project).await?);
    aliases::write(to, project, &names).await?;
    Ok((said, gone))
}

fn copied(project: &ProjectId, history: &History, was_there: bool) -> ProjectCopied {
    ProjectCopied {
        project: project.to_string(),
        commits: history.commits.len(),
        branches: history.branches.len(),
        tags: history.tags.len(),
        kept: history.kept.len(),
        was_there,
    }
}
