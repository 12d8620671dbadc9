//! The DoltLite store passes the conformance suite.

use std::sync::Arc;

use understory_manage::doltlite::DoltLite;
use understory_sql::Migrations;
use understory_testkit::conformance::{Engine, Failure, Fresh};
use understory_testkit::{conformance_tests, samples};

struct Embedded;

#[async_trait::async_trait]
impl Engine for Embedded {
    async fn open(&self) -> Result<Fresh, Failure> {
        let home = tempfile::tempdir()?;
        let store = DoltLite::open(home.path(), samples::model(), Arc::new(Migrations::embedded()?))?;
        Ok(Fresh { store: Arc::new(store), home: Some(home) })
    }
}

conformance_tests!(Embedded);
