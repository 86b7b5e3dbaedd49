//! The model of Waypost: the values of a link shortener and their rules.
//!
//! This crate is pure: no I/O, no async, no framework. The clock and the source of randomness are
//! parameters ([`Clock`], [`Random`]), so that each rule can be tested and embedded anywhere.
//!
//! | subject | types |
//! | --- | --- |
//! | short codes | [`ShortCode`], [`ReservedWords`], [`CodeLength`] |
//! | destinations | [`TargetUrl`], [`Template`], [`BaseUrl`], [`HostPattern`] |
//! | links | [`Link`], [`LinkId`], [`LinkDetails`], [`Visibility`], [`Title`], [`Description`], [`Tag`] |
//! | owners and history of links | [`LinkOwner`], [`LinkVersion`], [`LinkSnapshot`] |
//! | search | [`SearchWord`], [`LinkOrder`], [`LinkPlace`] |
//! | users | [`User`], [`UserId`], [`Email`], [`DisplayName`], [`Role`], [`Password`] |
//! | API tokens | [`ApiToken`], [`TokenSecret`], [`TokenHash`], [`Scopes`] |
//! | sign-in | [`Session`], [`SessionSecret`], [`SessionHash`], [`SessionLifetime`], [`SetupSecret`], [`ExternalIdentity`] |
//! | permissions | [`allows`], [`decide`], [`Actor`], [`Action`], [`LinkStanding`] |
//! | clicks | [`Click`], [`ClickId`], [`IpHash`], [`UserAgent`], [`Referrer`], [`Salt`] |
//! | facts about clicks | [`ClickFacts`], [`VisitClass`], [`DeviceClass`], [`Family`], [`Country`] |
//! | orphan paths | [`OrphanPath`], [`OrphanCursor`] |
//! | lists | [`PageRequest`], [`Page`], [`Cursor`] |
//! | time | [`Clock`], [`Zone`] |
//!
//! ```
//! use waypost_core::{BaseUrl, CodeLength, ShortCode, SystemRandom, TargetUrl};
//!
//! let base: BaseUrl = "https://go.example".parse()?;
//! let target = TargetUrl::parse("https://example.com/a/long/path", &base)?;
//! let code = ShortCode::parse("Team-Wiki")?;
//! assert_eq!((code.as_str(), code.spelling()), ("team-wiki", "Team-Wiki"));
//! assert_eq!(base.short_url(&code), "https://go.example/Team-Wiki");
//! assert_eq!(ShortCode::generate(&SystemRandom, CodeLength::default()).as_str().len(), 7);
//! # let _ = target;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Extending
//! A new value gets its own type, which can only be created by parsing (`parse`, [`FromStr`]), and
//! an error enum whose messages say what to do. Operations that need a database are methods of the
//! port in `waypost-store`; those that need HTTP belong in `waypost-api`.
//!
//! [`FromStr`]: std::str::FromStr

mod base_url;
mod click;
mod clock;
mod code;
mod details;
mod external_identity;
mod facts;
mod host;
mod ids;
mod link;
mod near;
mod orphan;
mod ownership;
mod page;
mod password;
mod permission;
mod random;
mod routing_rule;
mod search;
mod secret;
mod session;
#[cfg(feature = "settings")]
pub mod settings;
mod target;
mod template;
mod token;
mod user;
mod zone;

pub use base_url::{BaseUrl, BaseUrlError};
pub use click::{Click, IpHash, IpHashError, Referrer, Salt, UserAgent};
pub use clock::{Clock, ManualClock, SystemClock, micros};
pub use code::{CodeError, CodeLength, ReservedWords, ShortCode};
pub use details::{Description, DetailError, Tag, Title, expiry};
pub use external_identity::{ExternalIdentity, ExternalIdentityError};
pub use facts::{
    ClickFacts, Country, DeviceClass, DeviceClassError, Family, VisitClass, VisitClassError,
};
pub use host::{HostPattern, HostPatternError, OwnName, OwnNameError};
pub use ids::{
    AcceptedLossId, ClickId, Id, JournalId, JournalOwner, LeaseHolder, LinkId, SessionId, TokenId,
    UserId,
};
pub use link::{Link, LinkContent, LinkDetails, Visibility, VisibilityError};
pub use near::NearCodes;
pub use orphan::{OrphanCursor, OrphanPath, OrphanPathError};
pub use ownership::{LinkAction, LinkActionError, LinkOwner, LinkSnapshot, LinkVersion, Person};
pub use page::{
    Cursor, CursorError, LinkCursor, LinkOrder, LinkOrderError, LinkPlace, Page, PageError,
    PageRequest, SessionCursor, TokenCursor, UserCursor,
};
pub use password::{Password, PasswordError, PasswordHash, PasswordHashError};
pub use permission::{Action, Actor, Decision, LinkStanding, Standing, allows, decide};
pub use random::{Random, SeededRandom, SystemRandom};
pub use routing_rule::RoutingRule;
pub use search::SearchWord;
pub use session::{Session, SessionHash, SessionLifetime, SessionSecret, SetupHash, SetupSecret};
pub use target::{TargetUrl, TargetUrlError};
pub use template::{FillError, Template};
pub use token::{
    ApiToken, Scope, Scopes, ScopesError, TokenHash, TokenName, TokenNameError, TokenSecret,
};
pub use user::{DisplayName, DisplayNameError, Email, EmailError, Role, RoleError, User};
pub use zone::{Zone, ZoneError};
