use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use understory_manage::change::{DiffKind, check};
use understory_manage::merge::{Conflict, ConflictKind, Merge, Resolution, Side, merge};
use understory_manage::{Snapshot, Violation, diff};
use understory_model::{Entity, Key, MergeRule, Row, Value, check_value};

use super::{Case, Held, ensure, ensure_same, hold};
use crate::samples::model;

fn merged(base: &Snapshot, ours: &Snapshot, theirs: &Snapshot, resolutions: &[Resolution]) -> Result<Merge, String> {
    merge(&model(), base, ours, theirs, resolutions).map_err(|error| error.to_string())
}

/// The rows that a merge without conflicts comes to.
fn clean(base: &Snapshot, ours: &Snapshot, theirs: &Snapshot) -> Result<Option<Snapshot>, String> {
    let merge = merged(base, ours, theirs, &[])?;
    Ok(merge.conflicts.is_empty().then(|| ours.after(&merge.changes)))
}

/// Resolves every conflict by the case's picks, until none is left; the resolutions, and what the merge comes to.
fn resolved(
    case: &Case,
    base: &Snapshot,
    ours: &Snapshot,
    theirs: &Snapshot,
) -> Result<(Vec<Resolution>, Snapshot), String> {
    let mut resolutions = Vec::new();
    for _ in 0..20 {
        let merge = merged(base, ours, theirs, &resolutions)?;
        if merge.conflicts.is_empty() {
            return Ok((resolutions, ours.after(&merge.changes)));
        }
        ensure(merge.changes.is_empty(), || "changes in spite of conflicts".into())?;
        for conflict in merge.conflicts {
            let pick = case.picks[resolutions.len() % case.picks.len()];
            let side = if pick.is_multiple_of(2) { Side::Ours } else { Side::Theirs };
            resolutions.push(Resolution::pick(conflict.entity, conflict.key, side));
        }
    }
    Err(format!("conflicts without end: {:?}", merged(base, ours, theirs, &resolutions)?.conflicts))
}

/// Merging a branch with itself, or with its own past, changes nothing; merging what is ahead takes it as it is.
pub fn merging_the_same_changes_nothing(count: u32) -> Held {
    hold(count, 2, |case| {
        let base = case.base();
        let (ours, theirs) = (case.side(0, &base), case.side(1, &base));
        for (ours, theirs, what) in
            [(&ours, &ours, "itself"), (&ours, &base, "its own past"), (&theirs, &base, "its own past")]
        {
            let merge = merged(&base, ours, theirs, &[])?;
            ensure(merge.changes.is_empty() && merge.conflicts.is_empty(), || format!("with {what}: {merge:?}"))?;
        }
        let ahead = clean(&base, &base, &theirs)?.ok_or("a conflict with what is ahead")?;
        ensure_same(&ahead, &theirs, "what is ahead is taken as it is")
    })
}

/// Merging again what was merged brings nothing, from its own head and from the old base.
pub fn merging_again_brings_nothing(count: u32) -> Held {
    hold(count, 2, |case| {
        let base = case.base();
        let (ours, theirs) = (case.side(0, &base), case.side(1, &base));
        let (_, result) = resolved(case, &base, &ours, &theirs)?;
        let again = clean(&theirs, &result, &theirs)?.ok_or("a conflict with its own parent")?;
        ensure_same(&again, &result, "from the merged head")?;
        let Some(result) = clean(&base, &ours, &theirs)? else { return Ok(()) };
        let again = clean(&base, &result, &theirs)?.ok_or("a conflict at the second time")?;
        ensure_same(&again, &result, "from the old base")
    })
}

/// Which side is called ours decides the labels of conflicts, not their number nor the result.
pub fn swapping_the_sides_swaps_the_labels(count: u32) -> Held {
    hold(count, 2, |case| {
        let base = case.base();
        let (a, b) = (case.side(0, &base), case.side(1, &base));
        let (there, back) = (merged(&base, &a, &b, &[])?, merged(&base, &b, &a, &[])?);
        ensure(there.conflicts.is_empty() == back.conflicts.is_empty(), || format!("{there:?} {back:?}"))?;
        if there.conflicts.is_empty() {
            return ensure_same(&a.after(&there.changes), &b.after(&back.changes), "both ways");
        }
        let own = |merge: &Merge, swap: bool| -> BTreeSet<String> {
            let direct = merge.conflicts.iter().filter(|conflict| !matches!(conflict.kind, ConflictKind::Law(_)));
            direct.map(|conflict| label(conflict, swap)).collect()
        };
        ensure(own(&there, false) == own(&back, true), || format!("{there:?} {back:?}"))?;
        // Broken laws are told with our values where fields are still open, so they compare only without those.
        if own(&there, false).is_empty() {
            ensure(laws(&there) == laws(&back), || format!("{there:?} {back:?}"))?;
        }
        Ok(())
    })
}

