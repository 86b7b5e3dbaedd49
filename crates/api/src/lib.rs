#![doc = include_str!("../README.md")]

mod assets;
mod connection;
mod cookies;
mod error_page;
mod errors;
mod explain;
mod handlers;
mod headers;
mod installation;
mod metrics;
mod oidc;
mod openapi;
mod openness;
mod pages;
mod prefix;
mod qr;
mod request;
mod responses;
mod routes;
mod routing;
mod server;
mod settings;
mod site;
mod state;
mod views;

pub use connection::{ListenAddress, ListenAddressError};
pub use explain::{ExplainedVisit, ExplainedVisitor, Explainer, Explanation};
pub use headers::ExposureSettings;
pub use installation::Installation;
pub use metrics::{Metrics, MetricsError};
pub use oidc::{Oidc, OidcSettings, OidcSetupError};
pub use request::streams::LiveSettings;
pub use routes::{RouteLine, reserved_words, routes};
pub use server::{RunningServer, ServeError, serve};
pub use settings::{
    AccessSettings, HttpSettings, LimitSettings, LogFormat, LogFormatError, LogSettings,
};
pub use state::ApiParts;
pub use views::audit::AuditRecord;
pub use views::blocklist::BlockedRecord;
pub use views::keywords::KeywordRecord;
pub use views::links::{TokenRecord, UserRecord};
pub use views::orphans::{OrphanDays, OrphanRecord};
pub use views::paths::{ForeignCodeRecord, HolderRecord};
pub use views::people::{OfferRecord, TransferRecord};
pub use views::simple::LinkRecord;
