//! What the engines of the Dolt family have in common: rows in tables, names of refs, notes in messages.

pub(crate) mod commit;
pub(crate) mod errors;
pub(crate) mod names;
pub(crate) mod notes;
pub(crate) mod reachable;
mod reuse;
pub(crate) mod tables;

use std::sync::Arc;

use understory_model::{Model, SchemaChange, SchemaDiff, SchemaShape};
use understory_sql::{Migrations, Store};

use crate::{Change, StoreError, StoreResult};

/// Rows of snapshots kept in memory, all projects together.
pub(crate) const CACHED_ROWS: u64 = 1_000_000;

/// Changed rows kept in memory, all projects together: a history is often asked for more than once.
pub(crate) const CACHED_CHANGES: u64 = 100_000;

/// Commits whose schema is remembered.
pub(crate) const KNOWN_SCHEMAS: u64 = 100_000;

/// How much of the cache some changes take.
pub(crate) fn changes_weight(changes: &Arc<Vec<Change>>) -> u32 {
    u32::try_from(changes.len()).unwrap_or(u32::MAX).saturating_add(1)
}

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
