//! What Waypost knows about clicks: who counts as a visitor, how a click is recorded, how long it
//! is kept, and whether the numbers are still right.
//!
//! # The path of a click
//! The redirect hands a [`Visit`] (the peer's address and the request's headers) to
//! [`Recorder::record`], which
//!
//! 1. finds the visitor's address ([`TrustedProxies`]) in what only trusted proxies have said,
//! 2. hashes it with the salt of the day ([`DailySalts`], [`ip_hash`]); the address itself ends
//!    here and is written nowhere, and
//! 3. appends the click with its user agent, its referrer and the day it counts for to the
//!    [`journal`].
//!
//! Then the redirect is answered: no database was asked. The [`Ingester`] reads the journal and stores
//! what it finds, batch by batch and each click exactly once: the row, the link's total, the daily
//! rollup and the position of the journal in one transaction. [`Durability`] says what a redirect
//! waits for; the path is the same.
//!
//! | subject | where |
//! | --- | --- |
//! | the client's address | [`Visit`], [`VisitHeaders`], [`TrustedProxies`] |
//! | the hash of an address | [`ip_hash`], [`DailySalts`] |
//! | what a user agent says | [`UserAgents`], [`AgentFacts`], [`LISTS`] |
//! | the country of an address | [`Countries`] |
//! | recording | [`Recorder`], [`RecorderParts`], [`Outcome`] |
//! | accepted clicks on their way | [`journal`]: [`Journal`], [`journal::JournalStatus`] |
//! | storing them | [`Ingester`], [`IngesterParts`] |
//! | keeping and forgetting | [`retention`], [`Age`], [`Maintenance`] |
//! | unknown paths that people try | [`Orphans`], [`OrphansParts`] |
//! | counting again | [`ledger`] |
//! | how much is kept | [`Privacy`], [`privacy`] |
//! | what user agents and addresses tell | [`UserAgents`], [`Countries`], [`reclassify`] |
//! | reading numbers | [`statistics`], [`live`] |
//! | settings | [`ClickSettings`] |
//! | numbers for operators | [`metrics`] |
//! | `testkit` (feature) | what tests outside of this crate need to move an ingester by hand |
//!
//! This crate knows the port (`waypost-store`), never a database, and no HTTP framework.
//!
//! # Extending
//! What is to be kept of a click becomes a field of `waypost_core::Click`, is read from the visit in
//! `recorder.rs`, gets its bytes in `journal/record.rs` (with a flag, so that records of the version
//! before can still be read), and is stored by the stores. A new number for operators gets its name
//! and description in [`metrics`], and its series starts at 0 there. Work that comes around by itself
//! belongs to [`Maintenance::run_once`].

mod age;
mod client_address;
mod countries;
mod hops;
mod identity;
mod ingester;
pub mod journal;
pub mod ledger;
pub mod live;
mod maintenance;
pub mod metrics;
mod node;
mod orphans;
pub mod privacy;
pub mod reclassify;
mod recorder;
pub mod retention;
#[cfg(test)]
mod rig;
mod salts;
mod settings;
mod signals;
pub mod statistics;
#[cfg(feature = "testkit")]
pub mod testkit;
mod user_agents;
mod visit;
#[cfg(test)]
mod witness;

pub use age::{Age, AgeError};
pub use client_address::{BelievedAddress, TrustedProxies, TrustedProxiesError};
pub use countries::{Countries, CountriesError};
pub use identity::ip_hash;
pub use ingester::{Drain, Drained, Ingester, IngesterError, IngesterParts};
pub use journal::{Journal, JournalError};
pub use ledger::Verification;
pub use maintenance::{Maintenance, MaintenanceParts, Pass};
pub use orphans::{IsHuman, Orphans, OrphansParts};
pub use privacy::{Privacy, PrivacyError};
pub use recorder::{Outcome, Recorder, RecorderParts, Waiting};
pub use salts::DailySalts;
pub use settings::{ClickSettings, Durability, DurabilityError, JournalSettings};
pub use signals::Signals;
pub use user_agents::{AgentFacts, LISTS, UserAgents};
pub use visit::{Visit, VisitHeaders};
