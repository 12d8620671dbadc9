//! Values as text for people, and what differs between two of them.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// The longest value that is shown on one line.
const SHORT: usize = 60;
/// Lines around changed ones.
const CONTEXT: usize = 1;

/// Whether a value is shown on one line, whole.
pub fn is_short(value: &Value) -> bool {
    let text = value.to_string();
    text.chars().count() <= SHORT && !value.as_str().is_some_and(|text| text.contains('\n'))
}

/// A value on one line, its end left out where it is long.
pub fn cut(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(2 * SHORT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What differs between two values, in lines that follow a heading and are indented by `indent`.
pub fn by_line(from: &Value, to: &Value, indent: &str) -> String {
    let (from, to) = (lines(from), lines(to));
    let diff = TextDiff::from_lines(&from, &to);
    let mut text = String::new();
    for (number, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if number > 0 {
            text.push_str(&format!("\n{indent}…"));
        }
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let line = format!("\n{indent}{sign} {}", change.value().trim_end_matches('\n'));
            text.push_str(line.trim_end_matches(' '));
        }
    }
    text
}

/// A value in lines: text as it is, anything else as JSON.
fn lines(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}
