//! Whom a link belongs to, whom it is shared with, and what became of it.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;

use crate::{DisplayName, Email, LinkContent, UserId};

/// A user as others see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// By what others name them.
    pub email: Email,
    /// What others read.
    pub display_name: DisplayName,
}

/// Somebody whom a link belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkOwner {
    /// Who.
    pub person: Person,
    /// Whether it is theirs first of all; so it is for one of them.
    pub is_primary: bool,
}

/// What happened to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkAction {
    /// It was made.
    Created,
    /// Its content was changed.
    Changed,
    /// It was given to other owners, or shared with others.
    AccessChanged,
    /// It was deleted, and can be restored.
    Deleted,
    /// It was restored, to what it was or to an earlier version.
    Restored,
}

impl LinkAction {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Created,
        Self::Changed,
        Self::AccessChanged,
        Self::Deleted,
        Self::Restored,
    ];

    /// Its name, as it is stored and shown.
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

/// A text names nothing that happens to links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown action on a link")]
pub struct LinkActionError;

/// All of a link at one moment, its clicks apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSnapshot {
    /// What its owners decided.
    pub content: LinkContent,
    /// Whom it belonged to, the primary owner first.
    pub owners: Vec<UserId>,
    /// Whom it was shared with, in the order of their ids.
    pub shares: Vec<UserId>,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// A change of a link, as its history keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkVersion {
    /// The number of the version that the change led to.
    pub number: u32,
    /// What was done.
    pub action: LinkAction,
    /// When, UTC, to the microsecond.
    pub at: OffsetDateTime,
    /// By whom; `None` for the operator, for nobody in particular, and for users who are deleted.
    pub by: Option<Person>,
    /// What the link was before; `None` where it was not.
    pub before: Option<LinkSnapshot>,
    /// What it was then.
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
}
