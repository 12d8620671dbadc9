use std::time::Instant;

use understory::sql::postgres::{Connection, Pool};
use understory::sql::{SqlError, SqlValue};
use understory::{Options, Project, ServerUrl, Understory};

use crate::cycle::{self, STEPS};
use crate::server::Running;
use crate::{Outcome, databases, median, milliseconds, project, report, writes};

const ROUNDS: usize = 20;
/// Writes of a round.
const WRITES: usize = 20;
/// Reads of a commit that is in memory.
const CACHED: usize = 20_000;
/// Clients that insert at the same time, and what each of them does in a round.
const CLIENTS: usize = 8;
const INSERTS: usize = 50;
/// Readers at once, and the connections that they share.
const READERS: usize = 200;
const POOL: usize = 10;

/// What the same work takes on DoltGres and PostgreSQL, against files and against the raw sequence of statements.
pub async fn both_pairs() -> Outcome {
    let Some(servers) = databases::create().await? else {
        println!("engines: there are no database servers; ./x bench starts them");
        return Ok(());
    };
    let (here, away) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let files = project::open(here.path()).await?;
    let raw = Raw::new(&servers.manage)?;
    let runtime = Pool::new(&servers.runtime, CLIENTS, true)?;
    let options = Options {
        manage_url: Some(servers.manage),
        runtime_url: Some(servers.runtime),
        pool_size: POOL,
        migrate_servers: true,
        ..Options::new(away.path())
    };
    let server = project::open_with(options.clone()).await?;
    let (on_files, on_server) = (project::create(&files, "p").await?, project::create(&server, "p").await?);
    cached(&on_server, &on_files).await?;
    cold(&options, on_server.resolve("main").await?.hash.as_str(), &raw).await?;
    written(&server, &files, &raw).await?;
    from_branch_to_merge(&server, &files).await?;
    inserted(&server, &runtime).await?;
    many_readers(&on_server).await
}

/// A commit that is in memory is read without the engine.
async fn cached(ours: &Project, files: &Project) -> Outcome {
    let (mut server, mut embedded) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        embedded.push(read(files, CACHED).await?);
        server.push(read(ours, CACHED).await?);
    }
    let (server, embedded) = (median(server), median(embedded));
    report("full project by commit, cached: servers / files", server, embedded, "us", server / embedded, "1");
    Ok(())
}

/// Microseconds of one read.
async fn read(project: &Project, times: usize) -> Outcome<f64> {
    let hash = project.resolve("main").await?.hash;
    project.full(hash.as_str(), false).await?;
    let begun = Instant::now();
    for _ in 0..times {
        project.full(hash.as_str(), false).await?;
    }
    Ok(milliseconds(begun) * 1_000.0 / times as f64)
}

/// A commit of which nothing is in memory, against every table read by the same driver.
async fn cold(options: &Options, hash: &str, raw: &Raw) -> Outcome {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(raw.read(hash).await?);
        let another = tempfile::tempdir()?;
        let app = project::open_with(Options { data: another.path().to_owned(), ..options.clone() }).await?;
        let project = project::find(&app, "p").await?;
        project.branches().await?;
        let begun = Instant::now();
        project.full(hash, false).await?;
        ours.push(milliseconds(begun));
    }
    let (ours, bare) = (median(ours), median(bare));
    report("full project by commit, cold: on DoltGres / raw reads", ours, bare, "ms", ours / bare, "");
    Ok(())
}

/// A write over HTTP on each pair, and the raw sequence of statements on a branch of the same rows.
async fn written(server: &Understory, files: &Understory, raw: &Raw) -> Outcome {
    let (away, here) = (Running::start(server).await?, Running::start(files).await?);
    raw.begin("p").await?;
    let (mut ours, mut embedded, mut guarded, mut bare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        bare.push(raw.writes(round, false).await?);
        guarded.push(raw.writes(round, true).await?);
        ours.push(http_writes(&away, round).await?);
        embedded.push(http_writes(&here, round).await?);
    }
    let (ours, embedded, guarded, bare) = (median(ours), median(embedded), median(guarded), median(bare));
    report("one write over HTTP on DoltGres / its raw statements", ours, guarded, "ms", ours / guarded, "<= 1.5");
    report("  the same / raw update + dolt_commit, unguarded", ours, bare, "ms", ours / bare, "");
    report("  the same / on files", ours, embedded, "ms", ours / embedded, "");
    Ok(())
}

async fn http_writes(server: &Running, round: usize) -> Outcome<f64> {
    let client = server.client();
    let begun = Instant::now();
    tokio::task::spawn_blocking(move || writes::writes(&client, "p", round, WRITES)).await??;
    Ok(milliseconds(begun) / WRITES as f64)
}

async fn from_branch_to_merge(server: &Understory, files: &Understory) -> Outcome {
    let (away, here) = (Running::start(server).await?, Running::start(files).await?);
    let clients = (away.client(), here.client());
    let times = tokio::task::spawn_blocking(move || cycle::both(clients.0, clients.1, "p", ROUNDS)).await??;
    report(
        "branch to merge over HTTP: servers / files",
        times.0.iter().sum(),
        times.1.iter().sum(),
        "ms",
        times.0.iter().sum::<f64>() / times.1.iter().sum::<f64>(),
        "",
    );
    for (at, step) in STEPS.into_iter().enumerate() {
        report(&format!("  {step}"), times.0[at], times.1[at], "ms", times.0[at] / times.1[at], "");
    }
    Ok(())
}

