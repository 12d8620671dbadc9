use std::time::Instant;

use serde_json::json;
use understory_sql::{Database, SqlValue};

use crate::server::{Client, Running};
use crate::{Outcome, median, project, report, time};

const ROUNDS: usize = 8;
const WRITES: usize = 40;

/// One manage write over HTTP against a bare update and commit by the engine, on a copy of the same project.
pub async fn one_writer() -> Outcome {
    let home = tempfile::tempdir()?;
    let app = project::open(home.path()).await?;
    project::create(&app, "one").await?;
    let copy = home.path().join("raw.db");
    std::fs::copy(project::only_file(home.path())?, &copy)?;
    let raw = Database::open_at(&copy, "main", false)?;
    let server = Running::start(&app).await?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        bare.push(time(|| raw_writes(&raw, round))? / WRITES as f64);
        let client = server.client();
        let written = tokio::task::spawn_blocking(move || time(|| writes(&client, "one", round, WRITES)));
        ours.push(written.await?? / WRITES as f64);
    }
    let (ours, bare) = (median(ours), median(bare));
    report("one write over HTTP / raw update + dolt_commit", ours, bare, "ms", ours / bare, "<= 1.5");
    Ok(())
}

/// Eight projects written at once against one.
pub async fn eight_projects() -> Outcome {
    let home = tempfile::tempdir()?;
    let app = project::open(home.path()).await?;
    for index in 0..8 {
        project::create(&app, &format!("p{index}")).await?;
    }
    let server = Running::start(&app).await?;
    let (mut eight, mut one) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        one.push(throughput(&server, 1, round).await?);
        eight.push(throughput(&server, 8, round).await?);
    }
    let (eight, one) = (median(eight), median(one));
    report("writes a second: eight projects / one", eight, one, "/s", eight / one, ">= 1.6");
    Ok(())
}

async fn throughput(server: &Running, projects: usize, round: usize) -> Outcome<f64> {
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..projects {
        let client = server.client();
        tasks.spawn_blocking(move || writes(&client, &format!("p{index}"), round, WRITES));
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok((projects * WRITES) as f64 / begun.elapsed().as_secs_f64())
}

/// Gives a tool of a project so many names, each of which is a commit.
pub fn writes(client: &Client, project: &str, round: usize, count: usize) -> Outcome {
    for index in 0..count {
        let body = json!({ "name": format!("Tool {round} {index} {:?}", std::thread::current().id()) });
        client.send("PATCH", &format!("projects/{project}/tools/tool-0"), &body)?;
    }
    Ok(())
}

fn raw_writes(db: &Database, round: usize) -> Outcome {
    for index in 0..WRITES {
        db.batch("begin immediate")?;
        let name = format!("Tool {round} {index}");
        let sql = "update tools set name = ? where tenant_id = 'bench' and id = 'tool-0'";
        db.execute(sql, &[SqlValue::from(name.as_str())])?;
        db.query("select dolt_commit('-A', '-m', ?)", &[SqlValue::from("Update tool tool-0")])?;
        db.batch("commit")?;
    }
    Ok(())
}
