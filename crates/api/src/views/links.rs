//! How the REST API shows things.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use waypost_core::{
    Actor, ApiToken, LinkContent, LinkOwner, LinkSnapshot, LinkVersion, Person, Scope, User, UserId,
};
use waypost_service::{OwnedLink, Shortener};

/// A link, as those see it who may.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LinkResource)]
pub(crate) struct LinkView {
    /// Its identity; the code may change, this does not.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// What visitors type, in the spelling of its owner; upper and lower case mean the same link.
    #[schema(example = "Team-Wiki", min_length = 1, max_length = 64)]
    pub(crate) code: String,
    /// The short link.
    #[schema(example = "http://localhost:8080/Team-Wiki", format = "uri")]
    pub(crate) short_url: String,
    #[serde(flatten)]
    pub(crate) content: ContentView,
    /// Whether it is a keyword: it takes all that a path has behind its code, which `{slug}` in its URL
    /// stands for.
    pub(crate) keyword: bool,
    /// Those whom it belongs to, the primary owner first; none where it is nobody's.
    pub(crate) owners: Vec<OwnerView>,
    /// All clicks ever counted; `null` for those who may not see them.
    pub(crate) clicks: Option<u64>,
    /// Those of people among them; `null` for those who may not see them.
    pub(crate) humans: Option<u64>,
    /// When it was made (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    /// When it was last changed (RFC 3339). A click is no change.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) updated_at: OffsetDateTime,
    /// Since when it is deleted and can be restored (RFC 3339); not there otherwise.
    #[serde(
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = String, format = DateTime, required = false)]
    pub(crate) deleted_at: Option<OffsetDateTime>,
}

/// What is decided about a link, its code apart.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LinkContent)]
pub(crate) struct ContentView {
    /// Where it leads: a URL, in which `$name` and `{slug}` may stand for parts of a visitor's path.
    #[schema(example = "https://example.com/", max_length = 2048)]
    pub(crate) url: String,
    /// What it is called; may be empty.
    #[schema(max_length = 200)]
    pub(crate) title: String,
    /// What it is for; may be empty.
    #[schema(max_length = 2000)]
    pub(crate) description: String,
    /// Whom it is for.
    #[schema(value_type = VisibilityName)]
    pub(crate) visibility: &'static str,
    /// Its tags, in order.
    #[schema(max_items = 20)]
    pub(crate) tags: Vec<String>,
    /// From when on it leads nowhere (RFC 3339); `null` for never.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) expires_at: Option<OffsetDateTime>,
    /// Whether it leads nowhere.
    pub(crate) disabled: bool,
    /// Whether the query of a visitor is added to that of the target.
    pub(crate) forward_query: bool,
}

/// Whom a link is for: `public` ones are listed for every user, `private` ones are followed by whoever
/// has the code, `secure` ones only by owners, those that they are shared with, and admins.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum VisibilityName {
    Public,
    Private,
    Secure,
}

/// What kind of visit a click was: `human`, as far as anybody can tell; `bot`, a crawler or a program;
/// `preview`, which shows people where a link leads; `prefetch`, by a browser ahead of its user; `self`, an
/// owner of the link who was signed in.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum VisitClassName {
    Human,
    Bot,
    Preview,
    Prefetch,
    #[schema(rename = "self")]
    Own,
}

impl LinkView {
    pub(crate) fn new(owned: &OwnedLink, actor: &Actor, shortener: &Shortener) -> Self {
        let OwnedLink { link, owners } = owned;
        Self {
            id: link.id.to_string(),
            code: link.code.spelling().to_owned(),
            short_url: shortener.short_url(link),
            content: link.content().into(),
            keyword: link.is_keyword,
            owners: owners.iter().map(OwnerView::from).collect(),
            clicks: owned.shows_clicks_to(actor).then_some(link.clicks),
            humans: owned.shows_clicks_to(actor).then_some(link.humans),
            created_at: link.created_at,
            updated_at: link.updated_at,
            deleted_at: link.deleted_at,
        }
    }
}

impl From<LinkContent> for ContentView {
    fn from(content: LinkContent) -> Self {
        let details = content.details;
        let tags = details.tags.iter();
        Self {
            url: content.target.as_str().to_owned(),
            title: details.title.as_str().to_owned(),
            description: details.description.as_str().to_owned(),
            visibility: details.visibility.as_str(),
            tags: tags.map(|tag| tag.as_str().to_owned()).collect(),
            expires_at: details.expires_at,
            disabled: details.disabled,
            forward_query: details.forward_query,
        }
    }
}

