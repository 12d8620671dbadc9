//! Sample projects and rows, made as a request would make them.

use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};
use understory_manage::{Draft, ProjectId};
use understory_model::{Entity, Key, Model, Row, decode_create};

use crate::conformance::Failure;

static MODEL: LazyLock<Option<Arc<Model>>> = LazyLock::new(|| Model::built_in().ok().map(Arc::new));

/// The built-in model, loaded once.
///
/// # Panics
///
/// If the built-in model files are wrong.
pub fn model() -> Arc<Model> {
    let loaded = MODEL.as_ref().map(Arc::clone);
    loaded.unwrap_or_else(|| panic!("the built-in model: {:?}", Model::built_in().err()))
}

/// The tenant of all sample rows.
pub const TENANT: &str = "acme";
/// The project of all sample rows.
pub const PROJECT: &str = "support";

/// A project of its own for a test.
pub fn project_id(name: &str) -> ProjectId {
    ProjectId { tenant: TENANT.into(), id: PROJECT.into(), uid: format!("{name}{}", understory_model::id::made_id()) }
}

/// The definition of an entity.
pub fn entity(name: &str) -> Result<Arc<Entity>, Failure> {
    Ok(Arc::clone(model().entity(name).ok_or(format!("no entity {name}"))?))
}

/// The key of a sample row: what follows the tenant and the project.
pub fn key(parts: &[&str]) -> Key {
    Key::new([TENANT, PROJECT].iter().chain(parts).copied())
}

/// Puts a row made of a request's body; `place` holds the scope's columns below the project.
pub fn put(draft: &mut Draft, name: &str, place: &[(&str, &str)], body: &Value) -> Result<Key, Failure> {
    let entity = entity(name)?;
    let place = place.iter().fold(scope(&entity), |row, (column, value)| row.with(column, *value));
    let accepted = decode_create(&entity, &place, body).map_err(|errors| format!("{name}: {errors:?}"))?;
    Ok(draft.put(&entity, accepted.row))
}

/// The columns of a row that name the sample project.
pub(crate) fn scope(entity: &Entity) -> Row {
    let row = Row::new().with("tenant_id", TENANT);
    if entity.column("project_id").is_some() { row.with("project_id", PROJECT) } else { row }
}

/// Puts the project's own row.
pub fn put_project(draft: &mut Draft) -> Result<Key, Failure> {
    put(draft, "project", &[], &json!({ "id": PROJECT, "name": "Support" }))
}

/// Puts a tool.
pub fn put_tool(draft: &mut Draft, id: &str, name: &str) -> Result<Key, Failure> {
    put(draft, "tool", &[], &tool_body(id, name))
}

/// The body of a request for a tool.
pub fn tool_body(id: &str, name: &str) -> Value {
    let url = format!("https://{id}.example.com/mcp");
    json!({ "id": id, "name": name, "config": { "type": "mcp", "mcp": { "server": { "url": url } } } })
}

/// Changes one column of a row that is there.
pub fn change(draft: &mut Draft, name: &str, key: &Key, column: &str, value: impl Into<Value>) -> Result<(), Failure> {
    let row = draft.get(name, key).ok_or(format!("no {name} {key}"))?;
    let row = Row::clone(row).with(column, value);
    let entity = entity(name)?;
    draft.put(&entity, row);
    Ok(())
}

/// Fills a draft with a small project: an agent of two sub-agents, of which one uses a tool and hands over to the other.
pub fn put_rich_project(draft: &mut Draft) -> Result<(), Failure> {
    put_project(draft)?;
    put_tool(draft, "weather", "Weather")?;
    let agent = json!({ "id": "helper", "name": "Helper", "prompt": "Be kind.\nBe brief.\nBe right." });
    put(draft, "agent", &[], &agent)?;
    for id in ["router", "worker"] {
        put(draft, "sub_agent", &[("agent_id", "helper")], &json!({ "id": id, "name": id }))?;
    }
    let place = [("agent_id", "helper"), ("sub_agent_id", "worker")];
    put(draft, "sub_agent_tool_relation", &place, &json!({ "toolId": "weather", "selectedTools": ["today"] }))?;
    let transfer = json!({ "sourceSubAgentId": "router", "targetSubAgentId": "worker", "relationType": "transfer" });
    put(draft, "sub_agent_relation", &[("agent_id", "helper")], &transfer)?;
    Ok(())
}
