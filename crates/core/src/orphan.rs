//! Orphan paths: requested by people, but matching no link.
//!
//! A path that cannot be meant as a code is not an orphan path: `wp-login.php`, `.env`, and all
//! paths that contain a dot, are percent-encoded or are too long. Scanners request such paths,
//! which are recognised by their characters alone.

use std::fmt;
use std::str::FromStr;

use crate::{CursorError, ShortCode};

/// An orphan path as it is stored: in lower case like codes, without leading and trailing slash,
/// without query.
///
/// Its first segment is a valid code, and the others consist of the characters of codes: `wiki`,
/// `docs/api`, `gh/-org`. It has at most [`OrphanPath::MAX_LEN`] characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrphanPath(Box<str>);

impl OrphanPath {
    /// Maximum length in characters, which are bytes, because paths are ASCII.
    pub const MAX_LEN: usize = ShortCode::MAX_LEN;

    /// Parses the path of a request, as it was sent, without its query. Drops one trailing slash.
    /// Returns `None`, without allocating, if the path cannot be meant as a code.
    #[must_use]
    pub fn of_request(path: &str) -> Option<Self> {
        let segments = path.strip_prefix('/')?;
        Self::parse(segments.strip_suffix('/').unwrap_or(segments)).ok()
    }

    /// Parses a path without leading and trailing slash, in upper or lower case.
    ///
    /// # Errors
    /// [`OrphanPathError`] if the path cannot be meant as a code.
    pub fn parse(text: &str) -> Result<Self, OrphanPathError> {
        if text.len() > Self::MAX_LEN {
            return Err(OrphanPathError);
        }
        let mut segments = text.split('/');
        let first = segments.next().unwrap_or_default();
        let is_alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let has_good_edges =
            is_alphanumeric(first.as_bytes().first()) && is_alphanumeric(first.as_bytes().last());
        let of_code_characters = |segment: &str| {
            let mut bytes = segment.bytes();
            !segment.is_empty()
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        if !has_good_edges || !of_code_characters(first) || !segments.all(of_code_characters) {
            return Err(OrphanPathError);
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }

    /// Returns the path, without leading and trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first segment. A link with this code would match the path.
    #[must_use]
    pub fn first_segment(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }
}

impl fmt::Display for OrphanPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OrphanPath {
    type Err = OrphanPathError;

    fn from_str(text: &str) -> Result<Self, OrphanPathError> {
        Self::parse(text)
    }
}

/// The path cannot be meant as a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a path of letters, digits, `-` and `_` in segments, of at most 64 characters")]
pub struct OrphanPathError;

/// A place in a list of orphan paths sorted by most requests first: `12.docs/api`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanCursor {
    /// The number of requests of the last path.
    pub hits: u64,
    /// The last path.
    pub path: OrphanPath,
}

impl fmt::Display for OrphanCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.hits, self.path)
    }
}

impl FromStr for OrphanCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (hits, path) = text.split_once('.').ok_or(CursorError)?;
        Ok(Self {
            hits: hits.parse().map_err(|_| CursorError)?,
            path: OrphanPath::parse(path).map_err(|_| CursorError)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_be_meant_as_a_code_is_kept_in_its_normal_form() {
        let long = format!("/{}", "x".repeat(64));
        for (path, kept) in [
            ("/wiki", "wiki"),
            ("/Wiki/", "wiki"),
            ("/Docs/API/v1", "docs/api/v1"),
            ("/gh/-org_/x-", "gh/-org_/x-"),
            (&long, &long[1..]),
        ] {
            let orphan = OrphanPath::of_request(path).unwrap();
            assert_eq!(orphan.as_str(), kept, "{path}");
        }
        let orphan = OrphanPath::parse("Docs/API").unwrap();
        assert_eq!(orphan.first_segment(), "docs");
    }

    #[test]
    fn what_scanners_ask_for_is_not() {
        let too_long = format!("/{}", "x".repeat(65));
        for path in [
            "",
            "/",
            "//",
            "/wiki//",
            "/docs//api",
            "wiki",
            "/wp-login.php",
            "/wiki/.env",
            "/.env",
            "/favicon.ico",
            "/%77iki",
            "/wiki%00",
            "/-wiki",
            "/wiki-",
            "/_profiler/phpinfo",
            "/wikí",
            "/a b",
            "/wiki/a+b",
            &too_long,
        ] {
            assert_eq!(OrphanPath::of_request(path), None, "{path}");
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        let cursor: OrphanCursor = "12.docs/api".parse().unwrap();
        assert_eq!((cursor.hits, cursor.path.as_str()), (12, "docs/api"));
        assert_eq!(cursor.to_string(), "12.docs/api");
        for text in ["", "12", ".wiki", "x.wiki", "12.", "12.wi.ki", "-1.wiki"] {
            assert_eq!(text.parse::<OrphanCursor>(), Err(CursorError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_code_could_be_an_orphan(text in "[-_a-zA-Z0-9/]{1,70}") {
            if let Ok(code) = ShortCode::parse(&text) {
                let orphan = OrphanPath::of_request(&format!("/{text}"));
                prop_assert_eq!(orphan.as_ref().map(OrphanPath::as_str), Some(code.as_str()));
            }
        }

        #[test]
        fn what_is_kept_is_read_again_as_it_is(text in "[-_a-zA-Z0-9/.]{0,70}|.{0,5}") {
            if let Ok(orphan) = OrphanPath::parse(&text) {
                prop_assert_eq!(OrphanPath::parse(orphan.as_str()), Ok(orphan));
            }
        }
    }
}
