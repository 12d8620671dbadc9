use std::time::Instant;

use crate::writes::Running;
use crate::{Outcome, median, project, report};

const PROJECTS: usize = 1_000;
const STARTS: usize = 5;

/// From opening a data directory with 1,000 projects to the first answered request.
pub async fn thousand_projects() -> Outcome {
    let home = tempfile::tempdir()?;
    let app = project::open(home.path()).await?;
    for index in 0..PROJECTS {
        project::create_small(&app, &format!("p{index}")).await?;
    }
    drop(app);
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let app = project::open(home.path()).await?;
        let server = Running::start(&app).await?;
        let url = format!("{}/manage/tenants/bench/project-full/p500", server.url);
        let status = tokio::task::spawn_blocking(move || {
            let request = ureq::get(&url).header("authorization", format!("Bearer {}", project::KEY));
            request.call().map(|response| response.status().as_u16())
        });
        if status.await?? != 200 {
            return Err("the first request failed".into());
        }
        starts.push(begun.elapsed().as_secs_f64() * 1_000.0);
        server.stop().await?;
    }
    let start = median(starts);
    report("start with 1,000 projects to the first 200 / 300 ms", start, 300.0, "ms", start / 300.0, "<= 1");
    Ok(())
}
