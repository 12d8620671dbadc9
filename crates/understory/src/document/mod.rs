//! Full documents: a whole project or agent as one JSON value, read from rows and written to them.

mod agent_read;
mod agent_write;
mod project_read;
mod project_write;
mod scope;
mod stop_when;
mod sub_agent_write;

use std::sync::Arc;

use serde_json::Value;
use understory_manage::{Draft, Snapshot};
use understory_model::Model;

use crate::action::{Answer, Call};
use crate::{Error, Result};

pub(crate) use agent_read::RelationIds;
pub(crate) use project_read::{read_project, read_project_row};
pub(crate) use project_write::{update_project_row, write_project, write_project_row};
pub(crate) use scope::Scope;

pub(crate) fn agent_get(model: &Model, rows: &Snapshot, call: &Call) -> Result<Answer> {
    let scope = Scope::of_call(call);
    let agent = call.param("agentId");
    let document = agent_read::read_agent(model, rows, &scope, agent, RelationIds::Hidden);
    let document = document.ok_or_else(|| Error::not_found("Agent", agent))?;
    Ok(Answer::data(200, document))
}

pub(crate) fn agent_create(draft: &mut Draft, call: &Call) -> Result<Answer> {
    let scope = Scope::of_call(call);
    let id = call.body.get("id").and_then(Value::as_str).unwrap_or_default();
    if scope.agent(draft, id).is_some() {
        return Err(Error::Conflict(format!("Agent '{id}' exists already")));
    }
    write(draft, &scope, id, &call.body, 201)
}

pub(crate) fn agent_put(draft: &mut Draft, call: &Call) -> Result<Answer> {
    let scope = Scope::of_call(call);
    let id = call.param("agentId");
    require_same_id(&call.body, id)?;
    let status = if scope.agent(draft, id).is_some() { 200 } else { 201 };
    write(draft, &scope, id, &call.body, status)
}

pub(crate) fn agent_delete(draft: &mut Draft, call: &Call) -> Result<Answer> {
    let scope = Scope::of_call(call);
    let id = call.param("agentId");
    if !draft.delete(crate::names::agent::ENTITY, &scope.key([id])) {
        return Err(Error::not_found("Agent", id));
    }
    Ok(Answer::empty())
}

fn write(draft: &mut Draft, scope: &Scope, id: &str, body: &Value, status: u16) -> Result<Answer> {
    let unknown = agent_write::write_agent(draft, scope, id, body, "", None)?;
    let model = Arc::clone(draft.model());
    let document = agent_read::read_agent(&model, draft, scope, id, RelationIds::Hidden);
    Ok(Answer::data(status, document.unwrap_or_default()).with_unknown(unknown))
}

/// A document's id, if it has one, must be the path's.
pub(crate) fn require_same_id(body: &Value, id: &str) -> Result<()> {
    match body.get("id").and_then(Value::as_str) {
        Some(given) if given != id => {
            Err(Error::field("/id", "mismatch", format!("the body's id '{given}' is not the path's '{id}'")))
        }
        _ => Ok(()),
    }
}

/// The entries of an object-valued key of a document; none where it is absent or null.
fn entries<'a>(body: &'a Value, key: &str, pointer: &str) -> Result<Vec<(&'a str, &'a Value)>> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Object(object)) => Ok(object.iter().map(|(id, value)| (id.as_str(), value)).collect()),
        Some(_) => Err(Error::field(format!("{pointer}/{key}"), "type", format!("{key} must be an object by id"))),
    }
}

/// The items of an array-valued key of a document; none where it is absent or null.
fn items<'a>(body: &'a Value, key: &str, pointer: &str) -> Result<Vec<&'a Value>> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items.iter().collect()),
        Some(_) => Err(Error::field(format!("{pointer}/{key}"), "type", format!("{key} must be an array"))),
    }
}
