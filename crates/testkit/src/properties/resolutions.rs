use std::collections::BTreeMap;

use serde_json::json;
use understory_manage::change::{DiffKind, check};
use understory_manage::merge::{Choice, Conflict, ConflictKind, Resolution, Side};
use understory_manage::{ChangeSet, Snapshot, Violation, diff};
use understory_model::{ColumnType, Entity, IdRule, Value, check_value};

use super::edits::kept;
use super::merges::merged;
use super::values::values;
use super::{Case, Held, ensure, ensure_same, hold};
use crate::samples::model;

/// Conflicts and how a case resolves each.
pub(crate) type Resolved = Vec<(Conflict, Resolution)>;

/// Resolves every conflict by the case's picks, until none is left; how, and what the merge comes to.
pub(super) fn resolved(
    case: &Case,
    base: &Snapshot,
    ours: &Snapshot,
    theirs: &Snapshot,
) -> Result<(Resolved, Snapshot), String> {
    let (all, changes) = resolved_changes(case, base, ours, theirs)?;
    Ok((all, ours.after(&changes)))
}

/// The same; how, and what the merge changes in ours.
pub(crate) fn resolved_changes(
    case: &Case,
    base: &Snapshot,
    ours: &Snapshot,
    theirs: &Snapshot,
) -> Result<(Resolved, ChangeSet), String> {
    let mut all = Resolved::new();
    for _ in 0..20 {
        let merge = merged(base, ours, theirs, &resolutions(&all))?;
        if merge.conflicts.is_empty() {
            return Ok((all, merge.changes));
        }
        ensure(merge.changes.is_empty(), || "changes in spite of conflicts".into())?;
        for conflict in merge.conflicts {
            let resolution = resolution(&mut Decisions { case, next: all.len() }, &conflict)?;
            all.push((conflict, resolution));
        }
    }
    Err(format!("conflicts without end: {all:?}"))
}

fn resolutions(all: &Resolved) -> Vec<Resolution> {
    all.iter().map(|(_, resolution)| resolution.clone()).collect()
}

/// What a case decides, one after the other.
struct Decisions<'a> {
    case: &'a Case,
    next: usize,
}

impl Decisions<'_> {
    fn next(&mut self) -> usize {
        self.next += 1;
        usize::from(self.case.picks[self.next % self.case.picks.len()])
    }

    fn side(&mut self) -> Side {
        if self.next().is_multiple_of(2) { Side::Ours } else { Side::Theirs }
    }
}

/// A side for the row, and in every second case sides or given values for the columns that the conflict is about.
fn resolution(decide: &mut Decisions<'_>, conflict: &Conflict) -> Result<Resolution, String> {
    let entity = model().entity(&conflict.entity).cloned().ok_or("no entity")?;
    let pick = Resolution::pick(&conflict.entity, conflict.key.clone(), decide.side());
    if decide.next().is_multiple_of(2) {
        return Ok(pick);
    }
    let columns = match &conflict.kind {
        ConflictKind::Fields(columns) => {
            columns.iter().map(|column| (column.clone(), choice(decide, &entity, column))).collect()
        }
        ConflictKind::Law(violations) => {
            violations.iter().filter_map(|violation| lawful(decide, &entity, violation)).collect()
        }
        ConflictKind::DeleteEdit => BTreeMap::new(),
    };
    Ok(Resolution { columns, ..pick })
}

/// What a column becomes: as on one side, or, where no law is about it, a value of its own.
fn choice(decide: &mut Decisions<'_>, entity: &Entity, column: &str) -> Choice {
    let given = entity.column(column).filter(|_| !is_lawful(entity, column)).map_or(&[][..], |c| values(entity, c));
    match given.get(decide.next() % (given.len() + 2)) {
        Some(value) => Choice::Value(value.clone()),
        None => Choice::Side(decide.side()),
    }
}

/// Whether the model's laws are about a column, so that what it becomes may not be what was picked.
fn is_lawful(entity: &Entity, column: &str) -> bool {
    let references = entity.references.iter().flat_map(|reference| &reference.columns);
    entity.unique.iter().flatten().chain(references).any(|name| name == column)
}

/// A value with which a row breaks a law no longer.
fn lawful(decide: &mut Decisions<'_>, entity: &Entity, violation: &Violation) -> Option<(String, Choice)> {
    let derived = |name: &String| matches!(&entity.id, IdRule::Derived(parts) if parts.contains(name));
    let free = |name: &&String| entity.column(name).filter(|c| !entity.key.contains(&c.name) && !derived(&c.name));
    let (column, value) = match violation {
        Violation::Dangling { column, .. } => (free(&column).filter(|column| column.optional)?, Value::Null),
        Violation::Duplicate { columns, .. } => {
            let texts = columns.iter().filter_map(|name| free(&name));
            let text = texts.into_iter().find(|column| matches!(column.ty, ColumnType::String(_)))?;
            (text, json!(format!("fresh-{}", decide.next)))
        }
        Violation::Restricted { .. } => return None,
    };
    Some((column.name.clone(), Choice::Value(value)))
}

