//! Short codes: the part of a short link that people type.
//!
//! A code is 1 to 64 of `a-z 0-9 - _`, its first and last character alphanumeric; it may consist of several
//! such segments with slashes between them (`docs/api`). Codes are matched without regard to case:
//! [`ShortCode`] holds the normal form (lower case), by which it is compared and stored, and beside it the
//! spelling that its owner chose, for display.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::Random;

/// The alphabet of generated codes: 32 characters of which no two look alike (no `0` beside `o`, no
/// `1` beside `l`: of each such pair, neither is used). Exactly 32, so five random bits choose one.
const ALPHABET: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";

/// A short code in its normal form, with the spelling its owner chose.
///
/// Two codes are equal when their normal forms are: `go/CNN` and `go/cnn` are one link.
#[derive(Clone)]
pub struct ShortCode {
    normal: Box<str>,
    /// Only where it differs from the normal form.
    spelling: Option<Box<str>>,
}

impl ShortCode {
    /// The longest code, in characters (and bytes: codes are ASCII).
    pub const MAX_LEN: usize = 64;

    /// Reads a code as a person wrote it.
    ///
    /// # Errors
    /// [`CodeError`] names the first rule that the text breaks; [`CodeError::Reserved`] is not
    /// among them, because a reserved word may be looked up, only not claimed: see
    /// [`ReservedWords::check`].
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        check(text)?;
        let normal = text.to_ascii_lowercase();
        let spelling = (normal != text).then(|| text.into());
        Ok(Self {
            normal: normal.into(),
            spelling,
        })
    }

    /// Writes the normal form of `text` into `buffer`: what [`ShortCode::as_str`] of the parsed code
    /// would be, without allocating. `None` for what cannot be a code.
    #[must_use]
    pub fn normal_form<'b>(text: &str, buffer: &'b mut [u8; Self::MAX_LEN]) -> Option<&'b str> {
        check(text).ok()?;
        let normal = buffer.get_mut(..text.len())?;
        normal.copy_from_slice(text.as_bytes());
        normal.make_ascii_lowercase();
        std::str::from_utf8(normal).ok()
    }

    /// Draws a code of the given length from `random`.
    ///
    /// Whether it is free is not looked up: insert it, and draw again when the store answers that it
    /// is taken.
    pub fn generate(random: &dyn Random, length: CodeLength) -> Self {
        let mut bytes = vec![0; length.0];
        random.fill(&mut bytes);
        let normal: String = bytes
            .into_iter()
            .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)))
            .map(|character| char::from(*character))
            .collect();
        Self {
            normal: normal.into(),
            spelling: None,
        }
    }

    /// The normal form: lower case, by which codes are stored and compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.normal
    }

    /// The code as its owner wrote it, for display.
    #[must_use]
    pub fn spelling(&self) -> &str {
        self.spelling.as_deref().unwrap_or(&self.normal)
    }

    /// The segments of the normal form: one for most codes.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.normal.split('/')
    }

    /// Whether the code has more than one segment.
    #[must_use]
    pub fn has_segments(&self) -> bool {
        self.normal.contains('/')
    }

    /// The normal forms of the codes that this one goes on from, shortest first: of `docs/api/v1` these are
    /// `docs` and `docs/api`.
    pub fn prefixes(&self) -> impl Iterator<Item = &str> {
        let slashes = self.normal.match_indices('/');
        slashes.filter_map(|(at, _)| self.normal.get(..at))
    }
}

/// The rules of a code as a person writes it, in any case.
fn check(text: &str) -> Result<(), CodeError> {
    if text.is_empty() {
        return Err(CodeError::Empty);
    }
    if let Some(character) = text.chars().find(|c| !is_code_character(*c) && *c != '/') {
        return Err(CodeError::BadCharacter { character });
    }
    if text.len() > ShortCode::MAX_LEN {
        return Err(CodeError::TooLong { length: text.len() });
    }
    let is_alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let has_good_edges = |segment: &str| {
        let bytes = segment.as_bytes();
        is_alphanumeric(bytes.first()) && is_alphanumeric(bytes.last())
    };
    if !text.split('/').all(has_good_edges) {
        return Err(CodeError::BadEdge);
    }
    Ok(())
}

fn is_code_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
}

impl PartialEq for ShortCode {
    fn eq(&self, other: &Self) -> bool {
        self.normal == other.normal
    }
}

impl Eq for ShortCode {}

impl PartialOrd for ShortCode {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ShortCode {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.normal.cmp(&other.normal)
    }
}

impl Hash for ShortCode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.normal.hash(state);
    }
}

/// By its normal form, in which it compares and hashes: a map of codes can be asked by text.
impl Borrow<str> for ShortCode {
    fn borrow(&self) -> &str {
        &self.normal
    }
}

impl fmt::Debug for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShortCode({:?})", self.spelling())
    }
}

impl fmt::Display for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spelling())
    }
}

impl std::str::FromStr for ShortCode {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        Self::parse(text)
    }
}

/// How many characters a generated code has: 7 by default, never more than [`ShortCode::MAX_LEN`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeLength(usize);

impl CodeLength {
    /// This length plus `more` characters, up to the longest code there is.
    #[must_use]
    pub fn grown_by(self, more: usize) -> Self {
        Self(self.0.saturating_add(more).min(ShortCode::MAX_LEN))
    }
}

impl Default for CodeLength {
    /// 7 characters of 32: 34 thousand million codes.
    fn default() -> Self {
        Self(7)
    }
}

/// The words that cannot be claimed as codes because a route of the server answers under them.
#[derive(Debug, Clone, Default)]
pub struct ReservedWords(BTreeSet<String>);

