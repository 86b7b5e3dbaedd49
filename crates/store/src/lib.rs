//! The port: what Waypost asks of a database, and nothing about any particular one.
//!
//! A *store* keeps links, clicks and salts, users and API tokens. Each kind has a trait ([`LinkStore`],
//! [`ClickStore`], [`SaltStore`], [`UserStore`], [`TokenStore`]), and so have the positions of click journals ([`JournalStore`]) and the change feed
//! of links ([`ChangeStore`]); [`Store`] is all of them. The traits are object-safe and take `&self`:
//! hand an `Arc<dyn Store>` to whoever needs one. One method is one atomic operation: it happens whole
//! or not at all, and what it counts it counts with the database's own arithmetic. Look-ups answer
//! `Ok(None)` for what does not exist; [`StoreError`] keeps the kind of what went wrong.
//!
//! Clicks arrive by [`JournalStore::ingest`], which stores a batch and moves the position of the
//! journal that it comes from in one transaction, and so exactly once however often it is tried.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`MemoryStore`] | an implementation in memory, for tests and embedding |
//! | [`hold_point`] | where crash tests stop a process; nothing in a release build |
//! | [`Shortener`] | making and finding links over any store: the domain functions that the HTTP API, `linkctl` and embedders share |
//! | [`Accounts`] | users, their API tokens, and knowing them again, over any store |
//! | [`Resolver`] | from the code that a visitor typed to where it leads, from memory where it can, and what a redirect asks |
//! | `testkit` (feature) | the conformance suite that every implementation passes, and a store that fails on purpose |
//!
//! The databases are in `waypost-store-diesel`.
//!
//! # Adding an operation
//! Add the method to its trait with its parameters, units and errors; implement it in
//! [`MemoryStore`] and in `waypost-store-diesel`; add its cases to `testkit::conformance`, which then
//! run on every store.

mod accounts;
mod changes;
mod clicks;
mod error;
mod hold_point;
mod journals;
mod links;
mod memory;
mod metrics;
mod resolver;
mod salts;
mod settings;
mod shortener;
#[cfg(feature = "testkit")]
pub mod testkit;
mod tokens;
mod users;

pub use accounts::{AccountError, Accounts, AccountsParts, NewToken, NewUser};
pub use changes::{ChangeStore, LinkChange};
pub use clicks::{ClickStore, LinkLedger, Recorded};
pub use error::StoreError;
pub use hold_point::hold_point;
pub use journals::{ClickBatch, Dropped, Ingested, JournalRecord, JournalStore};
pub use links::{Counts, LinkStore};
pub use memory::MemoryStore;
pub use metrics::describe_metrics;
pub use resolver::{Destination, Resolver};
pub use salts::SaltStore;
pub use settings::CacheSettings;
pub use shortener::{ShortenError, Shortener, ShortenerParts};
pub use tokens::TokenStore;
pub use users::{UserChange, UserStore};

use async_trait::async_trait;

/// Everything that Waypost asks of a database.
#[async_trait]
pub trait Store:
    LinkStore + ChangeStore + ClickStore + JournalStore + SaltStore + UserStore + TokenStore
{
    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] while it cannot be reached.
    async fn ping(&self) -> Result<(), StoreError>;
}
