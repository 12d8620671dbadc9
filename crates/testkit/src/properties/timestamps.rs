use std::collections::BTreeSet;
use std::sync::Arc;

use understory_manage::merge::Merge;
use understory_manage::{Snapshot, diff};
use understory_model::{Key, Row};

use super::merges::merged;
use super::{Held, ensure, hold};

/// Timestamps never conflict nor decide anything: a row is as old as its older side says, and was changed when its
/// newer side says.
pub fn timestamps_never_conflict(count: u32) -> Held {
    hold(count, 2, |case| {
        let base = case.base();
        let (ours, theirs) = (case.side(0, &base), case.side(1, &base));
        let (older, newer) = (stamped(&ours, "2020-01-01", "2030-01-01"), stamped(&theirs, "2020-01-02", "2030-01-02"));
        let plain = merged(&base, &ours, &theirs, &[])?;
        let touched = merged(&base, &older, &newer, &[])?;
        ensure(rows(&plain) == rows(&touched), || format!("{plain:?} {touched:?}"))?;
        if !plain.conflicts.is_empty() {
            return Ok(());
        }
        let (expected, result) = (ours.after(&plain.changes), older.after(&touched.changes));
        let differing = diff(&expected, &result);
        ensure(differing.is_empty(), || format!("{differing:?}"))?;
        for (entity, table) in result.tables() {
            for (key, row) in table.iter().filter(|(key, _)| ours.get(entity, key).is_some()) {
                let both = theirs.get(entity, key).is_some();
                let updated = if both { "2030-01-02" } else { "2030-01-01" };
                let held = |column, expected| !row.has(column) || row.text(column) == Some(expected);
                let held = held("created_at", "2020-01-01") && held("updated_at", updated);
                ensure(held, || format!("{entity} {row:?}"))?;
            }
        }
        Ok(())
    })
}

fn rows(merge: &Merge) -> BTreeSet<(String, Key)> {
    merge.conflicts.iter().map(|conflict| (conflict.entity.clone(), conflict.key.clone())).collect()
}

/// A snapshot of the same rows, all written at other times.
fn stamped(snapshot: &Snapshot, created: &str, updated: &str) -> Snapshot {
    let stamp = |row: &Row| {
        let times = [("created_at", created), ("updated_at", updated)].into_iter();
        times.filter(|(column, _)| row.has(column)).fold(row.clone(), |row, (column, time)| row.with(column, time))
    };
    Snapshot::new(snapshot.tables().map(|(entity, table)| {
        let rows = table.iter().map(|(key, row)| (key.clone(), Arc::new(stamp(row))));
        (entity.to_owned(), rows.collect())
    }))
}
