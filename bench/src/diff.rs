use std::path::Path;
use std::time::Instant;

use understory::Project;

use crate::{Outcome, median, milliseconds, project, report};

const ROUNDS: usize = 40;
/// Differences taken at a time where one is too short to be measured.
const TIMES: usize = 20;

/// One change in a project of 10,000 rows against one in 100 rows: again and again, and by a process that just began.
pub async fn one_change() -> Outcome {
    let home = tempfile::tempdir()?;
    let app = project::open(home.path()).await?;
    let (large, small) = (changed(&app, "large", 10_000).await?, changed(&app, "small", 100).await?);
    let (mut many, mut few) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        many.push(differ(&large, TIMES).await?);
        few.push(differ(&small, TIMES).await?);
    }
    show("diff of one change in 10,000 rows / in 100, warm", many, few);

    drop((large, small, app));
    let (mut many, mut few) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        many.push(differ_cold(home.path(), "large").await?);
        few.push(differ_cold(home.path(), "small").await?);
    }
    show("diff of one change in 10,000 rows / in 100, just opened", many, few);
    Ok(())
}

fn show(what: &str, many: Vec<f64>, few: Vec<f64>) {
    let (many, few) = (median(many), median(few));
    report(what, many, few, "ms", many / few, "<= 2");
}

/// A project with a branch that changed one row.
async fn changed(app: &understory::Understory, id: &str, rows: usize) -> Outcome<Project> {
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
