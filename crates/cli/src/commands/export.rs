use std::path::{Path, PathBuf};

use serde_json::json;

use super::Context;
use crate::connect::Api;
use crate::error::{CommandResult, io};
use crate::names::{ProjectArg, RefArg, count, short};
use crate::output::pretty;
use crate::request::Request;
use crate::tree::{self, Files, Owned};

/// Write a whole project as a directory of files, or as one JSON document; files of rows that are gone are removed
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    reference: RefArg,
    /// Directory for the files; FILE.json for the document, `-` or nothing for the standard output
    #[arg(value_name = "DIR|FILE.json")]
    path: Option<PathBuf>,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let api = context.api()?;
    match &args.path {
        None => document(args, context, &api, None),
        Some(path) if path == Path::new("-") => document(args, context, &api, None),
        Some(file) if file.extension().is_some_and(|end| end == "json") => document(args, context, &api, Some(file)),
        Some(dir) => directory(args, context, &api, dir),
    }
}

fn document(args: &Args, context: &Context, api: &Api, file: Option<&Path>) -> CommandResult<()> {
    let project = &args.project.project;
    let reply = api.send(Request::get(project.full()).query("ref", &args.reference.reference))?;
    let Some(file) = file else { return context.output.document(reply.data()) };
    let name = file.display();
    std::fs::write(file, pretty(reply.data())? + "\n").map_err(io(name.to_string()))?;
    let said = json!({ "project": project.to_string(), "commit": reply.commit(), "file": file });
    context.output.show(&said, || format!("Wrote {project} at {} to {name}", short(reply.commit())))
}

fn directory(args: &Args, context: &Context, api: &Api, dir: &Path) -> CommandResult<()> {
    let project = &args.project.project;
    tree::check(dir)?;
    let reply = api.send(Request::get(project.path("/files")).query("ref", &args.reference.reference))?;
    let files: Files = reply.read_data()?;
    let removed = tree::write(dir, &files, &Owned::of(&context.model()?))?;
    let (commit, name, written) = (reply.commit(), dir.display(), files.len());
    let said =
        json!({ "project": project.to_string(), "commit": commit, "dir": dir, "files": written, "removed": removed });
    context.output.show(&said, || {
        let gone = if removed.is_empty() { String::new() } else { format!(", removed {}", removed.len()) };
        format!("Wrote {project} at {} to {name}: {}{gone}", short(commit), count(written, "file"))
    })
}
