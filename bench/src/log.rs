use std::path::Path;
use std::time::Instant;

use understory::{LogQuery, Project, Understory};

use crate::{Outcome, median, milliseconds, project, report};

const ROUNDS: usize = 40;
/// Pages read at a time where one is too short to be measured.
const TIMES: usize = 20;
const PAGE: usize = 50;
const LONG: usize = 10_000;
const SHORT: usize = 100;

/// A page of a log of 10,000 commits against one of a log of 100.
pub async fn one_page() -> Outcome {
    let home = tempfile::tempdir()?;
    let app = project::open(home.path()).await?;
    let (long, short) = (with_commits(&app, "long", LONG).await?, with_commits(&app, "short", SHORT).await?);
    let (mut many, mut few, mut last) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        many.push(read(&long, 0, TIMES).await?);
        few.push(read(&short, 0, TIMES).await?);
        last.push(read(&long, LONG - PAGE, 1).await?);
    }
    let few = show("50 commits of 10,000 / of 100", many, few, "<= 1.5");
    show("  the oldest 50", last, vec![few], "");

    drop((long, short, app));
    let (mut many, mut few) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        many.push(read_cold(home.path(), "long").await?);
        few.push(read_cold(home.path(), "short").await?);
    }
    show("  just opened", many, few, "");
    Ok(())
}

/// Prints one comparison; what was compared with.
fn show(what: &str, many: Vec<f64>, few: Vec<f64>, target: &str) -> f64 {
    let (many, few) = (median(many), median(few));
    report(what, many, few, "ms", many / few, target);
    few
}

async fn with_commits(app: &Understory, id: &str, commits: usize) -> Outcome<Project> {
    let project = project::create_of(app, id, 2).await?;
    // A project begins with two commits: its schema and its rows.
    for number in 2..commits {
        project::rename_tool(&project, "main", &format!("Tool {number}")).await?;
    }
    Ok(project)
}

/// Milliseconds that a page takes, after so many commits.
async fn read(project: &Project, skip: usize, times: usize) -> Outcome<f64> {
    let head = project.resolve("main").await?.hash;
    let cursor = (skip > 0).then(|| format!("{head}.{skip}").parse()).transpose()?;
    let query = LogQuery { cursor, limit: PAGE, ..LogQuery::default() };
    let begun = Instant::now();
    for _ in 0..times {
        let found = project.log_page(&query).await?.items.len();
        if found != PAGE {
            return Err(format!("a page has {found} commits").into());
        }
    }
    Ok(milliseconds(begun) / times as f64)
}

/// The same with nothing in memory.
async fn read_cold(home: &Path, id: &str) -> Outcome<f64> {
    let app = project::open(home).await?;
    read(&project::find(&app, id).await?, 0, 1).await
}
