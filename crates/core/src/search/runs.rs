//! Splits folded texts where one word ends and another begins.

use std::iter::Peekable;
use std::str::Chars;

use icu_properties::props::{GeneralCategory, GeneralCategoryGroup, Script};
use icu_properties::script::ScriptWithExtensions;

use super::fold::{JOINER, category, is_symbol};

/// Characters that belong together.
pub(super) struct Run {
    pub(super) kind: Kind,
    pub(super) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word between spaces, with `+` and `#` at its end: `c++`.
    Word,
    /// Letters of a script without spaces between words, or inside whose words people search.
    Dense,
    /// An emoji, a flag or another symbol.
    Symbol,
}

/// Returns the runs of a folded text in their order.
pub(super) fn runs(folded: &str) -> Vec<Run> {
    let mut splitter = Splitter::default();
    let mut rest = folded.chars().peekable();
    while let Some(c) = rest.next() {
        splitter.read(c, &mut rest);
    }
    splitter.runs
}

/// Whether a character continues a word without being a letter: a vowel sign, a tone.
pub(crate) fn is_mark(c: char) -> bool {
    !c.is_ascii() && GeneralCategoryGroup::Mark.contains(category(c))
}

#[derive(Default)]
struct Splitter {
    runs: Vec<Run>,
    /// Whether the last run may go on.
    is_open: bool,
    /// Whether a joiner came after the last symbol.
    joins: bool,
}

impl Splitter {
    fn read(&mut self, c: char, rest: &mut Peekable<Chars<'_>>) {
        let joins = std::mem::take(&mut self.joins);
        if let Some(kind) = letter(c) {
            self.append(c, kind);
        } else if is_mark(c) {
            self.extend(|kind| kind != Kind::Symbol, c.encode_utf8(&mut [0; 4]));
        } else if c == JOINER {
            self.joins = self.open(|kind| kind == Kind::Symbol).is_some();
        } else if is_symbol(c) {
            self.append_symbol(c, joins);
        } else {
            if is_suffix(c) && self.open(|kind| kind == Kind::Word).is_some() {
                self.append_suffix(c, rest);
            }
            self.is_open = false;
        }
    }

    /// Returns the last run if it may go on and is of such a kind.
    fn open(&mut self, is_wanted: impl FnOnce(Kind) -> bool) -> Option<&mut Run> {
        let last = self.runs.last_mut().filter(|_| self.is_open);
        last.filter(|run| is_wanted(run.kind))
    }

    /// Returns `false` if no such run may go on.
    fn extend(&mut self, is_wanted: impl FnOnce(Kind) -> bool, text: &str) -> bool {
        let Some(run) = self.open(is_wanted) else {
            return false;
        };
        run.text.push_str(text);
        true
    }

    fn append(&mut self, c: char, kind: Kind) {
        let text = c.to_string();
        if !self.extend(|open| open == kind, &text) {
            self.runs.push(Run { kind, text });
            self.is_open = true;
        }
    }

    /// Appends a symbol: to the last one if they are joined or are the halves of a flag.
    fn append_symbol(&mut self, c: char, joins: bool) {
        let last = self.open(|kind| kind == Kind::Symbol);
        let goes_on = |run: &&mut Run| joins || is_regional(c) && is_half_a_flag(&run.text);
        if let Some(run) = last.filter(goes_on) {
            run.text.extend(joins.then_some(JOINER));
            run.text.push(c);
        } else {
            self.is_open = false;
            self.append(c, Kind::Symbol);
        }
    }

    /// Appends the end of `c++`, `f#` and `c++17`, but none of `salt+pepper` and `page#part`.
    fn append_suffix(&mut self, first: char, rest: &mut Peekable<Chars<'_>>) {
        let mut suffix = String::from(first);
        while let Some(next) = rest.next_if(|next| is_suffix(*next)) {
            suffix.push(next);
        }
        let next = rest.peek().filter(|next| !next.is_ascii_digit());
        let separates = next.is_some_and(|next| letter(*next) == Some(Kind::Word));
        if suffix.len() > 1 || !separates {
            self.extend(|kind| kind == Kind::Word, &suffix);
        }
    }
}

