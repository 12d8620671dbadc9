use serde_json::json;

use super::Context;
use crate::error::CommandResult;
use crate::names::{BranchArg, MessageArg, ProjectArg, encoded, short};
use crate::outcome::Outcome;
use crate::request::Request;
use crate::resolve::ResolveArgs;

/// Do on a branch what one commit did elsewhere, in a new commit
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    branch: BranchArg,
    /// The commit
    commit: String,
    #[command(flatten)]
    message: MessageArg,
    #[command(flatten)]
    resolve: ResolveArgs,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let (api, commit) = (context.api()?, &args.commit);
    let path = args.project.project.path(&format!("/commits/{}/cherry-pick", encoded(commit)));
    let request = Request::post(path, json!({})).query("ref", &args.branch.branch);
    let request = request.message(args.message.message.as_deref())?;
    let reply = args.resolve.send(&api, &context.model()?, request)?;
    let outcome: Outcome = reply.read_data()?;
    context.output.show(reply.data(), || outcome.text(&format!("Picked {} for {}", short(commit), args.branch.branch)))
}
