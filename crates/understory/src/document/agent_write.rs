use std::collections::BTreeSet;

use serde_json::{Map, Value};
use understory_manage::Draft;
use understory_model::{Key, Row, camel_case};

use super::project_write::{Put, put, required_entity};
use super::sub_agent_write::SubAgentWriter;
use super::{Scope, entries, entry, items, require_references, require_same_id, stop_when};
use crate::action::{Replaced, replace, within};
use crate::behaviour::behaviour;
use crate::names::{agent, context_config, external_agent, function, function_tool, project, sub_agent, tool, trigger};
use crate::rows::Rows as _;
use crate::{Error, Result};

/// Keys of an agent's document that are not columns of the agent.
pub(super) const AGENT_KEYS: [&str; 10] = [
    "subAgents",
    "tools",
    "externalAgents",
    "teamAgents",
    "functionTools",
    "functions",
    "triggers",
    "contextConfig",
    "createdAt",
    "updatedAt",
];

/// Collections of the project's rows that agents repeat: the document's key and the entity.
pub(super) const SHARED: [(&str, &str); 3] =
    [("functions", function::ENTITY), ("tools", tool::ENTITY), ("externalAgents", external_agent::ENTITY)];

/// Makes an agent say what its document says; names of keys that mean nothing are returned.
///
/// Function tools, sub-agents and their relations that are not in it are deleted; triggers only if the document has
/// the key. What it repeats of the project's own rows counts where the project's document, if there is one, is silent.
pub(super) fn write_agent(
    draft: &mut Draft,
    scope: &Scope,
    id: &str,
    body: &Value,
    pointer: &str,
    project: Option<&Value>,
) -> Result<Vec<String>> {
    let Some(object) = body.as_object() else {
        return Err(Error::field(pointer, "type", "an agent must be a JSON object"));
    };
    require_same_id(body, id, pointer)?;
    let writer = AgentWriter { scope, id, body, pointer, project };
    writer.check_default_sub_agent()?;
    let mut unknown = writer.row(draft, object)?;
    unknown.retain(|name| !AGENT_KEYS.contains(&name.rsplit('/').next().unwrap_or_default()));
    writer.shared(draft)?;
    unknown.extend(writer.function_tools(draft)?);
    writer.context_config(draft)?;
    unknown.extend(writer.sub_agents(draft)?);
    unknown.extend(writer.triggers(draft)?);
    Ok(unknown)
}

struct AgentWriter<'a> {
    scope: &'a Scope,
    id: &'a str,
    body: &'a Value,
    pointer: &'a str,
    project: Option<&'a Value>,
}

