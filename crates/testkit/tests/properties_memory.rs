//! Laws of stores, on random projects in the in-memory store.

use std::sync::Arc;

use understory_testkit::conformance::{Engine, Failure, Fresh};
use understory_testkit::{Memory, samples, store_properties};

struct InMemory;

#[async_trait::async_trait]
impl Engine for InMemory {
    async fn open(&self) -> Result<Fresh, Failure> {
        Ok(Fresh { store: Arc::new(Memory::new(samples::model())), home: None })
    }
}

store_properties!(InMemory, 64);
