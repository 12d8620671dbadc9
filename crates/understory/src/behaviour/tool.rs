use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use understory_model::Row;

use super::{Behaviour, Form, promise};
use crate::action::Call;
use crate::rows::Rows;
use crate::{Error, Result};

const STATUSES: [&str; 5] = ["healthy", "unhealthy", "unknown", "needs_auth", "unavailable"];

/// Not shown where they are null: the contract's form of a tool has no null in them.
const NOT_NULL: [&str; 2] = ["imageUrl", "capabilities"];

/// A tool is an MCP server. No server is contacted, so its status is unknown.
pub(super) struct Tool;

impl Behaviour for Tool {
    fn answer(&self, _: &dyn Rows, _: &Row, _: &Call, _: bool, object: &mut Map<String, Value>) {
        object.insert("status".into(), "unknown".into());
        object.retain(|name, value| !value.is_null() || !NOT_NULL.contains(&name.as_str()));
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

    /// No server is contacted, so that there is no discovery to skip.
    fn parameters(&self) -> &'static [&'static str] {
        &["status", "skipDiscovery"]
    }

    fn describe(&self, form: Form, schema: &mut Value) {
        if form != Form::Answer {
            return;
        }
        if let Some(required) = schema["required"].as_array_mut() {
            required.retain(|name| !NOT_NULL.iter().any(|optional| name == optional));
        }
        promise(schema, "status", json!({ "type": "string", "enum": STATUSES }));
    }
}
