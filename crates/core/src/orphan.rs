//! Orphans: paths that people try and that lead nowhere.
//!
//! What nobody can have meant as a code is no orphan: `wp-login.php`, `.env` and all else that has a dot, is
//! percent-encoded or is too long. That is what scanners ask for, and it is told apart by its characters alone.

use std::fmt;
use std::str::FromStr;

use crate::{CursorError, ShortCode};

/// A path as it is kept: without the slashes around it, without the query, and in lower case, as codes are
/// matched.
///
/// Its first segment could be a code, and the others consist of the characters of codes: `wiki`, `docs/api`,
/// `gh/-org`. It has at most [`OrphanPath::MAX_LEN`] characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrphanPath(Box<str>);

impl OrphanPath {
    /// The longest path, in characters (and bytes: they are ASCII).
    pub const MAX_LEN: usize = ShortCode::MAX_LEN;

    /// The path of a request, as it was sent and without its query; `None` for what cannot be meant as a code,
    /// for which nothing is allocated. One slash at the end is dropped.
    #[must_use]
    pub fn of_request(path: &str) -> Option<Self> {
        let segments = path.strip_prefix('/')?;
        Self::parse(segments.strip_suffix('/').unwrap_or(segments)).ok()
    }

    /// Reads a path without the slashes around it, in any case.
    ///
    /// # Errors
    /// [`OrphanPathError`] for what cannot be meant as a code.
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

    /// The path, without the slashes around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first segment: a link with this code would be followed.
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

/// Nobody can have meant it as a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a path of letters, digits, `-` and `_` in segments, of at most 64 characters")]
pub struct OrphanPathError;

/// Where a list of orphans goes on, of which those with most hits come first: `12.docs/api`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanCursor {
    /// The hits of the last orphan so far.
    pub hits: u64,
    /// Its path.
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
