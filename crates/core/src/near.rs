//! Codes that are near to one that somebody typed: what they may have meant.
//!
//! Which codes are looked for is known beforehand ([`NearCodes::exact`], [`NearCodes::beginning`]), so that a store
//! finds them by its index of codes: it never compares all of them.

use std::collections::BTreeSet;

use crate::ShortCode;

/// What a code consists of, slashes apart.
const CHARACTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789-_";
/// Of longer codes no other characters are tried, in bytes: there would be too many.
const TRIED_TO: usize = 12;
/// The shortest code that is the beginning of a meant one, or begins with it, in bytes.
const SHORTEST: usize = 2;

/// The codes that are near to one that was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearCodes {
    typed: ShortCode,
    exact: Vec<String>,
    beginning: String,
}

impl NearCodes {
    /// Those near to this one, which is not among them.
    #[must_use]
    pub fn of(typed: &ShortCode) -> Self {
        let text = typed.as_str();
        let mut exact = BTreeSet::new();
        for at in 0..=text.len() {
            let (before, behind) = text.split_at(at);
            if behind.starts_with(['-', '_', '/']) && at >= SHORTEST {
                exact.insert(before.to_owned());
            }
            let mut rest = behind.chars();
            let first = rest.next();
            let others = rest.as_str();
            if let Some(first) = first {
                exact.insert(format!("{before}{others}"));
                if let Some(second) = rest.next() {
                    exact.insert(format!("{before}{second}{first}{}", rest.as_str()));
                }
            }
            if text.len() <= TRIED_TO {
                for character in CHARACTERS.chars() {
                    exact.insert(format!("{before}{character}{behind}"));
                    if first.is_some() {
                        exact.insert(format!("{before}{character}{others}"));
                    }
                }
            }
        }
        exact.remove(text);
        let mut buffer = [0; ShortCode::MAX_LEN];
        exact.retain(|code| ShortCode::normal_form(code, &mut buffer).is_some());
        let length = (text.len() * 2).div_ceil(3).max(SHORTEST).min(text.len());
        Self {
            typed: typed.clone(),
            exact: exact.into_iter().collect(),
            beginning: text.get(..length).unwrap_or(text).to_owned(),
        }
    }

    /// Normal forms of codes that may exist, in order: those that differ in one place, and those that the typed one
    /// goes on from. At most some 1,000.
    #[must_use]
    pub fn exact(&self) -> &[String] {
        &self.exact
    }

    /// What the normal forms of others begin with.
    #[must_use]
    pub fn beginning(&self) -> &str {
        &self.beginning
    }

    /// How far a code is from the typed one, by the characters that are missing, wrong, too many or swapped;
    /// `None` for one that is not near.
    #[must_use]
    pub fn distance(&self, code: &ShortCode) -> Option<usize> {
        let (typed, code) = (self.typed.as_str(), code.as_str());
        let most = if typed.len() <= 3 { 1 } else { 2 };
        let distance = strsim::osa_distance(typed, code);
        if distance <= most {
            return (distance > 0).then_some(distance);
        }
        let goes_on = |long: &str, short: &str, at: &[char]| {
            let rest = long.strip_prefix(short);
            short.len() >= SHORTEST
                && rest.is_some_and(|rest| at.is_empty() || rest.starts_with(at))
        };
        let is_near = goes_on(code, typed, &[]) || goes_on(typed, code, &['-', '_', '/']);
        is_near.then_some(most + 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> ShortCode {
        ShortCode::parse(text).unwrap()
    }

    /// Whether a store would find a code, and how far it is.
    fn found(typed: &str, other: &str) -> Option<usize> {
        let (near, other) = (NearCodes::of(&code(typed)), code(other));
        let is_looked_for = near.exact().iter().any(|exact| exact == other.as_str())
            || other.as_str().starts_with(near.beginning());
        near.distance(&other).filter(|_| is_looked_for)
    }

    #[test]
    fn slips_of_the_hand_are_near() {
        for (typed, meant, distance) in [
            ("wkii", "wiki", 1),
            ("wik", "wiki", 1),
            ("wikii", "Wiki", 1),
            ("qiki", "wiki", 1),
            ("teamwiki", "team-wiki", 1),
            ("team_wiki", "team-wiki", 1),
            ("handbook-2025-x", "handbook-2025-yz", 2),
            ("handbook-old", "handbook", 3),
            ("docs/api", "docs", 3),
            ("hand", "handbook", 3),
        ] {
            assert_eq!(found(typed, meant), Some(distance), "{typed} → {meant}");
        }
    }

    #[test]
    fn others_are_not() {
        for (typed, other) in [
            ("wiki", "wiki"),
            ("wiki", "news"),
            ("a", "b1"),
            ("abc", "xyz"),
            ("handbook", "hand"),
            ("wi", "x"),
        ] {
            assert_eq!(found(typed, other), None, "{typed} → {other}");
        }
    }

    proptest! {
        #[test]
        fn there_are_never_many_and_all_of_them_are_codes(text in "[a-z0-9]([-_/]?[a-z0-9]){0,30}") {
            prop_assume!(text.len() <= ShortCode::MAX_LEN);
            let near = NearCodes::of(&code(&text));
            prop_assert!(near.exact().len() <= 1_000);
            prop_assert!(!near.beginning().is_empty());
            for other in near.exact() {
                prop_assert!(near.distance(&code(other)).is_some(), "{} {}", text, other);
            }
        }
    }
}
