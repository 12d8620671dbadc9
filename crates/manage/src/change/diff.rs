use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use understory_model::{Key, Row, Value};

use super::Change;
use crate::Snapshot;

/// What became of a row between two snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DiffKind {
    /// It is new.
    Added,
    /// It says something else.
    Modified,
    /// It is gone.
    Removed,
}

/// How one row differs between two snapshots.
#[derive(Clone, Debug, PartialEq)]
pub struct RowDiff {
    /// The entity's name.
    pub entity: String,
    /// Which row.
    pub key: Key,
    /// What became of it.
    pub kind: DiffKind,
    /// The columns that differ, each with the value before and after; null where a side has no row.
    pub fields: BTreeMap<String, (Value, Value)>,
}

/// What differs between two snapshots, ordered by entity and key. Timestamps count for nothing.
pub fn diff(from: &Snapshot, to: &Snapshot) -> Vec<RowDiff> {
    changed_rows(from, to).iter().filter_map(RowDiff::of).collect()
}

/// As [`diff`], but `created_at` and `updated_at` are fields like any other.
pub fn diff_with_timestamps(from: &Snapshot, to: &Snapshot) -> Vec<RowDiff> {
    changed_rows(from, to).iter().filter_map(|change| row_diff(change, true)).collect()
}

/// The rows that differ between two snapshots, timestamps included, by entity and key.
pub fn changed_rows(from: &Snapshot, to: &Snapshot) -> Vec<Change> {
    let change = |(entity, key): (&str, &Key)| {
        let (before, after) = (from.get(entity, key).cloned(), to.get(entity, key).cloned());
        Change { entity: entity.to_owned(), key: key.clone(), before, after }
    };
    differing(from, to).into_iter().map(change).collect()
}

impl RowDiff {
    /// What a change comes to, timestamps aside; none if nothing.
    pub fn of(change: &Change) -> Option<Self> {
        row_diff(change, false)
    }
}

/// The rows that differ between two snapshots, timestamps included, by entity and key.
///
/// Tables and rows that the snapshots share are not looked into.
pub(crate) fn differing<'a>(from: &'a Snapshot, to: &'a Snapshot) -> BTreeSet<(&'a str, &'a Key)> {
    let mut found = BTreeSet::new();
    for (entity, table) in from.tables().filter(|(entity, _)| !from.shares_table(to, entity)) {
        let other = to.table(entity);
        let differs = |key: &Key, row: &Arc<Row>| other.get(key).is_none_or(|other| !same_row(row, other));
        found.extend(table.iter().filter(|(key, row)| differs(key, row)).map(|(key, _)| (entity, key)));
    }
    for (entity, table) in to.tables().filter(|(entity, _)| !from.shares_table(to, entity)) {
        let other = from.table(entity);
        found.extend(table.keys().filter(|key| !other.contains_key(*key)).map(|key| (entity, key)));
    }
    found
}

/// Whether two rows are equal, an absent column being null.
pub(crate) fn same_row(a: &Arc<Row>, b: &Arc<Row>) -> bool {
    let within = |a: &Row, b: &Row| a.iter().all(|(column, value)| value == b.get(column));
    Arc::ptr_eq(a, b) || (within(a, b) && within(b, a))
}

/// Whether a column is kept by the store itself and never worth a conflict.
pub(crate) fn is_timestamp(column: &str) -> bool {
    matches!(column, "created_at" | "updated_at")
}

/// What became of a row, timestamps aside; none where it is as before.
pub(crate) fn kind_of(before: Option<&Arc<Row>>, after: Option<&Arc<Row>>) -> Option<DiffKind> {
    match (before, after) {
        (None, None) => None,
        (None, Some(_)) => Some(DiffKind::Added),
        (Some(_), None) => Some(DiffKind::Removed),
        (Some(before), Some(after)) => (!before.same_content(after)).then_some(DiffKind::Modified),
    }
}

fn row_diff(change: &Change, timestamps: bool) -> Option<RowDiff> {
    let (before, after) = (change.before.as_ref(), change.after.as_ref());
    let columns: BTreeSet<&str> = before.into_iter().chain(after).flat_map(|row| row.iter().map(|(c, _)| c)).collect();
    let value = |row: Option<&Arc<Row>>, column: &str| row.map_or(Value::Null, |row| row.get(column).clone());
    let fields: BTreeMap<_, _> = columns
        .into_iter()
        .filter(|column| timestamps || !is_timestamp(column))
        .map(|column| (column.to_owned(), (value(before, column), value(after, column))))
        .filter(|(_, (before, after))| before != after)
        .collect();
    let kind = match kind_of(before, after) {
        Some(kind) => kind,
        None if fields.is_empty() => return None,
        None => DiffKind::Modified,
    };
    Some(RowDiff { entity: change.entity.clone(), key: change.key.clone(), kind, fields })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(rows: &[(&str, Row)]) -> Snapshot {
        let table = rows.iter().map(|(id, row)| (Key::new(["t", "p", id]), Arc::new(row.clone())));
        Snapshot::new([("tool".to_owned(), table.collect())])
    }

    #[test]
    fn names_what_was_added_modified_and_removed() {
        let same = Row::new().with("name", "same").with("updated_at", "1");
        let from = snapshot(&[("a", Row::new().with("name", "old")), ("b", Row::new()), ("s", same.clone())]);
        let touched = same.with("updated_at", "2").with("note", Value::Null);
        let to = snapshot(&[("a", Row::new().with("name", "new")), ("c", Row::new().with("n", 1)), ("s", touched)]);
        let found = diff(&from, &to);
        let kinds: Vec<_> = found.iter().map(|row| (row.key.id(), row.kind)).collect();
        assert_eq!(kinds, [("a", DiffKind::Modified), ("b", DiffKind::Removed), ("c", DiffKind::Added)]);
        assert_eq!(found[0].fields["name"], (Value::from("old"), Value::from("new")));
        assert_eq!(found[2].fields["n"], (Value::Null, Value::from(1)));
        assert_eq!(diff_with_timestamps(&from, &to).len(), 4);
        assert!(diff(&to, &to).is_empty());
    }
}