impl AgentWriter<'_> {
    fn check_default_sub_agent(&self) -> Result<()> {
        let sub_agents = self.body.get("subAgents").filter(|value| value.is_object());
        if sub_agents.is_none() {
            let pointer = format!("{}/subAgents", self.pointer);
            return Err(Error::field(pointer, "required", "subAgents is required, an object by id"));
        }
        match self.body.get("defaultSubAgentId").and_then(Value::as_str) {
            Some(default) if sub_agents.is_none_or(|all| all.get(default).is_none()) => {
                let pointer = format!("{}/defaultSubAgentId", self.pointer);
                Err(Error::field(pointer, "reference", format!("'{default}' is not among the agent's subAgents")))
            }
            _ => Ok(()),
        }
    }

    fn row(&self, draft: &mut Draft, object: &Map<String, Value>) -> Result<Vec<String>> {
        let entity = required_entity(draft, agent::ENTITY)?;
        let mut body = object.clone();
        body.insert("id".into(), self.id.into());
        let inherited = stop_when::for_agent(&project_stop_when(draft, self.scope));
        if let Some(own) = body.get_mut("stopWhen") {
            *own = stop_when::stored(&inherited, own);
        }
        // The context configuration's id follows from `contextConfig` where that is there. Metadata are applications'
        // own: writers of documents that know of none leave them alone.
        let keep = &[agent::METADATA, agent::CONTEXT_CONFIG];
        let keep = if object.contains_key("contextConfig") { &keep[..1] } else { keep };
        if let Some(config) = self.config_id(draft)? {
            body.insert(camel_case(agent::CONTEXT_CONFIG), config.into());
        }
        let body = Value::Object(body);
        let put = Replaced { place: &self.scope.place(), body: &body, pointer: self.pointer, keep };
        replace(&entity, draft, &put).map(|(_, unknown)| unknown)
    }

    /// Rows of the project that an agent repeats in short form: what a short form does not say stays as it is.
    fn shared(&self, draft: &mut Draft) -> Result<()> {
        for (key, name) in SHARED {
            let entity = required_entity(draft, name)?;
            let keep: Vec<&str> = entity.columns.iter().map(|column| column.name.as_str()).collect();
            for (id, value) in entries(self.body, key, self.pointer)? {
                if self.project.is_some_and(|project| project[key].get(id).is_some()) {
                    continue;
                }
                let pointer = format!("{}/{key}/{id}", self.pointer);
                put(draft, &entity, &Put { scope: self.scope, id, value, pointer: &pointer, keep: &keep })?;
            }
        }
        Ok(())
    }

    fn function_tools(&self, draft: &mut Draft) -> Result<Vec<String>> {
        self.reconcile(draft, "functionTools", function_tool::ENTITY)
    }

    fn triggers(&self, draft: &mut Draft) -> Result<Vec<String>> {
        if self.body.get("triggers").is_none_or(Value::is_null) {
            return Ok(Vec::new());
        }
        self.reconcile(draft, "triggers", trigger::ENTITY)
    }

    /// Makes the agent's rows of an entity be those of a collection.
    fn reconcile(&self, draft: &mut Draft, key: &str, name: &str) -> Result<Vec<String>> {
        let entity = required_entity(draft, name)?;
        let place = self.scope.agent_place(self.id);
        let wanted = entries(self.body, key, self.pointer)?;
        self.delete_others(draft, name, &wanted.iter().map(|(id, _)| *id).collect());
        let mut unknown = Vec::new();
        for (id, value) in wanted {
            let pointer = format!("{}/{key}/{id}", self.pointer);
            let body = entry(id, value, &pointer)?;
            let put = Replaced { place: &place, body: &Value::Object(body.clone()), pointer: &pointer, keep: &[] };
            let (row, ignored) = replace(&entity, draft, &put)?;
            require_references(draft, &entity, &row, &pointer)?;
            crate::action::write_lists(&entity, draft, &row, &body).map_err(|error| within(error, &pointer))?;
            if let Some(behaviour) = behaviour(name) {
                behaviour.written(draft, &entity, &row, &body).map_err(|error| within(error, &pointer))?;
            }
            unknown
                .extend(ignored.into_iter().filter(|name| !name.ends_with("/runAsUserIds") && !name.ends_with("/id")));
        }
        Ok(unknown)
    }

    fn delete_others(&self, draft: &mut Draft, entity: &str, kept: &BTreeSet<&str>) {
        let rows = draft.within(entity, &self.scope.agent_place(self.id));
        let ids = rows.iter().filter_map(|row| row.text("id")).filter(|id| !kept.contains(id));
        let gone: Vec<Key> = ids.map(|id| self.scope.key([self.id, id])).collect();
        for key in gone {
            draft.delete(entity, &key);
        }
    }

    /// The id of the context configuration: the document's, else the one the agent has, else a new one.
    fn config_id(&self, draft: &Draft) -> Result<Option<String>> {
        let pointer = format!("{}/contextConfig", self.pointer);
        let id = match self.body.get("contextConfig") {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Object(config)) => config.get("id").filter(|id| !id.is_null()),
            Some(_) => return Err(Error::field(pointer, "type", "contextConfig must be a JSON object")),
        };
        let wrong = || Error::field(format!("{pointer}/id"), "type", "id must be a text");
        let given = id.map(|id| id.as_str().map(str::to_owned).ok_or_else(wrong)).transpose()?;
        let present = || self.scope.agent(draft, self.id)?.text(agent::CONTEXT_CONFIG).map(str::to_owned);
        Ok(Some(given.or_else(present).unwrap_or_else(understory_model::id::made_id)))
    }

    fn context_config(&self, draft: &mut Draft) -> Result<()> {
        let row = self.scope.agent(draft, self.id).cloned().unwrap_or_default();
        match (self.body.get("contextConfig"), row.text(agent::CONTEXT_CONFIG)) {
            (Some(config), Some(id)) if config.is_object() => {
                let entity = required_entity(draft, context_config::ENTITY)?;
                let mut body = config.clone();
                body["id"] = id.into();
                let pointer = format!("{}/contextConfig", self.pointer);
                let place = self.scope.agent_place(self.id);
                let put = Replaced { place: &place, body: &body, pointer: &pointer, keep: &[] };
                replace(&entity, draft, &put).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    fn sub_agents(&self, draft: &mut Draft) -> Result<Vec<String>> {
        let entity = required_entity(draft, sub_agent::ENTITY)?;
        let wanted = entries(self.body, "subAgents", self.pointer)?;
        self.delete_others(draft, sub_agent::ENTITY, &wanted.iter().map(|(id, _)| *id).collect());
        let inherited = stop_when::for_sub_agent(&project_stop_when(draft, self.scope));
        let place: Row = self.scope.agent_place(self.id);
        let mut unknown = Vec::new();
        for (id, value) in &wanted {
            let pointer = format!("{}/subAgents/{id}", self.pointer);
            let mut body = entry(id, value, &pointer)?;
            // Readers get a sub-agent without its type, so that it may be absent; it has no other value.
            if body.get("type").is_some_and(|given| given != "internal") {
                return Err(Error::field(format!("{pointer}/type"), "enum", "type must be 'internal'"));
            }
            if let Some(own) = body.get_mut("stopWhen") {
                *own = stop_when::stored(&inherited, own);
            }
            let body = Value::Object(body);
            let put = Replaced { place: &place, body: &body, pointer: &pointer, keep: &[sub_agent::HISTORY] };
            let (_, ignored) = replace(&entity, draft, &put)?;
            unknown.extend(ignored.into_iter().filter(|name| !SubAgentWriter::understands(name)));
        }
        // Relations last: they may point to any sub-agent of the document.
        for (id, value) in &wanted {
            let pointer = format!("{}/subAgents/{id}", self.pointer);
            self.check_teams(draft, value, &pointer)?;
            SubAgentWriter::new(self.scope, self.id, id, value, &pointer).write(draft)?;
        }
        Ok(unknown)
    }
}

impl AgentWriter<'_> {
    /// Delegations may go to agents that the project's document has and that are written later.
    fn check_teams(&self, draft: &Draft, sub_agent: &Value, pointer: &str) -> Result<()> {
        let coming = |id: &str| self.project.is_some_and(|project| project["agents"].get(id).is_some());
        for (index, item) in items(sub_agent, "canDelegateTo", pointer)?.into_iter().enumerate() {
            match item.get("agentId").and_then(Value::as_str) {
                Some(id) if self.scope.agent(draft, id).is_none() && !coming(id) => {
                    let pointer = format!("{pointer}/canDelegateTo/{index}/agentId");
                    return Err(Error::field(pointer, "reference", format!("there is no agent '{id}'")));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn project_stop_when(draft: &Draft, scope: &Scope) -> Value {
    scope.project_row(draft).map_or(Value::Null, |row| row.get(project::STOP_WHEN).clone())
}
