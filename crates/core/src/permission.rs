//! Permissions: one table, which every handler and `linkctl` consult.
//!
//! [`allows`] decides for an [`Actor`], an [`Action`] and, for an action on a link, the actor's
//! [`Standing`] to it. A new action needs a variant and its row in [`Action::rule`].
//!
//! For an actor without [`Action::ViewLink`], a link looks like one that does not exist.

use crate::{Role, Scope, Scopes, UserId, Visibility};

/// Who performs an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A caller who is not signed in.
    Anonymous,
    /// A user, limited to scopes: those of the API token, or all in a session.
    User {
        /// The user.
        id: UserId,
        /// The role of the user.
        role: Role,
        /// The scopes of the request.
        scopes: Scopes,
        /// How the user was authenticated.
        credential: Credential,
    },
    /// The operator: `linkctl`, and programs with the operator's token. Has the rights of an admin,
    /// and is not a user.
    Operator,
}

/// How a user was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// By a session: the user has signed in.
    Session,
    /// By an API token.
    Token,
}

impl Actor {
    /// Returns the user, if the actor is one.
    #[must_use]
    pub const fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User { id, .. } => Some(*id),
            Self::Anonymous | Self::Operator => None,
        }
    }

    /// Whether the actor has the rights of an admin, which needs the role *and* the scope.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        match self {
            Self::Anonymous => false,
            Self::User { role, scopes, .. } => {
                *role == Role::Admin && scopes.contains(Scope::Admin)
            }
            Self::Operator => true,
        }
    }

    /// Returns the same user with a session.
    fn signed_in(&self) -> Self {
        match self {
            Self::User { id, role, .. } => Self::User {
                id: *id,
                role: *role,
                scopes: Scopes::all(),
                credential: Credential::Session,
            },
            other => other.clone(),
        }
    }

    fn is_by_token(&self) -> bool {
        matches!(
            self,
            Self::User {
                credential: Credential::Token,
                ..
            }
        )
    }

    fn has(&self, scope: Scope) -> bool {
        match self {
            Self::Anonymous => false,
            Self::User { scopes, .. } => scopes.contains(scope),
            Self::Operator => true,
        }
    }
}

/// The relation of an actor to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// No relation.
    Stranger,
    /// The link is shared with the actor.
    Recipient,
    /// The actor is an owner, but not the primary owner.
    CoOwner,
    /// The actor is the primary owner.
    PrimaryOwner,
}

/// The facts about a link on which permissions depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkStanding {
    /// The visibility of the link.
    pub visibility: Visibility,
    /// The relation of the actor to the link.
    pub standing: Standing,
}

/// An action that needs permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Follow a link by its code.
    FollowLink,
    /// See the destination and details of a link.
    ViewLink,
    /// See the statistics of a link.
    ViewClicks,
    /// See the history of a link.
    ViewHistory,
    /// Change a link, including its code, and restore earlier versions.
    EditLink,
    /// Delete a link, and restore a deleted one.
    DeleteLink,
    /// Permanently delete a link.
    DestroyLink,
    /// Change owners and sharing of a link.
    ManageAccess,
    /// Hand over a link, and remove its other owners.
    ManageOwners,
    /// Create codes below those of a link.
    CreateBelow,
    /// See the codes of other links below those of a link.
    ViewBelow,
    /// Create a link.
    CreateLink,
    /// Accept and decline links that are offered to the actor.
    AnswerOffers,
    /// List and search the links that the actor can see.
    ListLinks,
    /// List all links of all owners, including deleted ones.
    ListAllLinks,
    /// See the actor's own account and tokens.
    ViewAccount,
    /// Change the actor's own name.
    EditAccount,
    /// Change what the actor signs in with: create and revoke tokens, sign out sessions, change the
    /// password.
    EditCredentials,
    /// See all users.
    ListUsers,
    /// Change and delete users.
    ManageUsers,
    /// Change what users sign in with: their passwords, email addresses and accounts at identity
    /// providers; and make users admins.
    ManageCredentials,
    /// See all keywords.
    ListKeywords,
    /// Create and remove keywords.
    ManageKeywords,
    /// See the blocklist.
    ListBlocklist,
    /// Change the blocklist.
    ManageBlocklist,
    /// See orphan paths.
    ListOrphans,
    /// Dismiss orphan paths.
    ManageOrphans,
    /// Read the metrics of the server.
    ViewMetrics,
    /// Read the audit trail.
    ViewAudit,
}

