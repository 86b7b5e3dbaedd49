//! Search of links by words: the words of a link, and the words of a search.
//!
//! A word is a run of letters and digits of any script, in lower case. A word of the search matches
//! a link if one of the link's words begins with it. A search matches a link if all of its words
//! do.

use std::fmt;

use crate::LinkContent;

/// A word of a link or a search: 1 to 32 letters and digits in lower case. Longer words are cut, in
/// links and in searches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SearchWord(Box<str>);

impl SearchWord {
    /// Maximum length in characters.
    pub const MAX_CHARS: usize = 32;
    /// Maximum number of words of a link.
    pub const MAX_PER_LINK: usize = 100;
    /// Maximum number of words of a search. Further words are ignored.
    pub const MAX_PER_SEARCH: usize = 8;

    /// Returns the words of a search in their order, without duplicates.
    #[must_use]
    pub fn of_search(text: &str) -> Vec<Self> {
        distinct(words(text), Self::MAX_PER_SEARCH)
    }

    /// Returns the words of a link: those of its code, title, tags, destination (without its
    /// scheme) and description, without duplicates, at most [`SearchWord::MAX_PER_LINK`].
    #[must_use]
    pub fn of_link(content: &LinkContent) -> Vec<Self> {
        let LinkContent {
            code,
            target,
            details,
        } = content;
        let (_scheme, target) = target.as_str().split_once(':').unwrap_or_default();
        let tags = details.tags.iter().flat_map(|tag| words(tag.as_str()));
        let all = words(code.as_str())
            .chain(words(details.title.as_str()))
            .chain(tags)
            .chain(words(target))
            .chain(words(details.description.as_str()));
        distinct(all, Self::MAX_PER_LINK)
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

fn words(text: &str) -> impl Iterator<Item = SearchWord> {
    text.split(|c: char| !c.is_alphanumeric())
        .map(|run| {
            // Lower case may contain characters that are not letters.
            let lower = run.to_lowercase();
            let letters = lower.chars().filter(|c| c.is_alphanumeric());
            letters.take(SearchWord::MAX_CHARS).collect::<String>()
        })
        .filter(|word| !word.is_empty())
        .map(|word| SearchWord(word.into()))
}

fn distinct(words: impl Iterator<Item = SearchWord>, most: usize) -> Vec<SearchWord> {
    let mut seen = std::collections::HashSet::new();
    words
        .filter(|word| seen.insert(word.clone()))
        .take(most)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{LinkDetails, ShortCode, Tag, TargetUrl, Title};

    fn texts(words: &[SearchWord]) -> Vec<&str> {
        words.iter().map(SearchWord::as_str).collect()
    }

    #[test]
    fn a_search_is_read_as_words_in_lower_case() {
        let words = SearchWord::of_search(" Größe des WIKI-Teams, wiki ");
        assert_eq!(texts(&words), ["größe", "des", "wiki", "teams"]);
        assert_eq!(SearchWord::of_search(" -,%_ "), []);
        let many = SearchWord::of_search("1 2 3 4 5 6 7 8 9");
        assert_eq!(many.len(), SearchWord::MAX_PER_SEARCH);
        let long = SearchWord::of_search(&"ä".repeat(40));
        assert_eq!(long[0].as_str().chars().count(), 32);
    }

    #[test]
    fn a_link_is_found_by_all_that_is_said_about_it() {
        let content = LinkContent {
            code: ShortCode::parse("Team-Wiki").unwrap(),
            target: TargetUrl::from_stored("https://docs.example.com/a?b=1".to_owned()).unwrap(),
            details: LinkDetails {
                title: Title::parse("All we know").unwrap(),
                tags: Tag::parse_all(["on-call"]).unwrap(),
                ..LinkDetails::default()
            },
        };
        let words = SearchWord::of_link(&content);
        let expected = [
            "team", "wiki", "all", "we", "know", "on", "call", "docs", "example", "com", "a", "b",
            "1",
        ];
        assert_eq!(texts(&words), expected);
        let searched = &SearchWord::of_search("exam")[0];
        assert!(words.iter().any(|word| word.is_found_by(searched)));
    }

    proptest! {
        #[test]
        fn words_are_read_alike_everywhere(text in ".{0,80}") {
            for word in SearchWord::of_search(&text) {
                prop_assert_eq!(SearchWord::of_search(word.as_str()), vec![word]);
            }
        }
    }
}
