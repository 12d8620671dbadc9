use std::sync::Arc;

use understory_model::{Entity, Row, Value};

use super::fields::{greater, merge_field};
use crate::change::{is_timestamp, kind_of, same_row};

/// What becomes of a row that three snapshots tell differently.
#[derive(Debug, PartialEq)]
pub(super) enum Met {
    /// It stays as our side has it.
    Ours,
    /// It becomes this.
    Put(Arc<Row>),
    /// It goes.
    Delete,
    /// Both sides changed these columns in ways that do not go together; the row holds our values there, and what
    /// the sides make together everywhere else.
    Clash(Arc<Row>, Vec<String>),
    /// One side deleted what the other changed.
    DeleteEdit,
}

/// One row's three-way merge.
pub(super) fn meet(
    entity: &Entity,
    base: Option<&Arc<Row>>,
    ours: Option<&Arc<Row>>,
    theirs: Option<&Arc<Row>>,
) -> Met {
    match (ours, theirs) {
        (None, None) => Met::Ours,
        (Some(ours), Some(theirs)) if same_row(ours, theirs) => Met::Ours,
        (Some(ours), Some(theirs)) => meet_fields(entity, base, ours, theirs),
        // Touching a row's timestamps is not a change worth keeping it for.
        (Some(_), None) => match (base, kind_of(base, ours)) {
            (None, _) => Met::Ours,
            (Some(_), None) => Met::Delete,
            (Some(_), Some(_)) => Met::DeleteEdit,
        },
        (None, Some(theirs)) => match (base, kind_of(base, Some(theirs))) {
            (None, _) => Met::Put(Arc::clone(theirs)),
            (Some(_), None) => Met::Ours,
            (Some(_), Some(_)) => Met::DeleteEdit,
        },
    }
}

fn meet_fields(entity: &Entity, base: Option<&Arc<Row>>, ours: &Arc<Row>, theirs: &Arc<Row>) -> Met {
    let mut merged = Row::clone(ours);
    let mut clashes = Vec::new();
    for column in entity.columns.iter().filter(|column| !entity.key.contains(&column.name)) {
        let name = column.name.as_str();
        let (o, t) = (ours.get(name), theirs.get(name));
        if is_timestamp(name) {
            merged.set(name, merged_timestamp(name, base.map(|base| base.get(name)), o, t).clone());
            continue;
        }
        match merge_field(column, base.map(|base| base.get(name)), o, t) {
            Ok(value) => merged.set(name, value),
            Err(_) => clashes.push(column.name.clone()),
        }
    }
    let merged = Arc::new(merged);
    if !clashes.is_empty() {
        Met::Clash(merged, clashes)
    } else if same_row(&merged, ours) {
        Met::Ours
    } else {
        Met::Put(merged)
    }
}

/// A timestamp that one side alone changed stands; else a row is as old as its older side says, and was changed when
/// its newer side says.
fn merged_timestamp<'a>(column: &str, base: Option<&Value>, ours: &'a Value, theirs: &'a Value) -> &'a Value {
    if base == Some(theirs) || theirs.is_null() {
        return ours;
    }
    let ours_is_newer = greater(ours, theirs) == ours;
    let keeps_ours = if column == "created_at" { !ours_is_newer } else { ours_is_newer };
    if base == Some(ours) || ours.is_null() || !keeps_ours { theirs } else { ours }
}
