use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use understory_manage::merge::ConflictKind;
use understory_manage::{Violation, diff};

use super::merges::merged;
use super::{Held, ensure, hold};
use crate::samples::model;

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
    ensure(met.len() == 6, || format!("of {count} cases: {met:?}"))
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
