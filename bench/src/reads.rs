use std::time::Instant;

use understory_sql::Database;

use crate::{Outcome, median, milliseconds, project, report};

const ROUNDS: usize = 40;

/// A whole project at a commit: cached, and cold against the engine's own reads of the same tables.
pub async fn full_project() -> Outcome {
    let home = tempfile::tempdir()?;
    let app = project::open(home.path()).await?;
    let created = project::create(&app, "full").await?;
    let hash = created.resolve("main").await?.hash;
    let rows = created.view(hash.as_str()).await?.snapshot.row_count();
    drop((created, app));
    let file = project::only_file(home.path())?;
    let revision: String = hash.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();

    let (mut cold, mut raw) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        raw_read(&file, &revision)?;
        raw.push(milliseconds(begun));

        let app = project::open(home.path()).await?;
        let project = project::find(&app, "full").await?;
        // A running server knows the project's branches; of its rows nothing is in memory.
        project.branches().await?;
        let begun = Instant::now();
        project.full(hash.as_str(), false).await?;
        cold.push(milliseconds(begun));
    }
    let (cold, raw) = (median(cold), median(raw));
    report(&format!("full project of {rows} rows, cold / raw engine reads"), cold, raw, "ms", cold / raw, "<= 2");

    let app = project::open(home.path()).await?;
    let project = project::find(&app, "full").await?;
    project.full(hash.as_str(), false).await?;
    let begun = Instant::now();
    let times = 20_000;
    for _ in 0..times {
        project.full(hash.as_str(), false).await?;
    }
    let cached = begun.elapsed().as_secs_f64() * 1e6 / f64::from(times);
    report("the same, cached / 20 microseconds", cached, 20.0, "us", cached / 20.0, "<= 1");
    Ok(())
}

/// Opens the commit and reads every table, as a program on the bare engine would.
fn raw_read(file: &std::path::Path, revision: &str) -> Outcome {
    let db = Database::open_at(file, revision, true)?;
    let tables = db.query("select name from sqlite_schema where type = 'table' and name not like 'dolt%'", &[])?;
    let mut count = 0;
    for table in tables.iter().filter_map(|row| row.first()?.text()) {
        count += db.query(&format!("select * from \"{table}\""), &[])?.len();
    }
    if count == 0 { Err("the raw read found nothing".into()) } else { Ok(()) }
}
