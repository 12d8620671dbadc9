//! Changes of rows as text: what a field was, and what it is.

use serde::Deserialize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// The longest value that is shown on one line.
const SHORT: usize = 60;
/// Lines around changed ones.
const CONTEXT: usize = 1;

/// A changed row.
#[derive(Debug, Deserialize)]
pub struct Change {
    entity: String,
    key: String,
    kind: What,
    fields: Vec<Field>,
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
    field: String,
    from: Value,
    to: Value,
}

/// Changes as text; a sentence where there are none.
pub fn as_text(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "Nothing differs".to_owned();
    }
    changes.iter().map(Change::text).collect::<Vec<_>>().join("\n")
}

impl Change {
    fn text(&self) -> String {
        let sign = match self.kind {
            What::Added => '+',
            What::Modified => '~',
            What::Removed => '-',
        };
        let fields = self.fields.iter().map(|field| field.text(self.kind));
        fields.fold(format!("{sign} {} {}", self.entity, self.key), |text, field| format!("{text}\n    {field}"))
    }
}

impl Field {
    fn text(&self, kind: What) -> String {
        let name = &self.field;
        match kind {
            What::Added => format!("{name}: {}", cut(&self.to)),
            What::Removed => format!("{name}: {}", cut(&self.from)),
            What::Modified if short(&self.from) && short(&self.to) => format!("{name}: {} → {}", self.from, self.to),
            What::Modified => format!("{name}:{}", by_line(&lines(&self.from), &lines(&self.to))),
        }
    }
}

fn short(value: &Value) -> bool {
    let text = value.to_string();
    text.chars().count() <= SHORT && !value.as_str().is_some_and(|text| text.contains('\n'))
}

fn cut(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(2 * SHORT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A value in lines: text as it is, anything else as JSON.
fn lines(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}

fn by_line(from: &str, to: &str) -> String {
    let diff = TextDiff::from_lines(from, to);
    let mut text = String::new();
    for (number, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if number > 0 {
            text.push_str("\n      …");
        }
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let line = format!("\n      {sign} {}", change.value().trim_end_matches('\n'));
            text.push_str(line.trim_end_matches(' '));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(kind: &str, from: Value, to: Value) -> String {
        let fields = json!([{ "field": "prompt", "from": from, "to": to }]);
        let change = json!({ "entity": "subAgent", "key": "support/router", "kind": kind, "fields": fields });
        as_text(&[serde_json::from_value(change).unwrap()])
    }

    #[test]
    fn a_change_names_entity_field_old_and_new() {
        assert_eq!(text("modified", json!("a"), json!("b")), "~ subAgent support/router\n    prompt: \"a\" → \"b\"");
        assert_eq!(text("added", json!(null), json!({"x": 1})), "+ subAgent support/router\n    prompt: {\"x\":1}");
        assert_eq!(as_text(&[]), "Nothing differs");
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
