//! Codes similar to a typed one, to suggest when there is no link.
//!
//! The candidates are computed beforehand ([`NearCodes::exact`], [`NearCodes::beginning`]), so that
//! a store finds them with its index of codes and never compares all codes.

use std::collections::BTreeSet;

use crate::ShortCode;

/// The characters of codes, without the slash.
const CHARACTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789-_";
/// Maximum length in bytes of codes for which other characters are tried. Longer codes would have
/// too many candidates.
const TRIED_TO: usize = 12;
/// Minimum length in bytes of a code to count as similar because one of two codes begins with the
/// other.
const SHORTEST: usize = 2;

/// The codes similar to a typed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearCodes {
    typed: ShortCode,
    exact: Vec<String>,
    beginning: String,
}

impl NearCodes {
    /// Computes the codes similar to `typed`, without `typed` itself.
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

    /// Returns the normal forms of candidates, sorted: codes that differ in one place, and prefixes
    /// of the typed code. About 1,000 at most.
    #[must_use]
    pub fn exact(&self) -> &[String] {
        &self.exact
    }

    /// Returns the prefix of the normal forms of other candidates.
    #[must_use]
    pub fn beginning(&self) -> &str {
        &self.beginning
    }

    /// Returns the distance of a code from the typed one: the number of missing, wrong, extra or
    /// swapped characters. Returns `None` if the code is not similar.
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

    /// Returns the distance of a code if a store would find it.
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
