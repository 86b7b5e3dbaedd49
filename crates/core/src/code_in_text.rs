//! Codes as they stand in texts: with the signs that chat programs, emails and people leave at
//! them.
//!
//! "See go/foo." becomes a link to `/foo.`, "(go/foo)" one to `/foo)`, and a copied code may contain
//! characters that nobody sees. None of these characters can be a part of a code.

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};

use crate::hidden::is_hidden;

/// Returns a segment of a path, decoded, without the marks at it: hidden characters anywhere, white
/// space and opening signs before it, and if it is the last segment (`is_last`), white space and
/// closing signs after it. Returns `None` if there are none, or if nothing else is left.
///
/// Closing signs are punctuation except `%`, `&`, `#`, `@`, `/` and the hyphen, and what HTML makes
/// of it (`&gt;`, `&quot;`).
///
/// ```
/// # use waypost_core::without_marks;
/// assert_eq!(without_marks("foo).", true).as_deref(), Some("foo"));
/// assert_eq!(without_marks("\u{feff}foo", false).as_deref(), Some("foo"));
/// assert_eq!(without_marks("foo", true), None);
/// assert_eq!(without_marks("foo.html", true), None);
/// ```
#[must_use]
pub fn without_marks(segment: &str, is_last: bool) -> Option<String> {
    let shown = |character: &char| !is_hidden(*character);
    let shown: String = segment.chars().filter(shown).collect();
    let mut bare = shown
        .trim_start_matches(|character: char| character.is_whitespace() || is_opening(character));
    if is_last {
        bare = without_closing(bare);
    }
    let bare = bare.trim();
    (!bare.is_empty() && bare != segment).then(|| bare.to_owned())
}

fn without_closing(mut text: &str) -> &str {
    loop {
        let shorter = text
            .trim_end_matches(|character: char| character.is_whitespace() || is_closing(character));
        let shorter = without_entity(shorter);
        if shorter.len() == text.len() {
            return text;
        }
        text = shorter;
    }
}

/// Removes a character reference of HTML at the end of a text (`&gt;`). The semicolon at its end
/// may be missing.
fn without_entity(text: &str) -> &str {
    let Some((before, name)) = text.rsplit_once('&') else {
        return text;
    };
    let is_number = |digits: &str| {
        let digits = digits.strip_prefix(['x', 'X']).unwrap_or(digits);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let is_entity = match name.strip_prefix('#') {
        Some(digits) => is_number(digits),
        None => SIGNS.contains(&name.to_ascii_lowercase().as_str()),
    };
    if is_entity { before } else { text }
}

/// The names that HTML gives to the signs that close, quote or separate.
const SIGNS: &[&str] = &[
    "amp", "apos", "bdquo", "gt", "hellip", "laquo", "ldquo", "lsaquo", "lsquo", "lt", "mdash",
    "nbsp", "ndash", "quot", "raquo", "rdquo", "rsaquo", "rsquo", "sbquo", "shy", "zwj", "zwnj",
];

/// Whether a character can be left over at the end of a code.
fn is_closing(character: char) -> bool {
    match character {
        '%' | '&' | '#' | '@' | '/' | '-' => false,
        '<' | '>' | '|' | '~' | '`' | '´' | '＜' | '＞' | '｀' | '～' | '｜' => true,
        other => GeneralCategoryGroup::Punctuation.contains(category(other)),
    }
}

/// Whether a character can be left over at the beginning of a code.
fn is_opening(character: char) -> bool {
    match character {
        '<' | '"' | '\'' | '`' | '*' | '_' | '~' | '＜' | '＂' | '＇' => true,
        other => matches!(
            category(other),
            GeneralCategory::OpenPunctuation
                | GeneralCategory::InitialPunctuation
                | GeneralCategory::FinalPunctuation
        ),
    }
}

fn category(character: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_punctuation_of_all_scripts_is_no_part_of_a_code() {
        let closing = [
            ".", ",", ";", ":", "!", "?", ")", "]", "}", ">", "\"", "'", "`", "*", "**", "_", "__",
            "~~", "|", "\\", "...", "…", "。", "、", "，", "！", "？", "：", "；", "）", "」",
            "』", "】", "》", "»", "«", "›", "”", "“", "’", "‘", "„", "–", "—", "·", "؟", "،", "।",
            "¿", "＞", "´", ").", ".)", "?\"", "!”", "&gt;", "&gt", "&quot;.", "&#39;", "&#x27;)",
            "&rdquo;", "&nbsp;",
        ];
        for closing in closing {
            let text = format!("foo{closing}");
            assert_eq!(without_marks(&text, true).as_deref(), Some("foo"), "{text}");
        }
        // Only at the end of the path.
        assert_eq!(without_marks("foo.", false), None);
    }

    #[test]
    fn white_space_and_what_nobody_sees_is_no_part_of_a_code() {
        for text in [
            "foo ",
            "foo\t",
            "foo\n",
            "foo\r\n",
            "foo\u{a0}",
            "foo\u{3000}",
            "foo\u{200b}",
            "foo\u{feff}",
            "\u{feff}foo",
            "fo\u{ad}o",
            "f\u{200c}oo",
            "foo\u{2060}",
            "foo\u{200e}",
            " foo",
            "foo \u{200b}.",
            "foo\u{fe0f}",
            "foo\0",
        ] {
            assert_eq!(
                without_marks(text, true).as_deref(),
                Some("foo"),
                "{text:?}"
            );
        }
        assert_eq!(without_marks("\u{200b}foo", false).as_deref(), Some("foo"));
    }

    #[test]
    fn signs_before_a_code_are_no_part_of_it() {
        for text in [
            "(foo)",
            "<foo>",
            "“foo”",
            "«foo»",
            "_foo_",
            "**foo**",
            "「foo」",
            "\"foo\"",
        ] {
            assert_eq!(without_marks(text, true).as_deref(), Some("foo"), "{text}");
        }
    }

    #[test]
    fn other_texts_stay() {
        for text in [
            "foo", "foo-bar", "foo.html", "foo;v=1", "foo%", "foo#", "foo@", "foo-", "-foo",
            "foo/", "foo&bar", "foo&gt=1", "", ".", "...", "\u{200b}", "()",
        ] {
            assert_eq!(without_marks(text, true), None, "{text:?}");
        }
    }
}
