//! Owners, sharing and history of links.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;

use crate::{DisplayName, Email, LinkContent, UserId};

/// A user as others see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The user.
    pub id: UserId,
    /// Their email address.
    pub email: Email,
    /// Their display name, which may be empty.
    pub display_name: DisplayName,
}

/// An owner of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkOwner {
    /// The user.
    pub person: Person,
    /// Whether this is the primary owner. A link with owners has exactly one.
    pub is_primary: bool,
}

/// What an invitation to a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InvitedAs {
    /// Seeing and following the link. Access begins as soon as a user has the email address.
    Viewer,
    /// Owning it together with others. Begins when the user accepts.
    Owner,
    /// Being its primary owner: a transfer of the link. Happens when the user accepts.
    PrimaryOwner,
}

impl InvitedAs {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Owner, Self::PrimaryOwner];

    /// Returns its name, as it is stored and displayed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Owner => "owner",
            Self::PrimaryOwner => "primary_owner",
        }
    }
}

impl FromStr for InvitedAs {
    type Err = InvitedAsError;

    fn from_str(text: &str) -> Result<Self, InvitedAsError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(InvitedAsError)
    }
}

/// The text is not what an invitation can be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of invitation")]
pub struct InvitedAsError;

/// An invitation of an email address to a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// What it is for.
    pub role: InvitedAs,
    /// The email address, as it was named.
    pub email: Email,
    /// The user who has the address, or had it when they were invited; `None` until there is one.
    pub user: Option<UserId>,
    /// The owner who gives: the primary owner of that time for a transfer, otherwise the owner who
    /// invited. `None` for the operator, for admins who do not own the link, and for deleted users.
    pub from: Option<UserId>,
    /// When the address was invited, UTC, to the microsecond.
    pub at: OffsetDateTime,
}

/// The kind of a change of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkAction {
    /// The link was created.
    Created,
    /// The content of the link was changed.
    Changed,
    /// The owners or the sharing of the link were changed.
    AccessChanged,
    /// The link was deleted and can be restored.
    Deleted,
    /// The link was restored, after a deletion or to an earlier version.
    Restored,
}

impl LinkAction {
    /// All values.
    pub const ALL: [Self; 5] = [
        Self::Created,
        Self::Changed,
        Self::AccessChanged,
        Self::Deleted,
        Self::Restored,
    ];

    /// Returns its name, as it is stored and displayed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::AccessChanged => "access_changed",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
        }
    }
}

impl fmt::Display for LinkAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LinkAction {
    type Err = LinkActionError;

    fn from_str(text: &str) -> Result<Self, LinkActionError> {
        Self::ALL
            .into_iter()
            .find(|action| action.as_str() == text)
            .ok_or(LinkActionError)
    }
}

/// The text is not an action on links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown action on a link")]
pub struct LinkActionError;

/// The complete state of a link at one moment, without its clicks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSnapshot {
    /// The content.
    pub content: LinkContent,
    /// The owners, the primary owner first.
    pub owners: Vec<UserId>,
    /// The users it was shared with, except by invitations, sorted by ID.
    pub shares: Vec<UserId>,
    /// The invitations, sorted by what they are for, then by email address.
    pub invited: Vec<(InvitedAs, Email)>,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// A change of a link, as recorded in its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkVersion {
    /// The number of the version that the change created.
    pub number: u32,
    /// The kind of the change.
    pub action: LinkAction,
    /// When the change was made, UTC, to the microsecond.
    pub at: OffsetDateTime,
    /// The user who made the change; `None` for the operator, anonymous callers and deleted users.
    pub by: Option<Person>,
    /// The link before the change; `None` for its creation.
    pub before: Option<LinkSnapshot>,
    /// The link after the change.
    pub after: LinkSnapshot,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_known_by_their_names() {
        for action in LinkAction::ALL {
            assert_eq!(action.as_str().parse(), Ok(action));
        }
        assert_eq!("Created".parse::<LinkAction>(), Err(LinkActionError));
    }

    #[test]
    fn kinds_of_invitations_are_known_by_their_names() {
        for role in InvitedAs::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert_eq!("Owner".parse::<InvitedAs>(), Err(InvitedAsError));
    }
}
