use serde_json::{Map, Value, json};
use understory_model::{Row, timestamp_iso};
use understory_runtime::AgentStatus;

use super::AgentState;
use crate::document::Scope;
use crate::names::{CREATED_AT, UPDATED_AT, agent, project, sub_agent};
use crate::rows::Rows;

/// An agent as the simple API shows it.
pub(super) fn shown(rows: &impl Rows, scope: &Scope, row: &Row, status: Option<&AgentStatus>) -> Value {
    let metadata = row.get(agent::METADATA);
    let stamp = |column: &str| row.text(column).map(timestamp_iso);
    json!({
        "id": row.get("id"),
        "name": row.get("name"),
        "description": row.get("description"),
        "configuration": configuration(rows, scope, row),
        "capabilities": metadata.get("capabilities").cloned().unwrap_or_else(|| json!([])),
        "status": status.map_or(AgentState::default().as_str(), |status| &status.status),
        "lastActivityAt": status.map(|status| timestamp_iso(&status.last_activity_at)),
        "userId": metadata.get("userId"),
        "createdAt": stamp(CREATED_AT),
        "updatedAt": stamp(UPDATED_AT),
    })
}

/// What is kept in columns wins over what an agent's metadata call the same.
fn configuration(rows: &impl Rows, scope: &Scope, row: &Row) -> Value {
    let others = row.get(agent::METADATA).get("configuration").and_then(Value::as_object);
    let mut configuration: Map<String, Value> = others.cloned().unwrap_or_default();
    let base = base(rows, scope, row);
    let name = base["model"].as_str().unwrap_or_default();
    let (provider, model) = name.split_once('/').map_or((None, name), |(provider, model)| (Some(provider), model));
    let options = &base["providerOptions"];
    configuration.extend([
        ("llmProvider".to_owned(), json!(provider)),
        ("model".to_owned(), json!(Some(model).filter(|model| !model.is_empty()))),
        ("temperature".to_owned(), options["temperature"].clone()),
        ("maxTokens".to_owned(), options["maxTokens"].clone()),
        ("systemPrompt".to_owned(), row.get(agent::PROMPT).clone()),
    ]);
    configuration.into()
}

/// The model that a run begins with: the default sub-agent's, else the agent's, else the project's.
fn base<'a>(rows: &'a impl Rows, scope: &Scope, row: &'a Row) -> &'a Value {
    let sub_agent = default_sub_agent(rows, scope, row).map(|row| row.get(sub_agent::MODELS));
    let project = scope.project_row(rows).map(|row| row.get(project::MODELS));
    let bases = [sub_agent, Some(row.get(agent::MODELS)), project].into_iter().flatten().map(|models| &models["base"]);
    bases.into_iter().find(|base| base["model"].is_string()).unwrap_or(&Value::Null)
}

/// The sub-agent that takes a new conversation.
pub(super) fn default_sub_agent<'a>(rows: &'a impl Rows, scope: &Scope, row: &Row) -> Option<&'a Row> {
    let id = row.text(agent::DEFAULT_SUB_AGENT)?;
    rows.row(sub_agent::ENTITY, &scope.key([row.text("id")?, id])).map(AsRef::as_ref)
}