impl ReservedWords {
    /// Accepts a code whose first segment is not reserved.
    ///
    /// # Errors
    /// [`CodeError::Reserved`] for one whose first segment is.
    pub fn check(&self, code: &ShortCode) -> Result<(), CodeError> {
        match code.segments().next() {
            Some(word) if self.0.contains(word) => Err(CodeError::Reserved {
                word: word.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// All reserved words in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl<'a> FromIterator<&'a str> for ReservedWords {
    fn from_iter<I: IntoIterator<Item = &'a str>>(words: I) -> Self {
        Self(words.into_iter().map(str::to_ascii_lowercase).collect())
    }
}

/// Why a text is not acceptable as a short code. The message says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Nothing was given.
    #[error("a code must have at least one character")]
    Empty,
    /// Longer than [`ShortCode::MAX_LEN`].
    #[error("a code must have at most 64 characters, this one has {length}")]
    TooLong {
        /// Its length in characters.
        length: usize,
    },
    /// A character outside of `a-z 0-9 - _` (in either case).
    #[error("a code may contain only letters a-z, digits, `-` and `_`, not {character:?}")]
    BadCharacter {
        /// The first such character.
        character: char,
    },
    /// The first or last character, or one beside a slash, is none of `a-z 0-9`.
    #[error("a code and each of its parts must begin and end with a letter or digit")]
    BadEdge,
    /// A route of the server answers under this word.
    #[error("`{word}` is reserved for Waypost itself; choose another code")]
    Reserved {
        /// The word.
        word: String,
    },
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::SeededRandom;

    #[test]
    fn case_does_not_matter_and_the_spelling_is_kept() {
        let loud = ShortCode::parse("CNN").unwrap();
        let quiet = ShortCode::parse("cnn").unwrap();
        assert_eq!(loud, quiet);
        assert_eq!(loud.as_str(), "cnn");
        assert_eq!(loud.spelling(), "CNN");
        let both = HashSet::from([loud, quiet]);
        assert_eq!(both.len(), 1);
        assert!(both.contains("cnn"), "asked by the text of the normal form");
    }

    #[test]
    fn each_broken_rule_is_named() {
        assert_eq!(ShortCode::parse(""), Err(CodeError::Empty));
        for (text, character) in [("a b", ' '), ("ä", 'ä'), ("a\0", '\0'), ("a.b", '.')] {
            assert_eq!(
                ShortCode::parse(text),
                Err(CodeError::BadCharacter { character })
            );
        }
        for text in [
            "-", "-a", "a-", "_a", "a_", "/", "/a", "a/", "a//b", "a/-b", "a-/b", "a/b_",
        ] {
            assert_eq!(ShortCode::parse(text), Err(CodeError::BadEdge));
        }
        assert!(ShortCode::parse(&"x".repeat(64)).is_ok());
        assert_eq!(
            ShortCode::parse(&"x".repeat(65)),
            Err(CodeError::TooLong { length: 65 })
        );
    }

    #[test]
    fn a_reserved_word_is_refused_in_any_case() {
        let reserved: ReservedWords = ["api"].into_iter().collect();
        for (text, is_free) in [
            ("API", false),
            ("Api/x", false),
            ("apis", true),
            ("x/api", true),
        ] {
            let code = ShortCode::parse(text).unwrap();
            assert_eq!(reserved.check(&code).is_ok(), is_free, "{text}");
        }
    }

    #[test]
    fn a_code_of_several_segments_knows_the_codes_that_it_goes_on_from() {
        let code = ShortCode::parse("Docs/api/V1").unwrap();
        assert_eq!(code.as_str(), "docs/api/v1");
        assert!(code.has_segments());
        assert_eq!(code.segments().collect::<Vec<_>>(), ["docs", "api", "v1"]);
        assert_eq!(code.prefixes().collect::<Vec<_>>(), ["docs", "docs/api"]);
        let plain = ShortCode::parse("docs").unwrap();
        assert!(!plain.has_segments());
        assert_eq!(plain.prefixes().count(), 0);
    }

    #[test]
    fn generated_codes_are_seven_characters_without_look_alikes() {
        let random = SeededRandom::new(7);
        let codes: HashSet<_> = (0..1_000)
            .map(|_| ShortCode::generate(&random, CodeLength::default()))
            .collect();
        assert_eq!(codes.len(), 1_000);
        for code in codes {
            assert_eq!(code.as_str().len(), 7);
            assert!(!code.as_str().contains(['0', 'o', '1', 'l']), "{code}");
        }
    }

    #[test]
    fn the_alphabet_has_no_character_twice() {
        assert_eq!(ALPHABET.iter().collect::<HashSet<_>>().len(), 32);
    }

    proptest! {
        #[test]
        fn whatever_is_generated_parses(seed: u64, more in 0_usize..100) {
            let code = ShortCode::generate(&SeededRandom::new(seed), CodeLength::default().grown_by(more));
            prop_assert_eq!(ShortCode::parse(code.as_str()), Ok(code));
        }

        #[test]
        fn the_normal_form_is_that_of_the_parsed_code(text in "[-_a-zA-Z0-9]{0,70}|[a-b/-]{0,6}|.{0,5}") {
            let mut buffer = [0; ShortCode::MAX_LEN];
            let normal = ShortCode::normal_form(&text, &mut buffer);
            let parsed = ShortCode::parse(&text).ok();
            prop_assert_eq!(normal, parsed.as_ref().map(ShortCode::as_str));
        }

        #[test]
        fn parsing_never_panics_and_its_normal_form_is_stable(text in ".{0,80}") {
            if let Ok(code) = ShortCode::parse(&text) {
                prop_assert_eq!(code.spelling(), text.as_str());
                let again = ShortCode::parse(code.as_str());
                prop_assert_eq!(again, Ok(code));
            }
        }
    }
}
