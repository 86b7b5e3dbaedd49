#![doc = include_str!("../README.md")]

mod age;
mod client_address;
mod countries;
mod disk_space;
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
mod proxy_notice;
pub mod reclassify;
mod recorder;
pub mod retention;
#[cfg(test)]
mod rig;
mod salts;
mod settings;
mod signals;
pub mod space;
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
pub use disk_space::{DiskSettings, DiskSpace};
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
