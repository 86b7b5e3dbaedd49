//! Destinations with placeholders, which are filled from the rest of the visitor's path.
//!
//! - In the destination of a link, `$name` is filled with one segment of the path (`name`: letters,
//!   digits and `_`, not beginning with a digit). Segments fill the names in the order of their
//!   first appearance; a repeated name has the same value. Any other dollar sign is unchanged, and
//!   `%24` is always a dollar sign.
//! - In the destination of a keyword, `{slug}` is filled with the rest of the path, including
//!   slashes.
//!
//! The destination is scanned once, from left to right: placeholders in values are not filled.
//! Values are percent-encoded except for unreserved characters (RFC 3986 §2.3), so that a value
//! cannot end its part of the URL. Encoding does not help against the segments `.` and `..`, which
//! browsers resolve in any encoding: a value that creates one is rejected.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use crate::TargetUrl;
use crate::target::{SLUG, with_query};

/// All characters except the unreserved ones.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A parsed destination with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Box<[Piece]>,
    /// In the order of their first appearance. Empty for a keyword.
    names: Box<[Box<str>]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    /// The value of the name with this index.
    Value(usize),
    /// The rest of the path.
    Slug,
}

impl Template {
    /// Maximum length of a filled URL in bytes.
    pub const MAX_FILLED: usize = 8_192;

    /// Parses the destination of a link. Returns `None` if it has no placeholders.
    #[must_use]
    pub fn of_link(target: &TargetUrl) -> Option<Self> {
        let mut reading = Reading::default();
        let mut rest = target.as_str();
        while let Some((before, behind)) = rest.split_once('$') {
            reading.text(before);
            let name = name_at_start(behind);
            if name.is_empty() {
                reading.text("$");
            } else {
                reading.name(name);
            }
            rest = behind.get(name.len()..).unwrap_or_default();
        }
        reading.text(rest);
        reading.end()
    }

    /// Parses the destination of a keyword. Returns `None` if it has no `{slug}`.
    #[must_use]
    pub fn of_keyword(target: &TargetUrl) -> Option<Self> {
        let mut reading = Reading::default();
        for (place, text) in target.as_str().split(SLUG).enumerate() {
            if place > 0 {
                reading.placeholder(Piece::Slug);
            }
            reading.text(text);
        }
        reading.end()
    }

    /// Returns the names of its placeholders, in the order in which segments fill them; none for a
    /// keyword.
    #[must_use]
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// Fills the placeholders from the rest of a path, after the code and its slash, as the visitor
    /// sent it. A trailing slash is ignored for a link and kept for a keyword.
    ///
    /// # Errors
    /// [`FillError`] names the problem with the rest.
    pub fn fill(&self, rest: &str) -> Result<String, FillError> {
        let values = self.values(rest)?;
        let mut filled = String::with_capacity(rest.len() * 2 + 64);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Value(place) => values
                    .get(*place)
                    .into_iter()
                    .for_each(|value| push_encoded(&mut filled, value)),
                Piece::Slug => {
                    for (place, segment) in rest.split('/').enumerate() {
                        if place > 0 {
                            filled.push('/');
                        }
                        push_encoded(&mut filled, &decoded(segment));
                    }
                }
            }
            // A repeated value must not grow the URL without limit.
            if filled.len() > Self::MAX_FILLED {
                return Err(FillError::TooLong);
            }
        }
        if has_dot_segment(&filled) {
            return Err(FillError::DotSegment);
        }
        Ok(filled)
    }

    /// Adds a visitor's query to a filled URL, like [`TargetUrl::with_query`].
    #[must_use]
    pub fn with_query(filled: String, query: &str) -> String {
        match with_query(&filled, query) {
            Cow::Owned(longer) => longer,
            Cow::Borrowed(_) => filled,
        }
    }

    /// Returns the values of the names.
    fn values<'a>(&self, rest: &'a str) -> Result<Vec<Cow<'a, [u8]>>, FillError> {
        if self.names.is_empty() {
            return Ok(Vec::new());
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let segments = rest.split('/').filter(|_| !rest.is_empty());
        let values: Vec<_> = segments.map(decoded).collect();
        let empty = values.iter().position(|value| value.is_empty());
        if values.len() != self.names.len() || empty.is_some() {
            let given = empty.unwrap_or(values.len());
            return Err(FillError::Segments {
                names: self.names().map(str::to_owned).collect(),
                given,
            });
        }
        Ok(values)
    }
}

/// The state of parsing a template.
#[derive(Default)]
struct Reading {
    pieces: Vec<Piece>,
    names: Vec<Box<str>>,
    text: String,
}

impl Reading {
    fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn placeholder(&mut self, piece: Piece) {
        self.end_text();
        self.pieces.push(piece);
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.pieces.push(Piece::Text(text.into()));
        }
    }

    fn name(&mut self, name: &str) {
        let known = self.names.iter().position(|known| &**known == name);
        let place = known.unwrap_or(self.names.len());
        if known.is_none() {
            self.names.push(name.into());
        }
        self.placeholder(Piece::Value(place));
    }

    fn end(mut self) -> Option<Template> {
        self.end_text();
        let is_text = |piece: &Piece| matches!(piece, Piece::Text(_));
        (!self.pieces.iter().all(is_text)).then(|| Template {
            pieces: self.pieces.into(),
            names: self.names.into(),
        })
    }
}

/// Returns the longest name at the beginning of a text; empty if there is none.
fn name_at_start(text: &str) -> &str {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let length = text.bytes().take_while(|byte| is_of_name(*byte)).count();
    let begins_with_digit = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_digit());
    if begins_with_digit {
        return "";
    }
    text.get(..length).unwrap_or_default()
}

fn decoded(segment: &str) -> Cow<'_, [u8]> {
    percent_decode_str(segment).into()
}

fn push_encoded(to: &mut String, value: &[u8]) {
    to.extend(percent_encode(value, RESERVED));
}

/// Whether the path of a URL has a segment that browsers resolve (the URL standard's single-dot and
/// double-dot segments).
fn has_dot_segment(url: &str) -> bool {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let path = url.get(..end).unwrap_or_default();
    path.split('/').any(|segment| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    })
}

/// Why the placeholders of a destination cannot be filled from a path. The message says what the
/// path must have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// The number of segments differs from the number of names, or a segment is empty.
    #[error("{}", explain_segments(names, *given))]
    Segments {
        /// The names to fill, in order.
        names: Vec<String>,
        /// The number of segments, up to the first empty one.
        given: usize,
    },
    /// A value creates a segment `.` or `..` in the path of the destination.
    #[error("a part of the path must not be `.` or `..`")]
    DotSegment,
    /// Longer than [`Template::MAX_FILLED`].
    #[error("the filled destination is longer than 8,192 bytes")]
    TooLong,
}

fn explain_segments(names: &[String], given: usize) -> String {
    let list = |names: &[String]| {
        let marked: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        marked.join(", ")
    };
    match names.get(given..) {
        Some(missing) if !missing.is_empty() => format!(
            "the path is incomplete; expected /{} after the code ({} missing)",
            names.join("/"),
            list(missing)
        ),
        _ => format!(
            "the path is too long; expected /{} after the code, got {given} parts",
            names.join("/")
        ),
    }
}

#[cfg(test)]
mod tests;
