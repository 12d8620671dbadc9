//! Full documents: a whole project or agent as one JSON value, read from rows and written to them.

mod agent_read;
mod agent_write;
mod project_read;
mod project_write;
mod related;
mod scope;
mod stop_when;
mod sub_agent_write;

use std::sync::Arc;

use serde_json::{Map, Value};
use understory_manage::{Draft, Snapshot};
use understory_model::{Entity, Key, Model, camel_case};

use crate::action::{Answer, Call};
use crate::{Error, Result};

pub(crate) use agent_read::RelationIds;
pub(crate) use project_read::{read_project, read_project_row};
pub(crate) use project_write::{required_entity, update_project_row, write_project, write_project_row};
use related::Related;
pub(crate) use scope::Scope;

pub(crate) fn agent_get(model: &Model, rows: &Snapshot, call: &Call) -> Result<Answer> {
    let scope = Scope::of_call(call);
    let agent = call.param("agentId");
    let document = agent_read::read_agent(model, rows, &Related::of(rows), &scope, agent, RelationIds::Hidden);
    let document = document.ok_or_else(|| Error::not_found("Agent", agent))?;
    Ok(Answer::data(200, document))
}

pub(crate) fn agent_create(draft: &mut Draft, call: &Call) -> Result<Answer> {
    let scope = Scope::of_call(call);
    let id = call.body.get("id").and_then(Value::as_str);
    let id = id.ok_or_else(|| Error::field("/id", "required", "id is required, a text"))?;
    if scope.agent(draft, id).is_some() {
        return Err(Error::Conflict(format!("Agent '{id}' exists already")));
    }
    write(draft, &scope, id, &call.body, 201)
}

pub(crate) fn agent_put(draft: &mut Draft, call: &Call) -> Result<Answer> {
    let scope = Scope::of_call(call);
    let id = call.param("agentId");
    require_same_id(&call.body, id, "")?;
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
    let document = agent_read::read_agent(&model, draft, &Related::of(draft), scope, id, RelationIds::Hidden);
    Ok(Answer::data(status, document.unwrap_or_default()).with_unknown(unknown))
}

/// A document's id, if it has one, must be that of its place: the path's, or the key that it stands under.
pub(crate) fn require_same_id(body: &Value, id: &str, pointer: &str) -> Result<()> {
    match body.get("id").filter(|given| !given.is_null()) {
        Some(given) if given != id => {
            let given = given.as_str().map_or_else(|| given.to_string(), |text| format!("'{text}'"));
            Err(Error::field(format!("{pointer}/id"), "mismatch", format!("the id {given} is not its place's, '{id}'")))
        }
        _ => Ok(()),
    }
}

/// An entry of a collection as a body with its id.
fn entry(id: &str, value: &Value, pointer: &str) -> Result<Map<String, Value>> {
    let Some(object) = value.as_object() else { return Err(Error::field(pointer, "type", "must be an object")) };
    require_same_id(value, id, pointer)?;
    let mut body = object.clone();
    body.insert("id".into(), id.into());
    Ok(body)
}

/// What a row of a document refers to must be there by the time it is put. `pointer` is its place in the document.
fn require_references(draft: &Draft, entity: &Entity, key: &Key, pointer: &str) -> Result<()> {
    let Some(row) = draft.get(&entity.name, key) else { return Ok(()) };
    for reference in entity.references.iter().filter(|reference| !entity.is_scope_column(&reference.column)) {
        let Some(id) = row.text(&reference.column) else { continue };
        let target = Key::new(reference.columns.iter().map(|column| row.text(column).unwrap_or_default()));
        if draft.get(&reference.entity, &target).is_none() {
            let detail = format!("there is no {} '{id}'", reference.entity.replace('_', " "));
            return Err(Error::field(format!("{pointer}/{}", camel_case(&reference.column)), "reference", detail));
        }
    }
    Ok(())
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
