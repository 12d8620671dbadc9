//! Questions that span entities.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use understory_manage::Snapshot;
use understory_model::{Entity, Key, Model};

use super::crud::answer;
use super::page::Paging;
use super::{Answer, Call, unknown_keys};
use crate::error::words;
use crate::names::{self, agent_evaluator, sub_agent, sub_agent_relation, tool, tool_relation};
use crate::rows::{Rows as _, texts};
use crate::{Error, Result};

/// The key of a body with ids of evaluators.
const WANTED: &str = "evaluatorIds";

/// The sub-agents that one may hand over or delegate to.
pub(super) fn related_agents(model: &Model, rows: &Snapshot, call: &Call) -> Result<Answer> {
    let scope = [call.param("tenantId"), call.param("projectId"), call.param("agentId")];
    let own = Key::new(scope.into_iter().chain([call.param("subAgentId")]));
    if model.entity(sub_agent::ENTITY).is_none() || rows.get(sub_agent::ENTITY, &own).is_none() {
        return Err(Error::not_found("Sub agent", own.id()));
    }
    let wanted = [(names::AGENT, scope[2]), (sub_agent_relation::SOURCE, own.id())];
    let mut targets: Vec<&str> = Vec::new();
    for relation in rows.matching(sub_agent_relation::ENTITY, &wanted) {
        let target = relation.text(sub_agent_relation::TARGET).unwrap_or_default();
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    let info = |id: &&str| {
        let row = rows.get(sub_agent::ENTITY, &Key::new(scope.into_iter().chain([*id])))?;
        Some(json!({ "id": id, "name": row.get("name"), "description": row.get("description") }))
    };
    let data: Vec<Value> = targets.iter().filter_map(info).collect();
    let pagination = Paging::ALL.pagination(data.len());
    Ok(Answer::new(200, json!({ "data": data, "pagination": pagination })))
}

/// The tools that an agent's sub-agents use. No server is asked, so that the status of each is unknown.
pub(super) fn tool_status(rows: &Snapshot, call: &Call) -> Result<Answer> {
    let agent = call.param("agentId");
    let scope = [call.param("tenantId"), call.param("projectId")];
    if rows.get(names::agent::ENTITY, &Key::new(scope.into_iter().chain([agent]))).is_none() {
        return Err(Error::not_found("Agent", agent));
    }
    let mut users: Vec<(String, Vec<Value>)> = Vec::new();
    for relation in rows.matching(tool_relation::ENTITY, &[(names::AGENT, agent)]) {
        let id = relation.text(tool_relation::TOOL).unwrap_or_default();
        let user = relation.get(names::SUB_AGENT).clone();
        match users.iter_mut().find(|(tool, _)| tool == id) {
            Some((_, users)) => users.push(user),
            None => users.push((id.to_owned(), vec![user])),
        }
    }
    let wanted = call.query.get("status").map_or("unknown", String::as_str);
    let status = |(id, users): (String, Vec<Value>)| {
        let row = rows.get(tool::ENTITY, &Key::new(scope.into_iter().chain([id.as_str()])))?;
        Some(json!({
            "id": id, "name": row.get("name"), "status": "unknown", "lastError": row.get(tool::LAST_ERROR),
            "expiresAt": null, "imageUrl": row.get(tool::IMAGE), "subAgentIds": users,
        }))
    };
    let data: Vec<Value> = users.into_iter().filter(|_| wanted == "unknown").filter_map(status).collect();
    Ok(Answer::data(200, data.into()))
}

/// Several evaluators by id; unknown ones are left out.
pub(super) fn evaluators_batch(model: &Model, rows: &Snapshot, call: &Call) -> Result<Answer> {
    let entity = entity(model, names::evaluator::ENTITY)?;
    let wanted = wanted_ids(call)?;
    let found = rows.all(&entity.name).into_iter().filter(|row| wanted.iter().any(|id| row.text("id") == Some(id)));
    let data: Vec<Value> = found.map(|row| answer(&entity, rows, row, call, true)).collect();
    Ok(Answer::data(200, data.into()).with_unknown(unknown_keys(&call.body, &[WANTED])))
}

/// The agents that several evaluators are limited to, by evaluator.
pub(super) fn evaluator_scopes(rows: &Snapshot, call: &Call) -> Result<Answer> {
    let scopes: Map<String, Value> = wanted_ids(call)?
        .into_iter()
        .map(|id| {
            let members = rows.matching(agent_evaluator::ENTITY, &[(agent_evaluator::EVALUATOR, &id)]);
            (id, texts(&members, names::AGENT).into())
        })
        .collect();
    Ok(Answer::data(200, scopes.into()).with_unknown(unknown_keys(&call.body, &[WANTED])))
}

fn entity(model: &Model, name: &str) -> Result<Arc<Entity>> {
    model.entity(name).cloned().ok_or_else(|| Error::not_found("Entity", words(name)))
}

fn wanted_ids(call: &Call) -> Result<Vec<String>> {
    let wrong = || Error::field(format!("/{WANTED}"), "type", format!("{WANTED} must be an array of ids"));
    let ids = call.body.get(WANTED).and_then(Value::as_array).ok_or_else(wrong)?;
    ids.iter().map(|id| id.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}
