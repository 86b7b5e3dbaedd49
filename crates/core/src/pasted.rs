//! URLs as people paste them: with the signs that surrounded them in a text.
//!
//! RFC 3986, appendix C, says how URLs stand in texts: in angle brackets or quotes, after `URL:`,
//! and broken over several lines. Programs add characters that nobody sees: byte order marks,
//! zero-width spaces, marks of the direction of text.

use std::borrow::Cow;

use crate::hidden::{is_hidden, is_hidden_in_name};

/// Pairs of signs around a URL. A URL begins with a letter, so the first one is never a part of it.
const PAIRS: &[(char, char)] = &[
    ('<', '>'),
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('(', ')'),
    ('[', ']'),
    ('{', '}'),
    ('“', '”'),
    ('„', '“'),
    ('„', '”'),
    ('”', '”'),
    ('‘', '’'),
    ('‚', '‘'),
    ('‚', '’'),
    ('’', '’'),
    ('«', '»'),
    ('»', '«'),
    ('‹', '›'),
    ('›', '‹'),
    ('「', '」'),
    ('『', '』'),
    ('《', '》'),
    ('〈', '〉'),
    ('【', '】'),
    ('（', '）'),
    ('＜', '＞'),
];

/// Returns the URL that a person meant: without the white space, hidden characters, angle brackets,
/// quotes and `URL:` around it, and on one line.
///
/// Nothing else of the URL changes. Lines are joined only if each of them can be a part of one URL:
/// none contains white space, and only the first begins with a scheme.
///
/// ```
/// # use waypost_core::url_in;
/// assert_eq!(url_in("\u{feff}<https://example.com/> "), "https://example.com/");
/// ```
#[must_use]
pub fn url_in(text: &str) -> Cow<'_, str> {
    let mut url = outside_trimmed(text);
    loop {
        let inner = without_label(without_pair(url));
        let inner = outside_trimmed(inner);
        if inner.len() == url.len() {
            break;
        }
        url = inner;
    }
    let joined = joined(url);
    if joined.chars().any(is_never_part) {
        let shown = joined
            .chars()
            .filter(|character| !is_never_part(*character));
        return Cow::Owned(shown.collect());
    }
    joined
}

/// Whether a character within a URL came in by accident. Control characters stay, to be refused.
fn is_never_part(character: char) -> bool {
    is_hidden_in_name(character) && !character.is_control()
}

/// Trims white space and hidden characters.
fn outside_trimmed(text: &str) -> &str {
    let is_around = |character: char| {
        character.is_whitespace() || (is_hidden(character) && !character.is_control())
    };
    // An emoji at the end of a URL may end with the selector of its form.
    let is_after =
        |character: char| is_around(character) && !matches!(character, '\u{fe0e}' | '\u{fe0f}');
    text.trim_start_matches(is_around)
        .trim_end_matches(is_after)
}

/// Removes a pair of signs around a text.
fn without_pair(text: &str) -> &str {
    let inner = PAIRS
        .iter()
        .find_map(|(opening, closing)| text.strip_prefix(*opening)?.strip_suffix(*closing));
    inner.unwrap_or(text)
}

/// Removes `URL:` before a URL, which is not the scheme of any.
fn without_label(text: &str) -> &str {
    let (label, rest) = text.split_at_checked("URL:".len()).unwrap_or((text, ""));
    if label.eq_ignore_ascii_case("URL:") {
        rest
    } else {
        text
    }
}

/// Joins the lines of a URL.
fn joined(url: &str) -> Cow<'_, str> {
    if !url.contains(is_line_break) {
        return Cow::Borrowed(url);
    }
    let lines = url.split(is_line_break).map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let has_space = |line: &&str| line.contains(char::is_whitespace);
    let begins_url = |line: &&str| line.contains("://");
    if lines.iter().any(has_space) || lines.iter().skip(1).any(begins_url) {
        return Cow::Borrowed(url);
    }
    Cow::Owned(lines.concat())
}

const fn is_line_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_url_is_read_as_the_person_meant_it() {
        let url = "https://example.com/a?b=c";
        for text in [
            url.to_owned(),
            format!("\u{feff}{url}"),
            format!("{url}\u{200b}"),
            format!("\u{202a}{url}\u{202c}"),
            format!("{url}\u{ad}"),
            format!(" \u{a0}\u{3000}{url}\u{a0} \t"),
            format!("{url}\r\n"),
            format!("<{url}>"),
            format!("< {url} >"),
            format!("<URL:{url}>"),
            format!("<url: {url}>\n"),
            format!("URL: {url}"),
            format!("\"{url}\""),
            format!("“{url}”"),
            format!("„{url}“"),
            format!("«\u{a0}{url}\u{a0}»"),
            format!("「{url}」"),
            format!("`{url}`"),
            format!("'<\u{feff}{url}>'"),
            "https://example.com/\n   a?b=c".to_owned(),
            "<https://example\r\n.com/a?\r\nb=c>".to_owned(),
            "https://exam\u{200b}ple.com/a\u{ad}?b=c".to_owned(),
        ] {
            assert_eq!(url_in(&text), url, "{text:?}");
        }
    }

    #[test]
    fn what_can_be_part_of_a_url_stays() {
        for url in [
            "https://example.com/wiki/Foo_(bar)",
            "https://example.com/?q=\"x\"",
            "https://example.com/a,",
            "https://example.com/a.",
            "https://example.com/%E2%80%8B",
            "https://example.com/\u{2764}\u{fe0f}",
            "https://example.com/\u{0645}\u{06cc}\u{200c}\u{062e}\u{0648}",
            "https://example.com/a b",
            "https://example.com/url:x",
            "https://example.com/\0",
        ] {
            assert_eq!(url_in(url), url);
        }
    }

    #[test]
    fn lines_that_are_no_url_are_not_joined() {
        for text in [
            "https://a.example/\nhttps://b.example/",
            "https://a.example/\r\nX: y",
            "https://a.example/\nSee also",
        ] {
            assert_eq!(url_in(text), text);
        }
    }
}
