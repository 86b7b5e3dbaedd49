//! The HTTP API of Waypost: redirects, operations on links, health, metrics, and the OpenAPI
//! document.
//!
//! [`serve`] starts it with [`ApiParts`] and returns a [`RunningServer`]. This crate uses the store
//! through its port (`waypost-store`), never a database directly. Types of the web framework are
//! private to it.
//!
//! | subject | where |
//! | --- | --- |
//! | the routes, in one table | `routes.rs`: [`routes()`], [`reserved_words`] |
//! | the operations; the REST API | `handlers/`, `handlers/v1/` |
//! | what JSON and pages share | `views/` |
//! | errors: code → status → name | `errors.rs`; pages: `error_page.rs` |
//! | caller, permission and input of a request | `request/` |
//! | pages: layout, forms | `pages.rs`, `pages/`, `templates/` |
//! | signing in and out; the dashboard | `handlers/auth/`, `handlers/dashboard/` |
//! | settings of the user; pages for admins | `handlers/settings/`, `handlers/admin/`; `installation.rs`: [`Installation`] |
//! | stylesheet and scripts | `assets.rs`, `assets/` |
//! | cookies, own URLs, allowed destinations after sign-in | `site.rs` |
//! | sign-in with an OpenID provider | `oidc/`: [`Oidc`], [`OidcSettings`] |
//! | how a visit would be handled | `explain.rs`: [`Explainer`] |
//! | metrics | `metrics.rs`: [`Metrics`] |
//! | the OpenAPI document | `openapi.rs` |
//! | settings | `settings.rs`: [`HttpSettings`], [`LogSettings`] |
//! | binding, serving, stopping | `server.rs`: [`serve`], [`RunningServer`] |
//! # Responses Every error has the body `{"error", "code", "message"}`: the reason phrase of its
//! status, a stable code for programs, and what to do about it. Browsers get a small page instead
//! under `/{code}` and unknown paths. Only a 400 to a request that is not HTTP has no body.
//!
//! Every response except redirects has an `X-Request-Id`, which is also in the log.
//! # Permissions Each row of the table of routes names the action of `waypost-core`'s permission
//! table ([`waypost_core::decide`]) that it requires; `request/caller.rs` identifies the caller and
//! rejects a request without permission before its handler runs. Permissions that depend on the
//! link (its owners, its visibility) are checked by the domain functions of `waypost-service`, with
//! the same table. A link that the caller may not see gets the same response as one that does not
//! exist.

mod assets;
mod error_page;
mod errors;
mod explain;
mod handlers;
mod installation;
mod metrics;
mod oidc;
mod openapi;
mod openness;
mod pages;
mod qr;
mod request;
mod responses;
mod routes;
mod server;
mod settings;
mod site;
mod state;
mod views;

pub use explain::{ExplainedVisit, Explainer, Explanation};
pub use installation::Installation;
pub use metrics::{Metrics, MetricsError};
pub use oidc::{Oidc, OidcSettings, OidcSetupError};
pub use routes::{RouteLine, reserved_words, routes};
pub use server::{RunningServer, ServeError, serve};
pub use settings::{
    AccessSettings, HttpSettings, LimitSettings, LogFormat, LogFormatError, LogSettings,
};
pub use state::ApiParts;
pub use views::blocklist::BlockedRecord;
pub use views::keywords::KeywordRecord;
pub use views::links::{TokenRecord, UserRecord};
pub use views::orphans::{OrphanDays, OrphanRecord};
pub use views::simple::LinkRecord;
