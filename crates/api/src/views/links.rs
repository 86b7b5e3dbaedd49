//! Links, people, users and tokens, as the API and pages show them.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use waypost_core::{
    Actor, ApiToken, Email, InvitedAs, Link, LinkContent, LinkOwner, LinkSnapshot, LinkVersion,
    Person, Scope, Template, User, UserId,
};
use waypost_service::{OwnedLink, Shortener};

/// A link, as users with access see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LinkResource)]
pub(crate) struct LinkView {
    /// The ID, which never changes, unlike the code.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// The code in the spelling of its owner; upper and lower case mean the same link.
    #[schema(example = "Team-Wiki", min_length = 1, max_length = 64)]
    pub(crate) code: String,
    /// The short link.
    #[schema(example = "http://localhost:8080/Team-Wiki", format = "uri")]
    pub(crate) short_url: String,
    #[serde(flatten)]
    pub(crate) content: ContentView,
    /// The names that were found in the URL, each after a `$`, in the order in which the segments of
    /// a visitor's path fill them if `template` is `true`; empty for a keyword.
    #[schema(example = json!(["ticket"]))]
    pub(crate) placeholders: Vec<String>,
    /// Whether the link is a keyword: `{slug}` in its URL is filled with the rest of the path.
    pub(crate) keyword: bool,
    /// The owners, the primary owner first; empty if the link has no owner.
    pub(crate) owners: Vec<OwnerView>,
    /// Number of all clicks; `null` if the caller cannot see them.
    pub(crate) clicks: Option<u64>,
    /// Number of all clicks by people; `null` if the caller cannot see them.
    pub(crate) humans: Option<u64>,
    /// When the link was created (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    /// When the link was last changed (RFC 3339). A click is not a change.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) updated_at: OffsetDateTime,
    /// When the link was deleted, if it was and can be restored (RFC 3339); absent otherwise.
    #[serde(
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = String, format = DateTime, required = false)]
    pub(crate) deleted_at: Option<OffsetDateTime>,
}

/// The settings of a link, without its code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LinkContent)]
pub(crate) struct ContentView {
    /// The destination: a URL. If the link is a template, each `$name` in it is filled with a part of
    /// the visitor's path; if it is a keyword, `{slug}` is filled with the rest of the path.
    #[schema(example = "https://example.com/", max_length = 2048)]
    pub(crate) url: String,
    /// The title; may be empty.
    #[schema(max_length = 200)]
    pub(crate) title: String,
    /// The description; may be empty.
    #[schema(max_length = 2000)]
    pub(crate) description: String,
    /// Who can find and follow the link.
    #[schema(value_type = VisibilityName)]
    pub(crate) visibility: &'static str,
    /// The tags, in alphabetical order.
    #[schema(max_items = 20)]
    pub(crate) tags: Vec<String>,
    /// When the link expires (RFC 3339); `null` for never.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) expires_at: Option<OffsetDateTime>,
    /// Whether the link is disabled.
    pub(crate) disabled: bool,
    /// Whether the query of the visitor is added to that of the destination.
    pub(crate) forward_query: bool,
    /// Whether the link is a template, in whose URL each `$name` is filled.
    pub(crate) template: bool,
}

/// Who can find and follow a link. `public`: anyone can follow it, and every user finds it in
/// lists. `private`: anyone with the code can follow it; only its owners and users it is shared
/// with find it in lists. `secure`: only its owners, users it is shared with and admins can follow
/// it.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum VisibilityName {
    Public,
    Private,
    Secure,
}

/// The type of a click: `human`, people using a browser, as far as Waypost can tell; `bot`,
/// crawlers and other programs; `preview`, link previews, for example in chat apps; `prefetch`,
/// browsers that load the page in advance; `self`, signed-in owners of the link.
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
            placeholders: placeholders(link),
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
            template: details.template,
        }
    }
}

/// Returns the names in the destination of a link that are, or could be, placeholders.
pub(crate) fn placeholders(link: &Link) -> Vec<String> {
    if link.is_keyword {
        return Vec::new();
    }
    Template::names_in(&link.target)
}

