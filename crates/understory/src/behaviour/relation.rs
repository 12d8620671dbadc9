use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use understory_model::{FieldError, Row};

use super::Behaviour;
use crate::names::sub_agent_relation::{TARGET, TYPE};
use crate::{Error, Result};

static OTHER_TARGETS: [&str; 2] = ["externalSubAgentId", "teamSubAgentId"];

/// A relation between two sub-agents of one agent. Relations to external and team agents are entities of their own.
pub(super) struct SubAgentRelation;

impl Behaviour for SubAgentRelation {
    fn accept(&self, existing: Option<&Row>, body: &mut Map<String, Value>) -> Result<()> {
        if existing.is_some() {
            return Ok(());
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

    fn fault(&self, row: &Row) -> Option<FieldError> {
        let wires = [(TARGET, "targetSubAgentId"), (TYPE, "relationType")];
        let missing = wires.into_iter().find(|(column, _)| row.text(column).is_none());
        missing.map(|(_, wire)| FieldError::new(format!("/{wire}"), "required", format!("{wire} is required")))
    }

    fn filter(&self, rows: &mut Vec<&Arc<Row>>, query: &BTreeMap<String, String>) -> Result<()> {
        if OTHER_TARGETS.iter().any(|name| query.contains_key(*name)) {
            rows.clear();
        }
        Ok(())
    }

    fn understands(&self, key: &str) -> bool {
        OTHER_TARGETS.contains(&key)
    }

    fn parameters(&self) -> &'static [&'static str] {
        &OTHER_TARGETS
    }
}
