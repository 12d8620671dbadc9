use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use understory_model::{Row, Value};

use super::laws::Laws;
use super::overlay::Overlay;
use super::rows::{Met, meet};
use super::{Conflict, ConflictKind, Merge, Resolution, ResolutionError, RowId, Sides};
use crate::Snapshot;
use crate::change::{Edits, differing};

/// One run of a merge with what has been decided.
pub(super) struct Run<'a> {
    sides: Sides<'a>,
    given: &'a [Resolution],
    resolutions: BTreeMap<RowId, &'a Resolution>,
    overlay: Overlay<'a>,
    deleted_and_edited: Vec<RowId>,
    columns_set: BTreeSet<RowId>,
    conflicts: BTreeMap<RowId, Conflict>,
    seen: BTreeSet<RowId>,
}

/// What a run came to.
pub(super) struct Outcome {
    pub(super) merge: Merge,
    /// Every row that was in conflict, resolved or not.
    pub(super) seen: BTreeSet<RowId>,
}

impl<'a> Run<'a> {
    pub(super) fn new(sides: Sides<'a>, given: &'a [Resolution]) -> Self {
        let by_row = given.iter().map(|given| ((given.entity.clone(), given.key.clone()), given));
        Self {
            sides,
            given,
            resolutions: by_row.collect(),
            overlay: Overlay::new(sides, given),
            deleted_and_edited: Vec::new(),
            columns_set: BTreeSet::new(),
            conflicts: BTreeMap::new(),
            seen: BTreeSet::new(),
        }
    }

    pub(super) fn finish(mut self) -> Result<Outcome, ResolutionError> {
        self.refuse_repeated()?;
        self.meet_rows();
        self.resolve_deletions()?;
        let laws = Laws::new(self.sides, &self.resolutions, self.columns_set);
        let settled = laws.settle(&mut self.overlay)?;
        self.seen.extend(settled.seen);
        for conflict in settled.conflicts {
            let row = (conflict.entity.clone(), conflict.key.clone());
            // A row's own conflict comes first: one resolution answers both.
            self.conflicts.entry(row).or_insert(conflict);
        }
        let conflicts: Vec<_> = self.conflicts.into_values().collect();
        let changes = settled.changes.filter(|_| conflicts.is_empty()).unwrap_or_default();
        Ok(Outcome { merge: Merge { changes, conflicts }, seen: self.seen })
    }

    fn refuse_repeated(&self) -> Result<(), ResolutionError> {
        let mut named = BTreeSet::new();
        match self.given.iter().find(|given| !named.insert((&given.entity, &given.key))) {
            None => Ok(()),
            Some(twice) => Err(ResolutionError::Repeated { entity: twice.entity.clone(), key: twice.key.clone() }),
        }
    }

    /// Merges every row that their side changed; until it is resolved, a conflict leaves our values.
    fn meet_rows(&mut self) {
        for (row, met) in meetings(self.sides) {
            match met {
                Met::Ours => {}
                Met::Put(becomes) => self.overlay.set(&row, Some(becomes)),
                Met::Delete => self.overlay.set(&row, None),
                Met::DeleteEdit => self.deleted_and_edited.push(row),
                Met::Clash(becomes, columns) => {
                    let mut becomes = becomes.as_ref().clone();
                    if let Some(resolution) = self.resolutions.get(&row) {
                        let picked = self.sides.of(resolution.pick).get(&row.0, &row.1);
                        for column in &columns {
                            becomes.set(column, picked.map_or(Value::Null, |picked| picked.get(column).clone()));
                        }
                        resolution.set_columns(&self.sides, &mut becomes);
                        self.columns_set.insert(row.clone());
                    } else {
                        self.conflict(&row, ConflictKind::Fields(columns));
                    }
                    self.seen.insert(row.clone());
                    self.overlay.set(&row, Some(becomes.into()));
                }
            }
        }
    }

    fn conflict(&mut self, row: &RowId, kind: ConflictKind) {
        self.conflicts.insert(row.clone(), self.sides.conflict(row, row, kind));
    }

    /// Drops rows before it keeps any, so that keeping wins.
    fn resolve_deletions(&mut self) -> Result<(), ResolutionError> {
        let mut kept = Vec::new();
        for row in std::mem::take(&mut self.deleted_and_edited) {
            self.seen.insert(row.clone());
            let Some(resolution) = self.resolutions.get(&row) else {
                self.conflict(&row, ConflictKind::DeleteEdit);
                continue;
            };
            if let Some(column) = resolution.columns.keys().next() {
                let ((entity, key), column) = (row, column.clone());
                return Err(ResolutionError::DeletedRow { entity, key, column });
            }
            if self.sides.of(resolution.pick).get(&row.0, &row.1).is_some() {
                kept.push((row, resolution.pick));
            } else {
                let resolutions = &self.resolutions;
                self.overlay.drop_row(&row, |dependent| resolutions.contains_key(dependent));
            }
        }
        for (row, side) in kept {
            self.overlay.keep_row(&row, side);
        }
        Ok(())
    }
}

/// How every row that their side changed meets ours, by entity and key.
fn meetings(sides: Sides<'_>) -> impl Iterator<Item = (RowId, Met)> {
    differing(sides.base, sides.theirs).into_iter().filter_map(move |(name, key)| {
        let entity = sides.model.entity(name)?;
        let at = |snapshot: &'_ Snapshot| snapshot.get(name, key).cloned();
        let (base, ours, theirs) = (at(sides.base), at(sides.ours), at(sides.theirs));
        Some(((name.to_owned(), key.clone()), meet(entity, base.as_ref(), ours.as_ref(), theirs.as_ref())))
    })
}

pub(super) fn merge_virtual(sides: Sides<'_>) -> Snapshot {
    let mut edits = Edits::new();
    for (row, met) in meetings(sides) {
        let before = sides.base.get(&row.0, &row.1);
        let becomes = match met {
            Met::Ours => continue,
            Met::Put(becomes) => Some(becomes),
            Met::Delete => None,
            Met::DeleteEdit => before.cloned(),
            // A row that both added has no older values: with it absent, whatever differs in it conflicts again.
            Met::Clash(becomes, columns) => before.map(|before| {
                let older = columns.iter().fold(Row::clone(&becomes), |row, c| row.with(c, before.get(c).clone()));
                Arc::new(older)
            }),
        };
        edits.insert(row, becomes);
    }
    sides.ours.with_edits(&edits)
}
