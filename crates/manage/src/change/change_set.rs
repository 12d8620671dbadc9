use std::sync::Arc;

use understory_model::{Key, Row};

/// One row's change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The entity's name.
    pub entity: String,
    /// Which row.
    pub key: Key,
    /// What it was; none for a new row.
    pub before: Option<Arc<Row>>,
    /// What it is; none for a deleted row.
    pub after: Option<Arc<Row>>,
}

/// Changes to one snapshot that have passed the model's laws: one per row, ordered by entity and key.
///
/// Only [`super::settle`] makes one, so holding a `ChangeSet` is the proof that applying it leaves a valid project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChangeSet {
    changes: Vec<Change>,
}

impl ChangeSet {
    pub(super) fn new(mut changes: Vec<Change>) -> Self {
        changes.sort_by(|a, b| (&a.entity, &a.key).cmp(&(&b.entity, &b.key)));
        Self { changes }
    }

    /// The changes in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Change> {
        self.changes.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.changes.len()
    }
}
