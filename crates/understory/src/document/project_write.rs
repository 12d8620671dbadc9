use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use understory_manage::Draft;
use understory_model::{Entity, Key, Row, decode_update};

use super::agent_write::{AGENT_KEYS, SHARED, write_agent};
use super::project_read::COLLECTIONS;
use super::{Scope, entries, entry, require_references, require_same_id};
use crate::action::{Replaced, replace, within};
use crate::names::{self, TENANT, agent, credential_reference, function, project, skill, tool};
use crate::rows::Rows as _;
use crate::{Error, Result};

/// Keys of a document that are not columns of the project.
const PROJECT_KEYS: [&str; 6] = ["agents", "skills", "statusUpdates", "functionTools", "createdAt", "updatedAt"];

/// Makes the draft's project say what a full document says; names of keys that mean nothing are returned.
///
/// Everything in the document is put; tools, functions, credentials, external agents, components and agents that are
/// not in it are deleted. Skills are put and never deleted.
pub(crate) fn write_project(draft: &mut Draft, scope: &Scope, body: &Value) -> Result<Vec<String>> {
    if !body.is_object() {
        return Err(Error::field("", "type", "the body must be a JSON object"));
    }
    require_same_id(body, &scope.project, "")?;
    for required in ["agents", "tools"] {
        if body.get(required).is_none_or(Value::is_null) {
            return Err(Error::field(format!("/{required}"), "required", format!("{required} is required")));
        }
    }
    let mut unknown = write_project_row(draft, scope, body)?;
    let known = |name: &String| {
        let name = name.trim_start_matches('/');
        PROJECT_KEYS.contains(&name) || COLLECTIONS.iter().any(|(key, _)| *key == name)
    };
    unknown.retain(|name| !known(name));

    delete_missing(draft, scope, body)?;
    write_collections(draft, scope, body, &mut unknown)?;
    for (id, agent) in entries(body, "agents", "")? {
        unknown.extend(write_agent(draft, scope, id, agent, &format!("/agents/{id}"), Some(body))?);
    }
    unknown.retain(|name| !ignored(name));
    Ok(unknown)
}

/// Puts the project's own row as a body says it.
pub(crate) fn write_project_row(draft: &mut Draft, scope: &Scope, body: &Value) -> Result<Vec<String>> {
    let entity = required_entity(draft, project::ENTITY)?;
    let place = Row::new().with(TENANT, scope.tenant.as_str()).with("id", scope.project.as_str());
    let put = Replaced { place: &place, body, pointer: "", keep: &[] };
    replace(&entity, draft, &put).map(|(_, unknown)| unknown)
}

/// Changes the fields of the project's own row that a body has.
pub(crate) fn update_project_row(draft: &mut Draft, scope: &Scope, body: &Value) -> Result<Vec<String>> {
    let entity = required_entity(draft, project::ENTITY)?;
    let row = scope.project_row(draft).ok_or_else(|| Error::not_found("Project", &scope.project))?;
    let accepted = decode_update(&entity, row, body).map_err(Error::Invalid)?;
    draft.put(&entity, accepted.row);
    Ok(accepted.unknown)
}

/// Rows that the document no longer has go first, and what depends on them with them: whatever in the document
/// still refers to one is then told as an error.
fn delete_missing(draft: &mut Draft, scope: &Scope, body: &Value) -> Result<()> {
    let agents: BTreeSet<&str> = entries(body, "agents", "")?.into_iter().map(|(id, _)| id).collect();
    delete_others(draft, scope, agent::ENTITY, &agents);
    for (key, entity) in COLLECTIONS {
        let mut kept: BTreeSet<&str> = entries(body, key, "")?.into_iter().map(|(id, _)| id).collect();
        if SHARED.contains(&(key, entity)) {
            for (id, agent) in entries(body, "agents", "")? {
                kept.extend(entries(agent, key, &format!("/agents/{id}"))?.into_iter().map(|(id, _)| id));
            }
        }
        delete_others(draft, scope, entity, &kept);
    }
    Ok(())
}

fn delete_others(draft: &mut Draft, scope: &Scope, entity: &str, kept: &BTreeSet<&str>) {
    let rows = draft.within(entity, &scope.place());
    let ids = rows.iter().filter_map(|row| row.text("id")).filter(|id| !kept.contains(id));
    let gone: Vec<Key> = ids.map(|id| scope.key([id])).collect();
    for key in gone {
        draft.delete(entity, &key);
    }
}

fn write_collections(draft: &mut Draft, scope: &Scope, body: &Value, unknown: &mut Vec<String>) -> Result<()> {
    // Credentials before what refers to them; skills, which nothing here refers to, first.
    let order = [
        ("skills", skill::ENTITY),
        ("credentialReferences", credential_reference::ENTITY),
        ("functions", function::ENTITY),
        ("tools", tool::ENTITY),
        ("externalAgents", names::external_agent::ENTITY),
        ("dataComponents", names::data_component::ENTITY),
        ("artifactComponents", names::artifact_component::ENTITY),
    ];
    for (key, entity) in order {
        let entity = required_entity(draft, entity)?;
        for (id, value) in entries(body, key, "")? {
            let place = Put { scope, id, value, pointer: &format!("/{key}/{id}"), keep: kept(&entity.name) };
            unknown.extend(put(draft, &entity, &place)?);
        }
    }
    Ok(())
}

/// One row of a collection: where it stands, and what it says.
pub(super) struct Put<'a> {
    pub(super) scope: &'a Scope,
    /// The collection's key, which is the row's id.
    pub(super) id: &'a str,
    pub(super) value: &'a Value,
    pub(super) pointer: &'a str,
    /// Columns that stay as they are where the document is silent.
    pub(super) keep: &'a [&'a str],
}

/// Puts one row of a collection.
pub(super) fn put(draft: &mut Draft, entity: &Entity, row: &Put<'_>) -> Result<Vec<String>> {
    let Put { scope, id, value, pointer, keep } = row;
    let body = Value::Object(entry(id, value, pointer)?);
    let (key, unknown) = replace(entity, draft, &Replaced { place: &scope.place(), body: &body, pointer, keep })?;
    require_references(draft, entity, &key, pointer)?;
    let (Some(behaviour), Some(object)) = (crate::behaviour::behaviour(&entity.name), body.as_object()) else {
        return Ok(unknown);
    };
    behaviour.written(draft, entity, &key, object).map_err(|error| within(error, pointer))?;
    let own = |name: &String| behaviour.understands(name.rsplit('/').next().unwrap_or_default());
    Ok(unknown.into_iter().filter(|name| !own(name)).collect())
}

/// Columns that programs set and documents may leave out: a document that is silent on them leaves them alone.
fn kept(entity: &str) -> &'static [&'static str] {
    match entity {
        tool::ENTITY => &[tool::LAST_ERROR, tool::CAPABILITIES],
        credential_reference::ENTITY => &[credential_reference::TOOL, credential_reference::USER],
        _ => &[],
    }
}

/// Keys that clients send and that mean nothing: not worth a warning.
fn ignored(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or_default();
    matches!(last, "usedBy" | "type" | "agentId") || AGENT_KEYS.contains(&last)
}

/// The entity of a name, which the built-in model always has.
pub(crate) fn required_entity(draft: &Draft, name: &str) -> Result<Arc<Entity>> {
    draft.model().entity(name).cloned().ok_or_else(|| Error::BadRequest(format!("the model has no entity '{name}'")))
}
