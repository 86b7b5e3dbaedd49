//! Users: the people whom links belong to.

use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use time::OffsetDateTime;

use crate::UserId;

/// A person who may sign in, own links and hold API tokens. The password, where there is one, is no
/// part of it: whoever passes users around has no secret to lose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its identity; the address may change, this does not.
    pub id: UserId,
    /// What they sign in with, and by what others name them.
    pub email: Email,
    /// What others read.
    pub display_name: DisplayName,
    /// What they may do besides.
    pub role: Role,
    /// Since when they may do nothing, UTC, to the microsecond; `None` for whom that is not so.
    pub disabled_at: Option<OffsetDateTime>,
    /// When they were added, UTC, to the microsecond.
    pub created_at: OffsetDateTime,
}

impl User {
    /// Whether they may do nothing.
    #[must_use]
    pub const fn is_disabled(&self) -> bool {
        self.disabled_at.is_some()
    }
}

/// What a user may do beyond their own links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Role {
    /// Nothing.
    #[default]
    Member,
    /// Everything: all links, all users.
    Admin,
}

impl Role {
    /// Its name, as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        [Self::Member, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(RoleError)
    }
}

/// A text is not a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role must be `member` or `admin`")]
pub struct RoleError;

/// An email address (RFC 5321 §4.1.2), in lower case: by the letter the part before the `@` may mean
/// somebody else in another case (§2.4), but no service in use gives two people addresses that differ
/// in case alone, and people do not write theirs the same way every time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(Box<str>);

impl Email {
    /// The longest address, in bytes (RFC 5321 §4.5.3.1.3, without the angle brackets).
    pub const MAX_LEN: usize = 254;

    /// Reads an address. White space around it is not part of it.
    ///
    /// # Errors
    /// [`EmailError`] for what is no address, or longer than [`Email::MAX_LEN`].
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        if text.len() > Self::MAX_LEN {
            return Err(EmailError::TooLong);
        }
        // No `Name <address>`, no `user@[127.0.0.1]`; a host of one word is one in many a company.
        let options = Options::default()
            .without_display_text()
            .without_domain_literal()
            .with_no_minimum_sub_domains();
        EmailAddress::parse_with_options(text, options).map_err(|_| EmailError::Syntax)?;
        let normal = text.to_lowercase();
        if normal.len() > Self::MAX_LEN {
            return Err(EmailError::TooLong);
        }
        Ok(Self(normal.into()))
    }

    /// The address, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        Self::parse(text)
    }
}

/// Why a text is not acceptable as an email address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// It does not look like one.
    #[error("an email address must look like `name@example.com`")]
    Syntax,
    /// Longer than [`Email::MAX_LEN`].
    #[error("an email address must have at most 254 bytes")]
    TooLong,
}

/// What others read of a user: one line of at most 100 characters. It may be empty, and then the
/// address stands for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DisplayName(Box<str>);

impl DisplayName {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 100;

    /// Reads a name. White space around it is not part of it.
    ///
    /// # Errors
    /// [`DisplayNameError`] for a longer one, and one with control characters.
    pub fn parse(text: &str) -> Result<Self, DisplayNameError> {
        let text = text.trim();
        if text.chars().count() > Self::MAX_CHARS || text.contains(char::is_control) {
            return Err(DisplayNameError);
        }
        Ok(Self(text.into()))
    }

    /// The name; empty when there is none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text is not acceptable as a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name must be one line of at most 100 characters")]
pub struct DisplayNameError;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_compared_without_regard_to_case() {
        let email = Email::parse(" Ada.Lovelace+go@Example.COM ").unwrap();
        assert_eq!(email.as_str(), "ada.lovelace+go@example.com");
        assert_eq!(Email::parse(email.as_str()), Ok(email));
        assert!(Email::parse("root@localhost").is_ok());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "ada",
            "ada@",
            "@example.com",
            "a b@example.com",
            "ada@exam ple.com",
            "Ada <ada@example.com>",
            "ada@[127.0.0.1]",
            "ada@example.com, eve@example.com",
            "ada@example.com\nbcc: eve@example.com",
        ] {
            assert_eq!(Email::parse(text), Err(EmailError::Syntax), "{text:?}");
        }
        let long = format!("ada@{}.example", "x.".repeat(130));
        assert_eq!(Email::parse(&long), Err(EmailError::TooLong));
    }

    #[test]
    fn a_name_is_one_line_and_may_be_missing() {
        assert_eq!(DisplayName::parse(" Ada ").unwrap().as_str(), "Ada");
        assert_eq!(DisplayName::parse(""), Ok(DisplayName::default()));
        assert!(DisplayName::parse(&"ä".repeat(100)).is_ok());
        for text in ["a\nb", "a\0", &"ä".repeat(101)] {
            assert_eq!(DisplayName::parse(text), Err(DisplayNameError), "{text:?}");
        }
    }

    #[test]
    fn roles_are_known_by_their_names() {
        for role in [Role::Member, Role::Admin] {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert_eq!("Admin".parse::<Role>(), Err(RoleError));
    }

    proptest! {
        #[test]
        fn whatever_is_an_address_is_stable(text in "[ -~]{0,8}@?[ -~ä]{0,8}|.{0,20}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email));
            }
        }
    }
}
