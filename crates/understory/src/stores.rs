//! Where the two stores of a process are: both in the data directory, or both on database servers.

use std::sync::Arc;

use understory_manage::ConfigStore;
use understory_manage::doltgres::DoltGres;
use understory_manage::doltlite::DoltLite;
use understory_model::Model;
use understory_runtime::RuntimeStore;
use understory_sql::Migrations;

use crate::app::Options;
use crate::{Error, Result};

/// One store is named on a server, and the other would be in the data directory.
///
/// A registry that several machines share must not name data that only one of them has, nor the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MixedStores {
    /// The address of the versioned store is missing.
    #[error("the runtime store is on a server, and versioned configuration would be in the data directory")]
    NoManageUrl,
    /// The address of the runtime store is missing.
    #[error("versioned configuration is on a server, and the runtime store would be in the data directory")]
    NoRuntimeUrl,
}

pub(crate) fn refuse_mixed(options: &Options) -> Result<()> {
    match (&options.manage_url, &options.runtime_url) {
        (None, Some(_)) => Err(Error::internal(MixedStores::NoManageUrl)),
        (Some(_), None) => Err(Error::internal(MixedStores::NoRuntimeUrl)),
        (None, None) | (Some(_), Some(_)) => Ok(()),
    }
}

pub(crate) async fn open_manage(
    options: &Options,
    model: &Arc<Model>,
    migrations: &Arc<Migrations>,
) -> Result<Arc<dyn ConfigStore>> {
    let (model, migrations) = (Arc::clone(model), Arc::clone(migrations));
    if let Some(url) = &options.manage_url {
        return Ok(Arc::new(DoltGres::connect(url, options.pool_size, model, migrations, options.migrate()).await?));
    }
    let open = if options.synced { DoltLite::open } else { DoltLite::open_unsynced };
    Ok(Arc::new(open(&options.data.join("projects"), model, migrations)?))
}

pub(crate) async fn open_runtime(options: &Options, migrations: &Migrations) -> Result<RuntimeStore> {
    let Some(url) = &options.runtime_url else { return Ok(RuntimeStore::open(&options.data, migrations)?) };
    Ok(RuntimeStore::connect(url, options.pool_size, migrations, options.migrate()).await?)
}
