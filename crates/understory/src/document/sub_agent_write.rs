use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use understory_manage::Draft;
use understory_model::{Key, Row};

use super::project_write::required_entity;
use super::{Scope, items};
use crate::action::{Replaced, replace};
use crate::names::{
    artifact_component, artifact_relation, data_component, data_relation, external_agent, external_relation,
    function_tool, function_tool_relation, skill, skill_relation, sub_agent, sub_agent_relation, team_relation, tool,
    tool_relation,
};
use crate::rows::Rows as _;
use crate::{Error, Result};

/// Keys of an entry of `skills`, which takes no others.
const SKILL_KEYS: [&str; 3] = ["id", "index", "alwaysLoaded"];

/// Writes what one sub-agent's document says of its relations.
pub(super) struct SubAgentWriter<'a> {
    scope: &'a Scope,
    agent: &'a str,
    id: &'a str,
    body: &'a Value,
    pointer: &'a str,
}

/// A relation wanted: where it stands in the document and the body of its row.
struct Wanted {
    pointer: String,
    body: Value,
}

impl<'a> SubAgentWriter<'a> {
    pub(super) fn new(scope: &'a Scope, agent: &'a str, id: &'a str, body: &'a Value, pointer: &'a str) -> Self {
        Self { scope, agent, id, body, pointer }
    }

    /// Whether a key of the document without a column means something.
    pub(super) fn understands(name: &str) -> bool {
        let last = name.rsplit('/').next().unwrap_or_default();
        matches!(
            last,
            "type" | "canUse" | "canTransferTo" | "canDelegateTo" | "dataComponents" | "artifactComponents" | "skills"
        )
    }

    pub(super) fn write(&self, draft: &mut Draft) -> Result<()> {
        self.can_use(draft)?;
        self.components(draft, "dataComponents", data_relation::ENTITY, "dataComponentId", data_component::ENTITY)?;
        let artifact = artifact_component::ENTITY;
        self.components(draft, "artifactComponents", artifact_relation::ENTITY, "artifactComponentId", artifact)?;
        self.skills(draft)?;
        self.handovers(draft)
    }

    /// Makes the sub-agent's rows of a relation be the wanted ones. Rows are found again by their derived ids.
    fn reconcile(
        &self,
        draft: &mut Draft,
        relation: &str,
        place: &Row,
        wanted: Vec<Wanted>,
        keep: &[&str],
    ) -> Result<()> {
        let entity = required_entity(draft, relation)?;
        let own = match relation {
            sub_agent_relation::ENTITY => self.scope.agent_place(self.agent).with(sub_agent_relation::SOURCE, self.id),
            _ => self.scope.sub_agent_place(self.agent, self.id),
        };
        let mut kept = BTreeSet::new();
        let mut puts = Vec::new();
        for wanted in wanted {
            let decoded = understory_model::decode_create(&entity, place, &wanted.body);
            let accepted = decoded.map_err(|errors| crate::action::within(Error::Invalid(errors), &wanted.pointer))?;
            let key = entity.key_of(&accepted.row);
            if !kept.insert(key) {
                let detail = format!("{} is there twice", wanted.pointer.rsplit('/').nth(1).unwrap_or("the relation"));
                return Err(Error::field(wanted.pointer, "duplicate", detail));
            }
            puts.push(wanted);
        }
        let present: Vec<Key> = draft.within(relation, &own).into_iter().map(|row| entity.key_of(row)).collect();
        for key in present.iter().filter(|key| !kept.contains(key)) {
            draft.delete(relation, key);
        }
        for wanted in puts {
            let put = Replaced { place, body: &wanted.body, pointer: &wanted.pointer, keep };
            replace(&entity, draft, &put)?;
        }
        Ok(())
    }

    /// Tools and function tools share one list: an id is a function tool's if the agent has one of that id.
    fn can_use(&self, draft: &mut Draft) -> Result<()> {
        let (mut tools, mut functions) = (Vec::new(), Vec::new());
        for (index, item) in items(self.body, "canUse", self.pointer)?.into_iter().enumerate() {
            let pointer = format!("{}/canUse/{index}", self.pointer);
            let Some(id) = item.get("toolId").and_then(Value::as_str) else {
                return Err(Error::field(format!("{pointer}/toolId"), "required", "toolId is required"));
            };
            let policies = item.get("toolPolicies").cloned().unwrap_or_default();
            if draft.get(function_tool::ENTITY, &self.scope.key([self.agent, id])).is_some() {
                let body = json!({ "functionToolId": id, "toolPolicies": policies });
                functions.push(Wanted { pointer, body });
                continue;
            }
            self.require(draft, tool::ENTITY, self.scope.key([id]), &format!("{pointer}/toolId"))?;
            let mut body = json!({ "toolId": id, "toolPolicies": policies, "headers": item.get("headers") });
            // An absent selection leaves the stored one as it is; null means all tools.
            if let Some(selection) = item.get("toolSelection") {
                body["selectedTools"] = selection.clone();
            }
            tools.push(Wanted { pointer, body });
        }
        let place = self.scope.sub_agent_place(self.agent, self.id);
        self.reconcile(draft, tool_relation::ENTITY, &place, tools, &[tool_relation::SELECTED])?;
        self.reconcile(draft, function_tool_relation::ENTITY, &place, functions, &[])
    }

