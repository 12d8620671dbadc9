use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use understory_model::{Entity, IdRule, Key, Row, Value, check_value};

use super::{RowId, Side, Sides};
use crate::change::is_timestamp;

/// What somebody decided about a conflict.
///
/// What a pick means follows the conflict's kind. Fields: the conflicting fields take that side's values; a field that
/// one side alone changed keeps its change whichever side is picked. Deleted against changed: the row goes, with what
/// depends on it, or stays, and with it everything that its deletion took along. Laws: where a side
/// deleted what the row refers to, picking that side takes the row, or its reference, as the model's `on_delete`
/// says, and picking the other brings the target back with everything that went with it; of two rows that took what
/// must be unique, the one that the picked side made stays, and the other becomes what the picked side has.
/// Where one resolution keeps a row that another deletes, keeping wins.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolution {
    /// The conflict's entity.
    pub entity: String,
    /// The conflict's row.
    pub key: Key,
    /// Whose row wins where `columns` says nothing.
    pub pick: Side,
    /// What single columns become. A value given here also settles a law that the column breaks.
    pub columns: BTreeMap<String, Choice>,
}

/// What one column becomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// What this side has.
    Side(Side),
    /// This value.
    Value(Value),
}

/// Why a resolution cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolutionError {
    /// There is no conflict on this row.
    #[error("{entity} {key} is not in conflict")]
    UnknownConflict {
        /// The entity given.
        entity: String,
        /// The key given.
        key: Key,
    },
    /// Two resolutions name one row.
    #[error("{entity} {key} is resolved twice")]
    Repeated {
        /// The entity given.
        entity: String,
        /// The key given.
        key: Key,
    },
    /// The entity has no such column that a resolution may set.
    #[error("{entity} {key}: there is no column '{column}' to resolve")]
    UnknownColumn {
        /// The entity given.
        entity: String,
        /// The key given.
        key: Key,
        /// The column given.
        column: String,
    },
    /// Columns were picked of a row that a side deleted: it stays or goes as a whole.
    #[error("{entity} {key}: '{column}' cannot be picked, as one side has no such row")]
    DeletedRow {
        /// The entity given.
        entity: String,
        /// The key given.
        key: Key,
        /// The column given.
        column: String,
    },
    /// The value given does not fit the column, or breaks a law.
    #[error("{entity} {key}: {detail}")]
    InvalidValue {
        /// The entity given.
        entity: String,
        /// The key given.
        key: Key,
        /// The column given.
        column: String,
        /// What is wrong with the value.
        detail: String,
    },
}

impl ResolutionError {
    pub(super) fn unknown_conflict(resolution: &Resolution) -> Self {
        Self::UnknownConflict { entity: resolution.entity.clone(), key: resolution.key.clone() }
    }
}

impl Resolution {
    /// A resolution that picks whole rows.
    pub fn pick(entity: impl Into<String>, key: Key, pick: Side) -> Self {
        Self { entity: entity.into(), key, pick, columns: BTreeMap::new() }
    }

    /// Checks what can be told without merging: the columns, and the values given for them.
    pub(super) fn check(&self, sides: &Sides<'_>) -> Result<(), ResolutionError> {
        let (name, key) = (&self.entity, &self.key);
        let entity = sides.model.entity(name).ok_or_else(|| ResolutionError::unknown_conflict(self))?;
        for (column_name, choice) in &self.columns {
            let (entity_name, key, column) = (name.clone(), key.clone(), column_name.clone());
            let known = entity.column(column_name).filter(|column| may_set(entity, &column.name));
            let Some(known) = known else {
                return Err(ResolutionError::UnknownColumn { entity: entity_name, key, column });
            };
            match choice {
                Choice::Side(side) if sides.of(*side).get(name, &key).is_none() => {
                    return Err(ResolutionError::DeletedRow { entity: entity_name, key, column });
                }
                Choice::Side(_) => {}
                Choice::Value(value) => {
                    if let Some(error) = check_value(known, value).into_iter().next() {
                        let detail = error.detail;
                        return Err(ResolutionError::InvalidValue { entity: entity_name, key, column, detail });
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether it is this row's.
    pub(super) fn is_about(&self, (entity, key): &RowId) -> bool {
        self.entity == *entity && self.key == *key
    }

    /// Sets the columns that the resolution names.
    pub(super) fn set_columns(&self, sides: &Sides<'_>, row: &mut Row) {
        for (column, choice) in &self.columns {
            let value = match choice {
                Choice::Value(value) => value.clone(),
                Choice::Side(side) => match sides.of(*side).get(&self.entity, &self.key) {
                    Some(row) => row.get(column).clone(),
                    None => continue,
                },
            };
            row.set(column, value);
        }
    }
}

/// Whether a resolution may say what a column becomes: not what the row is named by, nor when it was written.
fn may_set(entity: &Entity, column: &str) -> bool {
    let derived = matches!(&entity.id, IdRule::Derived(parts) if parts.iter().any(|part| part == column));
    !derived && !entity.key.iter().any(|part| part == column) && !is_timestamp(column)
}
