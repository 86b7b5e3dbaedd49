//! API tokens: what programs authenticate with instead of a password.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;

use crate::secret::secret;
use crate::{TokenId, UserId};

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its ID.
    pub id: TokenId,
    /// The user who owns it.
    pub user_id: UserId,
    /// Its name.
    pub name: TokenName,
    /// Its scopes, which limit it to a part of its user's rights.
    pub scopes: Scopes,
    /// When it was created, UTC, to the microsecond.
    pub created_at: OffsetDateTime,
    /// When it expires; `None` for never.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was last used, approximately; `None` for never.
    pub last_used_at: Option<OffsetDateTime>,
    /// When it was revoked; `None` if it was not.
    pub revoked_at: Option<OffsetDateTime>,
}

impl ApiToken {
    /// Whether the token is valid at `now`.
    #[must_use]
    pub fn is_valid_at(&self, now: OffsetDateTime) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

secret! {
    /// The secret of an API token: `wp_` and 43 digits of base 62. It is shown only once, when the
    /// token is created. [`fmt::Debug`] does not show it.
    TokenSecret("wp_"),
    /// The SHA-256 of a secret, which is stored and looked up. The index of a database may reveal
    /// by its timing how much of two hashes agrees, but this reveals nothing about the secret.
    TokenHash
}

/// The name of a token: one line of 1 to 100 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenName(Box<str>);

impl TokenName {
    /// Maximum length in characters.
    pub const MAX_CHARS: usize = 100;

    /// Parses a name and trims white space.
    ///
    /// # Errors
    /// [`TokenNameError`] if it is empty, longer, or contains control characters.
    pub fn parse(text: &str) -> Result<Self, TokenNameError> {
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 || length > Self::MAX_CHARS || text.contains(char::is_control) {
            return Err(TokenNameError);
        }
        Ok(Self(text.into()))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a valid name of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a token must be one line of 1 to 100 characters")]
pub struct TokenNameError;

/// A scope of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Read what the user may read.
    Read,
    /// Change what the user may change.
    Write,
    /// Use the user's rights as an admin.
    Admin,
}

impl Scope {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// Returns its name, as it is stored and displayed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// The scopes of a token: at least one. No scope includes another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Returns all scopes.
    #[must_use]
    pub fn all() -> Self {
        Self(Scope::ALL.into())
    }

    /// Whether `scope` is one of them.
    #[must_use]
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Returns the scopes in the order of [`Scope::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }
}

impl Default for Scopes {
    /// `read` and `write`.
    fn default() -> Self {
        Self([Scope::Read, Scope::Write].into())
    }
}

/// Writes the names, separated by commas.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}", scope.as_str())?;
        }
        Ok(())
    }
}

/// Parses names separated by commas, in any order.
impl FromStr for Scopes {
    type Err = ScopesError;

    fn from_str(text: &str) -> Result<Self, ScopesError> {
        let scope = |name: &str| {
            let mut all = Scope::ALL.into_iter();
            all.find(|scope| scope.as_str() == name.trim())
        };
        let scopes = text.split(',').map(scope).collect::<Option<_>>();
        scopes.map(Self).ok_or(ScopesError)
    }
}

/// The text is not a list of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("scopes must be one or more of `read`, `write` and `admin`")]
pub struct ScopesError;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use time::{Duration, macros::datetime};

    use super::*;
    use crate::SeededRandom;

    #[test]
    fn no_secret_is_drawn_twice_or_shown_by_accident() {
        let random = SeededRandom::new(1);
        let secrets: Vec<_> = (0..1_000).map(|_| TokenSecret::generate(&random)).collect();
        let texts: HashSet<_> = secrets.iter().map(TokenSecret::reveal).collect();
        assert_eq!(texts.len(), 1_000);
        for secret in &secrets {
            assert!(secret.reveal().starts_with("wp_"));
            assert_eq!(secret.reveal().len(), 46);
            assert_eq!(secret.hash(), TokenHash::of(secret.reveal()));
            assert!(!format!("{secret:?}").contains(secret.reveal()));
        }
    }

    #[test]
    fn the_hash_is_sha_256() {
        let hash = TokenHash::of("abc");
        // The example of FIPS 180-4.
        assert_eq!(hash.as_bytes()[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(TokenHash::from_bytes(*hash.as_bytes()), hash);
    }

    #[test]
    fn a_token_is_valid_until_it_expires_or_is_revoked() {
        let at = datetime!(2026-03-01 12:00 UTC);
        let random = SeededRandom::new(1);
        let token = ApiToken {
            id: TokenId::new(at, &random),
            user_id: UserId::new(at, &random),
            name: TokenName::parse(" deploy ").unwrap(),
            scopes: Scopes::default(),
            created_at: at,
            expires_at: Some(at + Duration::DAY),
            last_used_at: None,
            revoked_at: None,
        };
        assert_eq!(token.name.as_str(), "deploy");
        assert!(token.is_valid_at(at));
        assert!(!token.is_valid_at(at + Duration::DAY));
        let revoked = ApiToken {
            revoked_at: Some(at),
            expires_at: None,
            ..token
        };
        assert!(!revoked.is_valid_at(at));
    }

    #[test]
    fn scopes_are_read_in_any_order_and_never_none() {
        let scopes: Scopes = "write, read".parse().unwrap();
        assert_eq!(scopes, Scopes::default());
        assert_eq!(scopes.to_string(), "read,write");
        assert_eq!(Scopes::all().to_string().parse(), Ok(Scopes::all()));
        for text in ["", ",", "read,", "everything", "READ"] {
            assert_eq!(text.parse::<Scopes>(), Err(ScopesError), "{text:?}");
        }
    }

    #[test]
    fn a_name_is_one_line() {
        for text in ["", " ", "a\nb", &"x".repeat(101)] {
            assert_eq!(TokenName::parse(text), Err(TokenNameError), "{text:?}");
        }
    }
}
