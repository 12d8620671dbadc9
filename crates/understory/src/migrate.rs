//! Bringing what is stored to the newest schema, and telling what is not there yet.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;
use understory_auth::Principal;
use understory_manage::doltlite::DoltLite;
use understory_sql::migration::ledger;
use understory_sql::{Database, Engine, Open, Store};

use crate::app::{Understory, load_model};
use crate::lock::DataLock;
use crate::project::Project;
use crate::{Error, Result};

const RUNTIME: &str = "runtime.db";

/// A branch that lacks migrations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// The project's tenant.
    pub tenant_id: String,
    /// The project.
    pub project_id: String,
    /// The branch.
    pub branch: String,
}

impl Understory {
    /// The branches of all projects that lack migrations.
    pub async fn migrations_pending(&self, principal: &Principal) -> Result<Vec<Pending>> {
        let mut pending = Vec::new();
        for (tenant_id, project_id) in self.projects().await? {
            let project = self.project_open(principal, &tenant_id, &project_id).await?;
            for branch in project.unmigrated().await? {
                pending.push(Pending { tenant_id: tenant_id.clone(), project_id: project_id.clone(), branch });
            }
        }
        Ok(pending)
    }
}

impl Project {
    /// Its branches that lack migrations.
    async fn unmigrated(&self) -> Result<Vec<String>> {
        let store = &self.app().inner.store;
        let mut lacking = Vec::new();
        for branch in store.branches(self.id()).await? {
            if store.needs_migration(self.id(), &branch.name).await? {
                lacking.push(branch.name.to_string());
            }
        }
        Ok(lacking)
    }

    /// Brings all its branches to the newest schema, each by a commit of the program's own, all or none; those that
    /// lacked it.
    pub async fn migrate(&self) -> Result<Vec<String>> {
        let migrated = self.app().inner.store.migrate(self.id()).await?;
        Ok(migrated.into_iter().map(|(branch, _)| branch.to_string()).collect())
    }
}

/// The migrations that opening a data directory would make at once: those of the store that has no branches.
pub fn pending_before_open(data: &Path, model: Option<&Path>) -> Result<Vec<String>> {
    let (_, migrations) = load_model(model)?;
    let _lock = DataLock::take(data).map_err(Error::internal)?;
    let applied = if data.join(RUNTIME).exists() { runtime_ledger(data)? } else { Vec::new() };
    let pending = migrations.pending(Store::Runtime, &applied).map_err(Error::internal)?;
    Ok(pending.into_iter().map(|migration| migration.name.clone()).collect())
}

/// The names of migrations that anything in a data directory has; none where there is no data.
pub fn applied_migrations(data: &Path) -> Result<BTreeSet<String>> {
    if !data.join(RUNTIME).exists() {
        return Ok(BTreeSet::new());
    }
    let _lock = DataLock::take(data).map_err(Error::internal)?;
    let mut applied = DoltLite::applied(&data.join("projects"))?;
    applied.extend(runtime_ledger(data)?.into_iter().map(|entry| entry.name));
    Ok(applied)
}

/// The migrations that the runtime store of a data directory has.
pub(crate) fn runtime_ledger(data: &Path) -> Result<Vec<understory_sql::migration::LedgerEntry>> {
    let open = Open { engine: Engine::Stock, create: false, read_only: true };
    let database = Database::open(&data.join(RUNTIME), open).map_err(Error::internal)?;
    ledger(&database).map_err(Error::internal)
}
