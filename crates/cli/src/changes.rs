//! Changes of rows as text: what a field was, and what it is.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use crate::values::{by_line, cut, is_short};

/// Changed rows as the API tells them: by entity and key.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Changes(IndexMap<String, IndexMap<String, Change>>);

/// What changed in a row.
#[derive(Debug, Deserialize)]
pub struct Change {
    kind: What,
    fields: IndexMap<String, Field>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum What {
    Added,
    Modified,
    Removed,
}

#[derive(Debug, Deserialize)]
struct Field {
    from: Value,
    to: Value,
}

impl Changes {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(IndexMap::is_empty)
    }

    /// The changes as text; a sentence where there are none.
    pub fn text(&self) -> String {
        if self.is_empty() {
            return "Nothing differs".to_owned();
        }
        let rows = self
            .0
            .iter()
            .flat_map(|(entity, rows)| rows.iter().map(move |(key, change)| change.text(&format!("{entity} {key}"))));
        rows.collect::<Vec<_>>().join("\n")
    }
}

impl Change {
    /// The change as text under a title.
    pub fn text(&self, title: &str) -> String {
        let sign = match self.kind {
            What::Added => '+',
            What::Modified => '~',
            What::Removed => '-',
        };
        let fields = self.fields.iter().map(|(name, field)| field.text(name, self.kind));
        fields.fold(format!("{sign} {title}"), |text, field| format!("{text}\n    {field}"))
    }
}

impl Field {
    fn text(&self, name: &str, kind: What) -> String {
        match kind {
            What::Added => format!("{name}: {}", cut(&self.to)),
            What::Removed => format!("{name}: {}", cut(&self.from)),
            What::Modified if is_short(&self.from) && is_short(&self.to) => {
                format!("{name}: {} → {}", self.from, self.to)
            }
            What::Modified => format!("{name}:{}", by_line(&self.from, &self.to, "      ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(kind: &str, from: Value, to: Value) -> String {
        let change =
            json!({ "kind": kind, "fields": { "prompt": { "from": from, "to": to, "diff": "not looked at" } } });
        let changes = json!({ "subAgent": { "support/router": change } });
        serde_json::from_value::<Changes>(changes).unwrap().text()
    }

    #[test]
    fn a_change_names_entity_field_old_and_new() {
        assert_eq!(text("modified", json!("a"), json!("b")), "~ subAgent support/router\n    prompt: \"a\" → \"b\"");
        assert_eq!(text("added", json!(null), json!({"x": 1})), "+ subAgent support/router\n    prompt: {\"x\":1}");
    }

    #[test]
    fn no_change_is_said_so() {
        for nothing in [json!({}), json!({ "tool": {} })] {
            let changes: Changes = serde_json::from_value(nothing).unwrap();
            assert!(changes.is_empty() && changes.text() == "Nothing differs");
        }
    }

    #[test]
    fn rows_stay_in_the_order_of_the_answer() {
        let row = json!({ "kind": "removed", "fields": {} });
        let changes = json!({ "tool": { "b": row, "a": row }, "agent": { "c": row } });
        let changes: Changes = serde_json::from_value(changes).unwrap();
        assert_eq!(changes.text(), "- tool b\n- tool a\n- agent c");
    }

    #[test]
    fn long_text_is_shown_by_line() {
        let from = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        let shown = text("modified", json!(from), json!(from.replace('2', "two").replace('8', "eight")));
        let expected = ["      - 2", "      + two", "      …", "      - 8", "      + eight"];
        let lines: Vec<&str> = shown.lines().collect();
        assert!(expected.iter().all(|line| lines.contains(line)), "{shown}");
        assert!(!lines.contains(&"        5"), "{shown}");
    }
}
