//! The REST API, `/api/v1`: resources in JSON.
//!
//! | resource | where |
//! | --- | --- |
//! | links: lists, making them | `links.rs`, `bulk.rs` |
//! | one link | `link.rs`, `history.rs` |
//! | how often it is clicked, when and from where | `statistics.rs`, `clicks.rs`, `exports.rs`, `live.rs` |
//! | its owners, and whom it is shared with | `people.rs` |
//! | keywords, for admins | `keywords.rs` |
//! | what becomes of a visit | `explain.rs` |
//! | the blocklist, for admins | `blocklist.rs` |
//! | paths that lead nowhere, for admins | `orphans.rs` |
//! | tags | `tags.rs` |
//! | tokens, sessions, and oneself | `tokens.rs`, `sessions.rs`, `me.rs` |
//! | users, for admins | `users.rs` |
//!
//! What JSON and pages show alike is in `views/`, what comes in for a link in `fields.rs`; paging and versions (`ETag`,
//! `If-Match`) are in `request/`.

pub(crate) mod blocklist;
pub(crate) mod bulk;
pub(crate) mod clicks;
pub(crate) mod explain;
pub(crate) mod exports;
mod fields;
pub(crate) mod history;
pub(crate) mod keywords;
pub(crate) mod link;
pub(crate) mod links;
pub(crate) mod live;
pub(crate) mod me;
pub(crate) mod orphans;
pub(crate) mod people;
pub(crate) mod sessions;
pub(crate) mod statistics;
pub(crate) mod tags;
pub(crate) mod tokens;
pub(crate) mod users;

/// The longest body that has one link in it, in bytes.
const LINK_BYTES: usize = 64 * 1_024;
