//! The HTTP API of Waypost: the redirect, the operations on links, health, metrics, and their
//! description.
//!
//! [`serve`] composes it over a `Shortener` and a `Recorder` and gives back a [`RunningServer`]. This
//! crate knows the port (`waypost-store`), never a database; no type of the web framework leaves it.
//!
//! | subject | where |
//! | --- | --- |
//! | the routes, in one table | `routes.rs`: [`routes()`], [`reserved_words`] |
//! | one file per operation | `handlers/` |
//! | errors: code → status → name | `errors.rs`; for visitors `error_page.rs` |
//! | ids of requests, lines of the log | `access.rs` |
//! | bodies and queries | `input.rs` |
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
//! Everything is open to everybody for now. Accounts will close it by default.

mod access;
mod error_page;
mod errors;
mod handlers;
mod input;
mod metrics;
mod openapi;
mod routes;
mod server;
mod settings;
mod state;

pub use handlers::record::LinkRecord;
pub use metrics::{Metrics, MetricsError};
pub use routes::{RouteLine, reserved_words, routes};
pub use server::{RunningServer, ServeError, serve};
pub use settings::{HttpSettings, LogFormat, LogFormatError, LogSettings};
pub use state::ApiParts;
