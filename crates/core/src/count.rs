//! Numbers with their nouns.

use std::fmt;

/// A number with its noun: `1 click`, `2 clicks`.
///
/// ```
/// use waypost_core::Count;
///
/// assert_eq!(Count::of(1, "second").to_string(), "1 second");
/// assert_eq!(Count::of(0, "second").to_string(), "0 seconds");
/// assert_eq!(Count::of(2, "reply").to_string(), "2 replies");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count<'a> {
    number: u64,
    noun: &'a str,
}

impl<'a> Count<'a> {
    /// Takes the noun in its singular form. Its plural form is regular: a final `y` after a
    /// consonant becomes `ies`, hissing sounds get `es`, and all others `s`.
    #[must_use]
    pub const fn of(number: u64, noun: &'a str) -> Self {
        Self { number, noun }
    }

    /// Returns the noun in the form that the number asks for.
    #[must_use]
    pub fn noun(self) -> Noun<'a> {
        Noun {
            noun: self.noun,
            is_one: self.number == 1,
        }
    }
}

impl fmt::Display for Count<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.noun())
    }
}

/// A noun in its singular or plural form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noun<'a> {
    noun: &'a str,
    is_one: bool,
}

impl fmt::Display for Noun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { noun, is_one } = *self;
        if is_one {
            return f.write_str(noun);
        }
        match noun.strip_suffix('y') {
            Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => write!(f, "{stem}ies"),
            _ if ["s", "x", "ch", "sh"].iter().any(|end| noun.ends_with(end)) => {
                write!(f, "{noun}es")
            }
            _ => write!(f, "{noun}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        for (number, noun, text) in [
            (0, "click", "0 clicks"),
            (1, "click", "1 click"),
            (2, "click", "2 clicks"),
            (21, "day", "21 days"),
            (1, "entry", "1 entry"),
            (2, "entry", "2 entries"),
            (2, "address", "2 addresses"),
            (2, "switch", "2 switches"),
            (3, "pending click", "3 pending clicks"),
            (u64::MAX, "byte", "18446744073709551615 bytes"),
        ] {
            assert_eq!(Count::of(number, noun).to_string(), text);
        }
    }
}
