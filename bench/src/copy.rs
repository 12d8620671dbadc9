use std::path::Path;
use std::time::Instant;

use understory::{CopyRequest, POOL_SIZE, Place, copy};

use crate::{Outcome, databases, milliseconds, project, report};

/// Projects, and commits of each: the smaller number of many, and one with a long history.
const SHAPES: [(usize, usize); 2] = [(50, 40), (1, 2_000)];

/// Copying a directory to database servers and back, against copying it to another directory. Without servers, which
/// are those of the tests, that alone.
pub async fn there_and_back() -> Outcome {
    for (projects, commits) in SHAPES {
        let home = tempfile::tempdir()?;
        let at = |name: &str| Place::Directory(home.path().join(name));
        fill(&home.path().join("from"), projects, commits).await?;
        let aside = seconds(&at("from"), &at("aside")).await?;
        let what = format!("copy of {projects} projects, {} commits", projects * commits);
        report(&format!("{what}: to a directory"), aside, aside, "s", 1.0, "");
        let Some(servers) = databases::create().await? else { continue };
        let servers = Place::Servers(Box::new(servers));
        let there = seconds(&at("from"), &servers).await?;
        report("  to DoltGres and PostgreSQL / to a directory", there, aside, "s", there / aside, "");
        let back = seconds(&servers, &at("back")).await?;
        report("  and back / to a directory", back, aside, "s", back / aside, "");
        require_same(&home.path().join("from"), &home.path().join("back"), projects).await?;
    }
    Ok(())
}

/// What came back must be what went: the same files, and the hashes of the first place lead to them.
async fn require_same(from: &Path, back: &Path, projects: usize) -> Outcome {
    let (from, back) = (project::open(from).await?, project::open(back).await?);
    for index in 0..projects {
        let id = format!("p{index}");
        let (from, back) = (project::find(&from, &id).await?, project::find(&back, &id).await?);
        let head = from.resolve("main").await?.hash;
        let files = from.files("main").await?.0;
        if files != back.files("main").await?.0 || files != back.files(head.as_str()).await?.0 {
            return Err(format!("the files of {id} are not those that were copied").into());
        }
    }
    Ok(())
}

/// Each project has about 200 rows, and commits of one field.
async fn fill(directory: &Path, projects: usize, commits: usize) -> Outcome {
    let app = project::open(directory).await?;
    for index in 0..projects {
        let project = project::create(&app, &format!("p{index}")).await?;
        for commit in 1..commits {
            project::rename_tool(&project, "main", &format!("Name {commit}")).await?;
        }
    }
    Ok(())
}

async fn seconds(from: &Place, to: &Place) -> Outcome<f64> {
    let (from, to) = (from.clone(), to.clone());
    let request = CopyRequest { from, to, projects: Vec::new(), dry_run: false, model: None, pool_size: POOL_SIZE };
    let begun = Instant::now();
    copy(&request, &|_| {}).await?;
    Ok(milliseconds(begun) / 1_000.0)
}
