//! The suite that every implementation of the port passes: memory, `SQLite`, `PostgreSQL`,
//! `MariaDB`.
//!
//! A crate that implements the port provides a [`StoreFactory`] and, in its `tests/` directory,
//! calls [`conformance_tests!`](crate::conformance_tests), which generates a test for each case
//! below. Each case has a store of its own, so cases run in parallel and in any order.
//!
//! # Adding a case
//! Write a `pub async fn` in the file of its subject and name it in `cases.rs`. A case that is not
//! named there is dead code, which is a warning.

mod audit;
mod blocklist;
mod budget;
mod cases;
mod catalog;
mod changes;
mod clicks;
mod concurrency;
mod database_time;
mod deletion;
mod details;
mod facts;
mod identities;
mod ingest_at_once;
mod invitations;
mod journal_owners;
mod journals;
mod keywords;
mod leases;
mod ledger;
mod links;
mod lists;
mod model;
mod near;
mod orphans;
mod owners;
mod paths;
mod purges;
mod renames;
mod retention;
mod rows;
mod salts;
mod search;
mod sessions;
mod setup;
mod space;
mod stats;
mod stats_people;
mod tags;
mod taking;
mod tokens;
mod users;
mod versions;
mod walks;

pub use rows::{ClickRow, DayRow, StoredRows};

crate::__conformance_cases! { __conformance_export () }

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;
use time::macros::datetime;
use waypost_core::{Click, Link, LinkContent, LinkDetails, LinkId, ShortCode, UserId, micros};
use waypost_store::{LinkEdit, LinkLedger, LinkUpdate, Recorded, Store, Updated};

use crate::samples::Samples;

/// The time of changes of links, unless a case says otherwise: later than the samples.
const LATER: OffsetDateTime = datetime!(2026-03-02 12:00 UTC);

/// Creates the stores for the cases.
#[async_trait]
pub trait StoreFactory: Send + Sync {
    /// Returns a new, empty store that shares nothing with any other. The factory keeps alive
    /// whatever the store needs.
    async fn empty_store(&self) -> Arc<dyn Store>;

    /// Does the same, and also returns access to the rows that bypasses the port. Without it (the
    /// default) the cases can check that texts and days are stored, but not that they are right.
    async fn empty_store_with_rows(&self) -> (Arc<dyn Store>, Option<Arc<dyn StoredRows>>) {
        (self.empty_store().await, None)
    }
}

/// Returns the result of recording `stored` clicks with none left out.
fn all_of(stored: u64) -> Recorded {
    Recorded {
        stored,
        ..Recorded::default()
    }
}

async fn insert(store: &dyn Store, link: &Link) {
    store.insert_link(link, None).await.unwrap();
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

async fn find_by_id(store: &dyn Store, id: LinkId) -> Link {
    let found = store.link(id).await.unwrap();
    found.unwrap_or_else(|| panic!("no link has the id {id}"))
}

/// Adds a member `name@example.com`.
async fn add_user(store: &dyn Store, samples: &Samples, name: &str) -> UserId {
    let user = samples.user(&format!("{name}@example.com"));
    store.insert_user(&user, None).await.unwrap();
    user.id
}

/// Adds members `name@example.com`, each younger than the one before.
async fn add_users<const N: usize>(
    store: &dyn Store,
    samples: &Samples,
    names: [&str; N],
) -> [UserId; N] {
    let mut ids = Vec::new();
    for name in names {
        ids.push(add_user(store, samples, name).await);
    }
    ids.try_into().expect("one for each name")
}

/// Returns a change of a link as given, by an anonymous caller.
fn change(link: &Link, edit: LinkEdit) -> LinkUpdate {
    LinkUpdate {
        link: link.id,
        version: link.version,
        by: None,
        at: LATER,
        edit,
    }
}

/// Changes a link whose present state is given, and returns it afterwards.
async fn update(store: &dyn Store, link: &Link, edit: LinkEdit) -> Link {
    updated(store, &change(link, edit)).await
}

/// Makes a change that must succeed, and returns the link afterwards.
async fn updated(store: &dyn Store, change: &LinkUpdate) -> Link {
    match store.update_link(change).await.unwrap() {
        Updated::Done(link) => link,
        ended => panic!("{ended:?} after {change:?}"),
    }
}

/// Returns the content of a link under another code.
fn recoded(link: &Link, code: &str) -> LinkContent {
    LinkContent {
        code: crate::samples::code(code),
        ..link.content()
    }
}

async fn rename(store: &dyn Store, link: &Link, code: &str) -> Link {
    update(store, link, LinkEdit::Content(recoded(link, code))).await
}

async fn ledger_of(store: &dyn Store, id: LinkId) -> Option<LinkLedger> {
    let entries = store.ledger(None, 1_000).await.unwrap();
    entries.into_iter().find(|entry| entry.link_id == id)
}

/// Asserts that every count of a link's clicks is `total`, of which `purged` no longer have a
/// record.
async fn assert_counted(store: &dyn Store, link: &Link, total: u64, purged: u64) {
    let found = find(store, &link.code).await;
    let expected = LinkLedger {
        link_id: link.id,
        code: link.code.clone(),
        total,
        rollup: total,
        humans: found.humans,
        rollup_humans: found.humans,
        rows: total - purged,
        purged,
    };
    assert_eq!(ledger_of(store, link.id).await, Some(expected));
    assert_eq!(found.clicks, total, "{}", link.code);
}

/// Asserts that `stored` is `link` as a store returns it: the same spelling, UTC, microseconds.
fn assert_same(stored: &Link, link: &Link) {
    let expected = Link {
        details: LinkDetails {
            expires_at: link.details.expires_at.map(micros),
            ..link.details.clone()
        },
        created_at: micros(link.created_at),
        updated_at: micros(link.updated_at),
        deleted_at: link.deleted_at.map(micros),
        ..link.clone()
    };
    assert_eq!(stored, &expected);
    assert_eq!(stored.code.spelling(), link.code.spelling());
    let times = [stored.created_at, stored.updated_at].into_iter();
    let times = times.chain(stored.details.expires_at);
    for time in times.chain(stored.deleted_at) {
        assert!(time.offset().is_utc(), "{time}");
    }
}

/// Returns codes, to compare lists.
fn codes(links: &[Link]) -> Vec<&str> {
    links.iter().map(|link| link.code.as_str()).collect()
}
