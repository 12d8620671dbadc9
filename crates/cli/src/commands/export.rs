use std::path::PathBuf;

use serde_json::json;

use super::Context;
use crate::error::{CommandResult, io};
use crate::names::{ProjectArg, RefArg, short};
use crate::output::pretty;
use crate::request::Request;

/// Write a whole project as one JSON document
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    reference: RefArg,
    /// File to write; the standard output if none
    file: Option<PathBuf>,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let project = &args.project.project;
    let reply = context.api()?.send(Request::get(project.full()).query("ref", &args.reference.reference))?;
    let Some(file) = &args.file else { return context.output.document(reply.data()) };
    let name = file.display();
    std::fs::write(file, pretty(reply.data())? + "\n").map_err(io(name.to_string()))?;
    let said = json!({ "project": project.to_string(), "commit": reply.commit(), "file": file });
    context.output.show(&said, || format!("Wrote {project} at {} to {name}", short(reply.commit())))
}
