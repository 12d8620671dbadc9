use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use understory_manage::merge::{ConflictKind, Merge};
use understory_manage::{Snapshot, Violation, diff};
use understory_model::{MergeRule, Value};

use super::merges::merged;
use super::{Held, ensure, hold};
use crate::samples::model;

/// The random cases are worth trying: every kind of conflict occurs in them, merges of edits that go together, and
/// fields that both sides changed and a rule made one.
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
        fields_made_one(&merge, [&base, &ours, &theirs]).into_iter().for_each(note);
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
    ensure(met.len() == 10, || format!("of {count} cases: {met:?}"))
}

/// By which rules fields became one that both sides changed, each in its own way.
fn fields_made_one(merge: &Merge, sides: [&Snapshot; 3]) -> Vec<&'static str> {
    let mut rules = Vec::new();
    for change in merge.changes.iter() {
        let [Some(base), Some(ours), Some(theirs)] = sides.map(|side| side.get(&change.entity, &change.key)) else {
            continue;
        };
        for column in model().entity(&change.entity).iter().flat_map(|entity| &entity.columns) {
            let [b, o, t] = [base, ours, theirs].map(|row| row.get(&column.name));
            match column.merge {
                _ if b == o || b == t || o == t => {}
                MergeRule::Json if differ_in_an_array([b, o, t]) => rules.push("array by id"),
                MergeRule::Json => rules.push("json by key"),
                MergeRule::Lines => rules.push("lines"),
                MergeRule::Set => rules.push("set"),
                MergeRule::Cell | MergeRule::Newer => {}
            }
        }
    }
    rules
}

/// Whether there is an array at one place of three documents, another in each.
fn differ_in_an_array(documents: [&Value; 3]) -> bool {
    match documents {
        [Value::Object(b), Value::Object(o), Value::Object(t)] => {
            let places = b.iter().filter_map(|(key, value)| Some([value, o.get(key)?, t.get(key)?]));
            places.into_iter().any(differ_in_an_array)
        }
        [Value::Array(b), Value::Array(o), Value::Array(t)] => b != o && b != t && o != t,
        _ => false,
    }
}

/// Every entity of the model takes part: its rows are changed, added or deleted on either side, and merged.
pub fn every_entity_is_met(count: u32) -> Held {
    let (changed, brought) = (RefCell::new(BTreeSet::new()), RefCell::new(BTreeSet::new()));
    hold(count, 2, |case| {
        let base = case.base();
        let (ours, theirs) = (case.side(0, &base), case.side(1, &base));
        changed.borrow_mut().extend(diff(&base, &ours).into_iter().map(|row| row.entity));
        let merge = merged(&base, &ours, &theirs, &[])?;
        brought.borrow_mut().extend(merge.changes.iter().map(|change| change.entity.clone()));
        Ok(())
    })?;
    for (met, what) in [(changed.into_inner(), "changed"), (brought.into_inner(), "merged")] {
        let missed: Vec<_> = model().entities().map(|e| e.name.clone()).filter(|name| !met.contains(name)).collect();
        ensure(missed.is_empty(), || format!("never {what} in {count} cases: {missed:?}"))?;
    }
    Ok(())
}
