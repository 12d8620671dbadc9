use std::collections::{BTreeMap, BTreeSet};

use super::overlay::Overlay;
use super::{Choice, Conflict, ConflictKind, Resolution, ResolutionError, RowId, Side, Sides};
use crate::change::{settle, target_key};
use crate::{ChangeSet, Violation};

/// Applies the laws to what a merge came to, and resolutions to what they find.
pub(super) struct Laws<'a, 'r> {
    pub(super) sides: Sides<'a>,
    pub(super) resolutions: &'r BTreeMap<RowId, &'a Resolution>,
    /// Rows whose resolution has set its columns already.
    pub(super) columns_set: BTreeSet<RowId>,
    /// Violations that were answered: none is answered twice, so that answering them comes to an end.
    answered: Vec<Violation>,
}

/// What the laws left.
pub(super) struct Settled {
    /// The changes, if no violation is open.
    pub(super) changes: Option<ChangeSet>,
    /// Open violations as conflicts.
    pub(super) conflicts: Vec<Conflict>,
    /// Rows that a law was broken on.
    pub(super) seen: BTreeSet<RowId>,
}

impl<'a, 'r> Laws<'a, 'r> {
    pub(super) fn new(
        sides: Sides<'a>,
        resolutions: &'r BTreeMap<RowId, &'a Resolution>,
        columns_set: BTreeSet<RowId>,
    ) -> Self {
        Self { sides, resolutions, columns_set, answered: Vec::new() }
    }

    pub(super) fn settle(mut self, overlay: &mut Overlay<'a>) -> Result<Settled, ResolutionError> {
        let mut seen = BTreeSet::new();
        loop {
            let violations = match settle(self.sides.model, self.sides.ours, overlay.edits.clone()) {
                Ok(_) if self.set_remaining_columns(overlay) => continue,
                Ok(changes) => return Ok(Settled { changes: Some(changes), conflicts: Vec::new(), seen }),
                Err(violations) => violations,
            };
            let mut open = Vec::new();
            let mut progress = false;
            for violation in violations {
                seen.insert(self.place(&violation).0);
                if self.answer(overlay, &violation) {
                    progress = true;
                } else {
                    open.push(violation);
                }
            }
            if !progress {
                self.refuse_bad_values(&open)?;
                return Ok(Settled { changes: None, conflicts: self.conflicts(open), seen });
            }
        }
    }

    /// The row whose conflict a violation is, and the row it clashes with.
    ///
    /// Told by the snapshots alone, so that a resolution of what a preview showed finds its conflict again. Of two
    /// rows that share what must be unique it is the one that their side brings.
    fn place(&self, violation: &Violation) -> (RowId, RowId) {
        match violation {
            Violation::Dangling { entity, key, target, target_key, .. }
            | Violation::Restricted { entity, key, target, target_key } => {
                ((entity.clone(), key.clone()), (target.clone(), target_key.clone()))
            }
            Violation::Duplicate { entity, key, other, .. } => {
                let (row, other) = ((entity.clone(), key.clone()), (entity.clone(), other.clone()));
                let brought = |row| self.sides.diff(Side::Theirs, row).is_some();
                if brought(&other) && !brought(&row) { (other, row) } else { (row, other) }
            }
        }
    }

    /// Does what a resolution says about a violation; whether there was anything to do.
    fn answer(&mut self, overlay: &mut Overlay<'a>, violation: &Violation) -> bool {
        let (row, other) = self.place(violation);
        let Some(resolution) = self.resolutions.get(&row) else { return false };
        if self.set_columns(overlay, &row, resolution) {
            return true;
        }
        if given_column(resolution, violation).is_some() || self.answered.contains(violation) {
            return false;
        }
        self.answered.push(violation.clone());
        match violation {
            Violation::Duplicate { columns, .. } => {
                overlay.follow_unique(&row, columns, resolution.pick);
                overlay.follow_unique(&other, columns, resolution.pick);
            }
            Violation::Dangling { .. } | Violation::Restricted { .. } => {
                self.answer_missing(overlay, &row, &other, resolution.pick);
            }
        }
        true
    }

    /// Sets the columns that resolutions name where another resolution answered what they were about; whether any did.
    fn set_remaining_columns(&mut self, overlay: &mut Overlay<'a>) -> bool {
        let resolutions = self.resolutions;
        resolutions.iter().fold(false, |any, (row, resolution)| self.set_columns(overlay, row, resolution) || any)
    }

    /// Sets the columns that a resolution names, once; whether it did.
    fn set_columns(&mut self, overlay: &mut Overlay<'a>, row: &RowId, resolution: &Resolution) -> bool {
        if resolution.columns.is_empty() || !self.columns_set.insert(row.clone()) {
            return false;
        }
        if let Some(present) = overlay.get(row) {
            let becomes = overlay.as_given(row, present);
            overlay.set(row, Some(becomes));
        }
        true
    }

    fn answer_missing(&self, overlay: &mut Overlay<'a>, row: &RowId, target: &RowId, pick: Side) {
        if overlay.get(target).is_some() {
            return;
        }
        if self.sides.of(pick).get(&target.0, &target.1).is_some() {
            return overlay.keep_row(target, pick);
        }
        let references = self.sides.model.entity(&row.0).into_iter().flat_map(|entity| &entity.references);
        for reference in references.filter(|reference| reference.entity == target.0) {
            let points = |row| target_key(reference, row).as_ref() == Some(&target.1);
            if overlay.get(row).is_some_and(|row| points(row)) {
                overlay.follow_deletion(row, reference, pick);
            }
        }
    }

    /// A value that a resolution gives must not break a law: no pick would say what it becomes instead.
    fn refuse_bad_values(&self, open: &[Violation]) -> Result<(), ResolutionError> {
        for violation in open {
            let row = self.place(violation).0;
            let given = self.resolutions.get(&row).and_then(|resolution| given_column(resolution, violation));
            if let Some(column) = given {
                let ((entity, key), detail) = (row, violation.to_string());
                return Err(ResolutionError::InvalidValue { entity, key, column: column.to_owned(), detail });
            }
        }
        Ok(())
    }

    fn conflicts(&self, open: Vec<Violation>) -> Vec<Conflict> {
        let mut by_row: BTreeMap<RowId, (RowId, Vec<Violation>)> = BTreeMap::new();
        for violation in open {
            let (row, other) = self.place(&violation);
            by_row.entry(row).or_insert((other, Vec::new())).1.push(violation);
        }
        let conflict = |(row, (other, laws))| self.sides.conflict(&row, &other, ConflictKind::Law(laws));
        by_row.into_iter().map(conflict).collect()
    }
}

/// The column of a violation that a resolution gives a value of its own.
fn given_column<'v>(resolution: &Resolution, violation: &'v Violation) -> Option<&'v str> {
    let columns = match violation {
        Violation::Dangling { column, .. } => std::slice::from_ref(column),
        Violation::Duplicate { columns, .. } => columns,
        Violation::Restricted { .. } => &[],
    };
    let given = |column: &&String| matches!(resolution.columns.get(*column), Some(Choice::Value(_)));
    columns.iter().find(given).map(String::as_str)
}