/// A user, as other users see them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Person)]
pub(crate) struct PersonView {
    /// The ID, which never changes, unlike the email address.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// The email address.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    pub(crate) email: String,
    /// The name that is shown to others; may be empty.
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

/// An owner of a link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Owner)]
pub(crate) struct OwnerView {
    #[serde(flatten)]
    pub(crate) person: PersonView,
    /// Whether this is the primary owner.
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

/// A link at one moment, without its clicks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Snapshot)]
pub(crate) struct SnapshotView {
    /// The code.
    #[schema(example = "Team-Wiki", min_length = 1, max_length = 64)]
    code: String,
    #[serde(flatten)]
    content: ContentView,
    /// The IDs of the owners, the primary owner first.
    owners: Vec<String>,
    /// The IDs of the users it was shared with, except by invitations.
    shares: Vec<String>,
    /// The invited email addresses.
    invited: Vec<InvitedView>,
    /// Whether the link was deleted.
    deleted: bool,
}

/// An email address that was invited to a link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invited)]
pub(crate) struct InvitedView {
    /// What for: `viewer`, `owner` (with others), or `primary_owner` (a transfer of the link).
    role: &'static str,
    /// The email address.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    email: String,
}

impl From<&(InvitedAs, Email)> for InvitedView {
    fn from((role, email): &(InvitedAs, Email)) -> Self {
        Self {
            role: role.as_str(),
            email: email.as_str().to_owned(),
        }
    }
}

impl From<LinkSnapshot> for SnapshotView {
    fn from(snapshot: LinkSnapshot) -> Self {
        let ids = |users: &[UserId]| users.iter().map(UserId::to_string).collect();
        Self {
            code: snapshot.content.code.spelling().to_owned(),
            owners: ids(&snapshot.owners),
            shares: ids(&snapshot.shares),
            invited: snapshot.invited.iter().map(InvitedView::from).collect(),
            deleted: snapshot.deleted,
            content: snapshot.content.into(),
        }
    }
}

/// A change of a link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Version)]
pub(crate) struct VersionView {
    /// The number of the version that the change created, from 1.
    #[schema(minimum = 1)]
    version: u32,
    /// The kind of change: `created`, `changed`, `access_changed`, `deleted` or `restored`.
    action: &'static str,
    /// When the link was changed (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    changed_at: OffsetDateTime,
    /// The user who made the change; `null` for the operator, for changes without credentials, and
    /// for deleted users.
    changed_by: Option<PersonView>,
    /// The link before the change; `null` for a created link.
    before: Option<SnapshotView>,
    /// The link after the change.
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
    /// The ID, which never changes, unlike the email address.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// The email address.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    pub(crate) email: String,
    /// The name that is shown to others; may be empty.
    #[schema(max_length = 100)]
    pub(crate) display_name: String,
    /// The role: `member` or `admin`.
    #[schema(value_type = RoleName)]
    pub(crate) role: &'static str,
    /// Whether the user is disabled: no sign-in, tokens rejected.
    pub(crate) disabled: bool,
    /// When the user was added (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
}

/// The role of a user: a `member` manages their own links, an `admin` everything.
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
    /// The ID of the token.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// The name.
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) name: String,
    /// The scopes.
    #[schema(value_type = Vec<ScopeName>, min_items = 1)]
    pub(crate) scopes: Vec<&'static str>,
    /// When the token was created (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    /// When the token expires (RFC 3339); `null` for never.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) expires_at: Option<OffsetDateTime>,
    /// When the token was last used (RFC 3339), stored up to about 10 seconds late; `null` for
    /// never.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) last_used_at: Option<OffsetDateTime>,
    /// When the token was revoked (RFC 3339); `null` if it was not.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) revoked_at: Option<OffsetDateTime>,
}

/// A scope of a token, within the rights of its user: `read`, `write` (changes), or `admin` (admin
/// operations).
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
