use std::time::Instant;

use crate::server::Running;
use crate::{Outcome, median, milliseconds, project, report};

const PROJECTS: usize = 1_000;
const STARTS: usize = 5;

/// From opening a data directory with 1,000 projects to the first answered request.
pub async fn thousand_projects() -> Outcome {
    let home = tempfile::tempdir()?;
    let app = project::open(home.path()).await?;
    for index in 0..PROJECTS {
        project::create_of(&app, &format!("p{index}"), 2).await?;
    }
    drop(app);
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let app = project::open(home.path()).await?;
        let server = Running::start(&app).await?;
        let client = server.client();
        tokio::task::spawn_blocking(move || client.get("project-full/p500")).await??;
        starts.push(milliseconds(begun));
        server.stop().await?;
    }
    let start = median(starts);
    report("start with 1,000 projects to the first 200 / 300 ms", start, 300.0, "ms", start / 300.0, "<= 1");
    Ok(())
}
