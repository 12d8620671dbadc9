use clap::Subcommand;
use serde::Deserialize;
use serde_json::json;

use super::Context;
use crate::connect::Api;
use crate::error::CommandResult;
use crate::names::{ProjectArg, ProjectName, encoded, short};
use crate::output::table;
use crate::request::Request;

/// List, create, rename and delete branches
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List the branches; what `branch` alone does
    List,
    /// Create a branch
    Create {
        /// Its name
        name: String,
        /// Branch, tag or commit at which it begins
        #[arg(long, value_name = "REF", default_value = "main")]
        from: String,
    },
    /// Rename a branch
    Rename {
        /// Its name
        old: String,
        /// Its name from now on
        new: String,
    },
    /// Delete a branch; `undo` brings it back
    Delete {
        /// Its name
        name: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Branch {
    base_name: String,
    hash: String,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let (api, project) = (context.api()?, &args.project.project);
    match args.action.as_ref().unwrap_or(&Action::List) {
        Action::List => list(&api, context, project),
        Action::Create { name, from } => create(&api, context, project, name, from),
        Action::Rename { old, new } => {
            let reply = api.send(Request::patch(path(project, old), json!({ "name": new })))?;
            context.output.show(reply.data(), || format!("Renamed branch {old} to {new}"))
        }
        Action::Delete { name } => {
            api.send(Request::delete(path(project, name)))?;
            let said = || format!("Deleted branch {name}; `understory undo -p {project}` brings it back");
            context.output.show(&json!({ "deleted": name }), said)
        }
    }
}

fn path(project: &ProjectName, name: &str) -> String {
    project.path(&format!("/branches/{}", encoded(name)))
}

fn list(api: &Api, context: &Context, project: &ProjectName) -> CommandResult<()> {
    let reply = api.send(Request::get(project.path("/branches")))?;
    let branches: Vec<Branch> = reply.read_data()?;
    let rows = branches.into_iter().map(|branch| vec![short(&branch.hash).to_owned(), branch.base_name]);
    context.output.show(reply.data(), || table(&["COMMIT", "BRANCH"], rows))
}

fn create(api: &Api, context: &Context, project: &ProjectName, name: &str, from: &str) -> CommandResult<()> {
    let resolved = api.send(Request::get(project.path("/refs/resolve")).query("ref", from))?;
    let body = json!({ "name": name, "fromCommit": resolved.data()["hash"] });
    let reply = api.send(Request::post(project.path("/branches"), body))?;
    let branch: Branch = reply.read_data()?;
    context.output.show(reply.data(), || format!("Created branch {} at {}", branch.base_name, short(&branch.hash)))
}
