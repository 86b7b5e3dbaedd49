//! What a request is, before a handler answers it: who sends it, what they may do and how often, and what it says.
//!
//! | subject | where |
//! | --- | --- |
//! | who sends it, and whether they may | `caller.rs`, for pages `caller/pages.rs` |
//! | the client: its address, its headers | `client.rs` |
//! | its id, its line in the log | `access.rs`, `route_names.rs` |
//! | what a browser is made to send | `csrf.rs` |
//! | how often somebody may use the API, and guess passwords | `quota.rs`, `limits.rs`, `budget.rs`, `throttle.rs` |
//! | bodies and queries | `input.rs` |
//! | pages of lists, versions of links | `paging.rs`, `versions.rs` |

pub(crate) mod access;
pub(crate) mod budget;
pub(crate) mod caller;
pub(crate) mod client;
pub(crate) mod csrf;
pub(crate) mod input;
pub(crate) mod limits;
pub(crate) mod paging;
pub(crate) mod quota;
pub(crate) mod route_names;
pub(crate) mod throttle;
pub(crate) mod versions;
