use std::collections::BTreeMap;
use std::sync::Arc;

use understory_model::Row;

use crate::names::{
    AGENT, SUB_AGENT, artifact_relation, data_relation, external_relation, function_tool, function_tool_relation,
    skill_relation, sub_agent, sub_agent_relation, team_relation, tool_relation,
};
use crate::rows::{Rows, by_age};

/// Entities whose rows belong to an agent, and the column with the sub-agent that each is found by, if any.
const INDEXED: [(&str, Option<&str>); 10] = [
    (sub_agent::ENTITY, None),
    (function_tool::ENTITY, None),
    (sub_agent_relation::ENTITY, Some(sub_agent_relation::SOURCE)),
    (tool_relation::ENTITY, Some(SUB_AGENT)),
    (function_tool_relation::ENTITY, Some(SUB_AGENT)),
    (external_relation::ENTITY, Some(SUB_AGENT)),
    (team_relation::ENTITY, Some(SUB_AGENT)),
    (data_relation::ENTITY, Some(SUB_AGENT)),
    (artifact_relation::ENTITY, Some(SUB_AGENT)),
    (skill_relation::ENTITY, Some(SUB_AGENT)),
];

/// The rows of one entity and agent, by sub-agent.
type BySubAgent<'a> = BTreeMap<&'a str, Vec<&'a Arc<Row>>>;

/// The rows below agents, found by agent and sub-agent: each table is looked through once, however many there are.
pub(super) struct Related<'a> {
    /// By agent, then by entity and sub-agent; the rows of all sub-agents stand under the empty id.
    agents: BTreeMap<&'a str, BTreeMap<&'static str, BySubAgent<'a>>>,
}

impl<'a> Related<'a> {
    pub(super) fn of(all: &'a impl Rows) -> Self {
        let mut agents: BTreeMap<&str, BTreeMap<&'static str, BySubAgent<'a>>> = BTreeMap::new();
        for (entity, column) in INDEXED {
            let mut rows = all.all(entity);
            by_age(&mut rows);
            for row in rows {
                let Some(agent) = row.text(AGENT) else { continue };
                let found = agents.entry(agent).or_default().entry(entity).or_default();
                found.entry("").or_default().push(row);
                if let Some(sub_agent) = column.and_then(|column| row.text(column)) {
                    found.entry(sub_agent).or_default().push(row);
                }
            }
        }
        Self { agents }
    }

    /// The rows of an agent, oldest first.
    pub(super) fn of_agent(&self, entity: &'static str, agent: &str) -> &[&'a Arc<Row>] {
        self.of_sub_agent(entity, agent, "")
    }

    /// The rows of a sub-agent, oldest first.
    pub(super) fn of_sub_agent(&self, entity: &'static str, agent: &str, sub_agent: &str) -> &[&'a Arc<Row>] {
        let found = self.agents.get(agent).and_then(|entities| entities.get(entity)?.get(sub_agent));
        found.map_or(&[], Vec::as_slice)
    }
}
