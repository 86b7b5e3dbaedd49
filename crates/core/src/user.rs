//! Users: the accounts of people who own links.

use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use time::OffsetDateTime;
use unicode_normalization::is_nfkc;

use crate::hidden::{is_hidden, is_hidden_in_name, joins};

use crate::UserId;

/// A user, who can sign in, own links and have API tokens. The password hash is not part of it, so
/// that code that handles users handles no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its ID, which never changes.
    pub id: UserId,
    /// The email address, with which the user signs in and by which others name them.
    pub email: Email,
    /// The name shown to other users.
    pub display_name: DisplayName,
    /// The role.
    pub role: Role,
    /// When the user was disabled, UTC, to the microsecond; `None` if they are enabled.
    pub disabled_at: Option<OffsetDateTime>,
    /// When the user was added, UTC, to the microsecond.
    pub created_at: OffsetDateTime,
}

impl User {
    /// Whether the user is disabled: cannot sign in, and their tokens are rejected.
    #[must_use]
    pub const fn is_disabled(&self) -> bool {
        self.disabled_at.is_some()
    }
}

/// The rights of a user beyond their own links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Role {
    /// No further rights.
    #[default]
    Member,
    /// All rights, on all links and users.
    Admin,
}

impl Role {
    /// Returns its name, as it is stored and displayed.
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

/// The text is not a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role must be `member` or `admin`")]
pub struct RoleError;

/// An email address (RFC 5321 §4.1.2) with ASCII letters in lower case. Strictly, the part before
/// the `@` is case-sensitive (§2.4), but no service in use assigns addresses that differ only in
/// case, and people do not always write theirs in the same case.
///
/// Other letters are compared exactly: lower case and compatibility forms of Unicode would make
/// different addresses equal, such as `Kate@example.com` with U+212A and `kate@example.com`. An
/// address that Unicode considers compatible with another one (NFKC), or whose domain is not in the
/// form in which it is looked up (UTS 46), is refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(Box<str>);

impl Email {
    /// Maximum length in bytes (RFC 5321 §4.5.3.1.3, without the angle brackets).
    pub const MAX_LEN: usize = 254;

    /// Parses an email address and trims white space.
    ///
    /// # Errors
    /// [`EmailError`] if the text is not an email address, is longer than [`Email::MAX_LEN`], or
    /// could be taken for another address.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        if text.len() > Self::MAX_LEN {
            return Err(EmailError::TooLong);
        }
        // Reject `Name <address>` and `user@[127.0.0.1]`. Accept hosts of one word, which some
        // companies use.
        let options = Options::default()
            .without_display_text()
            .without_domain_literal()
            .with_no_minimum_sub_domains();
        EmailAddress::parse_with_options(text, options).map_err(|_| EmailError::Syntax)?;
        if text.contains(is_hidden) {
            return Err(EmailError::Hidden);
        }
        let normal = text.to_ascii_lowercase();
        let domain = normal.rsplit_once('@').map(|(_, domain)| domain);
        if !is_nfkc(&normal) || !domain.is_some_and(is_looked_up_as_written) {
            return Err(EmailError::Ambiguous);
        }
        Ok(Self(normal.into()))
    }

    /// Reads a stored email address, whatever it is: earlier releases accepted more than
    /// [`Email::parse`] does, and an admin must be able to see it in order to change it. Control
    /// characters are replaced by U+FFFD.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.replace(char::is_control, "\u{fffd}").into())
    }

    /// Returns the email address, with ASCII letters in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a domain stays as it is when it is prepared for a look-up (UTS 46): `example。com` does
/// not.
fn is_looked_up_as_written(domain: &str) -> bool {
    if domain.is_ascii() {
        return true;
    }
    let (unicode, errors) = idna::domain_to_unicode(domain);
    errors.is_ok() && unicode == domain
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

/// Why a text is not a valid email address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// The syntax is invalid.
    #[error("an email address must look like `name@example.com`")]
    Syntax,
    /// Longer than [`Email::MAX_LEN`].
    #[error("an email address must have at most 254 bytes")]
    TooLong,
    /// It has characters that nobody sees.
    #[error("an email address must not contain control or invisible characters")]
    Hidden,
    /// It could be taken for another address.
    #[error(
        "an email address must not contain characters that stand for others, such as full-width \
         letters or dots"
    )]
    Ambiguous,
}

/// The name of a user that others see: one line of at most 100 characters. If it is empty, others
/// see the email address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DisplayName(Box<str>);

