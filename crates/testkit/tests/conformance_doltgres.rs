//! The DoltGres adapter obeys every law, on a real server.

use std::sync::Arc;

use async_trait::async_trait;
use understory_manage::doltgres::DoltGres;
use understory_sql::Migrations;
use understory_sql::migration::Migrate;
use understory_sql::postgres::{Pool, ServerUrl};
use understory_testkit::conformance::{Engine, Failure, Fresh};
use understory_testkit::samples;

struct Server;

#[async_trait]
impl Engine for Server {
    async fn open(&self) -> Result<Fresh, Failure> {
        let url = std::env::var("UNDERSTORY_TEST_DOLTGRES_URL")?;
        let url = ServerUrl::parse(&url)?;
        let name = format!("t{}", understory_model::id::made_id());
        Pool::new(&url, 1, false)?.connection().await?.batch(&format!("create database \"{name}\"")).await?;
        let migrations = Arc::new(Migrations::embedded()?);
        let store = DoltGres::connect(&url.with_database(&name), 4, samples::model(), migrations, Migrate::Run).await?;
        Ok(Fresh { store: Arc::new(store), home: None })
    }
}

understory_testkit::conformance_tests!(Server);
