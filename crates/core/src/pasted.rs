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
    // Markdown.
    ('*', '*'),
    ('_', '_'),
    ('~', '~'),
];

/// Punctuation that may follow the pair of signs.
const SENTENCE: &[char] = &['.', ',', ';', ':', '!', '?'];
const SCHEMES: [&str; 2] = ["http://", "https://"];

/// Returns the URL that a person meant: without the white space, hidden characters, brackets, quotes
/// and `URL:` around it, without a second scheme before it, and on one line.
///
/// Nothing else of the URL changes. Lines are joined only within brackets or quotes, and only if each
/// of them can be a part of one URL: none contains white space, and only the first begins with a
/// scheme. Otherwise the second line may be a text that follows the URL.
///
/// ```
/// # use waypost_core::url_in;
/// assert_eq!(url_in("\u{feff}<https://example.com/> "), "https://example.com/");
/// ```
#[must_use]
pub fn url_in(text: &str) -> Cow<'_, str> {
    let mut url = outside_trimmed(text);
    let mut is_enclosed = false;
    loop {
        let bare = match without_pair(url) {
            Some(inner) => {
                is_enclosed = true;
                inner
            }
            None => without_left_over(url),
        };
        let inner = outside_trimmed(without_scheme_of_url(without_label(bare)));
        if inner.len() == url.len() {
            break;
        }
        url = inner;
    }
    let joined = if is_enclosed {
        joined(url)
    } else {
        Cow::Borrowed(url)
    };
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

/// Removes a pair of signs around a text, and the punctuation after the pair.
fn without_pair(text: &str) -> Option<&str> {
    if let Some(target) = markdown_target(text) {
        return Some(target);
    }
    let escaped = text.strip_prefix("&lt;");
    if let Some(inner) = escaped.and_then(|inner| inner.strip_suffix("&gt;")) {
        return Some(inner);
    }
    PAIRS.iter().find_map(|(opening, closing)| {
        let inner = text.strip_prefix(*opening)?;
        let inner = inner
            .strip_suffix(*closing)
            .or_else(|| inner.trim_end_matches(SENTENCE).strip_suffix(*closing))?;
        Some(match inner.split_once('|') {
            // As in Slack: `<https://example.com/|text>`.
            Some((url, _)) if *opening == '<' => url,
            _ => inner,
        })
    })
}

/// Returns the target of a link in Markdown: `[text](target)`.
fn markdown_target(text: &str) -> Option<&str> {
    let link = text.trim_end_matches(SENTENCE).strip_prefix('[')?;
    let (_, target) = link.strip_suffix(')')?.split_once("](")?;
    Some(target)
}

/// Removes a sign whose partner was not copied: an opening sign before a URL, or a closing sign after
/// it. The closing sign cannot be part of a URL (RFC 3986 §2), and has no partner in this one.
fn without_left_over(text: &str) -> &str {
    let is_url = |text: &str| SCHEMES.iter().any(|scheme| begins_with(text, scheme));
    let mut pairs = PAIRS.iter();
    let opened = pairs.find_map(|(opening, _)| text.strip_prefix(*opening));
    if let Some(inner) = opened.filter(|inner| is_url(inner)) {
        return inner;
    }
    let Some(last) = text.chars().last() else {
        return text;
    };
    let is_foreign = last == '>' || !last.is_ascii();
    let mut openings = PAIRS
        .iter()
        .filter(|(_, closing)| *closing == last)
        .peekable();
    let closes = openings.peek().is_some()
        && openings.all(|(opening, _)| !text.trim_end_matches(last).contains(*opening));
    if is_foreign && closes && is_url(text) {
        text.trim_end_matches(last)
    } else {
        text
    }
}

/// Removes the scheme before a complete URL: `https://https://example.com/`.
fn without_scheme_of_url(text: &str) -> &str {
    let mut schemes = SCHEMES.iter().filter(|scheme| begins_with(text, scheme));
    let rest = schemes.next().and_then(|scheme| text.get(scheme.len()..));
    match rest {
        Some(url) if SCHEMES.iter().any(|scheme| begins_with(url, scheme)) => url,
        _ => text,
    }
}

fn begins_with(text: &str, scheme: &str) -> bool {
    let begin = text.get(..scheme.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
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
            format!("<{url}>."),
            format!("<{url}>,"),
            format!("\"{url}\","),
            format!("({url})."),
            format!("„{url}“."),
            format!("<{url}"),
            format!("“{url}"),
            format!("{url}>"),
            format!("{url}”"),
            format!("{url}»"),
            format!("<{url}|the text>"),
            format!("[the (text)]({url})."),
            format!("**{url}**"),
            format!("&lt;{url}&gt;"),
            format!("https://{url}"),
            format!("HTTP://{url}"),
            "\"https://example.com/\n   a?b=c\"".to_owned(),
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
            "https://example.com/wiki/„Foo“",
            "https://example.com/wiki/“Foo”",
            "https://example.com/<a>",
            "https://example.com/a_",
            "https://example.com/a*",
            "https://example.com/https://b.example/",
            "https://example.com/[a](b)",
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
            "https://a.example/pay\nThanks!",
            "https://a.example/a\n\n\nBob",
            "https://a.example/a\nwww.b.example",
            "https://a.example/a\r\nmailto:x@b.example",
        ] {
            assert_eq!(url_in(text), text);
        }
    }
}
