//! The HTTP API of Waypost: the redirect, the operations on links, health, metrics, and their
//! description.
//!
//! [`serve`] composes it over a `Shortener` and a `Recorder` and gives back a [`RunningServer`]. This
//! crate knows the port (`waypost-store`), never a database; no type of the web framework leaves it.
//!
//! | subject | where |
//! | --- | --- |
//! | the routes, in one table | `routes.rs`: [`routes()`], [`reserved_words`] |
//! | how they are served | `routing.rs` |
//! | the operations; the REST API | `handlers/`, `handlers/v1/` |
//! | what JSON and pages show alike | `views/` |
//! | errors: code → status → name | `errors.rs`; for visitors `error_page.rs` |
//! | who sends a request, whether they may, what it says | `request/` |
//! | pages: what stands around them, forms | `pages.rs`, `pages/`, `templates/` |
//! | signing in and out; the dashboard | `handlers/auth/`, `handlers/dashboard/` |
//! | one's own settings; pages for admins | `handlers/settings/`, `handlers/admin/`; `installation.rs`: [`Installation`] |
//! | stylesheet and scripts | `assets.rs`, `assets/` |
//! | cookies, the own addresses, where a sign-in may lead | `site.rs` |
//! | signing in with an OpenID provider | `oidc/`: [`Oidc`], [`OidcSettings`] |
//! | what would become of a visit | `explain.rs`: [`Explainer`] |
//! | metrics | `metrics.rs`: [`Metrics`] |
//! | the OpenAPI document | `openapi.rs` |
//! | settings | `settings.rs`: [`HttpSettings`], [`LogSettings`] |
//! | binding, answering, stopping | `server.rs`: [`serve`], [`RunningServer`] |
//!
//! # Answers
//! Every error has the body `{"error", "code", "message"}`: the reason phrase of its status, a stable
//! code for programs, and what to do about it. Visitors with a browser get a small page instead,
//! where they can come by mistake: under `/{code}` and where nothing is. One answer has no body: a
//! 400 to what is not HTTP at all.
//!
//! Every answer but a redirect has an `X-Request-Id`, which is in the log, too.
//!
//! # Who may
//! Each row of the table of routes says for whom it is, by an action of `waypost-core`'s table of who may
//! do what ([`waypost_core::decide`]); `request/caller.rs` asks who sends a request, and sends away who may not
//! before the handler is reached. What only the link itself can tell (whose it is, who may see it) is
//! asked by the domain functions of `waypost-service`, of the same table. A link that somebody may not see
//! is answered like one that does not exist.

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
mod routing;
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