/// However its conflicts are resolved, a merge comes to an end, at a valid project, and to the same each time.
pub fn every_resolution_is_valid(count: u32) -> Held {
    hold(count, 2, |case| {
        let base = case.base();
        let (ours, theirs) = (case.side(0, &base), case.side(1, &base));
        let (all, result) = resolved(case, &base, &ours, &theirs)?;
        let broken = check(&model(), &result);
        ensure(broken.is_empty(), || format!("{broken:?} after {all:?}"))?;
        for row in diff(&ours, &result).iter().filter(|row| row.kind != DiffKind::Removed) {
            for column in model().entity(&row.entity).iter().flat_map(|entity| &entity.columns) {
                let value = row.fields.get(&column.name).map(|(_, value)| value);
                let errors = value.map(|value| check_value(column, value)).unwrap_or_default();
                ensure(errors.is_empty(), || format!("{errors:?} in {row:?}"))?;
            }
        }
        let again = merged(&base, &ours, &theirs, &resolutions(&all))?;
        ensure_same(&ours.after(&again.changes), &result, "the same each time")
    })
}

/// A column becomes what its resolution says, by itself or by the row's pick, and the row's other columns keep the
/// edits of both sides.
pub fn resolutions_are_followed(count: u32) -> Held {
    hold(count, 2, |case| {
        let base = case.base();
        let (ours, theirs) = (case.side(0, &base), case.side(1, &base));
        let (all, result) = resolved(case, &base, &ours, &theirs)?;
        all.iter().try_for_each(|(conflict, resolution)| is_followed(conflict, resolution, &result))
    })
}

fn is_followed(conflict: &Conflict, resolution: &Resolution, result: &Snapshot) -> Held {
    let Some(row) = result.get(&conflict.entity, &conflict.key) else { return Ok(()) };
    for (column, choice) in &resolution.columns {
        if let Choice::Value(value) = choice {
            ensure(row.get(column) == value, || {
                format!("{column} of {row:?} in spite of {resolution:?} of {conflict:?}")
            })?;
        }
    }
    let (ConflictKind::Fields(open), Some(ours), Some(theirs)) = (&conflict.kind, &conflict.ours, &conflict.theirs)
    else {
        return Ok(());
    };
    let entity = model().entity(&conflict.entity).cloned().ok_or("no entity")?;
    for column in entity.columns.iter().filter(|c| !is_lawful(&entity, &c.name) && !c.name.ends_with("ed_at")) {
        let name = &column.name;
        let (o, t, found) = (ours.get(name), theirs.get(name), row.get(name));
        let held = match resolution.columns.get(name) {
            Some(Choice::Value(_)) => true,
            Some(Choice::Side(Side::Ours)) => found == o,
            Some(Choice::Side(Side::Theirs)) => found == t,
            None if open.contains(name) => found == if resolution.pick == Side::Ours { o } else { t },
            None => {
                let before = conflict.base.as_ref().map(|row| row.get(name));
                kept(column, before, o, t, found) && kept(column, before, t, o, found)
            }
        };
        ensure(held, || format!("{name} of {row:?} after {resolution:?} of {conflict:?}"))?;
    }
    Ok(())
}

/// Of a row that one side deleted and the other changed either all stays, with what the deletion took along, or all
/// goes.
pub fn a_deletion_stays_or_is_undone_whole(count: u32) -> Held {
    hold(count, 1, |case| {
        let base = case.base();
        let Some(row) = case.row(&base) else { return Ok(()) };
        let Some((deleted, changed)) = case.deleted_and_changed(&base, &row) else { return Ok(()) };
        for (ours, theirs) in [(&deleted, &changed), (&changed, &deleted)] {
            let conflicts = merged(&base, ours, theirs, &[])?.conflicts;
            let only =
                conflicts.iter().all(|c| c.kind == ConflictKind::DeleteEdit && (&c.entity, &c.key) == (&row.0, &row.1));
            ensure(only && conflicts.len() == 1, || format!("{row:?}: {conflicts:?}"))?;
            for (pick, expected) in [(Side::Ours, ours), (Side::Theirs, theirs)] {
                let merge = merged(&base, ours, theirs, &[Resolution::pick(&row.0, row.1.clone(), pick)])?;
                let differing = diff(expected, &ours.after(&merge.changes));
                let held = merge.conflicts.is_empty() && differing.is_empty();
                ensure(held, || format!("{row:?} {pick:?}: {differing:?} {:?}", merge.conflicts))?;
            }
        }
        Ok(())
    })
}
