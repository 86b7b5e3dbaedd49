//! The port: what Waypost asks of a database, and nothing about any particular one.
//!
//! A *store* keeps links, clicks and salts, users and API tokens. Each kind has a trait
//! ([`LinkStore`], [`ClickStore`], [`SaltStore`], [`UserStore`], [`TokenStore`]), and so have
//! signing in ([`SessionStore`], [`SetupStore`], [`IdentityStore`]), the access to links
//! ([`AccessStore`]), finding them ([`CatalogStore`]), the positions of click journals
//! ([`JournalStore`]), orphan paths ([`OrphanStore`]), the change feed of links ([`ChangeStore`]),
//! leases ([`LeaseStore`]) and the database's time ([`TimeStore`]); [`Store`] is all of them. The
//! traits are object-safe and take `&self`: share a store as an `Arc<dyn Store>`. One method is one
//! atomic operation: it happens completely or not at all, and numbers are added up by the database.
//! Reads return `Ok(None)` for what does not exist; [`StoreError`] keeps the kind of a failure.
//!
//! Clicks arrive by [`JournalStore::ingest`], which stores a batch and moves the position of its
//! journal in one transaction, and so exactly once however often it is tried.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`MemoryStore`] | an implementation in memory, for tests and embedding |
//! | [`DatabaseClock`] | the clock that all nodes of a database agree on |
//! | [`hold_point`] | where crash tests stop a process; does nothing in a release build |
//! | [`lower_priority`], [`run_when_idle`] | how threads yield to redirects |
//!
//! The databases are in `waypost-store-diesel`, the services that use a store in `waypost-service`,
//! and the suite that every implementation passes in `waypost-store-testkit`.
//!
//! # Adding an operation
//! Add the method to its trait with its parameters, units and errors; implement it in
//! [`MemoryStore`] and in `waypost-store-diesel`; add its cases to the conformance suite
//! of `waypost-store-testkit`, which then run on every store.

mod access;
mod blocklist;
mod catalog;
mod changes;
mod clicks;
mod database_clock;
mod database_time;
mod error;
mod hold_point;
mod identities;
mod journals;
mod leases;
mod links;
mod memory;
mod orphans;
mod priority;
mod reclassify;
pub mod rollup;
mod salts;
mod sessions;
mod setup;
mod stats;
mod tokens;
mod users;

pub use access::{AccessStore, Heir, Transfer};
pub use blocklist::{BlockedHost, BlocklistStore};
pub use catalog::{CatalogStore, LinkQuery, LinkReader};
pub use changes::{ChangeStore, LinkChange};
pub use clicks::{ClickStore, LinkLedger, PurgeScope, Recorded};
pub use database_clock::{ClockSkew, DatabaseClock, describe_metrics};
pub use database_time::TimeStore;
pub use error::StoreError;
pub use hold_point::hold_point;
pub use identities::{IdentityOfUser, IdentityStore};
pub use journals::{
    AcceptedLoss, Branch, Claimed, ClickBatch, Dropped, Ingested, JournalClaim, JournalNote,
    JournalPlace, JournalRecord, JournalSplit, JournalStore, Ownership, Predecessor, Tried,
};
pub use leases::{LeaseName, LeaseStore, latest_lease_end};
pub use links::{CodeRoute, LinkEdit, LinkStore, LinkUpdate, PageOf, Updated};
pub use memory::MemoryStore;
pub use orphans::{Orphan, OrphanQuery, OrphanStore, OrphanTries, OrphansAdded};
pub use priority::{lower_priority, run_when_idle};
pub use reclassify::{FactsChange, FactsStore};
pub use salts::SaltStore;
pub use sessions::{SessionStore, SignedIn};
pub use setup::{SetUp, SetupStore};
pub use stats::{ClickSpan, ClicksQuery, KeptClick, LinkDay, LinkDayFacts, StatsStore};
pub use tokens::TokenStore;
pub use users::{UserChange, UserStore};

use async_trait::async_trait;

/// Everything that Waypost asks of a database.
#[async_trait]
pub trait Store:
    LinkStore
    + AccessStore
    + BlocklistStore
    + CatalogStore
    + ChangeStore
    + ClickStore
    + FactsStore
    + JournalStore
    + OrphanStore
    + LeaseStore
    + SaltStore
    + UserStore
    + TokenStore
    + SessionStore
    + SetupStore
    + StatsStore
    + IdentityStore
    + TimeStore
{
    /// Checks that the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] while it cannot be reached.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Counts what the store contains.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn counts(&self) -> Result<Counts, StoreError>;
}

/// The numbers of links and users in a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Links that are not deleted.
    pub links: u64,
    /// Users.
    pub users: u64,
}
