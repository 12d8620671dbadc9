//! The three-way merge of two snapshots: pure, so a preview and the merge itself are one function.
//!
//! "Ours" is the branch merged into, "theirs" the one that is merged. Rows meet field by field, each by its column's
//! rule; then the model's laws are applied to what comes out, and whatever the two sides broke together is a conflict
//! as well. The changes that a merge yields are relative to ours, and have passed the laws.

mod fields;
mod json;
mod laws;
mod overlay;
mod resolution;
mod rows;
mod run;
mod sequence;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use understory_model::{Key, Model, Row};

pub use resolution::{Choice, Resolution, ResolutionError};
use run::Run;

use crate::change::{DiffKind, kind_of};
use crate::{ChangeSet, Snapshot, Violation};

/// One of the two sides of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The branch merged into.
    Ours,
    /// The branch that is merged.
    Theirs,
}

/// What a merge comes to: changes or conflicts.
#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// What ours becomes; none while conflicts are open.
    pub changes: ChangeSet,
    /// What only people can decide, at most one per row, by entity and key.
    pub conflicts: Vec<Conflict>,
}

/// A row that the sides changed in ways that do not go together.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The entity's name.
    pub entity: String,
    /// Which row.
    pub key: Key,
    /// In what way.
    pub kind: ConflictKind,
    /// What our side did to the row, or, if it left the row alone, to the row that it clashes with.
    pub our_diff: DiffKind,
    /// The same of their side.
    pub their_diff: DiffKind,
    /// The row as it was.
    pub base: Option<Arc<Row>>,
    /// The row as our side has it.
    pub ours: Option<Arc<Row>>,
    /// The row as their side has it.
    pub theirs: Option<Arc<Row>>,
}

/// In what way two changes do not go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConflictKind {
    /// Both sides changed these columns.
    Fields(Vec<String>),
    /// One side deleted what the other changed.
    DeleteEdit,
    /// Each side is valid, but both together break these laws; each violation names the row it is about and the
    /// one it clashes with: one side deleted what the other refers to, or both took what must be unique.
    Law(Vec<Violation>),
}

/// Merges `theirs` into `ours`, their common past being `base`.
///
/// Every row's conflict needs one [`Resolution`]; with any left open there are no changes. The same arguments always
/// give the same answer.
pub fn merge(
    model: &Model,
    base: &Snapshot,
    ours: &Snapshot,
    theirs: &Snapshot,
    resolutions: &[Resolution],
) -> Result<Merge, ResolutionError> {
    let sides = Sides { model, base, ours, theirs };
    let unresolved = Run::new(sides, &[]).finish()?;
    if resolutions.is_empty() {
        return Ok(unresolved.merge);
    }
    for resolution in resolutions {
        resolution.check(&sides)?;
    }
    let resolved = Run::new(sides, resolutions).finish()?;
    let known = |resolution: &Resolution| {
        let row = (resolution.entity.clone(), resolution.key.clone());
        unresolved.seen.contains(&row) || resolved.seen.contains(&row)
    };
    match resolutions.iter().find(|resolution| !known(resolution)) {
        Some(stray) => Err(ResolutionError::unknown_conflict(stray)),
        None => Ok(resolved.merge),
    }
}

/// The rows that both sides together come to, for use as the base of another merge.
///
/// A field that both changed in different ways, or a row deleted on one side and changed on the other, is as it was in
/// `base`, and a row that both added in different ways is absent: comparing with the older value makes a conflict where the sides still differ, and never decides for one.
/// The laws are not applied, as such a snapshot is only compared with.
pub(crate) fn merge_virtual(model: &Model, base: &Snapshot, ours: &Snapshot, theirs: &Snapshot) -> Snapshot {
    run::merge_virtual(Sides { model, base, ours, theirs })
}

/// The three snapshots of a merge, and the model they follow.
#[derive(Clone, Copy)]
struct Sides<'a> {
    model: &'a Model,
    base: &'a Snapshot,
    ours: &'a Snapshot,
    theirs: &'a Snapshot,
}

impl<'a> Sides<'a> {
    fn of(&self, side: Side) -> &'a Snapshot {
        match side {
            Side::Ours => self.ours,
            Side::Theirs => self.theirs,
        }
    }

    /// What a side did to a row, timestamps aside.
    fn diff(&self, side: Side, (entity, key): &RowId) -> Option<DiffKind> {
        kind_of(self.base.get(entity, key), self.of(side).get(entity, key))
    }

    /// A conflict on `row`; `other` is the row it clashes with, itself where no second row is involved.
    fn conflict(&self, row: &RowId, other: &RowId, kind: ConflictKind) -> Conflict {
        let diff = |side| self.diff(side, row).or_else(|| self.diff(side, other)).unwrap_or(DiffKind::Modified);
        let (entity, key) = row;
        Conflict {
            entity: entity.clone(),
            key: key.clone(),
            kind,
            our_diff: diff(Side::Ours),
            their_diff: diff(Side::Theirs),
            base: self.base.get(entity, key).cloned(),
            ours: self.ours.get(entity, key).cloned(),
            theirs: self.theirs.get(entity, key).cloned(),
        }
    }
}

/// Names a row: its entity and its key.
type RowId = (String, Key);
