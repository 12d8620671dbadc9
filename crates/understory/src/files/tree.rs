//! What a tree of files says, and making a draft say the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use understory_manage::{Draft, Violation};
use understory_model::{Entity, FieldError, Key, Row, camel_case};

use super::place::Place;
use crate::behaviour::behaviour;
use crate::error::words;
use crate::{Error, Result};

/// All rows that a tree of files says, in the order of the files, each checked by itself.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    rows: Vec<Placed>,
    /// Where each row is in `rows`.
    index: BTreeMap<(String, Key), usize>,
}

#[derive(Clone, Debug)]
struct Placed {
    entity: Arc<Entity>,
    row: Row,
    /// The columns that its place says.
    fixed: Row,
    place: Place,
}

impl Tree {
    /// Adds a row, unless one of its key is there already: then the pointer to that one is answered.
    pub(super) fn add(&mut self, entity: &Arc<Entity>, row: Row, fixed: Row, place: Place) -> Option<String> {
        let id = (entity.name.clone(), entity.key_of(&row));
        if let Some(taken) = self.index.get(&id) {
            return Some(self.rows[*taken].place.whole());
        }
        self.index.insert(id, self.rows.len());
        self.rows.push(Placed { entity: Arc::clone(entity), row, fixed, place });
        None
    }

    /// Refuses rows that code with behaviour would refuse of a request. Those that are there already may stay: what was
    /// written as files can always be read again.
    pub(super) fn check(&self, draft: &Draft) -> Result<()> {
        let new = self.rows.iter().filter(|placed| {
            let (entity, key) = (&placed.entity, placed.entity.key_of(&placed.row));
            draft.get(&entity.name, &key).is_none_or(|present| !present.same_content(&placed.row))
        });
        let faults = new.filter_map(|placed| {
            let fault = behaviour(&placed.entity.name)?.fault(&placed.row)?;
            Some(FieldError { pointer: placed.place.at(&fault.pointer), ..fault })
        });
        let faults: Vec<FieldError> = faults.collect();
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }

    /// Makes a draft hold exactly these rows. Rows that say the same as before are left alone, timestamps and all;
    /// what then breaks the model's laws is told by the files' places.
    pub fn apply(&self, draft: &mut Draft) -> Result<()> {
        self.put(draft);
        self.delete_others(draft);
        // A deletion takes along what refers to it. Rows of the tree that do must stay, so that the laws refuse them.
        self.put(draft);
        draft.clone().finish().map(drop).map_err(|violations| self.refusal(&violations))
    }

    fn put(&self, draft: &mut Draft) {
        for Placed { entity, row, .. } in &self.rows {
            draft.put(entity, row.clone());
        }
    }

    fn delete_others(&self, draft: &mut Draft) {
        let model = Arc::clone(draft.model());
        for entity in model.entities() {
            let keys = draft.rows(&entity.name).into_keys().cloned();
            let others: Vec<Key> = keys.filter(|key| self.placed(&entity.name, key).is_none()).collect();
            for key in others {
                draft.delete(&entity.name, &key);
            }
        }
    }

    fn placed(&self, entity: &str, key: &Key) -> Option<&Placed> {
        self.index.get(&(entity.to_owned(), key.clone())).map(|at| &self.rows[*at])
    }

    fn refusal(&self, violations: &[Violation]) -> Error {
        Error::Invalid(violations.iter().map(|violation| self.fault(violation)).collect())
    }

    fn fault(&self, violation: &Violation) -> FieldError {
        match violation {
            Violation::Dangling { entity, key, column, target, value, .. } => {
                let detail = format!("there is no {} '{value}'", target.replace('_', " "));
                FieldError::new(self.pointer(entity, key, column), "reference", detail)
            }
            Violation::Restricted { entity, key, target, target_key } => {
                let detail = format!("there is no {} '{}'", target.replace('_', " "), target_key.id());
                FieldError::new(self.pointer(entity, key, ""), "reference", detail)
            }
            Violation::Duplicate { entity, key, other, columns } => {
                let wires: Vec<String> = columns.iter().map(|column| camel_case(column)).collect();
                let detail = format!("{} '{}' has the same {} already", words(entity), other.id(), wires.join(" and "));
                let column = columns.last().map_or("", String::as_str);
                FieldError::new(self.pointer(entity, key, column), "duplicate", detail)
            }
        }
    }

    /// The place of a column, or of its row where the files do not say the column but their path does.
    fn pointer(&self, entity: &str, key: &Key, column: &str) -> String {
        let Some(Placed { fixed, place, .. }) = self.placed(entity, key) else { return "/files".to_owned() };
        if column.is_empty() || fixed.has(column) { place.whole() } else { place.key(&camel_case(column)) }
    }
}