const fn is_suffix(c: char) -> bool {
    matches!(c, '+' | '#')
}

/// Whether a character is half of a flag.
const fn is_regional(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

fn is_half_a_flag(text: &str) -> bool {
    let mut all = text.chars();
    all.next().is_some_and(is_regional) && all.next().is_none()
}

/// Returns the kind of run to which a letter or digit belongs; `None` for other characters.
fn letter(c: char) -> Option<Kind> {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric().then_some(Kind::Word);
    }
    let category: GeneralCategory = category(c);
    let is_letter = GeneralCategoryGroup::Letter.contains(category)
        || GeneralCategoryGroup::Number.contains(category);
    // A character that several scripts share, such as the long vowel of Japanese, is of all.
    let scripts = ScriptWithExtensions::new().get_script_extensions_val(c);
    is_letter.then(|| {
        if scripts.iter().all(is_dense) {
            Kind::Dense
        } else {
            Kind::Word
        }
    })
}

/// Whether a script has no spaces between words, or such long ones that people search inside them.
fn is_dense(script: Script) -> bool {
    matches!(
        script,
        Script::Han
            | Script::Hiragana
            | Script::Katakana
            | Script::Bopomofo
            | Script::Hangul
            | Script::Yi
            | Script::Thai
            | Script::Lao
            | Script::Khmer
            | Script::Myanmar
            | Script::TaiLe
            | Script::NewTaiLue
            | Script::TaiTham
            | Script::TaiViet
            | Script::Javanese
            | Script::Balinese
            | Script::Tangut
            | Script::Nushu
    )
}

#[cfg(test)]
mod tests {
    use super::super::fold::folded;
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let runs = runs(&folded(text));
        runs.into_iter().map(|run| run.text).collect()
    }

    #[test]
    fn a_text_is_split_where_people_see_words() {
        let cases: [(&str, &[&str]); 22] = [
            ("Team-Wiki_2 a.b", &["team", "wiki", "2", "a", "b"]),
            ("Rust入門", &["rust", "入門"]),
            ("第3章", &["第", "3", "章"]),
            ("東京都庁の案内", &["東京都庁の案内"]),
            ("ラーメン、時々・人々", &["ラーメン", "時々", "人々"]),
            ("React컴포넌트 사내위키", &["react", "컴포넌트", "사내위키"]),
            ("คู่มือ2567", &["คู่มือ", "2567"]),
            ("हिन्दी पुस्तक", &["हिन्दी", "पुस्तक"]),
            ("தமிழ்", &["தமிழ்"]),
            ("བོད་ཡིག", &["བོད", "ཡིག"]),
            ("می\u{200c}خواهم", &["ميخواهم"]),
            ("🚀launch", &["🚀", "launch"]),
            ("🚀🔥", &["🚀", "🔥"]),
            ("👩🏽\u{200d}💻 x", &["👩\u{200d}💻", "x"]),
            ("❤\u{fe0f}\u{200d}🔥", &["❤\u{200d}🔥"]),
            ("🇩🇪🇫🇷", &["🇩🇪", "🇫🇷"]),
            ("1\u{fe0f}\u{20e3}", &["1"]),
            (
                "C++, C#/F#, C++17, C#入門",
                &["c++", "c#", "f#", "c++", "17", "c#", "入門"],
            ),
            (
                "salt+pepper page#part #3 + 1",
                &["salt", "pepper", "page", "part", "3", "1"],
            ),
            ("5 € → x", &["5", "€", "→", "x"]),
            ("a\u{fffd}b", &["a", "b"]),
            ("\u{301}a \u{300}", &["a"]),
        ];
        for (text, expected) in cases {
            assert_eq!(texts(text), expected, "{text}");
        }
    }
}
