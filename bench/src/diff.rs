use std::path::Path;
use std::time::Instant;

use understory::{Project, UNDO_KEPT, Understory};

use crate::{Outcome, median, milliseconds, project, report};

const ROUNDS: usize = 40;
/// Differences taken at a time where one is too short to be measured.
const TIMES: usize = 20;

/// One change in a project of 10,000 rows against one in 100 rows: again and again, by a process that just opened the
/// files, and the same after they were collected.
pub async fn one_change() -> Outcome {
    let home = tempfile::tempdir()?;
    let app = project::open(home.path()).await?;
    let (large, small) = (changed(&app, "large", 10_000).await?, changed(&app, "small", 100).await?);
    let (mut many, mut few) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        many.push(differ(&large, TIMES).await?);
        few.push(differ(&small, TIMES).await?);
    }
    show("warm", many, few);

    drop((large, small, app));
    cold(home.path(), "just opened").await?;
    let app = project::open(home.path()).await?;
    for id in ["large", "small"] {
        project::find(&app, id).await?.collect(UNDO_KEPT).await?;
    }
    drop(app);
    cold(home.path(), "collected").await
}

async fn cold(home: &Path, state: &str) -> Outcome {
    let (mut many, mut few) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        many.push(differ_cold(home, "large").await?);
        few.push(differ_cold(home, "small").await?);
    }
    show(state, many, few);
    Ok(())
}

fn show(state: &str, many: Vec<f64>, few: Vec<f64>) {
    let (many, few) = (median(many), median(few));
    report(&format!("diff of a change in 10,000 rows / in 100, {state}"), many, few, "ms", many / few, "<= 2");
}

/// A project with a branch that changed one row.
async fn changed(app: &Understory, id: &str, rows: usize) -> Outcome<Project> {
    let project = project::create_of(app, id, rows).await?;
    project.branch_create("change", None, None).await?;
    project::rename_tool(&project, "change", "Another").await?;
    Ok(project)
}

/// Milliseconds that a difference takes.
async fn differ(project: &Project, times: usize) -> Outcome<f64> {
    let begun = Instant::now();
    for _ in 0..times {
        if project.diff("main", "change", None).await?.len() != 1 {
            return Err("the change is not in the difference".into());
        }
    }
    Ok(milliseconds(begun) / times as f64)
}

/// The same with nothing in memory.
async fn differ_cold(home: &Path, id: &str) -> Outcome<f64> {
    let app = project::open(home).await?;
    differ(&project::find(&app, id).await?, 1).await
}
