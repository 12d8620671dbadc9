use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use understory_manage::merge::{Conflict, ConflictKind, Merge, Resolution, merge};
use understory_manage::{Snapshot, Violation};
use understory_model::{Entity, Key, MergeRule, Row, Value};

use super::resolutions::resolved;
use super::{Held, ensure, ensure_same, hold};
use crate::samples::model;

pub(super) fn merged(
    base: &Snapshot,
    ours: &Snapshot,
    theirs: &Snapshot,
    resolutions: &[Resolution],
) -> Result<Merge, String> {
    merge(&model(), base, ours, theirs, resolutions).map_err(|error| error.to_string())
}

/// The rows that a merge without conflicts comes to.
pub(super) fn clean(base: &Snapshot, ours: &Snapshot, theirs: &Snapshot) -> Result<Option<Snapshot>, String> {
    let merge = merged(base, ours, theirs, &[])?;
    Ok(merge.conflicts.is_empty().then(|| ours.after(&merge.changes)))
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
///
/// From the old base the items of a set that both sides moved may come in another order.
pub fn merging_again_brings_nothing(count: u32) -> Held {
    hold(count, 2, |case| {
        let base = case.base();
        let (ours, theirs) = (case.side(0, &base), case.side(1, &base));
        let (_, result) = resolved(case, &base, &ours, &theirs)?;
        let again = clean(&theirs, &result, &theirs)?.ok_or("a conflict with its own parent")?;
        ensure_same(&again, &result, "from the merged head")?;
        let Some(result) = clean(&base, &ours, &theirs)? else { return Ok(()) };
        let again = clean(&base, &result, &theirs)?.ok_or("a conflict at the second time")?;
        ensure_same(&sets_sorted(&again), &sets_sorted(&result), "from the old base")
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
pub(super) fn sets_sorted(snapshot: &Snapshot) -> Snapshot {
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
