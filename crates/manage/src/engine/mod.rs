//! What the engines of the Dolt family have in common: rows in tables, names of refs, notes in messages.

pub(crate) mod commit;
pub(crate) mod errors;
pub(crate) mod names;
pub(crate) mod notes;
pub(crate) mod reachable;
pub(crate) mod refs;
pub(crate) mod remembered;
mod reuse;
pub(crate) mod tables;

use understory_model::{Model, SchemaChange, SchemaDiff, SchemaShape};
use understory_sql::{Migrations, Store};

use crate::{StoreError, StoreResult};

/// Every column of the model must come to be by some migration, or writes would fail later and one by one.
pub(crate) fn check_model(model: &Model, migrations: &Migrations) -> StoreResult<()> {
    let diff = SchemaDiff::between(&migrations.shape(Store::Manage), &SchemaShape::of_manage(model.entities()));
    let detail = match diff.changes.first() {
        None => return Ok(()),
        Some(refused @ SchemaChange::Refused(..)) => format!("{refused}; what is stored there would be lost"),
        Some(change) => {
            format!("{change}, but no migration makes it; write one with `understory model migration NAME`")
        }
    };
    Err(StoreError::Migration { name: "model".into(), detail })
}
