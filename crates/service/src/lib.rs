#![doc = include_str!("../README.md")]

mod accounts;
mod audit;
mod blocklist;
mod cache_settings;
mod links;
mod metrics;
mod resolver;
mod router;
mod search_index;
mod shortener;
mod templates;

pub use accounts::{
    AccountError, Accounts, AccountsParts, AllowedDomains, AllowedDomainsError, FoundUsers,
    IdentityError, KnownBrowser, KnownSession, NewPassword, NewSession, NewToken, NewUser,
    PasswordChanged, ProvenIdentity, UserEdit,
};
pub use audit::{Audit, Note, Requester};
pub use blocklist::{Blocklist, BlocklistError};
pub use cache_settings::CacheSettings;
pub use links::{
    AddedOwner, Availability, CodeBelow, ForeignCode, LinkError, LinkPatch, Links, NewKeyword,
    Offer, OwnedLink, Precondition, Viewer, ViewerName, permit,
};
pub use metrics::describe_metrics;
pub use resolver::{Closed, Destination, Resolver};
pub use router::{Routed, Router, RoutingStep};
pub use search_index::{IndexProgress, index_links, keep_links_findable};
pub use shortener::{NewLink, ShortenError, Shortener, ShortenerParts};