impl DisplayName {
    /// Maximum length in characters.
    pub const MAX_CHARS: usize = 100;

    /// Parses a name and trims white space.
    ///
    /// # Errors
    /// [`DisplayNameError`] if it is longer, contains what is not shown, or could be taken for the
    /// email address of somebody.
    pub fn parse(text: &str) -> Result<Self, DisplayNameError> {
        let text = text.trim();
        let is_blank = !text.is_empty() && text.chars().all(joins);
        if text.chars().count() > Self::MAX_CHARS
            || text.contains(is_hidden_in_name)
            || has_address(text)
            || is_blank
        {
            return Err(DisplayNameError);
        }
        Ok(Self(text.into()))
    }

    /// Reads a stored name, whatever it is: earlier releases accepted more than
    /// [`DisplayName::parse`] does. What is not shown is replaced by U+FFFD.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.replace(is_hidden_in_name, "\u{fffd}").into())
    }

    /// Returns the name, which may be empty.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text could be taken for an email address: an `@`, or what looks like it, between two
/// words.
fn has_address(text: &str) -> bool {
    let mut parts = text.split(['@', '\u{fe6b}', '\u{ff20}']).peekable();
    while let Some(before) = parts.next() {
        let ends = before.ends_with(|last: char| !last.is_whitespace());
        let begins = |after: &&str| after.starts_with(|first: char| !first.is_whitespace());
        if ends && parts.peek().is_some_and(begins) {
            return true;
        }
    }
    false
}

/// The text is not a valid name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name must be one line of at most 100 visible characters, and no email address")]
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
    fn only_ascii_letters_are_folded() {
        for (text, expected) in [
            ("KATE@EXAMPLE.COM", "kate@example.com"),
            ("Ä@example.com", "Ä@example.com"),
            ("ä@Bücher.example", "ä@bücher.example"),
            ("\u{130}@example.com", "\u{130}@example.com"),
            ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ] {
            assert_eq!(Email::parse(text).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn an_address_that_could_be_taken_for_another_is_refused() {
        for text in [
            // The Kelvin sign, a long s, a ligature, full-width letters, a superscript.
            "\u{212a}ate@example.com",
            "ka\u{17f}e@example.com",
            "o\u{fb03}ce@example.com",
            "\u{ff41}da@example.com",
            "ada\u{b2}@example.com",
            "ada@\u{212a}ate.example",
            "ada@exampl\u{ff45}.com",
            // A decomposed umlaut.
            "a\u{308}@example.com",
            // Other dots, a capital letter, and letters that are one.
            "ada@example\u{3002}com",
            "ada@example\u{ff0e}com",
            "ada@example\u{ff61}com",
            "ada@B\u{dc}cher.example",
        ] {
            assert_eq!(Email::parse(text), Err(EmailError::Ambiguous), "{text:?}");
            assert_eq!(Email::from_stored(text).as_str(), text);
        }
        for text in [
            "ada@b\u{fc}\u{ad}cher.example",
            "a\u{85}da@example.com",
            "a\u{9b}31mda@example.com",
            "\"a\tda\"@example.com",
            "ad\u{200b}a@example.com",
            "ad\u{202e}a@example.com",
            "ad\u{2060}a@example.com",
            "ad\u{fe0f}a@example.com",
        ] {
            assert_eq!(Email::parse(text), Err(EmailError::Hidden), "{text:?}");
        }
        // Whatever is stored can be read.
        assert_eq!(Email::from_stored("a\u{85}da").as_str(), "a\u{fffd}da");
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
    fn a_name_shows_what_it_is_and_is_no_address() {
        for text in [
            "نرگس\u{200c}ها",
            "👩\u{200d}💻",
            "❤\u{fe0f}",
            "A B",
            "東京",
            "@ada",
            "Ada @ work",
        ] {
            assert!(DisplayName::parse(text).is_ok(), "{text:?}");
        }
        for text in [
            "A\u{202e}B",
            "\u{200b}",
            "a\u{2066}b",
            "a\u{61c}b",
            "a\u{ad}b",
            "\u{3164}",
            "\u{2800}",
            "a\u{e0041}b",
            "\u{200d}\u{200d}",
            "ada@example.com",
            "Ada (ada@example.com)",
            "ada\u{ff20}example.com",
        ] {
            assert_eq!(DisplayName::parse(text), Err(DisplayNameError), "{text:?}");
        }
        // Whatever is stored can be read.
        assert_eq!(
            DisplayName::from_stored("a\u{202e}b@c").as_str(),
            "a\u{fffd}b@c"
        );
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
