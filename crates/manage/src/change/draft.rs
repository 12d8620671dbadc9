use std::collections::BTreeMap;
use std::sync::Arc;

use understory_model::{Clock, Entity, Key, Model, OnDelete, Row, Timestamps, Value};

use super::laws::View;
use super::{Change, ChangeSet, Violation, kind_of, settle};
use crate::Snapshot;

/// Edits not yet checked: what each touched row becomes, `None` for deleted.
pub type Edits = BTreeMap<(String, Key), Option<Arc<Row>>>;

/// An overlay in memory over a snapshot: read and written freely, and nothing is locked meanwhile.
#[derive(Clone, Debug)]
pub struct Draft {
    model: Arc<Model>,
    base: Arc<Snapshot>,
    edits: Edits,
    clock: Clock,
}

impl Draft {
    /// A draft with no edits.
    pub fn new(model: Arc<Model>, base: Arc<Snapshot>) -> Self {
        Self { model, base, edits: Edits::new(), clock: Clock::start() }
    }

    /// The snapshot it began from.
    pub fn base(&self) -> &Arc<Snapshot> {
        &self.base
    }

    /// The model it follows.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// A row as the draft has it.
    pub fn get(&self, entity: &str, key: &Key) -> Option<&Arc<Row>> {
        self.view().get(entity, key)
    }

    /// All rows of an entity as the draft has them, by key.
    pub fn rows(&self, entity: &str) -> BTreeMap<&Key, &Arc<Row>> {
        self.view().rows(entity)
    }

    /// Puts a row. Timestamps are the draft's own business: a row that says the same as before is left alone, else
    /// `created_at` is kept, or set for a new row, and `updated_at` set. Of two new rows the one put later has the
    /// later `created_at`, so that sorting by it gives the order in which they were written.
    pub fn put(&mut self, entity: &Entity, mut row: Row) -> Key {
        let key = entity.key_of(&row);
        let existing = self.get(&entity.name, &key).cloned();
        if existing.as_ref().is_some_and(|existing| existing.same_content(&row)) {
            return key;
        }
        // Rows name all their columns, as those read from a store do: equal rows are equal wherever they come from.
        for column in &entity.columns {
            if !row.has(&column.name) {
                row.set(&column.name, column.default.clone().unwrap_or(Value::Null));
            }
        }
        if entity.timestamps != Timestamps::None {
            let created = existing.as_ref().and_then(|row| row.text("created_at")).map(str::to_owned);
            row.set("created_at", created.unwrap_or_else(|| self.clock.tick()));
        }
        if entity.timestamps == Timestamps::Both {
            row.set("updated_at", self.clock.now());
        }
        self.edits.insert((entity.name.clone(), key.clone()), Some(Arc::new(row)));
        key
    }

    /// Deletes a row; whether it was there. Rows that refer to it go with it, or lose the reference, as the model
    /// says; one that forbids the deletion makes [`Self::finish`] fail.
    pub fn delete(&mut self, entity: &str, key: &Key) -> bool {
        if self.get(entity, key).is_none() {
            return false;
        }
        let model = Arc::clone(&self.model);
        let mut gone = vec![(entity.to_owned(), key.clone())];
        while let Some((target, target_key)) = gone.pop() {
            self.edits.insert((target.clone(), target_key.clone()), None);
            for (entity, reference) in model.references_to(&target) {
                for (key, row) in self.view().referring(entity, reference, &target_key) {
                    match reference.on_delete {
                        OnDelete::Cascade => gone.push((entity.name.clone(), key)),
                        OnDelete::SetNull => {
                            let cleared = Row::clone(&row).with(&reference.column, Value::Null);
                            self.put(entity, cleared);
                        }
                        OnDelete::Restrict => {}
                    }
                }
            }
        }
        true
    }

    /// Takes over changes as they are, timestamps too: those of a merge, which says what rows become. Rows that change in
    /// nothing else are left alone.
    pub fn take(&mut self, changes: &ChangeSet) {
        let says = |change: &&Change| kind_of(change.before.as_ref(), change.after.as_ref()).is_some();
        let edit = |change: &Change| ((change.entity.clone(), change.key.clone()), change.after.clone());
        self.edits.extend(changes.iter().filter(says).map(edit));
    }

    fn view(&self) -> View<'_> {
        View { model: &self.model, base: &self.base, edits: &self.edits }
    }

    /// Checks the edits by the model's laws and settles what follows from them.
    pub fn finish(self) -> Result<ChangeSet, Vec<Violation>> {
        settle(&self.model, &self.base, self.edits)
    }
}
