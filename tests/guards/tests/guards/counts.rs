//! Numbers with their nouns come from `Count`, which knows when a noun is singular.

use waypost_guards::{files, top};

/// Nouns whose numbers are shown to people.
const NOUNS: [&str; 14] = [
    "bytes", "clicks", "days", "entries", "hours", "journals", "links", "minutes", "records",
    "seconds", "sessions", "tokens", "users", "visitors",
];

/// Limits, which are never one: the file, and what its line contains.
const LIMITS: [(&str, &str); 7] = [
    ("crates/api/src/connection/fault.rs", "{MAX_TARGET} bytes"),
    ("crates/api/src/connection/fault.rs", "{MAX_HEAD} bytes"),
    ("crates/analytics/src/statistics/days.rs", "Days::MOST"),
    (
        "crates/api/src/errors/conversions.rs",
        "at most {limit} bytes",
    ),
    (
        "crates/api/src/handlers/dashboard/statistics/range.rs",
        "at most {} days are shown",
    ),
    (
        "crates/api/src/request/quota.rs",
        "at most {} links can be created",
    ),
    (
        "crates/api/templates/admin/system.html",
        "installation.cache_capacity",
    ),
];

#[test]
fn no_text_writes_a_plural_after_any_number() {
    let mut found = Vec::new();
    for path in files(&["rs", "html"]).unwrap() {
        let is_shown = path.starts_with("bins/") || path.starts_with("crates/");
        if !is_shown || path.contains("tests") || path.contains("/examples/") {
            continue;
        }
        let text = std::fs::read_to_string(top().join(&path)).unwrap();
        let shown = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in shown.lines().enumerate() {
            let is_comment = line.trim_start().starts_with("//");
            if !is_comment && NOUNS.iter().any(|noun| follows_a_number(line, noun)) {
                found.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    found.retain(|line| {
        !LIMITS
            .iter()
            .any(|(path, text)| line.starts_with(path) && line.contains(text))
    });
    assert!(
        found.is_empty(),
        "use waypost_core::Count:\n{}",
        found.join("\n")
    );
}

/// Whether a noun stands after a placeholder of a format string or a template.
fn follows_a_number(line: &str, noun: &str) -> bool {
    let mut rest = line;
    while let Some((before, after)) = rest.split_once(noun) {
        let is_whole = !after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        if is_whole && before.ends_with("} ") {
            return true;
        }
        rest = after;
    }
    false
}

#[test]
fn a_plural_after_a_placeholder_is_found() {
    for (line, found) in [
        ("format!(\"{count} days\")", true),
        ("<p>{{ count }} links</p>", true),
        ("at most {} bytes", true),
        ("{days} days_of", false),
        ("the days", false),
    ] {
        let is_found = NOUNS.iter().any(|noun| follows_a_number(line, noun));
        assert_eq!(is_found, found, "{line}");
    }
}