/// A user as others see them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Person)]
pub(crate) struct PersonView {
    /// Their identity; the address may change, this does not.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// Their address.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    pub(crate) email: String,
    /// What others read; may be empty.
    #[schema(max_length = 100)]
    pub(crate) display_name: String,
}

impl From<&Person> for PersonView {
    fn from(person: &Person) -> Self {
        Self {
            id: person.id.to_string(),
            email: person.email.as_str().to_owned(),
            display_name: person.display_name.as_str().to_owned(),
        }
    }
}

/// Somebody whom a link belongs to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Owner)]
pub(crate) struct OwnerView {
    #[serde(flatten)]
    pub(crate) person: PersonView,
    /// Whether it is theirs first of all.
    pub(crate) is_primary: bool,
}

impl From<&LinkOwner> for OwnerView {
    fn from(owner: &LinkOwner) -> Self {
        Self {
            person: (&owner.person).into(),
            is_primary: owner.is_primary,
        }
    }
}

/// All of a link at one moment, its clicks apart.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Snapshot)]
pub(crate) struct SnapshotView {
    /// What visitors typed.
    #[schema(example = "Team-Wiki", min_length = 1, max_length = 64)]
    code: String,
    #[serde(flatten)]
    content: ContentView,
    /// The ids of those whom it belonged to, the primary owner first.
    owners: Vec<String>,
    /// The ids of those it was shared with.
    shares: Vec<String>,
    /// Whether it was deleted.
    deleted: bool,
}

impl From<LinkSnapshot> for SnapshotView {
    fn from(snapshot: LinkSnapshot) -> Self {
        let ids = |users: &[UserId]| users.iter().map(UserId::to_string).collect();
        Self {
            code: snapshot.content.code.spelling().to_owned(),
            owners: ids(&snapshot.owners),
            shares: ids(&snapshot.shares),
            deleted: snapshot.deleted,
            content: snapshot.content.into(),
        }
    }
}

/// A change of a link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Version)]
pub(crate) struct VersionView {
    /// The number of the version that the change led to, from 1.
    #[schema(minimum = 1)]
    version: u32,
    /// What was done: `created`, `changed`, `access_changed`, `deleted` or `restored`.
    action: &'static str,
    /// When (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    changed_at: OffsetDateTime,
    /// By whom; `null` for the operator, for nobody in particular, and for users who are deleted.
    changed_by: Option<PersonView>,
    /// What the link was before; `null` where it was not.
    before: Option<SnapshotView>,
    /// What it was then.
    after: SnapshotView,
}

impl From<LinkVersion> for VersionView {
    fn from(version: LinkVersion) -> Self {
        Self {
            version: version.number,
            action: version.action.as_str(),
            changed_at: version.at,
            changed_by: version.by.as_ref().map(PersonView::from),
            before: version.before.map(SnapshotView::from),
            after: version.after.into(),
        }
    }
}

/// A user; `linkctl --json` prints the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserRecord {
    /// Their identity; the address may change, this does not.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// Their address.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    pub(crate) email: String,
    /// What others read; may be empty.
    #[schema(max_length = 100)]
    pub(crate) display_name: String,
    /// `member` or `admin`.
    #[schema(value_type = RoleName)]
    pub(crate) role: &'static str,
    /// Whether they may do nothing.
    pub(crate) disabled: bool,
    /// When they were added (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
}

/// What a user may do beyond their own links: a member nothing, an admin everything.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum RoleName {
    Member,
    Admin,
}

impl From<&User> for UserRecord {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.as_str().to_owned(),
            display_name: user.display_name.as_str().to_owned(),
            role: user.role.as_str(),
            disabled: user.is_disabled(),
            created_at: user.created_at,
        }
    }
}

/// An API token, without its secret; `linkctl --json` prints the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenRecord {
    /// Its identity.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// What it is for.
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) name: String,
    /// What it may do.
    #[schema(value_type = Vec<ScopeName>, min_items = 1)]
    pub(crate) scopes: Vec<&'static str>,
    /// When it was made (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    /// From when on it is not accepted (RFC 3339); `null` for never.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) expires_at: Option<OffsetDateTime>,
    /// When it was last used (RFC 3339), up to some 10 seconds late; `null` for never.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) last_used_at: Option<OffsetDateTime>,
    /// Since when it is not accepted any more (RFC 3339); `null` where nobody revoked it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) revoked_at: Option<OffsetDateTime>,
}

/// What a token may do, of what its user may: read, change, or what takes an admin.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum ScopeName {
    Read,
    Write,
    Admin,
}

impl From<&ApiToken> for TokenRecord {
    fn from(token: &ApiToken) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.as_str().to_owned(),
            scopes: token.scopes.iter().map(Scope::as_str).collect(),
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            revoked_at: token.revoked_at,
        }
    }
}
