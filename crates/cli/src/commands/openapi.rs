use super::Context;
use crate::error::CommandResult;

/// Print the description of the API
#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args, context: &Context) -> CommandResult<()> {
    let model = context.model()?;
    context.output.document(&understory_server::document(&model, &understory::routes(&model)))
}
