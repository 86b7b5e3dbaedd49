//! Details of a link besides its destination: title, description, tags and expiry.

use std::fmt;
use std::str::FromStr;

use time::{OffsetDateTime, UtcOffset};
use unicode_normalization::UnicodeNormalization as _;

use crate::micros;
use crate::search::is_mark;

/// The title of a link: one line of at most 200 characters. Empty if it has no title.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Title(Box<str>);

/// The description of a link: at most 2,000 characters, with any number of lines. May be empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Description(Box<str>);

/// A tag of links: 1 to 64 characters in lower case and composed (NFC, Unicode §3.11), which are
/// letters, their marks, and digits of any script, `-`, `_`, `.`, `:`, `+` and `#`. Tags are
/// compared as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Box<str>);

impl Title {
    /// Maximum length in characters.
    pub const MAX_CHARS: usize = 200;

    /// Parses a title and trims white space.
    ///
    /// # Errors
    /// [`DetailError::Title`] if it is longer or contains control characters.
    pub fn parse(text: &str) -> Result<Self, DetailError> {
        let text = text.trim();
        if text.chars().count() > Self::MAX_CHARS || text.contains(char::is_control) {
            return Err(DetailError::Title);
        }
        Ok(Self(text.into()))
    }

    /// Returns the title, which may be empty.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Description {
    /// Maximum length in characters.
    pub const MAX_CHARS: usize = 2_000;

    /// Parses a description and trims white space.
    ///
    /// # Errors
    /// [`DetailError::Description`] if it is longer or contains control characters other than line
    /// breaks and tabs.
    pub fn parse(text: &str) -> Result<Self, DetailError> {
        let text = text.trim();
        let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.chars().count() > Self::MAX_CHARS || text.contains(is_bad) {
            return Err(DetailError::Description);
        }
        Ok(Self(text.into()))
    }

    /// Returns the description, which may be empty.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Tag {
    /// Maximum length in characters.
    pub const MAX_CHARS: usize = 64;
    /// Maximum number of tags of a link.
    pub const MAX_PER_LINK: usize = 20;

    /// Parses a tag in upper or lower case and trims white space.
    ///
    /// # Errors
    /// [`DetailError::Tag`] if it is empty, longer, or contains other characters.
    pub fn parse(text: &str) -> Result<Self, DetailError> {
        let is_tag_character = |c: char| {
            c.is_alphanumeric() || is_mark(c) || matches!(c, '-' | '_' | '.' | ':' | '+' | '#')
        };
        let lower = text.trim().to_lowercase();
        let normal: String = lower.nfc().collect();
        let length = normal.chars().count();
        let is_valid = normal.chars().all(is_tag_character) && !normal.starts_with(is_mark);
        if length == 0 || length > Self::MAX_CHARS || !is_valid {
            return Err(DetailError::Tag);
        }
        Ok(Self(normal.into()))
    }

    /// Parses the tags of one link. Returns them sorted and without duplicates.
    ///
    /// # Errors
    /// [`DetailError::Tag`] for the first invalid one, [`DetailError::TooManyTags`] for more than
    /// [`Tag::MAX_PER_LINK`].
    pub fn parse_all<'a>(
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Self>, DetailError> {
        let mut tags = texts
            .into_iter()
            .map(Self::parse)
            .collect::<Result<Vec<_>, _>>()?;
        tags.sort_unstable();
        tags.dedup();
        if tags.len() > Self::MAX_PER_LINK {
            return Err(DetailError::TooManyTags);
        }
        Ok(tags)
    }

    /// Returns the tag in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Tag {
    type Err = DetailError;

    fn from_str(text: &str) -> Result<Self, DetailError> {
        Self::parse(text)
    }
}

/// Why a detail of a link is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DetailError {
    /// Not a [`Title`].
    #[error("a title must be one line of at most 200 characters")]
    Title,
    /// Not a [`Description`].
    #[error("a description must have at most 2,000 characters")]
    Description,
    /// Not a [`Tag`].
    #[error("a tag must have 1 to 64 letters, digits and `-_.:+#`")]
    Tag,
    /// More than [`Tag::MAX_PER_LINK`].
    #[error("a link can have at most 20 tags")]
    TooManyTags,
    /// Not a time at which a link can expire.
    #[error("the expiry must be a time from 1970 to 9999")]
    Expiry,
}

