//! Whether somebody works on a store while it is copied.

use std::collections::BTreeMap;
use std::time::Duration;

use understory_model::{Model, Value};
use understory_runtime::{RowsOf, RuntimeStore};

use crate::{Error, Result};

/// The entity of running processes: each has a row whose `beats` grow while it lives.
pub(super) const REPLICA: &str = "replica";

/// Longer than a living process takes from one beat to the next.
const A_BEAT: Duration = Duration::from_secs(5);

/// Refuses a store on a server that a living process works on. A directory is locked instead.
pub(super) async fn refuse_served(runtime: &RuntimeStore, model: &Model, place: &str) -> Result<()> {
    let replicas = model.runtime_entities().find(|entity| entity.name == REPLICA);
    let Some(replicas) = replicas.filter(|_| runtime.is_shared()).map(RowsOf::all) else { return Ok(()) };
    let before = beats(runtime, &replicas).await?;
    if before.is_empty() {
        return Ok(());
    }
    tokio::time::sleep(A_BEAT).await;
    let after = beats(runtime, &replicas).await?;
    match after.iter().find(|(id, beats)| before.get(*id) != Some(*beats)) {
        Some(_) => Err(Error::Conflict(format!("{place} is being served: stop every server on it first"))),
        None => Ok(()),
    }
}

async fn beats(runtime: &RuntimeStore, replicas: &RowsOf) -> Result<BTreeMap<String, Value>> {
    let (rows, _) = runtime.rows_page(replicas, None, usize::MAX).await?;
    let beats = |row: &understory_model::Row| (row.text("id").unwrap_or_default().to_owned(), row.get("beats").clone());
    Ok(rows.iter().map(beats).collect())
}
