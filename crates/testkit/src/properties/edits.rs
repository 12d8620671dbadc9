use std::cell::RefCell;
use std::collections::BTreeSet;

use understory_manage::change::DiffKind;
use understory_manage::merge::ConflictKind;
use understory_manage::{RowDiff, Snapshot, diff};
use understory_model::{Column, MergeRule, Row, Value};

use super::merges::{clean, merged, sets_sorted};
use super::{Held, ensure, ensure_same, hold};
use crate::samples::model;

/// What one side added, changed or deleted is in the result, down to the keys of objects, the items of sets, their
/// order, and the lines of texts; and nothing that both sides changed is decided without asking.
pub fn no_lone_edit_is_lost(count: u32) -> Held {
    hold(count, 2, |case| {
        let base = case.base();
        let (ours, theirs) = (case.side(0, &base), case.side(1, &base));
        let Some(result) = clean(&base, &ours, &theirs)? else { return Ok(()) };
        edits_are_kept(&base, &ours, &theirs, &result)?;
        edits_are_kept(&base, &theirs, &ours, &result)
    })
}

/// Both sides changed parts of one field: where the parts differ the field's rule makes them one, and every rule does.
pub fn edits_of_one_field_meet_by_its_rule(count: u32) -> Held {
    let met: RefCell<BTreeSet<&str>> = RefCell::default();
    hold(count, 2, |case| {
        let [base, ours, theirs] = case.contested().ok_or("no sides")?;
        let Some(result) = clean(&base, &ours, &theirs)? else { return Ok(()) };
        edits_are_kept(&base, &ours, &theirs, &result)?;
        edits_are_kept(&base, &theirs, &ours, &result)?;
        let back = clean(&base, &theirs, &ours)?.ok_or("a conflict the other way round")?;
        ensure_same(&back, &result, "both ways")?;
        let again = clean(&base, &result, &theirs)?.ok_or("a conflict at the second time")?;
        ensure_same(&sets_sorted(&again), &sets_sorted(&result), "from the old base")?;
        met.borrow_mut().extend(diff(&base, &result).iter().filter_map(|row| made_one(row, &ours, &theirs)));
        Ok(())
    })?;
    let met = met.into_inner();
    ensure(met.len() == 4, || format!("of {count} cases: {met:?}"))
}

/// By which rules fields of a row became one that both sides changed, each in its own way.
fn made_one(row: &RowDiff, ours: &Snapshot, theirs: &Snapshot) -> Option<&'static str> {
    let entity = model().entity(&row.entity).cloned()?;
    let (name, (before, _)) = row.fields.iter().next()?;
    let [o, t] = [ours, theirs].map(|side| side.get(&row.entity, &row.key).map(|row| row.get(name)));
    let (o, t) = (o?, t?);
    if before == o || before == t || o == t {
        return None;
    }
    match entity.column(name)?.merge {
        MergeRule::Json if differ_in_an_array([before, o, t]) => Some("array by id"),
        MergeRule::Json => Some("json by key"),
        MergeRule::Lines => Some("lines"),
        MergeRule::Set => Some("set"),
        MergeRule::Cell | MergeRule::Newer => None,
    }
}

/// Whether there is an array at one place of three documents, another in each.
fn differ_in_an_array(documents: [&Value; 3]) -> bool {
    match documents {
        [Value::Object(b), Value::Object(o), Value::Object(t)] => {
            let mut places = b.iter().filter_map(|(key, value)| Some([value, o.get(key)?, t.get(key)?]));
            places.any(differ_in_an_array)
        }
        [Value::Array(b), Value::Array(o), Value::Array(t)] => b != o && b != t && o != t,
        _ => false,
    }
}

/// Whether `result` has what `side` made of `base`, while the other side made `other` of it.
fn edits_are_kept(base: &Snapshot, side: &Snapshot, other: &Snapshot, result: &Snapshot) -> Held {
    for edit in diff(base, side) {
        let at = |snapshot: &Snapshot| snapshot.get(&edit.entity, &edit.key).cloned();
        let (before, own, beside, found) = (at(base), at(side), at(other), at(result));
        if before == beside {
            ensure(found == own, || format!("not as the one side left it: {edit:?}, now {found:?}"))?;
            continue;
        }
        if edit.kind == DiffKind::Removed {
            ensure(found.is_none(), || format!("came back: {edit:?}"))?;
            continue;
        }
        let (Some(own), Some(beside), Some(found)) = (own, beside, found) else {
            return Err(format!("gone: {edit:?}"));
        };
        let entity = model().entity(&edit.entity).cloned().ok_or("no entity")?;
        for column in entity.columns.iter().filter(|column| !column.name.ends_with("ed_at")) {
            let value = |row: &Row| row.get(&column.name).clone();
            let before = before.as_ref().map(|row| value(row));
            let held = kept(column, before.as_ref(), &value(&own), &value(&beside), &value(&found));
            ensure(held, || format!("{} lost: {edit:?}, beside {beside:?}, now {found:?}", column.name))?;
        }
    }
    Ok(())
}

