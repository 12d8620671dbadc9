mod engine;
mod git;
mod ours;

use self::engine::Engine;
use self::git::Git;
use self::ours::Ours;
use crate::server::{Client, Running};
use crate::{Outcome, median, project, report, time};

const ROUNDS: usize = 40;
/// What a cycle is made of.
pub const STEPS: [&str; 4] = ["branch", "edit and commit", "diff", "merge"];

/// Milliseconds that each step of a cycle takes.
pub type Times = [f64; STEPS.len()];

/// One way to keep a project under version control.
trait Keeper {
    /// Makes a branch of `main`.
    fn branch(&mut self, name: &str) -> Outcome;
    /// Changes one value on a branch, and commits that.
    fn edit(&mut self, branch: &str) -> Outcome;
    /// Reads what a branch changed, which is not nothing.
    fn diff(&mut self, branch: &str) -> Outcome;
    /// Merges a branch into `main`, by a commit with two parents.
    fn merge(&mut self, branch: &str) -> Outcome;
}

/// Branch, edit, commit, diff and merge over HTTP against the engine's SQL on a copy of the same project, and against
/// Git on its files.
pub async fn from_branch_to_merge() -> Outcome {
    let home = tempfile::tempdir()?;
    let app = project::open(home.path()).await?;
    let project = project::create(&app, "cycle").await?;
    let copy = home.path().join("raw.db");
    std::fs::copy(project::only_file(home.path())?, &copy)?;
    let engine = Engine::open(copy)?;
    let git = Git::init(&home.path().join("git"), &project.files("main").await?.0)?;
    let server = Running::start(&app).await?;
    let ours = Ours::new(server.client(), "cycle");
    tokio::task::spawn_blocking(move || compare(ours, engine, git)).await?
}

fn compare(mut ours: Ours, mut engine: Engine, mut git: Git) -> Outcome {
    let (mut http, mut sql, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let branch = format!("b{round}");
        sql.push(cycle(&mut engine, &branch)?);
        files.push(cycle(&mut git, &branch)?);
        http.push(cycle(&mut ours, &branch)?);
    }
    let whole = |times: &[Times]| median(times.iter().map(|times| times.iter().sum()).collect());
    let (own, raw, git) = (whole(&http), whole(&sql), whole(&files));
    report("branch to merge over HTTP / raw SQL", own, raw, "ms", own / raw, "<= 1.5");
    for (at, step) in STEPS.into_iter().enumerate() {
        let (own, raw) = (medians(&http)[at], medians(&sql)[at]);
        report(&format!("  {step}"), own, raw, "ms", own / raw, "");
    }
    report("branch to merge: git on the files / over HTTP", own, git, "ms", git / own, ">= 10");
    Ok(())
}

/// The middle times of the steps of cycles over HTTP, of a project on each of two servers.
pub fn both(one: Client, other: Client, project: &str, rounds: usize) -> Outcome<(Times, Times)> {
    let (mut one, mut other) = (Ours::new(one, project), Ours::new(other, project));
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        ones.push(cycle(&mut one, &format!("b{round}"))?);
        others.push(cycle(&mut other, &format!("b{round}"))?);
    }
    Ok((medians(&ones), medians(&others)))
}

fn medians(times: &[Times]) -> Times {
    std::array::from_fn(|step| median(times.iter().map(|times| times[step]).collect()))
}

fn cycle(keeper: &mut impl Keeper, branch: &str) -> Outcome<Times> {
    Ok([
        time(|| keeper.branch(branch))?,
        time(|| keeper.edit(branch))?,
        time(|| keeper.diff(branch))?,
        time(|| keeper.merge(branch))?,
    ])
}
