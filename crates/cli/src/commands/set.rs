use serde_json::{Map, Value, json};
use understory::model::WriteRule;

use super::Context;
use crate::address::{Finder, Place};
use crate::error::{CommandError, CommandResult};
use crate::fields::Assignment;
use crate::names::{BranchArg, MessageArg, ProjectArg, short};
use crate::request::Request;

/// Change fields of one row, in one commit: `set -p acme/shop support/router prompt=@prompt.txt -m 'Be brief'`
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    branch: BranchArg,
    /// KIND/ID, with the ids above it where more than one has that id; a sub-agent's also AGENT/SUB-AGENT
    address: String,
    /// FIELD=TEXT, FIELD=@FILE for the text of a file (`@-` is the standard input, `@@` a plain @), or json:FIELD=JSON
    #[arg(required = true, value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    #[command(flatten)]
    message: MessageArg,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let (api, model) = (context.api()?, context.model()?);
    let (project, reference) = (&args.project.project, args.branch.branch.as_str());
    let before = api.send(Request::get(project.path("/refs/resolve")).query("ref", reference))?;
    let place = Finder { api: &api, model: &model, project, reference }.find(&args.address)?.place;
    let body = body(&place, &args.fields)?;
    let names: Vec<String> = body.keys().cloned().collect();
    let request = Request::patch(&place.path, body.into()).query("ref", reference);
    let reply = api.send(request.message(args.message.message.as_deref())?)?;
    let changed = before.data()["hash"] != reply.commit();
    let said = json!({ "changed": changed, "address": place.address, "fields": names, "commit": reply.commit() });
    context.output.show(&said, || match changed {
        true => format!("Set {} of {}: commit {}", names.join(", "), place.address, short(reply.commit())),
        false => format!("Nothing changed: {} says so already, at {}", place.address, short(reply.commit())),
    })
}

fn body(place: &Place, fields: &[String]) -> CommandResult<Map<String, Value>> {
    let mut body = Map::new();
    for field in fields {
        let assignment = Assignment::parse(field)?;
        let name = assignment.name;
        check_field(place, name)?;
        if body.insert(name.to_owned(), assignment.value(&place.entity)?).is_some() {
            return Err(CommandError::user(format!("{name} is set twice")));
        }
    }
    Ok(body)
}

/// The server ignores what it does not know, as its clients need; a person's slip of the finger is told.
fn check_field(place: &Place, name: &str) -> CommandResult<()> {
    let columns = place.entity.columns.iter().filter(|column| column.write == WriteRule::Always && column.name != "id");
    let columns = columns.filter(|column| !place.entity.key.contains(&column.name)).map(|column| column.wire.as_str());
    let lists = place.entity.lists.iter().filter(|list| list.write == WriteRule::Always);
    let known: Vec<&str> = columns.chain(lists.map(|list| list.wire.as_str())).collect();
    if known.contains(&name) {
        return Ok(());
    }
    let error = CommandError::user(format!("{} has no field '{name}' that can be set", place.address));
    Err(error.cause(format!("fields: {}", known.join(", "))))
}
