use serde::Deserialize;

use super::Context;
use crate::error::CommandResult;
use crate::names::{ProjectArg, RefArg, short};
use crate::output::table;
use crate::request::Request;

/// Show who changed what: the newest commits of a branch
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    reference: RefArg,
    /// Commits shown at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// A commit as the API tells it.
#[derive(Debug, Deserialize)]
pub struct Commit {
    /// Its hash.
    pub hash: String,
    /// Hashes of its parents.
    pub parents: Vec<String>,
    /// Name of who made the change.
    pub author: String,
    /// Address of who made it.
    pub email: String,
    /// Who handed it in, where that is somebody else.
    pub committer: Option<String>,
    /// When.
    pub date: String,
    /// Why.
    pub message: String,
}

impl Commit {
    /// Its date for people: to the second, in UTC.
    pub fn when(&self) -> String {
        let seconds = self.date.get(..19).unwrap_or(&self.date);
        seconds.replacen('T', " ", 1)
    }
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let request = Request::get(args.project.project.path("/commits")).query("ref", &args.reference.reference);
    let reply = context.api()?.send(request.query("limit", &args.limit.to_string()))?;
    let commits: Vec<Commit> = reply.read_data()?;
    context.output.show(reply.data(), || table(&["COMMIT", "DATE (UTC)", "AUTHOR", "MESSAGE"], commits.iter().map(row)))
}

fn row(commit: &Commit) -> Vec<String> {
    let subject = commit.message.lines().next().unwrap_or_default();
    vec![short(&commit.hash).to_owned(), commit.when(), commit.author.clone(), subject.to_owned()]
}
