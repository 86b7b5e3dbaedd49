//! The suite that every implementation of the port passes: memory, `SQLite`, `PostgreSQL`,
//! `MariaDB`.
//!
//! A crate that implements the port writes a [`StoreFactory`], and in its `tests/` directory
//! [`conformance_tests!`](crate::conformance_tests), which makes a test of each case below. Each
//! case works on a store of its own, so cases run in parallel and in any order.
//!
//! # Adding a case
//! Write a `pub async fn` in the file of its subject and name it in `cases.rs`. A case that is not
//! named there is dead code, and so a warning.

mod cases;
mod changes;
mod clicks;
mod concurrency;
mod ingest_at_once;
mod journals;
mod ledger;
mod links;
mod lists;
mod retention;
mod rows;
mod salts;
mod tokens;
mod users;

pub use rows::{ClickRow, DayRow, StoredRows};

crate::__conformance_cases! { __conformance_export () }

use std::sync::Arc;

use async_trait::async_trait;
use waypost_core::{Click, Link, LinkId, ShortCode};

use crate::{LinkLedger, Recorded, Store};

/// Makes the stores that the cases run on.
#[async_trait]
pub trait StoreFactory: Send + Sync {
    /// A new, empty store that shares nothing with any other. The factory keeps alive whatever the
    /// store needs.
    async fn empty_store(&self) -> Arc<dyn Store>;

    /// The same, together with a look at its rows that does not go through the port. Without it
    /// (the default) the cases can see that texts and days are stored, but not that they are right.
    async fn empty_store_with_rows(&self) -> (Arc<dyn Store>, Option<Arc<dyn StoredRows>>) {
        (self.empty_store().await, None)
    }
}

/// A recording of which `stored` clicks were stored and none was left out.
const fn all_of(stored: u64) -> Recorded {
    Recorded {
        stored,
        link_gone: 0,
    }
}

async fn insert(store: &dyn Store, link: &Link) {
    store.insert_link(link).await.unwrap();
}

async fn insert_all(store: &dyn Store, links: &[Link]) {
    for link in links {
        insert(store, link).await;
    }
}

/// Records clicks on links that all exist.
async fn record(store: &dyn Store, clicks: &[Click]) {
    let expected = u64::try_from(clicks.len()).unwrap();
    let recorded = store.record_clicks(clicks).await.unwrap();
    assert_eq!(recorded, all_of(expected));
}

async fn find(store: &dyn Store, code: &ShortCode) -> Link {
    let found = store.link_by_code(code).await.unwrap();
    found.unwrap_or_else(|| panic!("no link has the code {code}"))
}

async fn ledger_of(store: &dyn Store, id: LinkId) -> Option<LinkLedger> {
    let entries = store.ledger(None, 1_000).await.unwrap();
    entries.into_iter().find(|entry| entry.link_id == id)
}

/// Asserts that every way of counting a link's clicks gives `total`, of which `purged` have no row
/// any more.
async fn assert_counted(store: &dyn Store, link: &Link, total: u64, purged: u64) {
    let expected = LinkLedger {
        link_id: link.id,
        code: link.code.clone(),
        total,
        rollup: total,
        rows: total - purged,
        purged,
    };
    assert_eq!(ledger_of(store, link.id).await, Some(expected));
    assert_eq!(find(store, &link.code).await.clicks, total, "{}", link.code);
}

/// Asserts that `stored` is `link` as a store gives it back: the same spelling, UTC, microseconds.
fn assert_same(stored: &Link, link: &Link) {
    let expected = Link {
        created_at: waypost_core::micros(link.created_at),
        ..link.clone()
    };
    assert_eq!(stored, &expected);
    assert_eq!(stored.code.spelling(), link.code.spelling());
    assert_eq!(stored.created_at.offset(), time::UtcOffset::UTC);
}

/// Codes, to compare lists by.
fn codes(links: &[Link]) -> Vec<&str> {
    links.iter().map(|link| link.code.as_str()).collect()
}
