//! Processing of requests before their handlers: authentication, limits, input, logging.
//!
//! | subject | module |
//! | --- | --- |
//! | authentication and access | `caller.rs`, for pages `caller/pages.rs` |
//! | API tokens in headers | `credentials.rs` |
//! | the client: its IP address and headers | `client.rs` |
//! | request IDs and lines in the log | `access.rs`, `route_names.rs` |
//! | protection against cross-site requests | `csrf.rs`, with the own origins in `origin.rs` |
//! | limits of requests, created links and rejected credentials | `quota.rs`, `limits.rs`, `budget.rs`, `trials.rs` |
//! | limits of failed sign-ins | `throttle.rs` |
//! | credentials of streams, and their places | `presented.rs`, `streams.rs` |
//! | bodies and queries | `input.rs` |
//! | pages of lists, versions of links | `paging.rs`, `versions.rs` |

pub(crate) mod access;
pub(crate) mod budget;
pub(crate) mod caller;
pub(crate) mod client;
pub(crate) mod credentials;
pub(crate) mod csrf;
pub(crate) mod input;
pub(crate) mod large_bodies;
pub(crate) mod limits;
mod origin;
pub(crate) mod paging;
pub(crate) mod presented;
pub(crate) mod quota;
pub(crate) mod route_names;
pub(crate) mod streams;
pub(crate) mod throttle;
pub(crate) mod trials;
pub(crate) mod versions;
