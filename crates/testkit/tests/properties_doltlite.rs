//! Laws of stores, on random projects in the DoltLite store.

use std::sync::Arc;

use understory_manage::doltlite::DoltLite;
use understory_sql::Migrations;
use understory_testkit::conformance::{Engine, Failure, Fresh};
use understory_testkit::{samples, store_properties};

struct Embedded;

#[async_trait::async_trait]
impl Engine for Embedded {
    async fn open(&self) -> Result<Fresh, Failure> {
        let home = tempfile::tempdir()?;
        let store = DoltLite::open(home.path(), samples::model(), Arc::new(Migrations::embedded()?))?;
        Ok(Fresh { store: Arc::new(store), home: Some(home) })
    }
}

store_properties!(Embedded, 12);
