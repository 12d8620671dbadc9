use std::sync::Arc;

use serde_json::{Map, Value};
use understory_model::{Model, Row, encode};

use super::Scope;
use super::agent_read::{RelationIds, read_agent};
use super::related::Related;
use crate::names::{
    agent, artifact_component, credential_reference, data_component, external_agent, function, project, skill,
    skill_file, tool,
};
use crate::rows::Rows;

/// Collections of a project's own rows, by the document's key.
pub(super) const COLLECTIONS: [(&str, &str); 6] = [
    ("tools", tool::ENTITY),
    ("functions", function::ENTITY),
    ("externalAgents", external_agent::ENTITY),
    ("dataComponents", data_component::ENTITY),
    ("artifactComponents", artifact_component::ENTITY),
    ("credentialReferences", credential_reference::ENTITY),
];

/// A full project; none if its row is not there.
pub(crate) fn read_project(model: &Model, rows: &impl Rows, scope: &Scope, ids: RelationIds) -> Option<Value> {
    let Value::Object(mut document) = read_project_row(model, rows, scope)? else { return None };
    let related = Related::of(rows);
    let agents = rows.within(agent::ENTITY, &scope.place());
    let agents = agents.into_iter().filter_map(|row| {
        let id = row.text("id")?;
        Some((id.to_owned(), read_agent(model, rows, &related, scope, id, ids)?))
    });
    document.insert("agents".into(), agents.collect::<Map<_, _>>().into());
    for (key, entity) in COLLECTIONS {
        document.insert(key.into(), collection(model, rows, scope, entity).into());
    }
    let skills = skills(model, rows, scope);
    if !skills.is_empty() {
        document.insert("skills".into(), skills.into());
    }
    document.insert("statusUpdates".into(), Value::Null);
    document.insert("functionTools".into(), Value::Null);
    Some(Value::Object(document))
}

/// The project's own fields.
pub(crate) fn read_project_row(model: &Model, rows: &impl Rows, scope: &Scope) -> Option<Value> {
    let row = scope.project_row(rows)?;
    Some(Value::Object(encode(model.entity(project::ENTITY)?, row, false)))
}

fn collection(model: &Model, rows: &impl Rows, scope: &Scope, entity: &str) -> Map<String, Value> {
    let Some(entity) = model.entity(entity) else { return Map::new() };
    let one = |row: &Arc<Row>| Some((row.text("id")?.to_owned(), Value::Object(encode(entity, row, true))));
    rows.within(&entity.name, &scope.place()).into_iter().filter_map(one).collect()
}

/// Skills with their files, in the form that a document is written with.
fn skills(model: &Model, rows: &impl Rows, scope: &Scope) -> Map<String, Value> {
    let mut skills = collection(model, rows, scope, skill::ENTITY);
    for (id, skill) in &mut skills {
        let place = scope.place().with(skill_file::SKILL, id.as_str());
        let Some(entity) = model.entity(skill_file::ENTITY) else { continue };
        let files = rows.within(skill_file::ENTITY, &place);
        let files: Vec<Value> = files.into_iter().map(|row| Value::Object(encode(entity, row, false))).collect();
        if let Some(object) = skill.as_object_mut() {
            object.insert("files".into(), files.into());
        }
    }
    skills
}