    fn components(&self, draft: &mut Draft, key: &str, relation: &str, column: &str, target: &str) -> Result<()> {
        let mut wanted = Vec::new();
        for (id, pointer) in self.ids(key)? {
            self.require(draft, target, self.scope.key([id]), &pointer)?;
            wanted.push(Wanted { pointer, body: json!({ column: id }) });
        }
        self.reconcile(draft, relation, &self.scope.sub_agent_place(self.agent, self.id), wanted, &[])
    }

    fn skills(&self, draft: &mut Draft) -> Result<()> {
        let mut wanted = Vec::new();
        for (index, item) in items(self.body, "skills", self.pointer)?.into_iter().enumerate() {
            let pointer = format!("{}/skills/{index}", self.pointer);
            let Some(id) = item.get("id").and_then(Value::as_str) else {
                return Err(Error::field(format!("{pointer}/id"), "required", "id is required"));
            };
            self.require(draft, skill::ENTITY, self.scope.key([id]), &format!("{pointer}/id"))?;
            let unknown = |key: &&String| !SKILL_KEYS.contains(&key.as_str());
            if let Some(key) = item.as_object().into_iter().flat_map(Map::keys).find(unknown) {
                let detail = format!("{key} is not known here");
                return Err(Error::field(format!("{pointer}/{key}"), "unknown", detail));
            }
            let body = json!({ "skillId": id, "index": item["index"], "alwaysLoaded": item["alwaysLoaded"] });
            wanted.push(Wanted { pointer, body });
        }
        let place = self.scope.sub_agent_place(self.agent, self.id);
        self.reconcile(draft, skill_relation::ENTITY, &place, wanted, &[])
    }

    /// Transfers and delegations: to sub-agents, external agents and other agents of the project.
    fn handovers(&self, draft: &mut Draft) -> Result<()> {
        let mut internal = Vec::new();
        for (id, pointer) in self.related("canTransferTo")? {
            self.push_internal(draft, &mut internal, id, "transfer", pointer)?;
        }
        let (mut external, mut team) = (Vec::new(), Vec::new());
        for (index, item) in items(self.body, "canDelegateTo", self.pointer)?.into_iter().enumerate() {
            let pointer = format!("{}/canDelegateTo/{index}", self.pointer);
            let text = |key: &str| item.get(key).and_then(Value::as_str);
            if let Some(id) = item.as_str().or_else(|| text("subAgentId")) {
                self.push_internal(draft, &mut internal, id, "delegate", pointer)?;
            } else if let Some(id) = text("externalAgentId") {
                self.require(
                    draft,
                    external_agent::ENTITY,
                    self.scope.key([id]),
                    &format!("{pointer}/externalAgentId"),
                )?;
                let body = json!({ "externalAgentId": id, "headers": item.get("headers") });
                external.push(Wanted { pointer, body });
            } else if let Some(id) = text("agentId") {
                // Another agent of the same document may be written later: the laws check this reference at the end.
                team.push(Wanted { pointer, body: json!({ "targetAgentId": id, "headers": item.get("headers") }) });
            } else {
                let detail = "name a sub-agent, {externalAgentId} or {agentId}";
                return Err(Error::field(pointer, "type", detail));
            }
        }
        let place = self.scope.sub_agent_place(self.agent, self.id);
        let agent_place = self.scope.agent_place(self.agent);
        self.reconcile(draft, sub_agent_relation::ENTITY, &agent_place, internal, &[])?;
        self.reconcile(draft, external_relation::ENTITY, &place, external, &[])?;
        self.reconcile(draft, team_relation::ENTITY, &place, team, &[])
    }

    fn push_internal(
        &self,
        draft: &Draft,
        wanted: &mut Vec<Wanted>,
        id: &str,
        relation_type: &str,
        pointer: String,
    ) -> Result<()> {
        self.require(draft, sub_agent::ENTITY, self.scope.key([self.agent, id]), &pointer)?;
        let body = json!({ "sourceSubAgentId": self.id, "targetSubAgentId": id, "relationType": relation_type });
        wanted.push(Wanted { pointer, body });
        Ok(())
    }

    /// Ids in an array of texts or of `{subAgentId}`.
    fn related(&self, key: &str) -> Result<Vec<(&'a str, String)>> {
        let id = |item: &'a Value| item.as_str().or_else(|| item.get("subAgentId")?.as_str());
        self.read_ids(key, id)
    }

    fn ids(&self, key: &str) -> Result<Vec<(&'a str, String)>> {
        self.read_ids(key, Value::as_str)
    }

    fn read_ids(&self, key: &str, id: impl Fn(&'a Value) -> Option<&'a str>) -> Result<Vec<(&'a str, String)>> {
        let mut ids: Vec<(&'a str, String)> = Vec::new();
        for (index, item) in items(self.body, key, self.pointer)?.into_iter().enumerate() {
            let pointer = format!("{}/{key}/{index}", self.pointer);
            let Some(id) = id(item) else { return Err(Error::field(pointer, "type", "must be an id")) };
            // A set: naming a member twice says nothing new.
            if !ids.iter().any(|(other, _)| *other == id) {
                ids.push((id, pointer));
            }
        }
        Ok(ids)
    }

    fn require(&self, draft: &Draft, entity: &str, key: Key, pointer: &str) -> Result<()> {
        if draft.row(entity, &key).is_some() {
            return Ok(());
        }
        let detail = format!("there is no {} '{}'", entity.replace('_', " "), key.id());
        Err(Error::field(pointer, "reference", detail))
    }
}
