use serde::Deserialize;
use serde_json::Value;

use super::Context;
use crate::commit::{subject, when};
use crate::error::CommandResult;
use crate::names::{LimitArg, ProjectArg};
use crate::output::table;
use crate::pages;
use crate::request::{Request, typed};

/// Show what was done to a project, branches and tags included, the newest first: `undo` takes it back
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    limit: LimitArg,
}

#[derive(Deserialize)]
struct Operation {
    id: Value,
    kind: String,
    #[serde(rename = "ref")]
    reference: String,
    author: String,
    date: String,
    message: Option<String>,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let request = Request::get(args.project.project.path("/operations"));
    let answer = pages::first(&context.api()?, &request, args.limit.limit)?;
    let operations: Vec<Operation> = typed(&answer)?;
    let titles = ["ID", "DATE (UTC)", "AUTHOR", "WHAT", "REF", "MESSAGE"];
    context.output.show(&answer, || table(&titles, operations.iter().map(Operation::row)))
}

/// An operation's id as it is typed.
pub fn id(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Operation {
    fn row(&self) -> Vec<String> {
        vec![
            id(&self.id),
            when(&self.date),
            self.author.clone(),
            self.kind.replace('_', " "),
            self.reference.clone(),
            subject(self.message.as_deref().unwrap_or_default()).to_owned(),
        ]
    }
}
