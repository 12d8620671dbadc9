use clap::Subcommand;
use serde::Deserialize;
use serde_json::json;

use super::Context;
use crate::commit::{subject, when};
use crate::connect::Api;
use crate::error::CommandResult;
use crate::names::{MessageArg, ProjectArg, ProjectName, encoded, short};
use crate::output::table;
use crate::request::Request;

/// List, create and delete tags: names of commits that never move
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List the tags; what `tag` alone does
    List,
    /// Give a commit a name
    Create {
        /// The name
        name: String,
        /// Branch, tag or commit that it names
        #[arg(value_name = "REF", default_value = "main")]
        reference: String,
        #[command(flatten)]
        message: MessageArg,
    },
    /// Delete a tag; `undo` brings it back
    Delete {
        /// Its name
        name: String,
    },
}

#[derive(Deserialize)]
struct Tag {
    name: String,
    hash: String,
    author: String,
    date: String,
    message: Option<String>,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let (api, project) = (context.api()?, &args.project.project);
    match args.action.as_ref().unwrap_or(&Action::List) {
        Action::List => list(&api, context, project),
        Action::Create { name, reference, message } => {
            let mut request = Request::post(project.path("/tags"), json!({ "name": name, "ref": reference }));
            if let Some(message) = &message.message {
                request = request.with("message", message.as_str().into());
            }
            let reply = api.send(request)?;
            let tag: Tag = reply.read_data()?;
            context.output.show(reply.data(), || format!("Tagged {} as {}", short(&tag.hash), tag.name))
        }
        Action::Delete { name } => {
            api.send(Request::delete(project.path(&format!("/tags/{}", encoded(name)))))?;
            let said = || format!("Deleted tag {name}; `understory undo -p {project}` brings it back");
            context.output.show(&json!({ "deleted": name }), said)
        }
    }
}

fn list(api: &Api, context: &Context, project: &ProjectName) -> CommandResult<()> {
    let reply = api.send(Request::get(project.path("/tags")))?;
    let tags: Vec<Tag> = reply.read_data()?;
    let row = |tag: Tag| {
        let about = subject(tag.message.as_deref().unwrap_or_default()).to_owned();
        vec![short(&tag.hash).to_owned(), tag.name, when(&tag.date), tag.author, about]
    };
    let titles = ["COMMIT", "TAG", "DATE (UTC)", "AUTHOR", "MESSAGE"];
    context.output.show(reply.data(), || table(&titles, tags.into_iter().map(row)))
}
