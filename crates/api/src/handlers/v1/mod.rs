//! The REST API, `/api/v1`: resources in JSON.
//!
//! | resource | module |
//! | --- | --- |
//! | links: lists, creation | `links.rs`, `bulk.rs` |
//! | one link | `link.rs`, `history.rs` |
//! | its statistics and clicks | `statistics.rs`, `clicks.rs`, `exports.rs`, `live.rs` |
//! | its owners and the people it is shared with | `people.rs` |
//! | transfers, invitations to own a link, and offers | `offers.rs` |
//! | codes below the codes of other links | `paths.rs` |
//! | keywords, for admins | `keywords.rs` |
//! | explanations of visits | `explain.rs` |
//! | the audit trail, for admins | `audit.rs` |
//! | the blocklist, for admins | `blocklist.rs` |
//! | orphan paths, for admins | `orphans.rs` |
//! | tags | `tags.rs` |
//! | the caller's tokens, sessions and account | `tokens.rs`, `sessions.rs`, `me.rs` |
//! | users, for admins | `users.rs` |
//! | what users sign in with, for admins | `credentials.rs` |
//!
//! `views/` has the data that JSON and pages share, `fields.rs` the fields that clients send for a
//! link; `request/` has paging and versions (`ETag`, `If-Match`).

pub(crate) mod audit;
pub(crate) mod blocklist;
pub(crate) mod bulk;
pub(crate) mod clicks;
pub(crate) mod credentials;
pub(crate) mod explain;
pub(crate) mod exports;
mod fields;
pub(crate) mod history;
pub(crate) mod keywords;
pub(crate) mod link;
pub(crate) mod links;
pub(crate) mod live;
pub(crate) mod me;
pub(crate) mod offers;
pub(crate) mod orphans;
pub(crate) mod paths;
pub(crate) mod people;
pub(crate) mod sessions;
pub(crate) mod statistics;
pub(crate) mod tags;
pub(crate) mod tokens;
pub(crate) mod users;

/// Maximum length of a body with one link, in bytes.
const LINK_BYTES: usize = 64 * 1_024;
