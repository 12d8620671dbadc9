use super::Context;
use crate::changes::{Change, as_text};
use crate::error::CommandResult;
use crate::names::ProjectArg;
use crate::request::Request;

/// Show what differs between two branches or commits: entity, field, old and new
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    /// Branch or commit
    from: String,
    /// Branch or commit
    to: String,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let request = Request::get(args.project.project.path("/diff")).query("from", &args.from).query("to", &args.to);
    let reply = context.api()?.send(request)?;
    let changes: Vec<Change> = reply.read_data()?;
    context.output.show(reply.data(), || as_text(&changes))
}
