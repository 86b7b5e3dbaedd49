//! Links: a short code and where it leads.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;

use crate::{LinkId, ShortCode, TargetUrl};

/// A short link as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its identity; the code may change, this does not.
    pub id: LinkId,
    /// What visitors type.
    pub code: ShortCode,
    /// Where it leads.
    pub target: TargetUrl,
    /// All clicks ever counted, purged ones included.
    pub clicks: u64,
    /// When it was made, UTC, to the microsecond.
    pub created_at: OffsetDateTime,
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
    fn visibilities_are_known_by_their_names() {
        for visibility in Visibility::ALL {
            assert_eq!(visibility.as_str().parse(), Ok(visibility));
        }
        assert_eq!("Public".parse::<Visibility>(), Err(VisibilityError));
    }
}
