//! Clicks: identifying visitors, recording and storing clicks, statistics, retention and
//! verification.
//!
//! # The path of a click
//! The redirect passes a [`Visit`] (the IP address of the connection and the headers) to
//! [`Recorder::record`], which
//!
//! 1. determines the visitor's IP address, from headers only if a proxy is trusted
//!    ([`TrustedProxies`]),
//! 2. hashes it with the salt of the day ([`DailySalts`], [`ip_hash`]); the IP address itself is
//!    never stored, and
//! 3. appends the click with its user agent, its referrer and its day to the [`journal`].
//!
//! Then the redirect is sent, without a database query. The [`Ingester`] reads the journal and
//! stores its clicks in batches, each click exactly once: the click record, the total of the link,
//! the daily total and the position of the journal in one transaction. [`Durability`] says what a
//! redirect waits for; the path is the same.
//!
//! | subject | where |
//! | --- | --- |
//! | client IP address | [`Visit`], [`VisitHeaders`], [`TrustedProxies`] |
//! | hash of an IP address | [`ip_hash`], [`DailySalts`] |
//! | facts from user agents | [`UserAgents`], [`AgentFacts`], [`LISTS`] |
//! | country of an IP address | [`Countries`] |
//! | recording | [`Recorder`], [`RecorderParts`], [`Outcome`] |
//! | pending clicks | [`journal`]: [`Journal`], [`journal::JournalStatus`] |
//! | storing them | [`Ingester`], [`IngesterParts`] |
//! | retention | [`retention`], [`Age`], [`Maintenance`] |
//! | orphan paths | [`Orphans`], [`OrphansParts`] |
//! | verification | [`ledger`] |
//! | privacy | [`Privacy`], [`privacy`] |
//! | classification | [`UserAgents`], [`Countries`], [`reclassify`] |
//! | statistics | [`statistics`], [`live`] |
//! | settings | [`ClickSettings`] |
//! | metrics | [`metrics`] |
//! | `testkit` (feature) | functions for tests of other crates that run an ingester step by step |
//!
//! This crate uses the store through its port (`waypost-store`), never a database directly, and no
//! HTTP framework.
//!
//! # Extending
//! A new fact about clicks becomes a field of `waypost_core::Click`, is read from the visit in
//! `recorder.rs`, is encoded in `journal/record.rs` (with a flag, so that records of earlier
//! versions can still be read), and is stored by the stores. A new metric gets its name and
//! description in [`metrics`], where its series starts at 0. Periodic work belongs in
//! [`Maintenance::run_once`].

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
