use serde_json::Value;

use super::Context;
use crate::address::Finder;
use crate::error::{CommandError, CommandResult};
use crate::names::{ProjectArg, RefArg};
use crate::output::pretty;

/// Show one row, or one field of it: `get -p acme/shop tool/weather`, `get -p acme/shop support/router prompt`
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    reference: RefArg,
    /// KIND/ID, with the ids above it where more than one has that id; a sub-agent's also AGENT/SUB-AGENT
    address: String,
    /// Show this field alone, text as it is
    field: Option<String>,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let (api, model) = (context.api()?, context.model()?);
    let (project, reference) = (&args.project.project, args.reference.reference.as_str());
    let found = Finder { api: &api, model: &model, project, reference }.find(&args.address)?;
    let Some(field) = &args.field else { return context.output.document(&found.row) };
    let value = found.row.get(field).ok_or_else(|| no_field(&found.place.address, field, &found.row))?;
    let text = match value {
        Value::String(text) => text.clone(),
        value => pretty(value)?,
    };
    context.output.show(value, || text)
}

fn no_field(address: &str, field: &str, row: &Value) -> CommandError {
    let fields: Vec<&str> = row.as_object().into_iter().flat_map(|row| row.keys().map(String::as_str)).collect();
    CommandError::user(format!("{address} has no field '{field}'")).cause(format!("fields: {}", fields.join(", ")))
}
