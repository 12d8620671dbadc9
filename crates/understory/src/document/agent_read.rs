use std::sync::Arc;

use serde_json::{Map, Value, json};
use understory_model::{Model, Row, camel_case, timestamp_iso};

use super::related::Related;
use super::{Scope, stop_when};
use crate::names::{
    CREATED_AT, UPDATED_AT, agent, artifact_relation, context_config, data_relation, external_agent, external_relation,
    function, function_tool, function_tool_relation, project, skill_relation, sub_agent, sub_agent_relation,
    team_relation, tool, tool_relation,
};
use crate::rows::{Rows, texts};

/// Whether relations to sub-agents of the same agent are shown with their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelationIds {
    /// As plain sub-agent ids.
    Hidden,
    /// As `{subAgentId, subAgentSubAgentRelationId}`.
    Shown,
}

/// A full agent; none if there is no such agent.
pub(super) fn read_agent(
    model: &Model,
    rows: &impl Rows,
    related: &Related<'_>,
    scope: &Scope,
    id: &str,
    ids: RelationIds,
) -> Option<Value> {
    let row = scope.agent(rows, id)?;
    let stop_when = scope.project_row(rows).map_or(&Value::Null, |row| row.get(project::STOP_WHEN));
    let reader = Reader { model, rows, related, scope, agent: id, project_stop_when: stop_when, ids };
    Some(Value::Object(reader.agent(row)))
}

struct Reader<'a, R> {
    model: &'a Model,
    rows: &'a R,
    related: &'a Related<'a>,
    scope: &'a Scope,
    agent: &'a str,
    project_stop_when: &'a Value,
    ids: RelationIds,
}

