//! Targets with placeholders, which are filled from what a visitor's path has behind the code.
//!
//! - In the target of a link, `$name` stands for one segment of the path (`name`: letters, digits and `_`, not
//!   beginning with a digit). The segments fill the names in the order in which these appear first; a name
//!   that appears again has the same value. A dollar sign that is none of this stays as it is, and `%24` is
//!   always one.
//! - In the target of a keyword, `{slug}` stands for all of the rest, slashes included.
//!
//! The target is read once, from left to right: a value is never looked at for placeholders. Values are
//! percent-encoded but for the unreserved characters (RFC 3986 §2.3), so that none ends the part of the URL that
//! it stands in. What cannot be encoded away are the segments `.` and `..`, which browsers resolve however they are
//! written: a value that makes one is refused.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use crate::TargetUrl;
use crate::target::{SLUG, with_query};

/// All but the unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A target with placeholders, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Box<[Piece]>,
    /// In the order in which they appear first. None in that of a keyword.
    names: Box<[Box<str>]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    /// The value of the name at this place.
    Value(usize),
    /// All of the rest.
    Slug,
}

impl Template {
    /// The longest URL that is made of a template, in bytes.
    pub const MAX_FILLED: usize = 8_192;

    /// Takes the target of a link apart; `None` where it has no placeholders.
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

    /// Takes the target of a keyword apart; `None` where `{slug}` is not in it.
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

    /// The names of its placeholders, in the order in which segments fill them; none for a keyword.
    #[must_use]
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// Fills the placeholders from the rest of a path: what stands behind the code and its slash, as the
    /// visitor sent it. A slash at the end of it changes nothing for a link, and is kept for a keyword.
    ///
    /// # Errors
    /// [`FillError`] says what is wrong with the rest.
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
            // A value that appears again and again must not be multiplied without end.
            if filled.len() > Self::MAX_FILLED {
                return Err(FillError::TooLong);
            }
        }
        if has_dot_segment(&filled) {
            return Err(FillError::DotSegment);
        }
        Ok(filled)
    }

    /// The URL that it was filled to, with a visitor's query: as [`TargetUrl::with_query`].
    #[must_use]
    pub fn with_query(filled: String, query: &str) -> String {
        match with_query(&filled, query) {
            Cow::Owned(longer) => longer,
            Cow::Borrowed(_) => filled,
        }
    }

    /// The values of the names.
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

/// A template as far as it has been read.
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

/// The name at the beginning of a text, as far as it goes; empty where there is none.
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

/// Whether the path of a URL has a segment that browsers resolve (the URL standard's single-dot and double-dot
/// segments).
fn has_dot_segment(url: &str) -> bool {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let path = url.get(..end).unwrap_or_default();
    path.split('/').any(|segment| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    })
}

/// Why the placeholders of a target cannot be filled from a path. The message says what the path must have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// Not as many segments as names, or an empty one.
    #[error("{}", explain_segments(names, *given))]
    Segments {
        /// The names to fill, in order.
        names: Vec<String>,
        /// How many segments there are; where one is empty, how many before it.
        given: usize,
    },
    /// A value makes a segment `.` or `..` of the target's path.
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
