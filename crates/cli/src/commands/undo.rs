use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, operations};
use crate::connect::Api;
use crate::error::{CommandError, CommandResult};
use crate::names::{ProjectArg, ProjectName, encoded, short};
use crate::request::Request;

/// Undo an operation; the undo of an undo does it again
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    /// Its id, as `operations` shows it; the newest one if none
    id: Option<String>,
}

#[derive(Deserialize)]
struct Undone {
    operation: Value,
    commit: Option<String>,
    #[serde(rename = "ref")]
    reference: String,
    head: Option<String>,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let (api, project) = (context.api()?, &args.project.project);
    let id = match &args.id {
        Some(id) => id.clone(),
        None => newest(&api, project)?,
    };
    let reply = api.send(Request::post(project.path(&format!("/operations/{}/undo", encoded(&id))), json!({})))?;
    let undone: Undone = reply.read_data()?;
    context.output.show(reply.data(), || undone.text())
}

fn newest(api: &Api, project: &ProjectName) -> CommandResult<String> {
    let reply = api.send(Request::get(project.path("/operations")).query("limit", "1"))?;
    let first = reply.data().get(0).map(|operation| operations::id(&operation["id"]));
    first.ok_or_else(|| CommandError::user(format!("there is nothing to undo in {project}")))
}

impl Undone {
    fn text(&self) -> String {
        let (id, name) = (operations::id(&self.operation), &self.reference);
        match (&self.commit, &self.head) {
            (Some(commit), _) => format!("Undid {id} on {name}: commit {}", short(commit)),
            (None, Some(head)) => format!("Undid {id}: {name} is at {}", short(head)),
            (None, None) => format!("Undid {id}: {name} is gone"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_undone_is_told() {
        let text = |commit: Value, head: Value| {
            let undone = json!({ "operation": "op1", "commit": commit, "ref": "tone", "head": head });
            serde_json::from_value::<Undone>(undone).unwrap().text()
        };
        let hash = || json!("0123456789abcdef");
        assert_eq!(text(hash(), hash()), "Undid op1 on tone: commit 0123456789");
        assert_eq!(text(Value::Null, hash()), "Undid op1: tone is at 0123456789");
        assert_eq!(text(Value::Null, Value::Null), "Undid op1: tone is gone");
    }
}
