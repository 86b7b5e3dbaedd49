//! Destinations with placeholders, which are filled from the rest of the visitor's path.
//!
//! - In the destination of a link, `$name` is filled with one segment of the path (`name`: letters,
//!   digits and `_`, not beginning with a digit). Segments fill the names in the order of their
//!   first appearance; a repeated name has the same value. Any other dollar sign is unchanged, and
//!   `%24` is always a dollar sign.
//! - In the destination of a keyword, `{slug}` is filled with the rest of the path, including
//!   slashes.
//!
//! A link has placeholders only if its switch says so ([`LinkDetails::template`]): in any other
//! destination, a dollar sign is an ordinary character (RFC 3986 §2.2).
//!
//! The destination is scanned once, from left to right: placeholders in values are not filled. The
//! place of a placeholder decides which characters of a value are percent-encoded, so that a value
//! cannot end its part of the URL:
//!
//! | place | unchanged | percent-encoded |
//! | --- | --- | --- |
//! | path | what a segment can contain (RFC 3986 §3.3): unreserved characters, `!$&'()*+,;=`, `:`, `@` | all others |
//! | query, fragment | unreserved characters | all others: `&`, `=` and `+` have a meaning there |
//!
//! What the visitor percent-encoded stays encoded, unless it is an unreserved character (RFC 3986
//! §2.3). Encoding does not help against the segments `.` and `..`, which browsers resolve in any
//! encoding: a value that creates one is rejected.
//!
//! [`LinkDetails::template`]: crate::LinkDetails::template

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode_byte, utf8_percent_encode};

use crate::TargetUrl;
use crate::target::{SLUG, with_query};

/// What is percent-encoded in a query or a fragment: all characters except the unreserved ones.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// What is percent-encoded in a segment of the path: all characters except those of `pchar`
/// (RFC 3986 §3.3).
const IN_SEGMENT: &AsciiSet = &IN_QUERY
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

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
    Value(usize, Place),
    /// The rest of the path.
    Slug(Place),
}

/// Where a placeholder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Path,
    QueryOrFragment,
}

impl Place {
    /// Returns what must be percent-encoded here.
    const fn encoded(self) -> &'static AsciiSet {
        match self {
            Self::Path => IN_SEGMENT,
            Self::QueryOrFragment => IN_QUERY,
        }
    }
}

impl Template {
    /// Maximum length of a filled URL in bytes.
    pub const MAX_FILLED: usize = 8_192;

    /// Parses the destination of a link that is a template. Returns `None` if it has no placeholders.
    #[must_use]
    pub fn of_link(target: &TargetUrl) -> Option<Self> {
        if !target.as_str().contains('$') {
            return None;
        }
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

    /// Returns the names of the placeholders that the destination of a link has, or would have if
    /// its switch were on, in the order in which segments fill them.
    #[must_use]
    pub fn names_in(target: &TargetUrl) -> Vec<String> {
        let template = Self::of_link(target);
        let names = template.iter().flat_map(Self::names);
        names.map(str::to_owned).collect()
    }

    /// Returns whether a stored link is a template: if its switch is on and its destination has a
    /// placeholder. `None` is a link of a release that had no switch, for which every `$name` was a
    /// placeholder.
    #[must_use]
    pub fn is_on(stored: Option<bool>, target: &TargetUrl) -> bool {
        stored != Some(false) && Self::of_link(target).is_some()
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
                Piece::Value(index, place) => values
                    .get(*index)
                    .into_iter()
                    .for_each(|value| push_value(&mut filled, value, *place)),
                Piece::Slug(place) => {
                    for (index, segment) in rest.split('/').enumerate() {
                        if index > 0 {
                            filled.push('/');
                        }
                        push_value(&mut filled, segment, *place);
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

    /// Returns the values of the names, as the visitor sent them.
    fn values<'a>(&self, rest: &'a str) -> Result<Vec<&'a str>, FillError> {
        if self.names.is_empty() {
            return Ok(Vec::new());
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let segments = rest.split('/').filter(|_| !rest.is_empty());
        let values: Vec<_> = segments.collect();
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
    /// The place of the next placeholder.
    place: Place,
}

impl Reading {
    fn text(&mut self, text: &str) {
        self.text.push_str(text);
        if text.contains(['?', '#']) {
            self.place = Place::QueryOrFragment;
        }
    }

    fn placeholder(&mut self, piece: impl FnOnce(Place) -> Piece) {
        self.end_text();
        self.pieces.push(piece(self.place));
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.pieces.push(Piece::Text(text.into()));
        }
    }

    fn name(&mut self, name: &str) {
        let known = self.names.iter().position(|known| &**known == name);
        let index = known.unwrap_or(self.names.len());
        if known.is_none() {
            self.names.push(name.into());
        }
        self.placeholder(|place| Piece::Value(index, place));
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

/// Adds a value as the visitor sent it, encoded for its place. Percent-encoded characters are
/// normalised (RFC 3986 §6.2.2).
fn push_value(to: &mut String, value: &str, place: Place) {
    let mut parts = value.split('%');
    to.extend(utf8_percent_encode(
        parts.next().unwrap_or_default(),
        place.encoded(),
    ));
    for part in parts {
        let (byte, rest) = match encoded_byte(part) {
            Some(byte) => (byte, part.get(2..).unwrap_or_default()),
            // A percent sign that encodes nothing.
            None => (b'%', part),
        };
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            to.push(char::from(byte));
        } else {
            to.push_str(percent_encode_byte(byte));
        }
        to.extend(utf8_percent_encode(rest, place.encoded()));
    }
}

/// Returns the byte that two hexadecimal digits at the beginning of a text encode.
fn encoded_byte(text: &str) -> Option<u8> {
    let digits = text.get(..2)?;
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    are_digits
        .then(|| u8::from_str_radix(digits, 16).ok())
        .flatten()
}

/// Whether the path of a URL has a segment that browsers resolve (the URL standard's single-dot and
/// double-dot segments), or servers that cut parameters off (`..;x`, RFC 3986 §3.3).
fn has_dot_segment(url: &str) -> bool {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let path = url.get(..end).unwrap_or_default();
    path.split('/').any(|segment| {
        let segment = segment.split(';').next().unwrap_or_default();
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