fn label(conflict: &Conflict, swap: bool) -> String {
    let Conflict { entity, key, kind, our_diff, their_diff, base, ours, theirs } = conflict;
    let (first, second) =
        if swap { ((their_diff, theirs), (our_diff, ours)) } else { ((our_diff, ours), (their_diff, theirs)) };
    format!("{entity} {key} {kind:?} {base:?} {first:?} {second:?}")
}

/// The rows that broken laws are between, whichever of them the conflict is told of.
fn laws(merge: &Merge) -> BTreeSet<BTreeSet<(String, Key)>> {
    let violations = merge.conflicts.iter().filter_map(|conflict| match &conflict.kind {
        ConflictKind::Law(violations) => Some(violations),
        _ => None,
    });
    let rows = |violation: &Violation| match violation.clone() {
        Violation::Dangling { entity, key, target, target_key, .. }
        | Violation::Restricted { entity, key, target, target_key } => [(entity, key), (target, target_key)].into(),
        Violation::Duplicate { entity, key, other, .. } => [(entity.clone(), key), (entity, other)].into(),
    };
    violations.flatten().map(rows).collect()
}

/// What one side alone added, changed or deleted is in the result, down to the keys of objects and the items of sets.
pub fn no_lone_edit_is_lost(count: u32) -> Held {
    hold(count, 2, |case| {
        let base = case.base();
        let (ours, theirs) = (case.side(0, &base), case.side(1, &base));
        let Some(result) = clean(&base, &ours, &theirs)? else { return Ok(()) };
        for (side, other) in [(&ours, &theirs), (&theirs, &ours)] {
            for edit in diff(&base, side) {
                let at = |snapshot: &Snapshot| snapshot.get(&edit.entity, &edit.key).cloned();
                let (found, beside) = (at(&result), at(other));
                if edit.kind == DiffKind::Removed {
                    ensure(found.is_none(), || format!("came back: {edit:?}"))?;
                    continue;
                }
                let found = found.ok_or_else(|| format!("gone: {edit:?}"))?;
                let entity = model().entity(&edit.entity).cloned().ok_or("no entity")?;
                for (column, (before, own)) in &edit.fields {
                    let beside = beside.as_ref().map_or(before, |row| row.get(column));
                    let is_set = entity.column(column).is_some_and(|column| column.merge == MergeRule::Set);
                    let kept = if is_set { items_kept } else { parts_kept };
                    let found = found.get(column);
                    ensure(kept(before, own, beside, found), || format!("{column} lost: {edit:?}, now {found:?}"))?;
                }
            }
        }
        Ok(())
    })
}

/// Whether what `own` alone made of `before` is in `found`.
fn parts_kept(before: &Value, own: &Value, beside: &Value, found: &Value) -> bool {
    if own == before {
        return true;
    }
    match (before, own, beside) {
        _ if beside == before => found == own,
        (Value::Object(b), Value::Object(o), Value::Object(t)) => b.keys().chain(o.keys()).all(|key| {
            let [b, o, t, found] = [b.get(key), o.get(key), t.get(key), found.get(key)];
            let or_null = |part: Option<&Value>| part.cloned().unwrap_or_default();
            o == b || parts_kept(&or_null(b), &or_null(o), &or_null(t), &or_null(found))
        }),
        _ => true,
    }
}

/// The same for sets: what `own` added is in `found`, and what it removed is not.
fn items_kept(before: &Value, own: &Value, beside: &Value, found: &Value) -> bool {
    match (before, own, beside, found) {
        _ if beside == before => found == own,
        (Value::Array(b), Value::Array(o), Value::Array(_), Value::Array(found)) => {
            o.iter().all(|item| b.contains(item) || found.contains(item))
                && b.iter().all(|item| o.contains(item) || !found.contains(item))
        }
        _ => true,
    }
}