/// Who may perform an action, besides admins.
enum Rule {
    /// Actors whose standing to the link satisfies this predicate.
    Link(fn(LinkStanding) -> bool),
    /// Every user.
    User,
    /// Nobody else.
    Admin,
}

impl Action {
    /// All values.
    pub const ALL: [Self; 29] = [
        Self::FollowLink,
        Self::ViewLink,
        Self::ViewClicks,
        Self::ViewHistory,
        Self::EditLink,
        Self::DeleteLink,
        Self::DestroyLink,
        Self::ManageAccess,
        Self::ManageOwners,
        Self::CreateBelow,
        Self::ViewBelow,
        Self::CreateLink,
        Self::AnswerOffers,
        Self::ListLinks,
        Self::ListAllLinks,
        Self::ViewAccount,
        Self::EditAccount,
        Self::EditCredentials,
        Self::ListUsers,
        Self::ManageUsers,
        Self::ManageCredentials,
        Self::ListKeywords,
        Self::ManageKeywords,
        Self::ListBlocklist,
        Self::ManageBlocklist,
        Self::ListOrphans,
        Self::ManageOrphans,
        Self::ViewMetrics,
        Self::ViewAudit,
    ];

    /// Whether the action is about an existing link.
    #[must_use]
    pub const fn is_about_a_link(self) -> bool {
        matches!(
            self,
            Self::FollowLink
                | Self::ViewLink
                | Self::ViewClicks
                | Self::ViewHistory
                | Self::EditLink
                | Self::DeleteLink
                | Self::DestroyLink
                | Self::ManageAccess
                | Self::ManageOwners
                | Self::CreateBelow
                | Self::ViewBelow
        )
    }

    /// Whether an API token is not enough, whatever its scopes: what it created would outlive it.
    #[must_use]
    pub const fn needs_session(self) -> bool {
        matches!(self, Self::EditCredentials | Self::ManageCredentials)
    }

    /// Whether the action adds data. Such changes are refused while the disk is almost full. Others
    /// are not: those that delete, and those that protect, such as ending a session, disabling a
    /// user or blocking a host.
    #[must_use]
    pub const fn adds_data(self) -> bool {
        matches!(
            self,
            Self::CreateLink
                | Self::EditLink
                | Self::ManageAccess
                | Self::ManageOwners
                | Self::AnswerOffers
                | Self::ManageKeywords
        )
    }

    /// The table: the required scope, and who may perform the action.
    #[rustfmt::skip]
    #[expect(clippy::match_same_arms, reason = "a table: each action has its own row")]
    const fn rule(self) -> (Scope, Rule) {
        match self {
            Self::FollowLink   => (Scope::Read,  Rule::Link(is_known)),
            Self::ViewLink     => (Scope::Read,  Rule::Link(is_shown)),
            Self::ViewClicks   => (Scope::Read,  Rule::Link(is_owner)),
            Self::ViewHistory  => (Scope::Read,  Rule::Link(is_owner)),
            Self::EditLink     => (Scope::Write, Rule::Link(is_owner)),
            Self::DeleteLink   => (Scope::Write, Rule::Link(is_owner)),
            Self::ManageAccess => (Scope::Write, Rule::Link(is_owner)),
            Self::ManageOwners => (Scope::Write, Rule::Link(is_primary_owner)),
            Self::CreateBelow  => (Scope::Write, Rule::Link(is_owner)),
            Self::ViewBelow    => (Scope::Read,  Rule::Link(is_owner)),
            Self::CreateLink   => (Scope::Write, Rule::User),
            Self::AnswerOffers => (Scope::Write, Rule::User),
            Self::ListLinks    => (Scope::Read,  Rule::User),
            Self::ViewAccount  => (Scope::Read,  Rule::User),
            Self::EditAccount  => (Scope::Write, Rule::User),
            Self::EditCredentials => (Scope::Write, Rule::User),
            Self::DestroyLink  => (Scope::Write, Rule::Admin),
            Self::ListAllLinks => (Scope::Read,  Rule::Admin),
            Self::ListUsers    => (Scope::Read,  Rule::Admin),
            Self::ManageUsers  => (Scope::Write, Rule::Admin),
            Self::ManageCredentials => (Scope::Write, Rule::Admin),
            Self::ListKeywords => (Scope::Read,  Rule::Admin),
            Self::ManageKeywords => (Scope::Write, Rule::Admin),
            Self::ListBlocklist => (Scope::Read, Rule::Admin),
            Self::ManageBlocklist => (Scope::Write, Rule::Admin),
            Self::ListOrphans => (Scope::Read, Rule::Admin),
            Self::ManageOrphans => (Scope::Write, Rule::Admin),
            Self::ViewMetrics => (Scope::Read, Rule::Admin),
            Self::ViewAudit => (Scope::Read, Rule::Admin),
        }
    }
}

