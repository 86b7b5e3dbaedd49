//! The operations of the domain over a store. Shared by the HTTP API, `linkctl` and embedders.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`Shortener`] | creates and finds links over any store |
//! | [`Links`] | the same with permission checks, and all other operations on links |
//! | [`Accounts`] | users, their API tokens and sessions, and authentication |
//! | [`Blocklist`] | hosts that must not be destinations |
//! | [`Resolver`] | finds the destination of a code, from memory if possible |
//! | [`Router`] | finds the link for the host and the path of a request |
//! | [`make_links_findable`] | completes the search index for links stored before it existed |
//!
//! Everything here uses the traits of `waypost-store` and does not depend on a database. Each rule
//! (who may do something, and its consequences) is implemented once, here or in `waypost-core`;
//! callers parse and render.

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
