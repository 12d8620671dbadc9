use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use understory::Understory;
use understory_server::{Settings, bind, router};
use understory_sql::{Database, SqlValue};

use crate::project::{self, KEY};
use crate::{Outcome, median, report};

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
        let client = Client::new(&server.url, "one");
        ours.push(tokio::task::spawn_blocking(move || time(|| client.writes(round))).await?? / WRITES as f64);
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
        one.push(throughput(&server.url, 1, round).await?);
        eight.push(throughput(&server.url, 8, round).await?);
    }
    let (eight, one) = (median(eight), median(one));
    report("writes a second: eight projects / one", eight, one, "/s", eight / one, ">= 1.6");
    Ok(())
}

async fn throughput(server: &str, projects: usize, round: usize) -> Outcome<f64> {
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..projects {
        let client = Client::new(server, &format!("p{index}"));
        tasks.spawn_blocking(move || client.writes(round));
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok((projects * WRITES) as f64 / begun.elapsed().as_secs_f64())
}

/// A server on a free port of loopback.
pub struct Running {
    /// Where it is.
    pub url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Starts it.
    pub async fn start(app: &Understory) -> Outcome<Self> {
        let bound = bind(&["127.0.0.1:0".parse()?]).await?;
        let address = bound.addresses()?.first().copied().ok_or("no address is bound")?;
        let router = router(app.clone(), Settings::default());
        let (stop, stopped) = oneshot::channel();
        let stopped = async move {
            let _ = stopped.await;
        };
        let task = tokio::spawn(bound.serve(router, stopped));
        Ok(Self { url: format!("http://{address}"), stop, task })
    }

    /// Stops it; afterwards nothing of it holds the data directory.
    pub async fn stop(self) -> Outcome {
        let _ = self.stop.send(());
        Ok(self.task.await??)
    }
}

struct Client {
    agent: ureq::Agent,
    url: String,
}

impl Client {
    fn new(server: &str, project: &str) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).build();
        Self { agent: config.into(), url: format!("{server}/manage/tenants/bench/projects/{project}/tools/tool-0") }
    }

    fn writes(&self, round: usize) -> Outcome {
        for index in 0..WRITES {
            let body = json!({ "name": format!("Tool {round} {index} {:?}", std::thread::current().id()) });
            let request = self.agent.patch(&self.url).header("authorization", format!("Bearer {KEY}"));
            request.send_json(body)?.body_mut().read_to_string()?;
        }
        Ok(())
    }
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

/// Milliseconds that some work takes.
fn time(work: impl FnOnce() -> Outcome) -> Outcome<f64> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed().as_secs_f64() * 1_000.0)
}
