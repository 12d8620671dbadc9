use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use understory_model::{FieldError, Row};

use super::{Behaviour, Form, promise};
use crate::action::Call;
use crate::names::{self, trigger::AUTHENTICATION};
use crate::rows::Rows;
use crate::{Error, Result};

/// How much of a secret stays readable, so that people can tell secrets apart.
const PREFIX_LENGTH: usize = 8;

/// A webhook whose header secrets are kept as hashes and never answered.
pub(super) struct Trigger;

impl Behaviour for Trigger {
    fn accept(&self, existing: Option<&Row>, body: &mut Map<String, Value>) -> Result<()> {
        let stored = existing.map_or(&Value::Null, |row| row.get(AUTHENTICATION));
        if let Some(authentication) = body.get_mut("authentication").filter(|value| !value.is_null()) {
            hash_headers(authentication, stored)?;
        }
        Ok(())
    }

    /// A header's secret is there as its hash, or not at all.
    fn fault(&self, row: &Row) -> Option<FieldError> {
        let headers = row.get(AUTHENTICATION)["headers"].as_array()?;
        let open = |header: &Value| !header["name"].is_string() || !header["valueHash"].is_string();
        let index = headers.iter().position(open)?;
        let detail = "a header is kept as name, valueHash and valuePrefix; set its value over the API";
        Some(FieldError::new(format!("/authentication/headers/{index}"), "required", detail))
    }

    fn answer(&self, _: &dyn Rows, row: &Row, call: &Call, _: bool, object: &mut Map<String, Value>) {
        let headers = object.get_mut("authentication").and_then(|value| value.get_mut("headers"));
        for header in headers.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
            header.remove("valueHash");
        }
        let users = object.get("runAsUserIds").and_then(Value::as_array).map_or(0, Vec::len);
        object.insert("userCount".into(), users.into());
        let path =
            [("tenants", names::TENANT), ("projects", names::PROJECT), ("agents", names::AGENT), ("triggers", "id")];
        let path =
            path.map(|(segment, column)| format!("/{segment}/{}", row.text(column).unwrap_or_default())).concat();
        object.insert("webhookUrl".into(), format!("{}/run{path}", call.base_url).into());
    }

    fn describe(&self, form: Form, schema: &mut Value) {
        let text = || json!({ "type": "string", "minLength": 1 });
        let header = match form {
            Form::Answer => {
                promise(schema, "userCount", json!({ "type": "integer" }));
                promise(schema, "webhookUrl", json!({ "type": "string" }));
                json!({ "properties": { "name": text(), "valuePrefix": text() }, "required": ["name", "valuePrefix"] })
            }
            Form::Create => json!({ "properties": { "name": text(), "value": text() }, "required": ["name", "value"] }),
            Form::Update => {
                let keep = json!({ "type": "boolean", "description": "Keep the value stored under the name." });
                let properties = json!({ "name": text(), "value": text(), "keepExisting": keep });
                json!({ "properties": properties, "required": ["name"] })
            }
        };
        let headers = json!({ "type": "array", "items": header });
        schema["properties"]["authentication"] =
            json!({ "type": ["object", "null"], "properties": { "headers": headers } });
    }
}

/// Turns `{name, value}` into `{name, valueHash, valuePrefix}`; `keepExisting` takes what is stored under the name.
fn hash_headers(authentication: &mut Value, stored: &Value) -> Result<()> {
    let headers = authentication.get_mut("headers").and_then(Value::as_array_mut);
    for (index, header) in headers.into_iter().flatten().enumerate() {
        let pointer = format!("/authentication/headers/{index}");
        let Some(name) = header.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
            return Err(Error::field(format!("{pointer}/name"), "required", "a header needs its name"));
        };
        let kept = stored["headers"].as_array().into_iter().flatten().find(|kept| kept["name"] == name);
        let keep = header.get("keepExisting") == Some(&Value::Bool(true));
        *header = match (header.get("value").and_then(Value::as_str), kept) {
            (Some(value), _) if !value.is_empty() => {
                let hash: String = Sha256::digest(value.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
                let prefix: String = value.chars().take(PREFIX_LENGTH).collect();
                json!({ "name": name, "valueHash": hash, "valuePrefix": prefix })
            }
            (_, Some(kept)) if keep => kept.clone(),
            _ => return Err(Error::field(format!("{pointer}/value"), "required", "a header needs its value")),
        };
    }
    Ok(())
}
