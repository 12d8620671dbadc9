//! What certain entities mean beyond their rows: one file each, called by the generic code.

mod relation;
mod skill;
mod tool;
mod trigger;
mod webhook;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use understory_manage::Draft;
use understory_model::{Entity, FieldError, Key, Row};

use crate::Result;
use crate::action::Call;
use crate::names;
use crate::rows::Rows;

/// What an entity means beyond its rows. Every method has a default that does nothing.
pub(crate) trait Behaviour: Sync {
    /// Rewrites a body into what the model takes, before it is checked.
    fn accept(&self, _existing: Option<&Row>, _body: &mut Map<String, Value>) -> Result<()> {
        Ok(())
    }

    /// What is wrong with a row that the model accepts, however it came: by a request or in a file.
    fn fault(&self, _row: &Row) -> Option<FieldError> {
        None
    }

    /// Puts what hangs on a row that was just put.
    fn written(&self, _draft: &mut Draft, _entity: &Entity, _key: &Key, _body: &Map<String, Value>) -> Result<()> {
        Ok(())
    }

    /// Adds to an answer what the row does not hold.
    fn answer(&self, _rows: &dyn Rows, _row: &Row, _call: &Call, _many: bool, _object: &mut Map<String, Value>) {}

    /// Applies query filters that no column serves.
    fn filter(&self, _rows: &mut Vec<&Arc<Row>>, _query: &BTreeMap<String, String>) -> Result<()> {
        Ok(())
    }

    /// Refuses a deletion.
    fn deletable(&self, _row: &Row) -> Result<()> {
        Ok(())
    }

    /// Whether a body's key without a column means something all the same.
    fn understands(&self, _key: &str) -> bool {
        false
    }

    /// Query parameters of the list that no column serves.
    fn parameters(&self) -> &'static [&'static str] {
        &[]
    }

    /// Adds to the API description what the columns do not say.
    fn describe(&self, _form: Form, _schema: &mut Value) {}
}

/// Which form of an entity a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A row in an answer.
    Answer,
    /// The body of a create.
    Create,
    /// The body of an update.
    Update,
}

/// Adds to the schema of an entity what code with behaviour makes of its rows.
pub fn describe(entity: &Entity, form: Form, schema: &mut Value) {
    if let Some(behaviour) = behaviour(&entity.name) {
        behaviour.describe(form, schema);
    }
}

/// Adds a property that is always there.
fn promise(schema: &mut Value, name: &str, property: Value) {
    schema["properties"][name] = property;
    match schema["required"].as_array_mut() {
        Some(required) => required.push(name.into()),
        None => schema["required"] = serde_json::json!([name]),
    }
}

/// The behaviour of an entity, if it has any.
pub(crate) fn behaviour(entity: &str) -> Option<&'static dyn Behaviour> {
    Some(match entity {
        names::tool::ENTITY => &tool::Tool,
        names::trigger::ENTITY => &trigger::Trigger,
        names::skill::ENTITY => &skill::Skill,
        names::skill_file::ENTITY => &skill::SkillFile,
        names::sub_agent_relation::ENTITY => &relation::SubAgentRelation,
        names::webhook_destination::ENTITY => &webhook::WebhookDestination,
        _ => return None,
    })
}
