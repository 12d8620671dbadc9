//! The shape of the tables that a model needs, and how two shapes differ.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ColumnType, Entity};

/// The tables that a model needs: what migrations move from and to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SchemaShape {
    /// Tables by name.
    pub tables: BTreeMap<String, TableShape>,
}

/// One table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableShape {
    /// Columns in order.
    pub columns: Vec<ColumnShape>,
    /// Primary key columns.
    pub key: Vec<String>,
    /// Unique sets (runtime tables only: in versioned ones the laws see to it).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<Vec<String>>,
    /// Indexed sets (runtime tables only).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Vec<String>>,
}

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnShape {
    /// Name.
    pub name: String,
    /// Type as files write it, with its length: `string(256)`.
    #[serde(rename = "type")]
    pub ty: String,
    /// May be null.
    pub optional: bool,
    /// Value of rows that were there before the column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Its earlier name; not part of the stored shape.
    #[serde(skip)]
    pub was: Option<String>,
}

impl SchemaShape {
    /// The shape that versioned entities need.
    pub fn of_manage<'a>(entities: impl IntoIterator<Item = &'a Arc<Entity>>) -> Self {
        Self::of(entities, false)
    }

    /// The shape that transactional entities need: with uniques and indexes.
    pub fn of_runtime<'a>(entities: impl IntoIterator<Item = &'a Arc<Entity>>) -> Self {
        Self::of(entities, true)
    }

    fn of<'a>(entities: impl IntoIterator<Item = &'a Arc<Entity>>, constraints: bool) -> Self {
        let table = |entity: &Arc<Entity>| TableShape {
            columns: entity.columns.iter().map(ColumnShape::of).collect(),
            key: entity.key.clone(),
            unique: if constraints { entity.unique.clone() } else { Vec::new() },
            indexes: if constraints { entity.indexes.clone() } else { Vec::new() },
        };
        Self { tables: entities.into_iter().map(|entity| (entity.table.clone(), table(entity))).collect() }
    }
}

impl ColumnShape {
    fn of(column: &crate::Column) -> Self {
        Self {
            name: column.name.clone(),
            ty: column.ty.to_string(),
            optional: column.optional,
            default: column.default.clone(),
            was: column.was.clone(),
        }
    }

    /// The column's type.
    pub fn column_type(&self) -> Option<ColumnType> {
        ColumnType::parse(&self.ty)
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(max) => write!(f, "string({max})"),
            Self::Id(max) => write!(f, "id({max})"),
            Self::Text => f.write_str("text"),
            Self::Integer => f.write_str("integer"),
            Self::Number => f.write_str("number"),
            Self::Numeric => f.write_str("numeric"),
            Self::Boolean => f.write_str("boolean"),
            Self::Json => f.write_str("json"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::TimestampTz => f.write_str("timestamptz"),
        }
    }
}

impl ColumnType {
    /// Reads back what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, max) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((name, max)) => (name, Some(max.parse().ok()?)),
            None => (text, None),
        };
        Some(match (name, max) {
            ("string", Some(max)) => Self::String(max),
            ("id", Some(max)) => Self::Id(max),
            ("text", None) => Self::Text,
            ("integer", None) => Self::Integer,
            ("number", None) => Self::Number,
            ("numeric", None) => Self::Numeric,
            ("boolean", None) => Self::Boolean,
            ("json", None) => Self::Json,
            ("timestamp", None) => Self::Timestamp,
            ("timestamptz", None) => Self::TimestampTz,
            _ => return None,
        })
    }
}

/// How much a change asks of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nobody need do anything.
    Patch,
    /// A new table, a required column, or something that breaks.
    Minor,
}

/// One difference between two shapes.
#[derive(Clone, Debug, PartialEq)]
pub enum SchemaChange {
    /// A table comes.
    AddTable(String, TableShape),
    /// A column comes to a table.
    AddColumn(String, ColumnShape),
    /// A column gets another name.
    RenameColumn(String, String, String),
    /// A string column takes longer texts: DDL in PostgreSQL only.
    WidenColumn(String, ColumnShape),
    /// An index comes (columns, unique).
    AddIndex(String, Vec<String>, bool),
    /// Anything that would lose data or break readers: what, and how to do it instead.
    Refused(String, String),
}

impl SchemaChange {
    /// How much it asks of users.
    pub fn severity(&self) -> Severity {
        match self {
            Self::AddColumn(_, column) if column.optional || column.default.is_some() => Severity::Patch,
            Self::WidenColumn(..) | Self::AddIndex(_, _, false) => Severity::Patch,
            _ => Severity::Minor,
        }
    }
}

impl fmt::Display for SchemaChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddTable(table, shape) => write!(f, "new table {table} ({} columns)", shape.columns.len()),
            Self::AddColumn(table, column) => write!(f, "new column {table}.{} ({})", column.name, column.ty),
            Self::RenameColumn(table, was, name) => write!(f, "column {table}.{was} is now {name}"),
            Self::WidenColumn(table, column) => write!(f, "column {table}.{} is now {}", column.name, column.ty),
            Self::AddIndex(table, columns, true) => write!(f, "{table}: unique {}", columns.join(" + ")),
            Self::AddIndex(table, columns, false) => write!(f, "{table}: index on {}", columns.join(" + ")),
            Self::Refused(what, remedy) => write!(f, "{what}: refused; {remedy}"),
        }
    }
}