/// Two branches merged one after the other come to the same in either order, if neither order has conflicts.
///
/// The items of a set may then be in another order: each merge keeps as much of both sides' order as it can.
pub fn the_order_of_merges_is_irrelevant(count: u32) -> Held {
    hold(count, 3, |case| {
        let base = case.base();
        let [main, one, two] = [0, 1, 2].map(|side| case.side(side, &base));
        let both = |first: &Snapshot, second: &Snapshot| -> Result<Option<Snapshot>, String> {
            let Some(merged) = clean(&base, &main, first)? else { return Ok(None) };
            clean(&base, &merged, second)
        };
        match (both(&one, &two)?, both(&two, &one)?) {
            (Some(there), Some(back)) => ensure_same(&sets_sorted(&there), &sets_sorted(&back), "either order"),
            _ => Ok(()),
        }
    })
}

/// A snapshot with the items of sets in one order.
fn sets_sorted(snapshot: &Snapshot) -> Snapshot {
    let sorted = |row: &Row, entity: &Entity| -> Row {
        let is_set = |name: &str| entity.column(name).is_some_and(|column| column.merge == MergeRule::Set);
        let cell = |(name, value): (&str, &Value)| match value {
            Value::Array(items) if is_set(name) => {
                let items: BTreeMap<String, &Value> = items.iter().map(|item| (item.to_string(), item)).collect();
                (name.to_owned(), items.into_values().cloned().collect())
            }
            value => (name.to_owned(), value.clone()),
        };
        row.iter().map(cell).collect()
    };
    let tables = snapshot.tables().filter_map(|(name, table)| Some((name, table, model().entity(name).cloned()?)));
    Snapshot::new(tables.map(|(name, table, entity)| {
        let rows = table.iter().map(|(key, row)| (key.clone(), Arc::new(sorted(row, &entity))));
        (name.to_owned(), rows.collect())
    }))
}

/// However its conflicts are resolved, a merge comes to an end, at a valid project, and to the same each time.
pub fn every_resolution_is_valid(count: u32) -> Held {
    hold(count, 2, |case| {
        let base = case.base();
        let (ours, theirs) = (case.side(0, &base), case.side(1, &base));
        let (resolutions, result) = resolved(case, &base, &ours, &theirs)?;
        let broken = check(&model(), &result);
        ensure(broken.is_empty(), || format!("{broken:?} after {resolutions:?}"))?;
        for row in diff(&ours, &result).iter().filter(|row| row.kind != DiffKind::Removed) {
            for column in model().entity(&row.entity).iter().flat_map(|entity| &entity.columns) {
                let value = row.fields.get(&column.name).map(|(_, value)| value);
                let errors = value.map(|value| check_value(column, value)).unwrap_or_default();
                ensure(errors.is_empty(), || format!("{errors:?} in {row:?}"))?;
            }
        }
        let again = merged(&base, &ours, &theirs, &resolutions)?;
        ensure_same(&ours.after(&again.changes), &result, "the same each time")
    })
}

/// The random cases are worth trying: every kind of conflict occurs in them, and merges of edits that go together.
pub fn random_sides_meet_in_every_way(count: u32) -> Held {
    let met: RefCell<BTreeMap<&str, u32>> = RefCell::default();
    let note = |what| *met.borrow_mut().entry(what).or_default() += 1;
    hold(count, 2, |case| {
        let base = case.base();
        let (ours, theirs) = (case.side(0, &base), case.side(1, &base));
        let merge = merged(&base, &ours, &theirs, &[])?;
        if merge.conflicts.is_empty() && !merge.changes.is_empty() && !diff(&base, &ours).is_empty() {
            note("together");
        }
        for change in merge.changes.iter().filter(|change| change.before.is_some() && change.after.is_some()) {
            let (entity, key) = (&change.entity, &change.key);
            if kind_in(&base, &ours, entity, key).is_some() && kind_in(&base, &theirs, entity, key).is_some() {
                note("in one row");
            }
        }
        for conflict in &merge.conflicts {
            match &conflict.kind {
                ConflictKind::Fields(_) => note("fields"),
                ConflictKind::DeleteEdit => note("deleted and edited"),
                ConflictKind::Law(violations) => violations.iter().for_each(|violation| match violation {
                    Violation::Dangling { .. } => note("dangling"),
                    Violation::Duplicate { .. } => note("duplicate"),
                    Violation::Restricted { .. } => note("restricted"),
                }),
            }
        }
        Ok(())
    })?;
    let met = met.into_inner();
    ensure(met.len() == 7, || format!("of {count} cases: {met:?}"))
}

fn kind_in(base: &Snapshot, side: &Snapshot, entity: &str, key: &Key) -> Option<DiffKind> {
    diff(base, side).into_iter().find(|row| row.entity == entity && row.key == *key).map(|row| row.kind)
}
