//! Links: a short code and its destination.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;

use crate::{Description, LinkId, ShortCode, Tag, TargetUrl, Title};

/// A short link as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its ID, which never changes.
    pub id: LinkId,
    /// The present code. Earlier codes of the link also redirect.
    pub code: ShortCode,
    /// The destination.
    pub target: TargetUrl,
    /// The other settings of the link.
    pub details: LinkDetails,
    /// Whether it is a keyword: it passes on the rest of the path, which replaces `{slug}` in its
    /// destination. Set at creation and never changed.
    pub is_keyword: bool,
    /// Total number of clicks, including purged ones.
    pub clicks: u64,
    /// Number of clicks by people ([`crate::VisitClass::Human`]), including purged ones.
    pub humans: u64,
    /// When the link was created, UTC, to the microsecond.
    pub created_at: OffsetDateTime,
    /// When the link was last changed, UTC, to the microsecond. Clicks are not changes.
    pub updated_at: OffsetDateTime,
    /// The version number, which starts at 1 and grows by one with each change.
    pub version: u32,
    /// When the link was deleted, UTC, to the microsecond; `None` if it is not deleted.
    pub deleted_at: Option<OffsetDateTime>,
}

impl Link {
    /// Creates the first version of a link, without details.
    #[must_use]
    pub fn new(id: LinkId, code: ShortCode, target: TargetUrl, created_at: OffsetDateTime) -> Self {
        let details = LinkDetails::default();
        Self::of(
            id,
            LinkContent {
                code,
                target,
                details,
            },
            created_at,
        )
    }

    /// Creates the first version of a link with this content.
    #[must_use]
    pub fn of(id: LinkId, content: LinkContent, created_at: OffsetDateTime) -> Self {
        Self {
            id,
            code: content.code,
            target: content.target,
            details: content.details,
            is_keyword: false,
            clicks: 0,
            humans: 0,
            created_at,
            updated_at: created_at,
            version: 1,
            deleted_at: None,
        }
    }

    /// Returns the content of the link, which its owners can change.
    #[must_use]
    pub fn content(&self) -> LinkContent {
        LinkContent {
            code: self.code.clone(),
            target: self.target.clone(),
            details: self.details.clone(),
        }
    }

    /// Whether the link is deleted. A deleted link does not work and can be restored.
    #[must_use]
    pub const fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }
}

/// The part of a link that its owners can change, and that its history records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkContent {
    /// The code.
    pub code: ShortCode,
    /// The destination.
    pub target: TargetUrl,
    /// The other settings.
    pub details: LinkDetails,
}

impl LinkContent {
    /// Whether everything is equal, including the spelling of the code.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self == other && self.code.spelling() == other.code.spelling()
    }
}

/// The settings of a link besides code and destination.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkDetails {
    /// The title.
    pub title: Title,
    /// The description.
    pub description: Description,
    /// The visibility.
    pub visibility: Visibility,
    /// The tags, sorted and without duplicates.
    pub tags: Vec<Tag>,
    /// When the link expires, UTC, to the microsecond; `None` for never.
    pub expires_at: Option<OffsetDateTime>,
    /// Whether the link is disabled and does not work.
    pub disabled: bool,
    /// Whether the visitor's query is added to the query of the destination.
    pub forward_query: bool,
    /// Whether each `$name` in the destination is a placeholder
    /// ([`Template`](crate::Template)), instead of a part of the URL. Never set for a keyword, whose
    /// placeholder is `{slug}`.
    pub template: bool,
}

/// Who may see and follow a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Visibility {
    /// Anyone may follow it, and every user finds it in lists.
    #[default]
    Public,
    /// Anyone who knows the code may follow it. Only its owners and people it is shared with find
    /// it in lists.
    Private,
    /// Only its owners, people it is shared with and admins may follow or see it.
    Secure,
}

impl Visibility {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Public, Self::Private, Self::Secure];

    /// Returns its name, as it is stored and displayed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Secure => "secure",
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Visibility {
    type Err = VisibilityError;

    fn from_str(text: &str) -> Result<Self, VisibilityError> {
        Self::ALL
            .into_iter()
            .find(|visibility| visibility.as_str() == text)
            .ok_or(VisibilityError)
    }
}

/// The text is not a visibility.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a visibility must be `public`, `private` or `secure`")]
pub struct VisibilityError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_spelling_of_the_code_is_another_content() {
        let content = |spelling: &str| LinkContent {
            code: ShortCode::parse(spelling).unwrap(),
            target: TargetUrl::from_stored("https://example.com/".to_owned()).unwrap(),
            details: LinkDetails::default(),
        };
        assert!(content("wiki").is_same_as(&content("wiki")));
        assert!(!content("wiki").is_same_as(&content("Wiki")));
    }

    #[test]
    fn visibilities_are_known_by_their_names() {
        for visibility in Visibility::ALL {
            assert_eq!(visibility.as_str().parse(), Ok(visibility));
        }
        assert_eq!("Public".parse::<Visibility>(), Err(VisibilityError));
    }
}
