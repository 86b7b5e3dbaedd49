//! What is done with a store: the domain's operations, which the HTTP API, `linkctl` and embedders share.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`Shortener`] | making and finding links over any store |
//! | [`Links`] | the same for those who may, with all that belongs to a link |
//! | [`Accounts`] | users, their API tokens and sessions, and knowing them again |
//! | [`Blocklist`] | hosts to which no link leads |
//! | [`Resolver`] | from the code that a visitor typed to where it leads, from memory where it can, and what a redirect asks |
//! | [`Router`] | from the host and the path of a request to the link that it follows |
//! | [`make_links_findable`] | the search index of links that were stored before there was one |
//!
//! Everything here works over the traits of `waypost-store` and knows no database. A rule (who may, what follows from
//! it) stands here or in `waypost-core`, once; those who call it parse and render.

mod accounts;
mod blocklist;
mod cache_settings;
mod links;
mod metrics;
mod resolver;
mod router;
mod search_index;
mod shortener;

pub use accounts::{
    AccountError, Accounts, AccountsParts, AllowedDomains, AllowedDomainsError, FoundUsers,
    IdentityError, KnownSession, NewSession, NewToken, NewUser, ProvenIdentity, UserEdit,
};
pub use blocklist::{Blocklist, BlocklistError};
pub use cache_settings::CacheSettings;
pub use links::{
    Availability, LinkError, LinkPatch, Links, NewKeyword, OwnedLink, Precondition, permit,
};
pub use metrics::describe_metrics;
pub use resolver::{Closed, Destination, Resolver};
pub use router::{Routed, Router, RoutingStep};
pub use search_index::make_links_findable;
pub use shortener::{NewLink, ShortenError, Shortener, ShortenerParts};
