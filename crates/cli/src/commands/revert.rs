use serde_json::json;

use super::Context;
use crate::address::Finder;
use crate::connect::Api;
use crate::error::CommandResult;
use crate::names::{BranchArg, MessageArg, ProjectArg, encoded, short};
use crate::outcome::Outcome;
use crate::request::Request;
use crate::resolve::ResolveArgs;

/// Take back what one commit did, or with --to make a row or the whole project what it was; in a new commit
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    branch: BranchArg,
    /// Commit to take back; with --to the row, KIND/ID as `get` takes it, or nothing for the whole project
    #[arg(value_name = "COMMIT|ADDRESS", required_unless_present = "to")]
    what: Option<String>,
    /// Branch, tag or commit that has what is to be brought back
    #[arg(long, value_name = "REF")]
    to: Option<String>,
    #[command(flatten)]
    message: MessageArg,
    #[command(flatten)]
    resolve: ResolveArgs,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let (api, model) = (context.api()?, context.model()?);
    let (request, done) = match (&args.to, &args.what) {
        (Some(to), address) => restore(args, context, &api, to, address.as_deref())?,
        (None, what) => {
            let commit = what.as_deref().unwrap_or_default();
            let path = args.project.project.path(&format!("/commits/{}/revert", encoded(commit)));
            (Request::post(path, json!({})), format!("Took back {}", short(commit)))
        }
    };
    let request = request.query("ref", &args.branch.branch).message(args.message.message.as_deref())?;
    let reply = args.resolve.send(&api, &model, request)?;
    let outcome: Outcome = reply.read_data()?;
    context.output.show(reply.data(), || outcome.text(&done))
}

/// The request that restores a row, or the whole project, and what it does.
fn restore(
    args: &Args,
    context: &Context,
    api: &Api,
    to: &str,
    address: Option<&str>,
) -> CommandResult<(Request, String)> {
    let project = &args.project.project;
    let (path, what) = match address {
        Some(address) => {
            let model = context.model()?;
            let place = Finder { api, model: &model, project, reference: to }.place(address)?;
            (place.path, place.address)
        }
        None => (project.path(""), project.to_string()),
    };
    Ok((Request::post(format!("{path}/restore"), json!({ "from": to })), format!("Restored {what} as of {to}")))
}
