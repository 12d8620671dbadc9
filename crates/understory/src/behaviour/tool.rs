use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use understory_model::{Entity, Row};

use super::Behaviour;
use crate::action::Call;
use crate::rows::Rows;
use crate::{Error, Result};

const STATUSES: [&str; 5] = ["healthy", "unhealthy", "unknown", "needs_auth", "unavailable"];

/// A tool is an MCP server. No server is contacted, so its status is unknown.
pub(super) struct Tool;

impl Behaviour for Tool {
    fn answer(&self, _: &dyn Rows, _: &Entity, _: &Row, _: &Call, _: bool, object: &mut Map<String, Value>) {
        object.insert("status".into(), "unknown".into());
        // The contract's form of a tool has no null in these: absent stands for none.
        object.retain(|name, value| !value.is_null() || !matches!(name.as_str(), "imageUrl" | "capabilities"));
    }

    fn filter(&self, rows: &mut Vec<&Arc<Row>>, query: &BTreeMap<String, String>) -> Result<()> {
        match query.get("status").map(String::as_str) {
            None | Some("unknown") => Ok(()),
            Some(status) if STATUSES.contains(&status) => {
                rows.clear();
                Ok(())
            }
            Some(_) => Err(Error::field("/status", "enum", format!("status must be one of {}", STATUSES.join(", ")))),
        }
    }
}
