use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use understory_model::{Entity, Key, Model, Reference, Row, Value};

use super::{Change, ChangeSet, Edits};
use crate::Snapshot;

/// A law that a set of changes would break.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A row refers to a row that is not there.
    #[error("{entity} {key}: {column} refers to {target} '{value}', which does not exist")]
    Dangling {
        /// The referring entity.
        entity: String,
        /// The referring row.
        key: Key,
        /// The referring column.
        column: String,
        /// The entity referred to.
        target: String,
        /// The key of the missing row.
        target_key: Key,
        /// The id given.
        value: String,
    },
    /// Two rows share what must be unique.
    #[error("{entity} {key}: {} already used by {other}", .columns.join(" + "))]
    Duplicate {
        /// The entity.
        entity: String,
        /// The row put.
        key: Key,
        /// The row that has the values.
        other: Key,
        /// The columns that must be unique together.
        columns: Vec<String>,
    },
    /// A row cannot go while another refers to it.
    #[error("{target} {target_key} is still used by {entity} {key}")]
    Restricted {
        /// The referring entity.
        entity: String,
        /// The referring row.
        key: Key,
        /// The entity of the row to be deleted.
        target: String,
        /// The row to be deleted.
        target_key: Key,
    },
}

/// Checks edits by the model's laws and makes them a [`ChangeSet`].
///
/// The one place where the laws are applied: to requests, merges, imports and repairs alike. It checks every row
/// put, and every row left behind by a deletion; following a deletion to what depends on it is the draft's work.
pub fn settle(model: &Model, base: &Snapshot, edits: Edits) -> Result<ChangeSet, Vec<Violation>> {
    let view = View { model, base, edits: &edits };
    let mut violations = Vec::new();
    for ((name, key), edited) in &edits {
        let Some(entity) = model.entity(name) else { continue };
        match edited {
            Some(row) => view.check_references(entity, key, row, &mut violations),
            None if base.get(name, key).is_some() => view.check_left_behind(name, key, &mut violations),
            None => {}
        }
    }
    view.check_unique(&mut violations);
    if !violations.is_empty() {
        return Err(violations);
    }
    let changed = edits.into_iter().filter_map(|((entity, key), after)| {
        let before = base.get(&entity, &key).cloned();
        (before != after).then_some(Change { entity, key, before, after })
    });
    Ok(ChangeSet::new(changed.collect()))
}

/// Checks all rows of a snapshot by the model's laws.
pub fn check(model: &Model, snapshot: &Snapshot) -> Vec<Violation> {
    let rows = snapshot.tables().flat_map(|(entity, table)| {
        table.iter().map(move |(key, row)| ((entity.to_owned(), key.clone()), Some(Arc::clone(row))))
    });
    settle(model, &Snapshot::default(), rows.collect()).err().unwrap_or_default()
}

/// The key that a row's reference names; none where the reference is null.
pub(crate) fn target_key(reference: &Reference, row: &Row) -> Option<Key> {
    let parts: Option<Vec<&str>> = reference.columns.iter().map(|column| row.text(column)).collect();
    parts.map(Key::new)
}

/// A snapshot as it is with the edits.
pub(crate) struct View<'a> {
    pub(crate) model: &'a Model,
    pub(crate) base: &'a Snapshot,
    pub(crate) edits: &'a Edits,
}

impl<'a> View<'a> {
    pub(crate) fn get(&self, entity: &str, key: &Key) -> Option<&'a Arc<Row>> {
        match self.edits.get(&(entity.to_owned(), key.clone())) {
            Some(edited) => edited.as_ref(),
            None => self.base.get(entity, key),
        }
    }

    pub(crate) fn rows(&self, entity: &str) -> BTreeMap<&'a Key, &'a Arc<Row>> {
        let mut rows: BTreeMap<_, _> = self.base.table(entity).iter().collect();
        let first = (entity.to_owned(), Key::new(Vec::<String>::new()));
        for ((_, key), edited) in self.edits.range(first..).take_while(|((name, _), _)| name == entity) {
            match edited {
                Some(row) => rows.insert(key, row),
                None => rows.remove(key),
            };
        }
        rows
    }

    /// The rows that refer to a key by one reference.
    pub(crate) fn referring(&self, entity: &Entity, reference: &Reference, target: &Key) -> Vec<(Key, Arc<Row>)> {
        self.rows(&entity.name)
            .into_iter()
            .filter(|(_, row)| target_key(reference, row).as_ref() == Some(target))
            .map(|(key, row)| (key.clone(), Arc::clone(row)))
            .collect()
    }

    fn check_references(&self, entity: &Entity, key: &Key, row: &Row, violations: &mut Vec<Violation>) {
        for reference in &entity.references {
            let Some(target_key) = target_key(reference, row) else { continue };
            if self.get(&reference.entity, &target_key).is_none() {
                violations.push(Violation::Dangling {
                    entity: entity.name.clone(),
                    key: key.clone(),
                    column: reference.column.clone(),
                    target: reference.entity.clone(),
                    value: target_key.id().to_owned(),
                    target_key,
                });
            }
        }
    }

    /// Rows that still refer to a deleted one and were not themselves put, which [`Self::check_references`] covers.
    fn check_left_behind(&self, target: &str, target_key: &Key, violations: &mut Vec<Violation>) {
        for (entity, reference) in self.model.references_to(target) {
            for (key, _) in self.referring(entity, reference, target_key) {
                if !self.edits.contains_key(&(entity.name.clone(), key.clone())) {
                    violations.push(Violation::Restricted {
                        entity: entity.name.clone(),
                        key,
                        target: target.to_owned(),
                        target_key: target_key.clone(),
                    });
                }
            }
        }
    }

    fn check_unique(&self, violations: &mut Vec<Violation>) {
        let put = self.edits.iter().filter(|(_, edited)| edited.is_some());
        let touched: BTreeSet<&str> = put.map(|((name, _), _)| name.as_str()).collect();
        for entity in touched.into_iter().filter_map(|name| self.model.entity(name)) {
            let rows = self.rows(&entity.name);
            for columns in &entity.unique {
                let mut first: BTreeMap<Vec<String>, &Key> = BTreeMap::new();
                for (key, row) in &rows {
                    let Some(values) = unique_values(columns, row) else { continue };
                    let Some(other) = first.insert(values, key) else { continue };
                    violations.push(Violation::Duplicate {
                        entity: entity.name.clone(),
                        key: (*key).clone(),
                        other: other.clone(),
                        columns: columns.clone(),
                    });
                }
            }
        }
    }
}

/// The values of a unique set; none where one is null, as in SQL.
fn unique_values(columns: &[String], row: &Row) -> Option<Vec<String>> {
    let value = |column: &String| match row.get(column) {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    columns.iter().map(value).collect()
}
