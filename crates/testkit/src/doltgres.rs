//! DoltGres stores for tests.

use std::sync::Arc;

use tokio::sync::OnceCell;
use understory_manage::doltgres::DoltGres;
use understory_sql::Migrations;
use understory_sql::migration::Migrate;
use understory_sql::postgres::ServerUrl;

use crate::conformance::Failure;
use crate::samples::model;
use crate::servers::{FreshDatabase, TestServer};

/// Connections that a store of a test reads with.
const CONNECTIONS: usize = 4;

/// The database that the tests of a program share: making one takes a second, and projects are told apart by uids.
pub async fn shared_database() -> Result<ServerUrl, Failure> {
    static SHARED: OnceCell<FreshDatabase> = OnceCell::const_new();
    let create = async || TestServer::DoltGres.database("a shared database").await?.ok_or("there is no server".into());
    SHARED.get_or_try_init(create).await.map(FreshDatabase::url)
}

/// A store of its own in a database, which is made ready if it is empty.
pub async fn store(url: &ServerUrl) -> Result<DoltGres, Failure> {
    let migrations = Arc::new(Migrations::embedded()?);
    Ok(DoltGres::connect(url, CONNECTIONS, model(), migrations, Migrate::Run).await?)
}
