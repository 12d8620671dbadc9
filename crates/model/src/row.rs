use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One row: values by column name (snake_case). An absent column reads as null.
///
/// Names are shared: rows read from a table hold its names once, not once a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Row(BTreeMap<Arc<str>, Value>);

impl Row {
    /// An empty row.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a column; null where the row has none.
    pub fn get(&self, column: &str) -> &Value {
        self.0.get(column).unwrap_or(&Value::Null)
    }

    /// The text of a column, if it holds text.
    pub fn text(&self, column: &str) -> Option<&str> {
        self.get(column).as_str()
    }

    /// Sets a column.
    pub fn set(&mut self, column: &str, value: impl Into<Value>) {
        match self.0.get_mut(column) {
            Some(present) => *present = value.into(),
            None => _ = self.0.insert(column.into(), value.into()),
        }
    }

    /// The same row with one column set: for building rows in one expression.
    pub fn with(mut self, column: &str, value: impl Into<Value>) -> Self {
        self.set(column, value);
        self
    }

    /// Whether the row names this column, null or not.
    pub fn has(&self, column: &str) -> bool {
        self.0.contains_key(column)
    }

    /// Takes a column's value out, leaving null.
    pub fn take(&mut self, column: &str) -> Value {
        self.0.remove(column).unwrap_or(Value::Null)
    }

    /// Columns and values in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// Whether both rows say the same, timestamps aside.
    pub fn same_content(&self, other: &Row) -> bool {
        let content =
            |row: &Row, other: &Row| row.iter().all(|(name, value)| is_timestamp(name) || value == other.get(name));
        content(self, other) && content(other, self)
    }
}

fn is_timestamp(column: &str) -> bool {
    column == "created_at" || column == "updated_at"
}

impl FromIterator<(String, Value)> for Row {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(columns: I) -> Self {
        columns.into_iter().map(|(name, value)| (Arc::from(name), value)).collect()
    }
}

impl FromIterator<(Arc<str>, Value)> for Row {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Value)>>(columns: I) -> Self {
        Self(columns.into_iter().collect())
    }
}

/// The values of a row's primary key, in the entity's key order (tenant first).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(Vec<String>);

impl Key {
    /// A key of these parts.
    pub fn new<S: Into<String>>(parts: impl IntoIterator<Item = S>) -> Self {
        Self(parts.into_iter().map(Into::into).collect())
    }

    /// The parts in key order.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// The last part: the row's own id.
    pub fn id(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

/// The wire form of a column name: `sub_agent_id` is `subAgentId`.
pub fn camel_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for c in name.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                out.extend(c.to_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out
}

/// `sub_agent` is `SubAgent`.
pub(crate) fn pascal_case(name: &str) -> String {
    let camel = camel_case(name);
    let mut chars = camel.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
