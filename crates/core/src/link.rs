//! Links: a short code and where it leads.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;

use crate::{Description, LinkId, ShortCode, Tag, TargetUrl, Title};

/// A short link as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its identity; the code may change, this does not.
    pub id: LinkId,
    /// What visitors type. Codes that it had before lead to it as well.
    pub code: ShortCode,
    /// Where it leads.
    pub target: TargetUrl,
    /// What else its owners decided.
    pub details: LinkDetails,
    /// Whether it is a keyword: it takes all that a path has behind its code, and its target has `{slug}`
    /// where that goes. It is one from the beginning, or never.
    pub is_keyword: bool,
    /// All clicks ever counted, purged ones included.
    pub clicks: u64,
    /// Those of people among them ([`crate::VisitClass::Human`]).
    pub humans: u64,
    /// When it was made, UTC, to the microsecond.
    pub created_at: OffsetDateTime,
    /// When it was last changed, UTC, to the microsecond. A click is no change.
    pub updated_at: OffsetDateTime,
    /// The number of its version, from 1: one more with each change.
    pub version: u32,
    /// Since when it is deleted and can be restored, UTC, to the microsecond.
    pub deleted_at: Option<OffsetDateTime>,
}

impl Link {
    /// The first version of a link, without details.
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

    /// The first version of a link with this content.
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

    /// What can be changed of it.
    #[must_use]
    pub fn content(&self) -> LinkContent {
        LinkContent {
            code: self.code.clone(),
            target: self.target.clone(),
            details: self.details.clone(),
        }
    }

    /// Whether it can be restored, and does nothing else.
    #[must_use]
    pub const fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }
}

/// All that can be changed of a link by those whom it belongs to; what its history keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkContent {
    /// What visitors type.
    pub code: ShortCode,
    /// Where it leads.
    pub target: TargetUrl,
    /// What else was decided.
    pub details: LinkDetails,
}

impl LinkContent {
    /// Whether nothing at all differs, not even the spelling of the code.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self == other && self.code.spelling() == other.code.spelling()
    }
}

/// What is said about a link, and how it is followed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkDetails {
    /// What it is called.
    pub title: Title,
    /// What it is for.
    pub description: Description,
    /// Whom it is for.
    pub visibility: Visibility,
    /// What it has in common with others: in order, each once.
    pub tags: Vec<Tag>,
    /// From when on it leads nowhere, UTC, to the microsecond; `None` for never.
    pub expires_at: Option<OffsetDateTime>,
    /// Whether it leads nowhere until somebody enables it.
    pub disabled: bool,
    /// Whether the query that a visitor gave is added to that of the target.
    pub forward_query: bool,
}

/// Whom a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Visibility {
    /// Everybody follows it, and every user finds it in lists.
    #[default]
    Public,
    /// Everybody who knows the code follows it; lists show it to those it belongs to or is shared with.
    Private,
    /// Only those it belongs to or is shared with follow it or see it.
    Secure,
}

impl Visibility {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Public, Self::Private, Self::Secure];

    /// Its name, as it is stored and shown.
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

/// A text is not a visibility.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a visibility is `public`, `private` or `secure`")]
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
