//! Conflicts as text: what both sides changed, and why that does not go together.

use serde::Deserialize;
use serde_json::Value;

use crate::error::CommandError;
use crate::values::{by_line, is_short};

/// A conflict as the API tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct Conflict {
    /// The entity, `subAgent`.
    pub entity: String,
    /// The row's key, `support/router`.
    pub key: String,
    /// The fields that do not go together; none where the row as a whole is in question.
    pub fields: Vec<Field>,
    reason: String,
}

/// A field that two sides have changed.
#[derive(Clone, Debug, Deserialize)]
pub struct Field {
    /// Its name.
    pub field: String,
    #[serde(default)]
    base: Value,
    #[serde(default)]
    ours: Value,
    #[serde(default)]
    theirs: Value,
}

/// An error with the conflicts that it is about, readable and as they came.
pub fn described(error: CommandError, conflicts: Value) -> CommandError {
    let read: Vec<Conflict> = Vec::deserialize(&conflicts).unwrap_or_default();
    read.iter().map(Conflict::text).fold(error, CommandError::cause).about(conflicts)
}

impl Conflict {
    /// Its row as flags name it: `subAgent/support/router`.
    pub fn row(&self) -> String {
        format!("{}/{}", self.entity, self.key)
    }

    fn text(&self) -> String {
        // The reason may begin with the row, in the form in which changes show it.
        let reason = self.reason.strip_prefix(&format!("{} {}: ", self.entity, self.key)).unwrap_or(&self.reason);
        let fields = self.fields.iter().map(Field::text);
        fields.fold(format!("{}: {reason}", self.row()), |text, field| format!("{text}\n  {field}"))
    }
}

impl Field {
    fn text(&self) -> String {
        let name = &self.field;
        if [&self.base, &self.ours, &self.theirs].into_iter().all(is_short) {
            return format!("{name}:\n    base   {}\n    ours   {}\n    theirs {}", self.base, self.ours, self.theirs);
        }
        let side = |value: &Value| by_line(&self.base, value, "      ");
        format!("{name}:\n    ours:{}\n    theirs:{}", side(&self.ours), side(&self.theirs))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(base: Value, ours: Value, theirs: Value) -> String {
        let field = json!({ "field": "prompt", "base": base, "ours": ours, "theirs": theirs });
        let conflict = json!({
            "entity": "subAgent", "key": "support/router", "fields": [field], "reason": "subAgent support/router: both sides changed prompt",
            "table": "sub_agents", "primaryKey": {}, "ourDiffType": "modified", "theirDiffType": "modified",
        });
        serde_json::from_value::<Conflict>(conflict).unwrap().text()
    }

    #[test]
    fn short_values_stand_below_each_other() {
        let shown = text(json!("a"), json!("b"), json!(null));
        let head = "subAgent/support/router: both sides changed prompt\n  prompt:\n";
        assert_eq!(shown, format!("{head}    base   \"a\"\n    ours   \"b\"\n    theirs null"));
    }

    #[test]
    fn long_values_are_shown_by_what_each_side_changed() {
        let shown = text(json!("Be kind.\nRoute."), json!("Be brief.\nRoute."), json!("Be formal.\nRoute."));
        let sides = "    ours:\n      - Be kind.\n      + Be brief.\n        Route.\n\
                     \x20   theirs:\n      - Be kind.\n      + Be formal.\n        Route.";
        assert!(shown.ends_with(sides), "{shown}");
    }
}
