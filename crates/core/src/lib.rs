#![doc = include_str!("../README.md")]

mod address;
mod audit;
mod base_url;
mod click;
mod clock;
mod code;
mod code_in_text;
mod count;
mod details;
mod external_identity;
mod facts;
mod hidden;
mod host;
mod ids;
mod known_browser;
mod link;
mod near;
mod orphan;
mod ownership;
mod page;
mod password;
mod pasted;
mod permission;
mod random;
mod routing_rule;
mod search;
mod secret;
mod secret_bytes;
mod session;
#[cfg(feature = "settings")]
pub mod settings;
mod stored_bytes;
mod target;
mod template;
mod token;
mod user;
mod zone;

pub use audit::{
    ActorKind, ActorKindError, AuditActor, AuditEntry, AuditEvent, AuditEventError, AuditText,
};
pub use base_url::{BaseUrl, BaseUrlError};
pub use click::{Click, IpHash, IpHashError, Referrer, UserAgent, normal_host};
pub use clock::{Clock, ManualClock, SystemClock, micros};
pub use code::{CodeError, CodeLength, ReservedWords, ShortCode};
pub use code_in_text::without_marks;
pub use count::{Count, Noun};
pub use details::{Description, DetailError, Tag, Title, expiry};
pub use external_identity::{ExternalIdentity, ExternalIdentityError};
pub use facts::{
    ClickFacts, Country, DeviceClass, DeviceClassError, Family, VisitClass, VisitClassError,
};
pub use host::{HostPattern, HostPatternError, OwnName, OwnNameError};
pub use ids::{
    AcceptedLossId, AuditId, ClickId, Id, IdSequence, JournalId, JournalOwner, LeaseHolder, LinkId,
    SessionId, TokenId, UserId,
};
pub use known_browser::{BrowserId, BrowserProof, BrowserProofError};
pub use link::{Link, LinkContent, LinkDetails, Visibility, VisibilityError};
pub use near::NearCodes;
pub use orphan::{OrphanCursor, OrphanPath, OrphanPathError};
pub use ownership::{
    Invitation, InvitedAs, InvitedAsError, LinkAction, LinkActionError, LinkOwner, LinkSnapshot,
    LinkVersion, Person,
};
pub use page::{
    AuditCursor, Cursor, CursorError, LinkCursor, LinkOrder, LinkOrderError, LinkPlace, Page,
    PageError, PageRequest, SessionCursor, TokenCursor, UserCursor,
};
pub use password::{Password, PasswordError, PasswordHash, PasswordHashError};
pub use pasted::url_in;
pub use permission::{Action, Actor, Credential, Decision, LinkStanding, Standing, allows, decide};
pub use random::{Random, SeededRandom, SystemRandom};
pub use routing_rule::RoutingRule;
pub use search::{SearchWord, folded};
pub use secret_bytes::{Salt, ServerKey};
pub use session::{Session, SessionHash, SessionLifetime, SessionSecret, SetupHash, SetupSecret};
pub use target::{TargetUrl, TargetUrlError};
pub use template::{FillError, Template};
pub use token::{
    ApiToken, Scope, Scopes, ScopesError, TokenHash, TokenName, TokenNameError, TokenSecret,
};
pub use user::{DisplayName, DisplayNameError, Email, EmailError, Role, RoleError, User};
pub use zone::{Zone, ZoneError};
