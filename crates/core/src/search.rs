//! Search of links by words: the words of a link, and the words of a search.
//!
//! A word is a run of letters, digits and marks of any script in the form that [`folded`] returns.
//! A word of the search matches a link if one of the link's words begins with it. A search matches
//! a link if all of its words do.
//!
//! Where a script has no spaces between words (Chinese, Japanese, Thai), and in Korean, a search
//! finds any part of a text: a word of the link begins at each letter. A text of several scripts is
//! split where they meet, so `Rust入門` is two words. Emoji and other symbols are words, too.

mod fold;
mod runs;

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;

use self::fold::JOINER;
pub use self::fold::folded;
pub(crate) use self::runs::is_mark;
use self::runs::{Kind, Run, runs};
use crate::LinkContent;

/// A word of a link or a search: 1 to 32 characters in the form of [`folded`]. Longer words are
/// cut, in links and in searches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SearchWord(Box<str>);

impl SearchWord {
    /// Maximum length in characters.
    pub const MAX_CHARS: usize = 32;
    /// Maximum number of words of a link. There is room for the longest title in a script without
    /// spaces.
    pub const MAX_PER_LINK: usize = 400;
    /// Maximum number of words of a search. Further words are ignored.
    pub const MAX_PER_SEARCH: usize = 8;

    /// Returns the words of a search in their order, without duplicates. A URL is read as the
    /// destination of a link is.
    #[must_use]
    pub fn of_search(text: &str) -> Vec<Self> {
        let text = text.trim();
        let text = match text.split_once("://") {
            Some((scheme, _)) if is_web(scheme) => destination(text),
            _ => Cow::Borrowed(text),
        };
        let runs = runs(&folded(&text));
        let words = runs.iter().map(|run| Self::beginning_of(&run.text));
        distinct(words, Self::MAX_PER_SEARCH)
    }

    /// Returns the words of a link: those of its code, title, tags, destination (without its
    /// scheme, and decoded) and description, without duplicates, the first
    /// [`SearchWord::MAX_PER_LINK`].
    #[must_use]
    pub fn of_link(content: &LinkContent) -> Vec<Self> {
        let LinkContent {
            code,
            target,
            details,
        } = content;
        let tags = details.tags.iter().map(|tag| Cow::Borrowed(tag.as_str()));
        let texts = [code.as_str(), details.title.as_str()].map(Cow::Borrowed);
        let texts = texts.into_iter().chain(tags);
        let texts = texts.chain([
            destination(target.as_str()),
            Cow::Borrowed(details.description.as_str()),
        ]);
        let words = texts.flat_map(|text| {
            let runs = runs(&folded(&text));
            runs.into_iter().flat_map(Self::of_run)
        });
        distinct(words, Self::MAX_PER_LINK)
    }

    /// Returns the words by whose beginnings a run of a link is found.
    fn of_run(Run { kind, text }: Run) -> Vec<Self> {
        if kind != Kind::Dense {
            return vec![Self::beginning_of(&text)];
        }
        let letters = text.char_indices().filter(|(_, c)| !is_mark(*c));
        let ends = letters.filter_map(|(start, _)| text.get(start..));
        ends.map(Self::beginning_of).collect()
    }

    fn beginning_of(text: &str) -> Self {
        let beginning: String = text.chars().take(Self::MAX_CHARS).collect();
        Self(beginning.trim_end_matches(JOINER).into())
    }

    /// Returns the word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `searched` matches a link with this word.
    #[must_use]
    pub fn is_found_by(&self, searched: &Self) -> bool {
        self.0.starts_with(&*searched.0)
    }
}

impl fmt::Display for SearchWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_web(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// Returns a URL without its scheme, as people read it: with the characters that are encoded in its
/// host (RFC 3492) and in the rest (RFC 3986 §2.1).
fn destination(url: &str) -> Cow<'_, str> {
    let (_scheme, rest) = url.split_once(':').unwrap_or_default();
    if !rest.contains('%') && !rest.contains("xn--") {
        return Cow::Borrowed(rest);
    }
    let rest = rest.trim_start_matches('/');
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let labels = host.split(['.', ':', '@']).map(|label| {
        let encoded = label.strip_prefix("xn--");
        encoded
            .and_then(idna::punycode::decode_to_string)
            .unwrap_or_else(|| label.to_owned())
    });
    let mut read = labels.collect::<Vec<_>>().join(".");
    read.push_str(&percent_decode_str(path).decode_utf8_lossy());
    Cow::Owned(read)
}

fn distinct(words: impl Iterator<Item = SearchWord>, most: usize) -> Vec<SearchWord> {
    let mut seen = std::collections::HashSet::new();
    words
        .filter(|word| seen.insert(word.clone()))
        .take(most)
        .collect()
}

#[cfg(test)]
mod tests;
