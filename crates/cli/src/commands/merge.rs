use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use crate::changes::Changes;
use crate::error::CommandResult;
use crate::names::{MessageArg, ProjectArg, count, short};
use crate::request::Request;
use crate::resolve::ResolveArgs;

/// Merge a branch into another: shows what it changes, or what is in conflict
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    /// Branch whose changes are brought
    source: String,
    /// Branch that they are brought to
    #[arg(long, value_name = "BRANCH", default_value = "main")]
    into: String,
    #[command(flatten)]
    message: MessageArg,
    /// Write nothing
    #[arg(long)]
    preview: bool,
    #[command(flatten)]
    resolve: ResolveArgs,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Preview {
    source_hash: String,
    target_hash: String,
    conflicts: Value,
    changes: Changes,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let (api, project) = (context.api()?, &args.project.project);
    let pair = json!({ "sourceBranch": args.source, "targetBranch": args.into });
    let seen = api.send(Request::post(project.path("/branches/merge/preview"), pair.clone()))?;
    let preview: Preview = seen.read_data()?;
    let resolutions = args.resolve.settle(&context.model()?, &preview.conflicts)?;
    let settled = resolutions.len();
    if args.preview {
        return context.output.show(seen.data(), || plan(&preview, settled));
    }
    if settled > 0 || !preview.changes.is_empty() {
        context.output.note(&plan(&preview, settled))?;
    }
    let mut request = Request::post(project.path("/branches/merge"), pair)
        .with("sourceHash", preview.source_hash.as_str().into())
        .with("targetHash", preview.target_hash.as_str().into())
        .with("resolutions", resolutions.into());
    if let Some(message) = &args.message.message {
        request = request.with("message", message.as_str().into());
    }
    let merged = api.send(request)?;
    let commit = merged.data()["mergeCommitHash"].as_str().unwrap_or_default();
    context.output.show(merged.data(), || match commit == preview.target_hash {
        true => format!("Nothing to merge: {} has all of {}, at {}", args.into, args.source, short(commit)),
        false => format!("Merged {} into {}: commit {}", args.source, args.into, short(commit)),
    })
}

/// What a merge changes; what that is with conflicts settled shows once it is merged.
fn plan(preview: &Preview, settled: usize) -> String {
    if settled == 0 { preview.changes.text() } else { format!("{} settled", count(settled, "conflict")) }
}
