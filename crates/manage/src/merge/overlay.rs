use std::collections::BTreeSet;
use std::sync::Arc;

use understory_model::{Entity, OnDelete, Reference, Row, Value};

use super::{Resolution, RowId, Side, Sides};
use crate::Snapshot;
use crate::change::{Edits, View, target_key};

/// Our side with the merge's edits so far.
///
/// Unlike a draft it never sets timestamps: a merge gives the same rows whenever it is run.
pub(super) struct Overlay<'a> {
    sides: Sides<'a>,
    given: &'a [Resolution],
    pub(super) edits: Edits,
    /// Rows that a resolution decided to drop: nothing but a row that needs them brings them back.
    dropped: BTreeSet<RowId>,
}

impl<'a> Overlay<'a> {
    pub(super) fn new(sides: Sides<'a>, given: &'a [Resolution]) -> Self {
        Self { sides, given, edits: Edits::new(), dropped: BTreeSet::new() }
    }

    pub(super) fn get(&self, row: &RowId) -> Option<&Arc<Row>> {
        self.view().get(&row.0, &row.1)
    }

    pub(super) fn set(&mut self, row: &RowId, becomes: Option<Arc<Row>>) {
        self.edits.insert(row.clone(), becomes);
    }

    fn view(&self) -> View<'_> {
        View { model: self.sides.model, base: self.sides.ours, edits: &self.edits }
    }

    /// Deletes a row, and with it what the model says depends on it; rows for which `spared` holds are left for the
    /// laws to complain about.
    pub(super) fn drop_row(&mut self, row: &RowId, spared: impl Fn(&RowId) -> bool) {
        let model = self.sides.model;
        let mut gone = vec![row.clone()];
        while let Some(target) = gone.pop() {
            self.set(&target, None);
            for (entity, reference) in model.references_to(&target.0) {
                for (key, row) in self.view().referring(entity, reference, &target.1) {
                    let dependent = (entity.name.clone(), key);
                    match reference.on_delete {
                        OnDelete::SetNull => self.set(&dependent, Some(cleared(&row, reference))),
                        _ if spared(&dependent) => {}
                        OnDelete::Cascade | OnDelete::Restrict => gone.push(dependent),
                    }
                }
            }
            self.dropped.insert(target);
        }
    }

    /// Keeps a row that one side deleted, as the other side has it: with what it refers to, and with all that the
    /// deletion took along.
    pub(super) fn keep_row(&mut self, row: &RowId, side: Side) {
        let kept_by = self.sides.of(side);
        let mut kept = Vec::new();
        let mut needed = vec![row.clone()];
        while let Some(row) = needed.pop() {
            let Some(content) = kept_by.get(&row.0, &row.1).map(|content| self.as_given(&row, content)) else {
                continue;
            };
            self.dropped.remove(&row);
            needed.extend(self.missing_targets(&row.0, &content));
            self.set(&row, Some(content));
            kept.push(row);
        }
        while let Some(target) = kept.pop() {
            kept.extend(self.take_back_dependents(&target, kept_by));
        }
    }

    /// A row as it is, but for the columns that a resolution of it names.
    pub(super) fn as_given(&self, row: &RowId, content: &Arc<Row>) -> Arc<Row> {
        match self.given.iter().find(|given| given.is_about(row) && !given.columns.is_empty()) {
            None => Arc::clone(content),
            Some(given) => {
                let mut becomes = Row::clone(content);
                given.set_columns(&self.sides, &mut becomes);
                Arc::new(becomes)
            }
        }
    }

    /// What a row refers to and is not there.
    fn missing_targets(&self, entity: &str, row: &Row) -> Vec<RowId> {
        let references = self.sides.model.entity(entity).into_iter().flat_map(|entity| &entity.references);
        let targets = references.filter_map(|r| Some((r.entity.clone(), target_key(r, row)?)));
        targets.filter(|target| self.get(target).is_none()).collect()
    }

    /// Takes back what the deletion of `target` did on the other side; the rows that are there again.
    fn take_back_dependents(&mut self, target: &RowId, kept_by: &Snapshot) -> Vec<RowId> {
        let mut back = Vec::new();
        let none = Edits::new();
        let model = self.sides.model;
        let before = View { model, base: kept_by, edits: &none };
        for (entity, reference) in model.references_to(&target.0) {
            for (key, row) in before.referring(entity, reference, &target.1) {
                let dependent = (entity.name.clone(), key);
                let row = self.as_given(&dependent, &row);
                match self.get(&dependent) {
                    None if !self.dropped.contains(&dependent)
                        && self.missing_targets(&entity.name, &row).is_empty() =>
                    {
                        self.set(&dependent, Some(row));
                        back.push(dependent);
                    }
                    Some(present) if self.was_cleared(entity, reference, &dependent, present, &row) => {
                        let restored = Row::clone(present).with(&reference.column, row.get(&reference.column).clone());
                        self.set(&dependent, Some(Arc::new(restored)));
                    }
                    _ => {}
                }
            }
        }
        back
    }

    /// Whether a deletion set this reference to null, and neither the side that keeps the target nor a resolution had
    /// anything to say about it.
    fn was_cleared(&self, entity: &Entity, reference: &Reference, row: &RowId, present: &Row, kept: &Row) -> bool {
        let column = &reference.column;
        let before = self.sides.base.get(&entity.name, &row.1);
        reference.on_delete == OnDelete::SetNull
            && present.get(column).is_null()
            && before.is_some_and(|before| before.get(column) == kept.get(column))
    }

    /// Makes a row's reference as `side` has it, if that leads somewhere; else does what the model says happens to a
    /// row whose target is gone.
    pub(super) fn follow_deletion(&mut self, row: &RowId, reference: &Reference, side: Side) {
        let Some(present) = self.get(row).cloned() else { return };
        if let Some(picked) = self.sides.of(side).get(&row.0, &row.1) {
            let columns = reference.columns.iter();
            let referring = columns.fold(Row::clone(&present), |row, c| row.with(c, picked.get(c).clone()));
            let target = target_key(reference, &referring).map(|key| (reference.entity.clone(), key));
            if target.is_none_or(|target| self.get(&target).is_some()) {
                return self.set(row, Some(Arc::new(referring)));
            }
        }
        match reference.on_delete {
            OnDelete::SetNull => self.set(row, Some(cleared(&present, reference))),
            OnDelete::Cascade | OnDelete::Restrict => self.drop_row(row, |_| false),
        }
    }

    /// Makes what must be unique in a row as `side` has it; a row that this side does not have goes.
    pub(super) fn follow_unique(&mut self, row: &RowId, columns: &[String], side: Side) {
        let Some(present) = self.get(row).cloned() else { return };
        match self.sides.of(side).get(&row.0, &row.1) {
            None => self.drop_row(row, |_| false),
            Some(picked) => {
                let becomes = columns.iter().fold(Row::clone(&present), |row, c| row.with(c, picked.get(c).clone()));
                self.set(row, Some(Arc::new(becomes)));
            }
        }
    }
}

fn cleared(row: &Row, reference: &Reference) -> Arc<Row> {
    Arc::new(row.clone().with(&reference.column, Value::Null))
}
