use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Context;
use crate::connect::Api;
use crate::error::{CommandError, CommandResult};
use crate::names::{ProjectArg, ProjectName, RefArg, short};
use crate::request::Request;

/// Make a project what a JSON document says, in one commit; the project is created if it is not there
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    reference: RefArg,
    /// File that `export` wrote; `-` for the standard input
    file: PathBuf,
    /// The commit's message
    #[arg(short, long, value_name = "MESSAGE")]
    message: Option<String>,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let (project, reference) = (&args.project.project, args.reference.reference.as_str());
    let document = read(&args.file, project)?;
    let api = context.api_or_new()?;
    let before = head(&api, project, reference)?;
    let request = Request::put(project.full(), document).query("ref", reference).message(args.message.as_deref())?;
    let reply = api.send(request)?;
    if let Some(warning) = reply.warning() {
        eprintln!("warning: {warning}");
    }
    let (commit, created) = (reply.commit(), reply.status == 201);
    let changed = created || before.as_deref() != Some(commit);
    let said = json!({ "project": project.to_string(), "commit": commit, "created": created, "changed": changed });
    context.output.show(&said, || match (created, changed) {
        (true, _) => format!("Created {project} at {}", short(commit)),
        (_, true) => format!("Changed {project}: commit {}", short(commit)),
        _ => format!("Nothing changed: {project} says so already, at {}", short(commit)),
    })
}

/// The document under the name of the project that it is to become.
fn read(file: &Path, project: &ProjectName) -> CommandResult<Value> {
    let text = crate::input::text(file)?;
    let parsed: Value = serde_json::from_str(&text)
        .map_err(|error| CommandError::user(format!("{} is not JSON", file.display())).because(&error))?;
    let Value::Object(mut document) = parsed else {
        return Err(CommandError::user(format!("{} is no project: it holds no JSON object", file.display())));
    };
    document.insert("id".into(), project.id.as_str().into());
    Ok(document.into())
}

/// Where a branch is, if it is there.
fn head(api: &Api, project: &ProjectName, reference: &str) -> CommandResult<Option<String>> {
    let reply = api.find(Request::get(project.path("/refs/resolve")).query("ref", reference))?;
    Ok(reply.and_then(|reply| reply.data()["hash"].as_str().map(str::to_owned)))
}