/// Whether `found` has what `own` made of `before`, while the other side made `beside` of it.
pub(super) fn kept(column: &Column, before: Option<&Value>, own: &Value, beside: &Value, found: &Value) -> bool {
    if before == Some(own) {
        return true;
    }
    if own == beside || before == Some(beside) {
        return found == own;
    }
    let before = before.unwrap_or(&Value::Null);
    match column.merge {
        MergeRule::Cell => false,
        MergeRule::Newer => [own, beside].contains(&found),
        MergeRule::Json => parts_kept(before, own, beside, found),
        MergeRule::Set => items_kept([before, own, beside, found].map(items)),
        MergeRule::Lines => items_kept([before, own, beside, found].map(lines)),
    }
}

/// The same for JSON, part by part; null has no parts.
fn parts_kept(before: &Value, own: &Value, beside: &Value, found: &Value) -> bool {
    if own == before {
        return true;
    }
    if own == beside || beside == before {
        return found == own;
    }
    let [Some(b), Some(o), Some(t), Some(f)] = [before, own, beside, found].map(parts) else { return false };
    let part = |of: &[(String, Value)], key: &String| {
        of.iter().find(|(name, _)| name == key).map_or(Value::Null, |(_, part)| part.clone())
    };
    let all =
        b.iter().chain(&o).all(|(key, _)| parts_kept(&part(&b, key), &part(&o, key), &part(&t, key), &part(&f, key)));
    let order = |of: &[(String, Value)]| of.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    all && (!found.is_array() || order_kept(&order(&b), &order(&o), &order(&t), &order(&f)))
}

/// The parts of a value that merge one by one: what an object has by key, or an array by id.
fn parts(value: &Value) -> Option<Vec<(String, Value)>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Object(object) => Some(object.iter().map(|(key, part)| (key.clone(), part.clone())).collect()),
        Value::Array(items) => {
            items.iter().map(|item| Some((item.get("id")?.as_str()?.to_owned(), item.clone()))).collect()
        }
        _ => None,
    }
}

/// The same for sequences of before, own, beside and found: what `own` added is found, and what it removed is not.
fn items_kept(sequences: [Option<Vec<String>>; 4]) -> bool {
    let [before, Some(own), Some(beside), Some(found)] = sequences else { return false };
    let before = before.unwrap_or_default();
    own.iter().all(|item| before.contains(item) || found.contains(item))
        && before.iter().all(|item| own.contains(item) || !found.contains(item))
        && order_kept(&before, &own, &beside, &found)
}

fn items(value: &Value) -> Option<Vec<String>> {
    Some(value.as_array()?.iter().map(Value::to_string).collect())
}

fn lines(value: &Value) -> Option<Vec<String>> {
    Some(value.as_str()?.lines().map(str::to_owned).collect())
}

/// Whether `found` has the items of `own` in its order, unless the other side moved some of them.
fn order_kept(before: &[String], own: &[String], beside: &[String], found: &[String]) -> bool {
    let within = |of: &[String], others: &[&[String]]| -> Vec<String> {
        of.iter().filter(|item| others.iter().all(|other| other.contains(item))).cloned().collect()
    };
    let by_own = within(own, &[beside, found]);
    let by_other = within(beside, &[own, found]);
    let moved = by_other != by_own && by_other != within(before, &[own, beside, found]);
    moved || within(found, &[own]) == within(own, &[found])
}

/// Nothing conflicts that one side alone touched: conflicts name columns that both changed, and rows that one deleted
/// and the other changed.
pub fn only_what_both_sides_touched_conflicts(count: u32) -> Held {
    hold(count, 2, |case| {
        let base = case.base();
        let (ours, theirs) = (case.side(0, &base), case.side(1, &base));
        for conflict in merged(&base, &ours, &theirs, &[])?.conflicts {
            let rows = [&conflict.base, &conflict.ours, &conflict.theirs];
            let real = match &conflict.kind {
                ConflictKind::Fields(columns) => columns.iter().all(|column| {
                    let there = rows.iter().filter_map(|row| row.as_ref());
                    let values: BTreeSet<String> = there.clone().map(|row| row.get(column).to_string()).collect();
                    values.len() == there.count() && values.len() > 1
                }),
                ConflictKind::DeleteEdit => {
                    let diffs = [conflict.our_diff, conflict.their_diff];
                    diffs.contains(&DiffKind::Removed) && diffs.contains(&DiffKind::Modified)
                }
                ConflictKind::Law(violations) => !violations.is_empty(),
            };
            ensure(real, || format!("{conflict:?}"))?;
        }
        Ok(())
    })
}