/// Rows that become durable one by one, of several clients: keys, against bare inserts of the same rows.
async fn inserted(server: &Understory, pool: &Pool) -> Outcome {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let insert = async |name: String| {
            let sql = "insert into keys (id, name, prefix, hash, role, created_at) values (?, ?, ?, 'h', 'admin', ?)";
            let row = [&name, &name, &name, &"2026-01-01 00:00:00.000".to_owned()].map(SqlValue::from);
            pool.connection().await?.execute(sql, &row).await?;
            Outcome::Ok(())
        };
        bare.push(by_clients(&format!("raw-{round}"), insert).await?);
        let create = async |name: String| {
            server.keys().key_create(&name).await?;
            Outcome::Ok(())
        };
        ours.push(by_clients(&format!("ours-{round}"), create).await?);
    }
    let (ours, bare) = (median(ours), median(bare));
    let what = format!("keys made a second by {CLIENTS} clients on PostgreSQL / raw inserts");
    report(&what, ours, bare, "/s", ours / bare, ">= 0.7");
    Ok(())
}

/// How often a second clients do something, each with names of its own.
async fn by_clients(round: &str, act: impl AsyncFn(String) -> Outcome) -> Outcome<f64> {
    let begun = Instant::now();
    let client = async |number: usize| {
        for index in 0..INSERTS {
            act(format!("{round}-{number}-{index}")).await?;
        }
        Outcome::Ok(())
    };
    futures_util::future::try_join_all((0..CLIENTS).map(client)).await?;
    Ok((CLIENTS * INSERTS) as f64 / begun.elapsed().as_secs_f64())
}

/// Readers of a head, which each ask the server where it is, against as many one after the other.
async fn many_readers(project: &Project) -> Outcome {
    let one = Instant::now();
    for _ in 0..READERS {
        project.resolve("main").await?;
    }
    let one = milliseconds(one);
    let begun = Instant::now();
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..READERS {
        let project = project.clone();
        readers.spawn(async move { project.resolve("main").await.map(drop) });
    }
    while let Some(read) = readers.join_next().await {
        read??;
    }
    let all = milliseconds(begun);
    report(
        &format!("{READERS} reads of a head on {POOL} connections: at once / in turn"),
        all,
        one,
        "ms",
        all / one,
        "",
    );
    Ok(())
}

/// The statements of a write, by the same driver.
struct Raw {
    pool: Pool,
    database: String,
}

impl Raw {
    fn new(url: &ServerUrl) -> Outcome<Self> {
        Ok(Self { pool: Pool::new(url, 2, false)?, database: url.database().to_owned() })
    }

    /// Makes a branch with the rows of a project.
    async fn begin(&self, project: &str) -> Outcome {
        let connection = self.pool.connection().await?;
        let sql = "select name from dolt_branches where name like ? order by name limit 1";
        let main = connection.query_row(sql, &[format!("%{project}%main").into()]).await?;
        let main =
            main.as_ref().and_then(|row| row.first()).and_then(SqlValue::text).ok_or("the project has a main")?;
        connection.query("select dolt_branch('raw', ?)", &[main.into()]).await?;
        Ok(())
    }

    /// Milliseconds that all tables at a commit take.
    async fn read(&self, hash: &str) -> Outcome<f64> {
        let connection = self.pool.connection().await?;
        let sql = "select tablename from pg_catalog.pg_tables where schemaname = 'public'";
        let tables = connection.query(sql, &[]).await?;
        let begun = Instant::now();
        for table in tables.iter().flatten().filter_map(SqlValue::text) {
            connection.query(&format!("select * from \"{table}\" as of '{hash}'"), &[]).await?;
        }
        Ok(milliseconds(begun))
    }

    /// Milliseconds of one write; `guarded`: as writers do that others may come in the way of.
    async fn writes(&self, round: usize, guarded: bool) -> Outcome<f64> {
        let connection = self.pool.connection().await?;
        let begun = Instant::now();
        for index in 0..WRITES {
            let name = format!("Tool {round} {index} {guarded}");
            if guarded {
                connection.query("select pg_try_advisory_lock(1)", &[]).await?;
            }
            self.write(&connection, &name, guarded).await?;
            if guarded {
                connection.query("select pg_advisory_unlock(1)", &[]).await?;
            }
        }
        Ok(milliseconds(begun) / WRITES as f64)
    }

    async fn write(&self, connection: &Connection, name: &str, guarded: bool) -> Result<(), SqlError> {
        connection.batch(&format!("use \"{}/raw\"; begin", self.database)).await?;
        if guarded {
            connection.query("select hash, dirty from dolt_branches where name = 'raw'", &[]).await?;
        }
        let update = "update tools set name = ? where tenant_id = 'bench' and project_id = 'p' and id = 'tool-0'";
        connection.execute(update, &[name.into()]).await?;
        connection.query("select dolt_commit('-A', '-m', ?)", &["Update tool tool-0".into()]).await?;
        connection.batch("commit").await
    }
}
