//! The in-memory store passes the conformance suite.

use std::sync::Arc;

use understory_testkit::conformance::{Engine, Failure, Fresh};
use understory_testkit::{Memory, conformance_tests, samples};

struct InMemory;

#[async_trait::async_trait]
impl Engine for InMemory {
    async fn open(&self) -> Result<Fresh, Failure> {
        Ok(Fresh { store: Arc::new(Memory::new(samples::model())), home: None })
    }
}

conformance_tests!(InMemory);
