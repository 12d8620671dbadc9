use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Context;
use crate::connect::Api;
use crate::error::{CommandError, CommandResult};
use crate::names::{BranchArg, MessageArg, ProjectArg, ProjectName, short};
use crate::outcome::Outcome;
use crate::request::Request;
use crate::tree;

/// Make a project what a directory or a JSON document says, in one commit; it is created if it is not there
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    branch: BranchArg,
    /// Directory or file that `export` wrote; `-` for a document from the standard input
    #[arg(value_name = "DIR|FILE")]
    path: PathBuf,
    #[command(flatten)]
    message: MessageArg,
    /// Show what a directory would change, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    match (args.path.is_dir(), args.dry_run) {
        (true, _) => directory(args, context),
        (false, false) => document(args, context),
        (false, true) => Err(CommandError::user("only a directory can be tried out before it is imported")
            .hint("import the document into a branch, and look at `understory diff`")),
    }
}

/// Shows the plan, and does it if the branch is still what the plan was made for.
fn directory(args: &Args, context: &Context) -> CommandResult<()> {
    let (project, branch) = (&args.project.project, args.branch.branch.as_str());
    let files = json!({ "files": tree::read(&args.path)? });
    let request = Request::put(project.path("/files"), files).query("ref", branch);
    let api = if args.dry_run { context.api()? } else { context.api_or_new()? };
    let planned = api.send(request.clone().query("dryRun", "true"))?;
    let plan: Outcome = planned.read_data()?;
    if args.dry_run {
        return context.output.show(planned.data(), || plan.changes.text());
    }
    if !plan.changes.is_empty() {
        context.output.note(&plan.changes.text())?;
    }
    let pinned = match &plan.head {
        Some(head) => request.if_at(head)?,
        None => request,
    };
    let reply = api.send(pinned.message(args.message.message.as_deref())?)?;
    let outcome: Outcome = reply.read_data()?;
    let done = if reply.status == 201 { "Created" } else { "Changed" };
    context.output.show(reply.data(), || outcome.line(&format!("{done} {project}")))
}

fn document(args: &Args, context: &Context) -> CommandResult<()> {
    let (project, branch) = (&args.project.project, args.branch.branch.as_str());
    let document = read(&args.path, project)?;
    let api = context.api_or_new()?;
    let before = head(&api, project, branch)?;
    let request = Request::put(project.full(), document).query("ref", branch);
    let reply = api.send(request.message(args.message.message.as_deref())?)?;
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
