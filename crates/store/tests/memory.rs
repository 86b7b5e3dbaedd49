//! The store in memory passes the conformance suite, directly and wrapped in a [`FailingStore`]
//! that does not fail.

use std::sync::Arc;

use async_trait::async_trait;
use waypost_store::{MemoryStore, Store};
use waypost_store_testkit::conformance::{StoreFactory, StoredRows};
use waypost_store_testkit::failing::FailingStore;

struct Memory;

#[async_trait]
impl StoreFactory for Memory {
    async fn empty_store(&self) -> Arc<dyn Store> {
        Arc::new(MemoryStore::new())
    }

    async fn empty_store_with_rows(&self) -> (Arc<dyn Store>, Option<Arc<dyn StoredRows>>) {
        let store = Arc::new(MemoryStore::new());
        (store.clone(), Some(store))
    }
}

struct BehindFailing;

#[async_trait]
impl StoreFactory for BehindFailing {
    async fn empty_store(&self) -> Arc<dyn Store> {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        Arc::new(FailingStore::new(store, 1))
    }
}

mod memory {
    waypost_store_testkit::conformance_tests!(super::Memory);
}

mod behind_a_failing_store_that_does_not_fail {
    waypost_store_testkit::conformance_tests!(super::BehindFailing);
}
