use std::path::Path;
use std::time::Instant;

use understory::sql::postgres::Pool;
use understory::{CopyRequest, POOL_SIZE, Place, ServerUrl, Servers, copy};

use crate::{Outcome, milliseconds, project, report};

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
        let Some(servers) = servers().await? else { continue };
        let there = seconds(&at("from"), &servers).await?;
        report("  to DoltGres and PostgreSQL / to a directory", there, aside, "s", there / aside, "");
        let back = seconds(&servers, &at("back")).await?;
        report("  and back / to a directory", back, aside, "s", back / aside, "");
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

/// Databases of this run on the servers of the tests, if those are there.
async fn servers() -> Outcome<Option<Place>> {
    let address = |name: &str| std::env::var(name).ok().filter(|address| !address.is_empty());
    let manage = address("UNDERSTORY_TEST_DOLTGRES_URL");
    let (Some(manage), Some(runtime)) = (manage, address("UNDERSTORY_TEST_POSTGRES_URL")) else { return Ok(None) };
    let (manage, runtime) = (database(&manage).await?, database(&runtime).await?);
    Ok(Some(Place::Servers(Box::new(Servers { manage, runtime }))))
}

async fn database(address: &str) -> Outcome<ServerUrl> {
    let server = ServerUrl::parse(address)?;
    let name = format!("understory_bench_{}", understory::model::id::made_id());
    Pool::new(&server, 1, false)?.connection().await?.batch(&format!("create database {name}")).await?;
    Ok(server.with_database(&name))
}