/// Whether a list shows the link: it is public, or the actor has a relation to it.
fn is_shown(link: LinkStanding) -> bool {
    link.visibility == Visibility::Public || is_known(link)
}

fn is_known(link: LinkStanding) -> bool {
    link.standing >= Standing::Recipient
}

fn is_owner(link: LinkStanding) -> bool {
    link.standing >= Standing::CoOwner
}

fn is_primary_owner(link: LinkStanding) -> bool {
    link.standing == Standing::PrimaryOwner
}

/// Whether `actor` may perform `action`. `link` is the link that the action is about. Without it,
/// actions about a link are for admins only.
///
/// Scopes also limit admins: reading requires `read`, changes require `write`, and actions for
/// admins only also require `admin`. Some actions require a session ([`Action::needs_session`]).
#[must_use]
pub fn allows(actor: &Actor, action: Action, link: Option<LinkStanding>) -> bool {
    let is_open = |link: LinkStanding| link.visibility != Visibility::Secure;
    if action == Action::FollowLink && link.is_some_and(is_open) {
        return true;
    }
    if action.needs_session() && actor.is_by_token() {
        return false;
    }
    let (scope, rule) = action.rule();
    let is_for_them = || match rule {
        Rule::Link(is_true) => actor.user_id().is_some() && link.is_some_and(is_true),
        Rule::User => actor.user_id().is_some(),
        Rule::Admin => false,
    };
    actor.has(scope) && (actor.is_admin() || is_for_them())
}

/// The decision about an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The action is allowed.
    Allowed,
    /// The caller is not signed in.
    Unauthenticated,
    /// The token lacks this scope.
    ScopeMissing(Scope),
    /// API tokens may not do this; the user must sign in.
    SessionRequired,
    /// The actor lacks permission.
    Forbidden,
    /// The actor must not learn that the link exists.
    Hidden,
}

/// Decides whether `actor` may perform `action`. `link` is `None` for a link that does not exist,
/// and for actions that are not about a link.
///
/// The decision for a link that the actor cannot see is the same as for one that does not exist.
#[must_use]
pub fn decide(actor: &Actor, action: Action, link: Option<LinkStanding>) -> Decision {
    if allows(actor, action, link) {
        let is_missing = action.is_about_a_link() && link.is_none();
        return if is_missing {
            Decision::Hidden
        } else {
            Decision::Allowed
        };
    }
    let (scope, _) = action.rule();
    if *actor == Actor::Anonymous {
        Decision::Unauthenticated
    } else if action.needs_session() && allows(&actor.signed_in(), action, link) {
        Decision::SessionRequired
    } else if !actor.has(scope) {
        Decision::ScopeMissing(scope)
    } else if action.is_about_a_link() && !link.is_some_and(is_shown) {
        Decision::Hidden
    } else if let Actor::User {
        role: Role::Admin, ..
    } = actor
    {
        Decision::ScopeMissing(Scope::Admin)
    } else {
        Decision::Forbidden
    }
}

#[cfg(test)]
mod tests;
