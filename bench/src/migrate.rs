use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use understory::model::{Model, ModelFiles, SchemaShape};
use understory::{Options, Understory};
use understory_sql::migration::{apply, generate};
use understory_sql::{Database, Migration, Migrations, Store};

use crate::server::{Client, Running};
use crate::{Outcome, median, milliseconds, project, report, time};

const PROJECTS: usize = 1_000;
/// Of so many projects the engine alone migrates one.
const PER_RAW: usize = 10;
/// Reads before anything is migrated.
const READS_BEFORE: usize = 300;

/// What is new in the model.
const NOTE: &str = "entity = 'note'\ndoc = 'A note.'\nscope = 'project'\n\
                    [columns.body]\ntype = 'text'\ndoc = 'What it says.'\n";

/// Migrating 1,000 projects while a server answers reads of them, against the engine's statements alone.
pub async fn thousand_projects() -> Outcome {
    let home = tempfile::tempdir()?;
    let (data, model) = (home.path().join("data"), home.path().join("model"));
    let app = project::open(&data).await?;
    for index in 0..PROJECTS {
        project::create_of(&app, &format!("p{index}"), 20).await?;
    }
    drop(app);
    let raw = Raw::new(home.path(), &data, write_model(&model)?)?;
    let app = project::open_with(Options { model: Some(model), ..Options::new(&data) }).await?;
    let server = Running::start(&app).await?;
    let client = server.client();
    let before = tokio::task::spawn_blocking(move || reads(&client, 0, |read| read < READS_BEFORE)).await??;

    let done = Arc::new(AtomicBool::new(false));
    let (client, ended) = (server.client(), Arc::clone(&done));
    let during = tokio::task::spawn_blocking(move || reads(&client, READS_BEFORE, |_| !ended.load(Ordering::Relaxed)));
    let migrated = migrate(&app, &raw).await;
    done.store(true, Ordering::Relaxed);
    let (during, (ours, bare)) = (during.await??, migrated?);
    show(ours, bare);
    show_reads(during, before);
    Ok(())
}

fn show(ours: Vec<f64>, bare: Vec<f64>) {
    let seconds = ours.iter().sum::<f64>() / 1_000.0;
    let (ours, bare) = (median(ours), median(bare));
    report("migrating one of 1,000 projects / raw DDL + dolt_commit", ours, bare, "ms", ours / bare, "");
    let all_bare = bare * PROJECTS as f64 / 1_000.0;
    report("  all of them, reads between", seconds, all_bare, "s", seconds / all_bare, "");
}

fn show_reads(during: Vec<f64>, before: Vec<f64>) {
    let worst = |reads: &[f64]| reads.iter().copied().fold(0.0, f64::max);
    let (slowest, slowest_before) = (worst(&during), worst(&before));
    let what = format!("  the slowest of {} reads meanwhile / of {} before", during.len(), before.len());
    report(&what, slowest, slowest_before, "ms", slowest / slowest_before, "");
    let (middle, middle_before) = (median(during), median(before));
    report("  the middle one", middle, middle_before, "ms", middle / middle_before, "");
}

/// Milliseconds that each migration takes: ours, and the engine's of copies.
async fn migrate(app: &Understory, raw: &Raw) -> Outcome<(Vec<f64>, Vec<f64>)> {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for index in 0..PROJECTS {
        if let Some(copy) = raw.copies.get(index / PER_RAW).filter(|_| index % PER_RAW == 0) {
            bare.push(time(|| raw.migrate(copy))?);
        }
        let begun = Instant::now();
        let project = project::find(app, &format!("p{index}")).await?;
        if project.migrate().await? != ["main"] {
            return Err(format!("project p{index} did not lack the migration").into());
        }
        ours.push(milliseconds(begun));
    }
    Ok((ours, bare))
}

/// Reads one project after the other, whole, as long as wanted; the milliseconds of each read.
fn reads(client: &Client, first: usize, go_on: impl Fn(usize) -> bool) -> Outcome<Vec<f64>> {
    let mut times = Vec::new();
    while go_on(times.len()) {
        // Here and there in the order in which they are migrated, and each in its turn.
        let index = (first + times.len()) * 7 % PROJECTS;
        times.push(time(|| client.get(&format!("project-full/p{index}")).map(drop))?);
    }
    Ok(times)
}

/// Copies of projects that the engine alone migrates.
struct Raw {
    copies: Vec<PathBuf>,
    migration: Arc<Migration>,
}

impl Raw {
    fn new(home: &Path, data: &Path, migration: Arc<Migration>) -> Outcome<Self> {
        let copy = |(index, file): (usize, PathBuf)| {
            let copy = home.join(format!("raw-{index}.db"));
            std::fs::copy(file, &copy).map(|_| copy)
        };
        let files = project::files(data)?.into_iter().take(PROJECTS / PER_RAW);
        Ok(Self { copies: files.enumerate().map(copy).collect::<Result<_, _>>()?, migration })
    }

    fn migrate(&self, file: &Path) -> Outcome {
        let db = Database::open_at(file, "main", false)?;
        db.batch("begin immediate")?;
        apply(&db, &self.migration, "2026-01-01 00:00:00.000")?;
        db.query("select dolt_commit('-A', '-m', 'Migrate')", &[])?;
        db.batch("commit")?;
        Ok(db.close()?)
    }
}

/// Writes a model directory with one more entity, and the migration that makes its table; that migration.
fn write_model(dir: &Path) -> Outcome<Arc<Migration>> {
    std::fs::create_dir_all(dir.join("manage"))?;
    std::fs::write(dir.join("manage/note.toml"), NOTE)?;
    let model = Model::load(&ModelFiles::built_in().with_dir(dir)?)?;
    let shape = SchemaShape::of_manage(model.entity("note"));
    generate::write(&dir.join("migrations"), Store::Manage, "add_note", &shape)?;
    let migrations = Migrations::embedded()?.with_dir(dir)?;
    Ok(migrations.of(Store::Manage).last().map(Arc::clone).ok_or("there is no migration")?)
}