/// All differences between two shapes, tables in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchemaDiff {
    /// The differences.
    pub changes: Vec<SchemaChange>,
}

impl SchemaDiff {
    /// What leads from one shape to another.
    pub fn between(from: &SchemaShape, to: &SchemaShape) -> Self {
        let mut changes = Vec::new();
        for (name, table) in &to.tables {
            match from.tables.get(name) {
                None => changes.push(SchemaChange::AddTable(name.clone(), table.clone())),
                Some(old) => table_changes(name, old, table, &mut changes),
            }
        }
        for name in from.tables.keys().filter(|name| !to.tables.contains_key(*name)) {
            changes.push(SchemaChange::Refused(
                format!("table {name} is gone"),
                "keep its file: old commits and other branches still hold its rows".into(),
            ));
        }
        Self { changes }
    }

    /// Whether the shapes are equal.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The greatest severity among the changes.
    pub fn severity(&self) -> Severity {
        self.changes.iter().map(SchemaChange::severity).max().unwrap_or(Severity::Patch)
    }
}

fn table_changes(name: &str, old: &TableShape, new: &TableShape, changes: &mut Vec<SchemaChange>) {
    let refused = |what: String, remedy: &str| SchemaChange::Refused(what, remedy.into());
    if old.key != new.key {
        changes.push(refused(format!("the key of {name} changed"), "make a new table and copy the rows"));
    }
    let find = |shape: &'_ TableShape, column: &str| shape.columns.iter().find(|c| c.name == column).cloned();
    let mut renamed = Vec::new();
    for column in &new.columns {
        let label = format!("{name}.{}", column.name);
        match (find(old, &column.name), column.was.as_deref().and_then(|was| find(old, was))) {
            (Some(before), _) => {
                if let Some(change) = column_change(name, &label, &before, column) {
                    changes.push(change);
                }
            }
            (None, Some(before)) => {
                renamed.push(before.name.clone());
                changes.push(SchemaChange::RenameColumn(name.into(), before.name, column.name.clone()));
            }
            (None, None) if column.optional || column.default.is_some() => {
                changes.push(SchemaChange::AddColumn(name.into(), column.clone()));
            }
            (None, None) => changes.push(refused(
                format!("new column {label} is required"),
                "make it optional or give it a default: rows without it exist",
            )),
        }
    }
    for column in old.columns.iter().filter(|c| find(new, &c.name).is_none() && !renamed.contains(&c.name)) {
        changes.push(refused(
            format!("column {name}.{} is gone", column.name),
            "keep it (hidden = true), or name its new name's earlier one with was = …",
        ));
    }
    for (was, now, unique) in [(&old.unique, &new.unique, true), (&old.indexes, &new.indexes, false)] {
        for columns in now.iter().filter(|columns| !was.contains(columns)) {
            changes.push(SchemaChange::AddIndex(name.into(), columns.clone(), unique));
        }
    }
}

fn column_change(table: &str, label: &str, old: &ColumnShape, new: &ColumnShape) -> Option<SchemaChange> {
    let lengths = |shape: &ColumnShape| shape.column_type().and_then(ColumnType::max_length);
    if old.ty != new.ty {
        return Some(match (lengths(old), lengths(new)) {
            (Some(from), Some(to)) if from == to => return None,
            (Some(from), Some(to)) if from < to => SchemaChange::WidenColumn(table.into(), new.clone()),
            _ => SchemaChange::Refused(
                format!("the type of {label} changed from {} to {}", old.ty, new.ty),
                "add a column of the new type".into(),
            ),
        });
    }
    (old.optional && !new.optional && new.default.is_none()).then(|| {
        SchemaChange::Refused(format!("{label} is required now"), "keep it optional: rows without it exist".into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(columns: &[(&str, &str, bool)]) -> SchemaShape {
        let column = |(name, ty, optional): &(&str, &str, bool)| ColumnShape {
            name: (*name).into(),
            ty: (*ty).into(),
            optional: *optional,
            default: None,
            was: None,
        };
        let table = TableShape {
            columns: columns.iter().map(column).collect(),
            key: vec!["id".into()],
            unique: vec![],
            indexes: vec![],
        };
        SchemaShape { tables: BTreeMap::from([("t".to_owned(), table)]) }
    }

    #[test]
    fn an_equal_shape_has_no_changes() {
        let one = shape(&[("id", "id(256)", false)]);
        assert!(SchemaDiff::between(&one, &one).is_empty());
    }

    #[test]
    fn only_expanding_changes_pass() {
        let old = shape(&[("id", "id(256)", false), ("a", "string(10)", true)]);
        let diff = |new: &[(&str, &str, bool)]| SchemaDiff::between(&old, &shape(new)).changes;
        let refused = |changes: &[SchemaChange]| changes.iter().any(|c| matches!(c, SchemaChange::Refused(..)));
        assert!(refused(&diff(&[("id", "id(256)", false)])), "a column that goes");
        assert!(refused(&diff(&[("id", "id(256)", false), ("a", "integer", true)])), "another type");
        assert!(refused(&diff(&[("id", "id(256)", false), ("a", "string(10)", false)])), "required");
        assert!(refused(&diff(&[("id", "id(256)", false), ("a", "string(10)", true), ("b", "text", false)])));
        let added = diff(&[("id", "id(256)", false), ("a", "string(20)", true), ("b", "text", true)]);
        assert!(!refused(&added) && added.len() == 2 && added.iter().all(|c| c.severity() == Severity::Patch));
    }
}
