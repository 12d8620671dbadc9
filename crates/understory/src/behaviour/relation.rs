use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use understory_manage::Draft;
use understory_model::{Entity, Row};

use super::Behaviour;
use crate::names::sub_agent_relation::TYPE;
use crate::{Error, Result};

static OTHER_TARGETS: [&str; 2] = ["externalSubAgentId", "teamSubAgentId"];

/// A relation between two sub-agents of one agent. Relations to external and team agents are entities of their own.
pub(super) struct SubAgentRelation;

impl Behaviour for SubAgentRelation {
    fn accept(
        &self,
        _: &Draft,
        entity: &Entity,
        _: &Row,
        existing: Option<&Row>,
        body: &mut Map<String, Value>,
    ) -> Result<()> {
        if let Some(existing) = existing {
            return keep_identity(entity, existing, body);
        }
        let given = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
        let others = OTHER_TARGETS.into_iter().filter(|name| given(name)).count();
        if usize::from(given("targetSubAgentId")) + others != 1 {
            let detail = "give exactly one of targetSubAgentId, externalSubAgentId and teamSubAgentId";
            return Err(Error::field("/targetSubAgentId", "required", detail));
        }
        if others == 1 {
            let detail = "relations to external and team agents have routes of their own: \
                          …/sub-agents/{subAgentId}/external-agent-relations and …/team-agent-relations";
            return Err(Error::BadRequest(detail.into()));
        }
        if !given("relationType") {
            return Err(Error::field("/relationType", "required", "relationType is required"));
        }
        Ok(())
    }

    fn filter(&self, rows: &mut Vec<&Arc<Row>>, query: &BTreeMap<String, String>) -> Result<()> {
        if OTHER_TARGETS.iter().any(|name| query.contains_key(*name)) {
            rows.clear();
        }
        rows.retain(|row| row.text(TYPE).is_some());
        Ok(())
    }

    fn understands(&self, key: &str) -> bool {
        OTHER_TARGETS.contains(&key)
    }

    fn parameters(&self) -> &'static [&'static str] {
        &OTHER_TARGETS
    }
}

/// A derived id names both ends: changing an end would be another relation.
fn keep_identity(entity: &Entity, existing: &Row, body: &Map<String, Value>) -> Result<()> {
    let understory_model::IdRule::Derived(parts) = &entity.id else { return Ok(()) };
    for column in parts.iter().filter_map(|part| entity.column(part)) {
        if body.get(&column.wire).is_some_and(|value| value != existing.get(&column.name)) {
            let detail = format!("{} names the relation and cannot change; delete it and create another", column.wire);
            return Err(Error::field(format!("/{}", column.wire), "immutable", detail));
        }
    }
    Ok(())
}
