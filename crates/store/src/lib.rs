#![doc = include_str!("../README.md")]

mod access;
mod audit;
mod blocklist;
mod catalog;
mod changes;
mod clicks;
mod database_clock;
mod database_time;
mod error;
mod hold_point;
mod identities;
mod invitations;
mod journals;
mod leases;
mod links;
mod memory;
mod operation;
mod orphans;
mod paths;
mod priority;
mod reclassify;
mod rights;
pub mod rollup;
mod salts;
mod sessions;
mod setup;
mod space;
mod stats;
mod tokens;
mod users;
mod versions;

pub use access::{AccessStore, Heir, Transfer};
pub use audit::{AuditQuery, AuditStore};
pub use blocklist::{BlockedHost, BlocklistStore};
pub use catalog::{CatalogStore, LinkQuery, LinkReader};
pub use changes::{ChangeStore, LinkChange};
pub use clicks::{ClickStore, KeptRecords, LinkLedger, PurgeScope, Recorded};
pub use database_clock::{ClockSkew, DatabaseClock, describe_metrics};
pub use database_time::TimeStore;
pub use error::StoreError;
pub use hold_point::hold_point;
pub use identities::{IdentityOfUser, IdentityStore, LinkedIdentity};
pub use invitations::Invitations;
pub use journals::{
    AcceptedLoss, Branch, Claimed, ClickBatch, Dropped, Ingested, JournalClaim, JournalNote,
    JournalPlace, JournalRecord, JournalSplit, JournalStore, Ownership, Predecessor, Tried,
};
pub use leases::{LeaseName, LeaseStore, latest_lease_end};
pub use links::{CodeRoute, LinkEdit, LinkStore, LinkUpdate, PageOf, Updated};
pub use memory::MemoryStore;
pub use operation::{Operation, signatures};
pub use orphans::{Orphan, OrphanQuery, OrphanStore, OrphanTries, OrphansAdded};
pub use paths::{LinkedCode, NestedCode, PathStore};
pub use priority::{lower_priority, run_when_idle};
pub use reclassify::{FactsChange, FactsStore};
pub use rights::{check_writable, explain_denied};
pub use salts::{SaltStore, SaltTraces};
pub use sessions::{SessionStore, SignedIn};
pub use setup::{SetUp, SetupStore};
pub use space::{Space, SpaceStore};
pub use stats::{ClickSpan, ClicksQuery, KeptClick, LinkDay, LinkDayFacts, StatsStore};
pub use tokens::TokenStore;
pub use users::{PasswordChange, PasswordSet, UserChange, UserStore};
pub use versions::{VERSIONS_KEPT, VERSIONS_THINNED, newest_thinned, superseded};

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
    + AuditStore
    + OrphanStore
    + PathStore
    + LeaseStore
    + SaltStore
    + UserStore
    + TokenStore
    + SessionStore
    + SetupStore
    + StatsStore
    + IdentityStore
    + SpaceStore
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