/// Checks the time at which a link expires. Returns it in UTC, to the microsecond, as every
/// database can store it.
///
/// # Errors
/// [`DetailError::Expiry`] if it is outside the years 1970 to 9999.
pub fn expiry(at: OffsetDateTime) -> Result<OffsetDateTime, DetailError> {
    let utc = at
        .checked_to_offset(UtcOffset::UTC)
        .filter(|utc| (1970..=9999).contains(&utc.year()))
        .ok_or(DetailError::Expiry)?;
    Ok(micros(utc))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn limits_are_counted_in_characters() {
        assert!(Title::parse(&"ä".repeat(200)).is_ok());
        assert_eq!(Title::parse(&"x".repeat(201)), Err(DetailError::Title));
        assert!(Description::parse(&"ä".repeat(2_000)).is_ok());
        let long = "x".repeat(2_001);
        assert_eq!(Description::parse(&long), Err(DetailError::Description));
        assert!(Tag::parse(&"ä".repeat(64)).is_ok());
        assert_eq!(Tag::parse(&"x".repeat(65)), Err(DetailError::Tag));
    }

    #[test]
    fn a_link_expires_in_a_year_that_can_be_kept() {
        use time::macros::datetime;
        let at = datetime!(2026-03-01 12:00:00.123_456_789 +02:00);
        let kept = expiry(at).unwrap();
        assert_eq!(kept, datetime!(2026-03-01 10:00:00.123_456 UTC));
        for at in [
            datetime!(1970-01-01 00:00 +01:00),
            datetime!(9999-12-31 23:00 -02:00),
            datetime!(0001-01-01 00:00 UTC),
        ] {
            assert_eq!(expiry(at), Err(DetailError::Expiry), "{at}");
        }
    }

    #[test]
    fn a_title_is_one_line_and_a_description_may_be_several() {
        assert_eq!(Title::parse(" The wiki ").unwrap().as_str(), "The wiki");
        assert_eq!(Title::parse("a\nb"), Err(DetailError::Title));
        assert_eq!(
            Description::parse("a\r\n\tb\n").unwrap().as_str(),
            "a\r\n\tb"
        );
        assert_eq!(Description::parse("a\0"), Err(DetailError::Description));
        assert_eq!(Title::parse(" "), Ok(Title::default()));
    }

    #[test]
    fn tags_are_words_in_lower_case() {
        assert_eq!(Tag::parse(" On-Call ").unwrap().as_str(), "on-call");
        for text in ["c++", "c#", "v1.2", "team:core", "größe", "日本"] {
            assert_eq!(Tag::parse(text).unwrap().as_str(), text);
        }
        for text in ["हिन्दी", "คู่มือ", "தமிழ்", "ดำ"] {
            assert_eq!(Tag::parse(text).unwrap().as_str(), text);
        }
        let composed = Tag::parse("Cafe\u{301}").unwrap();
        assert_eq!(composed.as_str(), "café");
        for text in [
            "\u{301}a",
            "a\u{200b}",
            "",
            " ",
            "a b",
            "a,b",
            "a/b",
            "a\0",
            "<b>",
        ] {
            assert_eq!(Tag::parse(text), Err(DetailError::Tag), "{text:?}");
        }
    }

    #[test]
    fn the_tags_of_a_link_are_in_order_and_each_is_there_once() {
        let tags = Tag::parse_all(["wiki", "Docs", "WIKI"]).unwrap();
        let texts: Vec<_> = tags.iter().map(Tag::as_str).collect();
        assert_eq!(texts, ["docs", "wiki"]);
        let many: Vec<_> = (0..21).map(|number| number.to_string()).collect();
        let all = Tag::parse_all(many.iter().map(String::as_str));
        assert_eq!(all, Err(DetailError::TooManyTags));
    }

    proptest! {
        #[test]
        fn whatever_is_a_tag_is_stable(text in ".{0,20}") {
            if let Ok(tag) = Tag::parse(&text) {
                prop_assert_eq!(Tag::parse(tag.as_str()), Ok(tag));
            }
        }
    }
}