impl<R: Rows> Reader<'_, R> {
    fn agent(&self, row: &Row) -> Map<String, Value> {
        let mut document = self.short(agent::ENTITY, row, &[agent::CONTEXT_CONFIG]);
        document.retain(|_, value| !value.is_null());
        for stamp in [CREATED_AT, UPDATED_AT] {
            document.insert(camel_case(stamp), row.text(stamp).map(timestamp_iso).into());
        }
        let stop_when = stop_when::shown(stop_when::for_agent(self.project_stop_when), row.get(agent::STOP_WHEN));
        if !stop_when.is_null() {
            document.insert(camel_case(agent::STOP_WHEN), stop_when);
        }
        let sub_agents = self.related.of_agent(sub_agent::ENTITY, self.agent);
        let sub_agents: Map<String, Value> = sub_agents.iter().filter_map(|row| self.sub_agent(row)).collect();
        document.insert("subAgents".into(), sub_agents.into());
        self.used(&mut document);
        if let Some(config) = row.text(agent::CONTEXT_CONFIG) {
            let key = self.scope.key([self.agent, config]);
            if let Some(config) = self.rows.row(context_config::ENTITY, &key) {
                document.insert("contextConfig".into(), self.short(context_config::ENTITY, config, &[]).into());
            }
        }
        document
    }

    /// What the agent's sub-agents use, repeated in short form.
    fn used(&self, document: &mut Map<String, Value>) {
        let used = |relation, column: &str| texts(self.related.of_agent(relation, self.agent), column);
        let tools = self.project_rows(tool::ENTITY, &used(tool_relation::ENTITY, tool_relation::TOOL), &TOOL_LONG);
        document.insert("tools".into(), tools.into());
        let functions_tools = self.related.of_agent(function_tool::ENTITY, self.agent);
        let function_ids = texts(functions_tools, function_tool::FUNCTION);
        let short =
            |row: &Arc<Row>| Some((row.text("id")?.to_owned(), self.short(function_tool::ENTITY, row, &[]).into()));
        document.insert(
            "functionTools".into(),
            functions_tools.iter().filter_map(|row| short(row)).collect::<Map<_, Value>>().into(),
        );
        document.insert("functions".into(), self.project_rows(function::ENTITY, &function_ids, &[]).into());
        let external = used(external_relation::ENTITY, external_relation::EXTERNAL);
        let mut external = self.project_rows(external_agent::ENTITY, &external, &[]);
        external.values_mut().filter_map(Value::as_object_mut).for_each(|agent| {
            agent.insert("type".into(), "external".into());
        });
        document.insert("externalAgents".into(), external.into());
        let team: Map<String, Value> = self.team(&used(team_relation::ENTITY, team_relation::TARGET));
        if !team.is_empty() {
            document.insert("teamAgents".into(), team.into());
        }
    }

    fn team(&self, ids: &[Value]) -> Map<String, Value> {
        let one = |id: &Value| {
            let row = self.scope.agent(self.rows, id.as_str()?)?;
            let (id, name) = (row.get("id"), row.get("name"));
            let team = json!({ "id": id, "name": name, "description": row.get("description"), "type": "team" });
            Some((id.as_str()?.to_owned(), team))
        };
        ids.iter().filter_map(one).collect()
    }

    /// Rows of the project by id, in short form.
    fn project_rows(&self, entity: &str, ids: &[Value], without: &[&str]) -> Map<String, Value> {
        let one = |id: &Value| {
            let row = self.rows.row(entity, &self.scope.key([id.as_str()?]))?;
            Some((id.as_str()?.to_owned(), Value::Object(self.short(entity, row, without))))
        };
        ids.iter().filter_map(one).collect()
    }

    /// A row without scope and timestamps.
    fn short(&self, entity: &str, row: &Row, without: &[&str]) -> Map<String, Value> {
        let Some(entity) = self.model.entity(entity) else { return Map::new() };
        let hidden = |column: &str| {
            entity.is_scope_column(column) || [CREATED_AT, UPDATED_AT].contains(&column) || without.contains(&column)
        };
        let shown = entity.columns.iter().filter(|column| !column.hidden && !hidden(&column.name));
        let mut object = Map::with_capacity(entity.columns.len());
        object.extend(shown.map(|column| (column.wire.clone(), row.get(&column.name).clone())));
        object
    }

    fn sub_agent(&self, row: &Arc<Row>) -> Option<(String, Value)> {
        let id = row.text("id")?;
        let mut document = self.short(sub_agent::ENTITY, row, &[sub_agent::HISTORY]);
        if row.get(sub_agent::OUTPUT_CONTRACT).is_null() {
            document.remove(&camel_case(sub_agent::OUTPUT_CONTRACT));
        }
        let inherited = stop_when::for_sub_agent(self.project_stop_when);
        let stop_when = stop_when::shown(inherited, row.get(sub_agent::STOP_WHEN));
        document.insert(camel_case(sub_agent::STOP_WHEN), stop_when);
        let own = |relation| self.related.of_sub_agent(relation, self.agent, id).iter();
        let related = |relation, column: &str| own(relation).map(|row| row.get(column).clone()).collect::<Vec<_>>();
        document.insert("canTransferTo".into(), self.targets(id, "transfer").into());
        let mut delegates = self.targets(id, "delegate");
        delegates.extend(own(external_relation::ENTITY).map(|row| external(row)));
        delegates.extend(own(team_relation::ENTITY).map(|row| team(row)));
        document.insert("canDelegateTo".into(), delegates.into());
        let skills = own(skill_relation::ENTITY);
        document.insert("skills".into(), skills.map(|row| skill(row)).collect::<Vec<_>>().into());
        document.insert("dataComponents".into(), related(data_relation::ENTITY, data_relation::COMPONENT).into());
        let artifacts = related(artifact_relation::ENTITY, artifact_relation::COMPONENT);
        document.insert("artifactComponents".into(), artifacts.into());
        let tools = own(tool_relation::ENTITY).map(|row| can_use_tool(row));
        let functions = own(function_tool_relation::ENTITY).map(|row| can_use_function(row));
        document.insert("canUse".into(), tools.chain(functions).collect::<Vec<_>>().into());
        Some((id.to_owned(), Value::Object(document)))
    }

    fn targets(&self, source: &str, relation_type: &str) -> Vec<Value> {
        let one = |row: &&Arc<Row>| {
            let target = row.get(sub_agent_relation::TARGET);
            match self.ids {
                RelationIds::Hidden => target.clone(),
                RelationIds::Shown => json!({ "subAgentId": target, "subAgentSubAgentRelationId": row.get("id") }),
            }
        };
        let all = self.related.of_sub_agent(sub_agent_relation::ENTITY, self.agent, source).iter();
        all.filter(|row| row.text(sub_agent_relation::TYPE) == Some(relation_type)).map(one).collect()
    }
}

/// Columns of a tool that its short form leaves out.
const TOOL_LONG: [&str; 5] = ["credential_scope", "headers", "capabilities", "last_error", "is_work_app"];

fn external(row: &Row) -> Value {
    json!({
        "externalAgentId": row.get(external_relation::EXTERNAL),
        "subAgentExternalAgentRelationId": row.get("id"),
        "headers": row.get(external_relation::HEADERS),
    })
}

fn team(row: &Row) -> Value {
    json!({
        "agentId": row.get(team_relation::TARGET),
        "subAgentTeamAgentRelationId": row.get("id"),
        "headers": row.get(team_relation::HEADERS),
    })
}

fn skill(row: &Row) -> Value {
    json!({
        "id": row.get(skill_relation::SKILL),
        "index": row.get(skill_relation::INDEX),
        "alwaysLoaded": row.get(skill_relation::ALWAYS),
    })
}

fn can_use_tool(row: &Row) -> Value {
    json!({
        "agentToolRelationId": row.get("id"),
        "toolId": row.get(tool_relation::TOOL),
        "toolSelection": row.get(tool_relation::SELECTED),
        "headers": row.get(tool_relation::HEADERS),
        "toolPolicies": row.get(tool_relation::POLICIES),
    })
}

fn can_use_function(row: &Row) -> Value {
    json!({
        "agentToolRelationId": row.get("id"),
        "toolId": row.get(function_tool_relation::FUNCTION_TOOL),
        "toolSelection": null,
        "headers": null,
        "toolPolicies": row.get(function_tool_relation::POLICIES),
    })
}
