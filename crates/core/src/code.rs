//! Short codes: the path of a short link.
//!
//! A code has 1 to 64 characters of `a-z 0-9 - _`, and its first and last character are
//! alphanumeric. It may consist of several such segments with slashes between them (`docs/api`).
//! Codes are case-insensitive: [`ShortCode`] holds the normal form (lower case), which is compared
//! and stored, and the spelling that its owner chose, which is displayed.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::Random;

/// The alphabet of generated codes. Characters that look alike (`0` and `o`, `1` and `l`) are left
/// out. It has exactly 32 characters, so five random bits select one.
const ALPHABET: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";

/// A short code in its normal form, with the spelling that its owner chose.
///
/// Two codes are equal if their normal forms are: `go/CNN` and `go/cnn` are the same link.
#[derive(Clone)]
pub struct ShortCode {
    normal: Box<str>,
    /// `None` if it is the normal form.
    spelling: Option<Box<str>>,
}

impl ShortCode {
    /// Maximum length in characters, which are bytes, because codes are ASCII.
    pub const MAX_LEN: usize = 64;

    /// Parses a code as a person wrote it.
    ///
    /// # Errors
    /// [`CodeError`] names the first rule that the text breaks. Never [`CodeError::Reserved`],
    /// because a reserved word may be looked up, but not used for a link: see
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

    /// Writes the normal form of `text` into `buffer` and returns it, without allocating. It is
    /// what [`ShortCode::as_str`] of the parsed code returns. Returns `None` if `text` is not a
    /// code.
    #[must_use]
    pub fn normal_form<'b>(text: &str, buffer: &'b mut [u8; Self::MAX_LEN]) -> Option<&'b str> {
        check(text).ok()?;
        let normal = buffer.get_mut(..text.len())?;
        normal.copy_from_slice(text.as_bytes());
        normal.make_ascii_lowercase();
        std::str::from_utf8(normal).ok()
    }

    /// Generates a code of the given length.
    ///
    /// The code may be in use: insert it, and generate another one if the store reports a conflict.
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

    /// Returns the normal form: lower case, in which codes are stored and compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.normal
    }

    /// Returns the code as its owner wrote it, for display.
    #[must_use]
    pub fn spelling(&self) -> &str {
        self.spelling.as_deref().unwrap_or(&self.normal)
    }

    /// Returns the segments of the normal form. Most codes have one.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.normal.split('/')
    }

    /// Whether the code has more than one segment.
    #[must_use]
    pub fn has_segments(&self) -> bool {
        self.normal.contains('/')
    }

    /// Returns the proper prefixes of the normal form that end before a slash, shortest first:
    /// `docs` and `docs/api` for `docs/api/v1`.
    pub fn prefixes(&self) -> impl Iterator<Item = &str> {
        let slashes = self.normal.match_indices('/');
        slashes.filter_map(|(at, _)| self.normal.get(..at))
    }
}

/// Checks the rules of a code, in upper or lower case.
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

/// Borrows the normal form, by which codes compare and hash, so that a map of codes can be looked
/// up by text.
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

/// The length of a generated code: 7 characters by default, at most [`ShortCode::MAX_LEN`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeLength(usize);

impl CodeLength {
    /// Returns this length plus `more` characters, at most the maximum.
    #[must_use]
    pub fn grown_by(self, more: usize) -> Self {
        Self(self.0.saturating_add(more).min(ShortCode::MAX_LEN))
    }
}

impl Default for CodeLength {
    /// 7 characters of 32: 34,359,738,368 codes.
    fn default() -> Self {
        Self(7)
    }
}

/// The words that new links cannot use as the first segment of their codes: routes of the server,
/// and words that visitors take for a part of it. An existing link with such a code keeps working.
#[derive(Debug, Clone, Default)]
pub struct ReservedWords {
    /// All words. The value says whether a word is a route.
    words: BTreeMap<String, bool>,
}

impl ReservedWords {
    /// Adds words that are not routes.
    #[must_use]
    pub fn and<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        for word in words {
            self.words.entry(word.to_ascii_lowercase()).or_default();
        }
        self
    }

    /// Checks that the first segment of a code is not reserved.
    ///
    /// # Errors
    /// [`CodeError::Reserved`] if it is.
    pub fn check(&self, code: &ShortCode) -> Result<(), CodeError> {
        match code.segments().next() {
            Some(word) if self.words.contains_key(word) => Err(CodeError::Reserved {
                word: word.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Returns whether a word, in its normal form, is a route: requests for it never get to a link.
    #[must_use]
    pub fn is_route(&self, word: &str) -> bool {
        self.words.get(word).is_some_and(|is_route| *is_route)
    }

    /// Returns all reserved words in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.words.keys().map(String::as_str)
    }
}

/// Creates the words of routes.
impl<'a> FromIterator<&'a str> for ReservedWords {
    fn from_iter<I: IntoIterator<Item = &'a str>>(words: I) -> Self {
        let routes = words.into_iter().map(str::to_ascii_lowercase);
        Self {
            words: routes.map(|word| (word, true)).collect(),
        }
    }
}

/// Why a text is not a valid short code. The message says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// The text is empty.
    #[error("a code must have at least one character")]
    Empty,
    /// Longer than [`ShortCode::MAX_LEN`].
    #[error("a code must have at most 64 characters, this one has {length}")]
    TooLong {
        /// Its length in characters.
        length: usize,
    },
    /// A character other than `a-z 0-9 - _ /`, in upper or lower case.
    #[error(
        "a code may contain only letters a-z, digits, `-` and `_`, with `/` between parts, not \
         {character:?}"
    )]
    BadCharacter {
        /// The first such character.
        character: char,
    },
    /// The first or last character, or one next to a slash, is not one of `a-z 0-9`.
    #[error("a code and each of its parts must begin and end with a letter or digit")]
    BadEdge,
    /// A keyword with more than one segment.
    #[error("a keyword must be one part, without `/`: it gets the rest of the path itself")]
    KeywordSegments,
    /// The first segment is a reserved word.
    #[error(
        "`{word}` is reserved for Waypost itself, with all codes below it; choose another code"
    )]
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
        assert!(both.contains("cnn"), "looked up by the normal form");
    }

    #[test]
    fn a_message_names_the_slash_that_works() {
        assert!(ShortCode::parse("docs/api/v1").is_ok());
        for text in ["a b", "docs\\api", "dócs"] {
            let message = ShortCode::parse(text).unwrap_err().to_string();
            assert!(message.contains("with `/` between parts"), "{message}");
        }
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
    fn a_word_that_is_not_a_route_is_reserved_as_well() {
        let reserved: ReservedWords = ["api"].into_iter().collect();
        let reserved = reserved.and(["Login", "api"]);
        for text in ["login", "LOGIN", "login/x", "api"] {
            let refused = reserved.check(&ShortCode::parse(text).unwrap());
            assert!(matches!(refused, Err(CodeError::Reserved { .. })), "{text}");
        }
        assert!(reserved.is_route("api") && !reserved.is_route("login"));
        assert_eq!(reserved.iter().collect::<Vec<_>>(), ["api", "login"]);
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
