use super::Context;
use crate::changes::Changes;
use crate::error::CommandResult;
use crate::names::ProjectArg;
use crate::request::Request;

/// Show what differs between two branches, tags or commits: entity, field, old and new
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    /// Branch, tag or commit
    from: String,
    /// Branch, tag or commit
    to: String,
    /// Only rows of this entity, as changes name it: subAgent
    #[arg(long, value_name = "ENTITY")]
    entity: Option<String>,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let mut request = Request::get(args.project.project.path("/diff")).query("from", &args.from).query("to", &args.to);
    if let Some(entity) = &args.entity {
        request = request.query("entity", entity);
    }
    let reply = context.api()?.send(request)?;
    let changes: Changes = reply.read_data()?;
    context.output.show(reply.data(), || changes.text())
}
