use std::path::Path;

use serde_json::{Map, Value, json};
use understory::model::{ColumnType, Entity, WriteRule};

use super::Context;
use crate::address::{Finder, Found};
use crate::error::{CommandError, CommandResult};
use crate::names::{ProjectArg, RefArg, short};
use crate::request::Request;

/// Change fields of one row, in one commit: `set -p acme/shop support/router prompt=@prompt.txt -m 'Be brief'`
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    reference: RefArg,
    /// KIND/ID, with the ids above it where more than one has that id; a sub-agent's also AGENT/SUB-AGENT
    address: String,
    /// FIELD=TEXT, FIELD=@FILE for the text of a file (`@-` is the standard input, `@@` a plain @), or json:FIELD=JSON
    #[arg(required = true, value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    /// The commit's message
    #[arg(short, long, value_name = "MESSAGE")]
    message: Option<String>,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let (api, model) = (context.api()?, context.model()?);
    let (project, reference) = (&args.project.project, args.reference.reference.as_str());
    let before = api.send(Request::get(project.path("/refs/resolve")).query("ref", reference))?;
    let found = Finder { api: &api, model: &model, project, reference }.find(&args.address)?;
    let body = body(&found, &args.fields)?;
    let names: Vec<String> = body.keys().cloned().collect();
    let request = Request::patch(&found.path, body.into()).query("ref", reference);
    let reply = api.send(request.message(args.message.as_deref())?)?;
    let changed = before.data()["hash"] != reply.commit();
    let said = json!({ "changed": changed, "address": found.address, "fields": names, "commit": reply.commit() });
    context.output.show(&said, || match changed {
        true => format!("Set {} of {}: commit {}", names.join(", "), found.address, short(reply.commit())),
        false => format!("Nothing changed: {} says so already, at {}", found.address, short(reply.commit())),
    })
}

fn body(found: &Found, fields: &[String]) -> CommandResult<Map<String, Value>> {
    let mut body = Map::new();
    for field in fields {
        let (name, value) = assignment(found, field)?;
        if body.insert(name.clone(), value).is_some() {
            return Err(CommandError::user(format!("{name} is set twice")));
        }
    }
    Ok(body)
}

fn assignment(found: &Found, field: &str) -> CommandResult<(String, Value)> {
    let (name, given) = field.split_once('=').ok_or_else(|| {
        CommandError::user(format!("'{field}' sets nothing")).hint("write FIELD=TEXT, FIELD=@FILE or json:FIELD=JSON")
    })?;
    let (name, as_json) = name.strip_prefix("json:").map_or((name, false), |name| (name, true));
    check_field(found, name)?;
    let text = match given.strip_prefix('@') {
        Some(literal) if literal.starts_with('@') => literal.to_owned(),
        Some(file) => crate::input::text(Path::new(file))?,
        None => given.to_owned(),
    };
    let value = if as_json || !takes_text(&found.entity, name) { parse(name, &text)? } else { text.into() };
    Ok((name.to_owned(), value))
}

/// The server ignores what it does not know, as its clients need; a person's slip of the finger is told.
fn check_field(found: &Found, name: &str) -> CommandResult<()> {
    let columns = found.entity.columns.iter().filter(|column| column.write == WriteRule::Always && column.name != "id");
    let columns = columns.filter(|column| !found.entity.key.contains(&column.name)).map(|column| column.wire.as_str());
    let lists = found.entity.lists.iter().filter(|list| list.write == WriteRule::Always);
    let known: Vec<&str> = columns.chain(lists.map(|list| list.wire.as_str())).collect();
    if known.contains(&name) {
        return Ok(());
    }
    let error = CommandError::user(format!("{} has no field '{name}' that can be set", found.address));
    Err(error.cause(format!("fields: {}", known.join(", "))))
}

fn takes_text(entity: &Entity, name: &str) -> bool {
    use ColumnType::{Boolean, Integer, Json, Number, Numeric};
    let column = entity.columns.iter().find(|column| column.wire == name);
    column.is_some_and(|column| !matches!(column.ty, Integer | Number | Numeric | Boolean | Json))
}

fn parse(name: &str, text: &str) -> CommandResult<Value> {
    serde_json::from_str(text).map_err(|error| {
        let error = CommandError::user(format!("the value of {name} is not JSON")).because(&error);
        error.hint(format!("quote it for the shell: '{name}={{\"a\": 1}}'; text is '\"in quotes\"'"))
    })
}
