use std::sync::Arc;

use understory::files;
use understory_manage::{Draft, Snapshot};

use super::{Held, ensure, ensure_same, hold};
use crate::samples::{self, model};

/// What is written as files reads back as the same rows but for their timestamps, and is written as the same files.
pub fn files_hold_the_whole_project(count: u32) -> Held {
    hold(count, 1, |case| {
        let Some(rows) = project(case.side(0, &case.base())) else { return Ok(()) };
        let files = write(&rows)?;
        let again = apply(&files, &Snapshot::default())?;
        let lost = understory_manage::diff(&rows, &again);
        ensure(lost.is_empty(), || format!("files say something else: {lost:#?}"))?;
        ensure(write(&again)? == files, || "the same rows give other files".into())
    })
}

/// Putting files makes a project what they say, and touches nothing that says so already.
pub fn files_change_what_differs(count: u32) -> Held {
    hold(count, 2, |case| {
        let base = case.base();
        let sides = (project(case.side(0, &base)), project(case.side(1, &base)));
        let (Some(before), Some(after)) = sides else { return Ok(()) };
        ensure_same(&apply(&write(&before)?, &before)?, &before, "a project's own files change nothing")?;
        let files = write(&after)?;
        let put = apply(&files, &before)?;
        ensure(understory_manage::diff(&after, &put).is_empty(), || "not what the files say".into())?;
        ensure_kept(&before, &put)
    })
}

/// Files of one project can become another.
pub fn files_move_to_another_project(count: u32) -> Held {
    hold(count, 1, |case| {
        let Some(rows) = project(case.side(0, &case.base())) else { return Ok(()) };
        let files = write(&rows)?;
        let moved = apply_as("elsewhere", "other", &files, &Snapshot::default())?;
        ensure(write(&moved)? == files, || "another project's files differ".into())
    })
}

/// Sides may delete all there is; what has no row of its own is no project.
fn project(rows: Snapshot) -> Option<Snapshot> {
    (!rows.table("project").is_empty()).then_some(rows)
}

fn write(rows: &Snapshot) -> Result<files::Files, String> {
    files::write(&model(), rows).map_err(|error| error.to_string())
}

fn apply(files: &files::Files, to: &Snapshot) -> Result<Snapshot, String> {
    apply_as(samples::TENANT, samples::PROJECT, files, to)
}

fn apply_as(tenant: &str, project: &str, files: &files::Files, to: &Snapshot) -> Result<Snapshot, String> {
    let tree = files::read(&model(), tenant, project, files).map_err(|faults| format!("{faults:#?}"))?;
    let mut draft = Draft::new(model(), Arc::new(to.clone()));
    tree.apply(&mut draft).map_err(|error| format!("{error:?}"))?;
    let changes = draft.finish().map_err(|violations| format!("{violations:?}"))?;
    Ok(to.after(&changes))
}

/// Rows that say the same as before have their timestamps still, and others the time when they were made.
fn ensure_kept(before: &Snapshot, put: &Snapshot) -> Held {
    for (entity, table) in put.tables() {
        for (key, row) in table {
            let Some(old) = before.get(entity, key) else { continue };
            let kept = if old.same_content(row) { old == row } else { old.get("created_at") == row.get("created_at") };
            ensure(kept, || format!("{entity} {key} has other timestamps"))?;
        }
    }
    Ok(())
}
