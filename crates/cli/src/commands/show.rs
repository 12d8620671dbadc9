use serde::Deserialize;

use super::Context;
use crate::changes::Changes;
use crate::commit::{Commit, when};
use crate::error::CommandResult;
use crate::names::{ProjectArg, encoded};
use crate::request::Request;

/// Show one commit and what it changed
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    /// Commit, by its hash or the first 7 or more characters of it; a branch or tag for its newest, main~1 for the one before
    #[arg(value_name = "COMMIT")]
    commit: String,
}

#[derive(Deserialize)]
struct Shown {
    commit: Commit,
    changes: Changes,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let path = args.project.project.path(&format!("/commits/{}", encoded(&args.commit)));
    let reply = context.api()?.send(Request::get(path))?;
    let shown: Shown = reply.read_data()?;
    context.output.show(reply.data(), || text(&shown))
}

fn text(Shown { commit, changes }: &Shown) -> String {
    let mut lines = vec![format!("commit {}", commit.hash)];
    if commit.parents.len() > 1 {
        lines.push(format!("merge  {}", commit.parents.join(" ")));
    }
    lines.push(format!("author {} <{}>", commit.author, commit.email));
    lines.extend(commit.committer.iter().map(|committer| format!("by     {committer}")));
    lines.extend(commit.branch.iter().map(|branch| format!("branch {branch}")));
    lines.push(format!("date   {} UTC", when(&commit.date)));
    lines.push(format!("\n    {}\n", commit.message.replace('\n', "\n    ")));
    lines.push(changes.text());
    lines.join("\n")
}
