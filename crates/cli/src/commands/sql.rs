use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use crate::error::CommandResult;
use crate::names::{ProjectArg, RefArg};
use crate::output::table;
use crate::request::Request;

/// Ask a project's tables at a branch or commit; nothing can be written
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    reference: RefArg,
    /// One query in SQLite's dialect
    query: String,
}

#[derive(Deserialize)]
struct Answer {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    more: bool,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let request = Request::post(args.project.project.path("/sql"), json!({ "query": args.query }));
    let reply = context.api()?.send(request.query("ref", &args.reference.reference))?;
    let answer: Answer = reply.read_data()?;
    if answer.more {
        eprintln!("warning: only the first {} rows are shown", answer.rows.len());
    }
    let titles: Vec<&str> = answer.columns.iter().map(String::as_str).collect();
    let rows = answer.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<String>>());
    context.output.show(reply.data(), || table(&titles, rows))
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
