//! The DoltGres store passes the conformance suite.

use std::sync::Arc;

use understory_testkit::conformance::{Engine, Failure, Fresh};
use understory_testkit::servers::TestServer;
use understory_testkit::{conformance_tests, doltgres};

struct Server;

#[async_trait::async_trait]
impl Engine for Server {
    fn is_here(&self, test: &str) -> bool {
        TestServer::DoltGres.address(test).is_some()
    }

    async fn open(&self) -> Result<Fresh, Failure> {
        let store = doltgres::store(&doltgres::shared_database().await?).await?;
        Ok(Fresh { store: Arc::new(store), home: None })
    }
}

conformance_tests!(Server);
