//! The format of numbers and dates on pages.

use std::fmt;

use time::Date;
use time::macros::format_description;
use waypost_core::{Count, Noun};

/// Formats a whole number with grouped thousands: `12,345`. Templates pass numbers by reference.
pub(crate) fn grouped(number: impl fmt::Display) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a number with its noun: `1 click`, `12,345 clicks`.
pub(crate) fn many(number: u64, noun: &str) -> String {
    format!("{} {}", grouped(number), Count::of(number, noun).noun())
}

/// Returns a noun in the form that a number asks for, for a number with a format of its own.
/// Templates pass numbers by reference.
pub(crate) fn noun<'a>(number: &(impl Copy + Into<u64>), noun: &'a str) -> Noun<'a> {
    Count::of((*number).into(), noun).noun()
}

/// Formats a share in whole percent: `42%`; `<1%` for a share that rounds to zero but is not zero.
pub(crate) fn share(part: u64, whole: u64) -> String {
    let percent = percent(part, whole);
    if percent == 0 && part > 0 {
        return "<1%".to_owned();
    }
    format!("{percent}%")
}

/// Returns a share in percent, rounded; at most 100.
pub(crate) fn percent(part: u64, whole: u64) -> u64 {
    let (part, whole) = (u128::from(part), u128::from(whole.max(1)));
    let percent = (part * 200 + whole) / (whole * 2);
    u64::try_from(percent).unwrap_or(100).min(100)
}

/// Formats a date with its weekday: `Sun 1 Mar 2026`.
pub(crate) fn day_name(day: Date) -> String {
    let format =
        format_description!("[weekday repr:short] [day padding:none] [month repr:short] [year]");
    day.format(format).unwrap_or_default()
}

/// Formats a date: `1 Mar 2026`.
pub(crate) fn short_day(day: Date) -> String {
    let format = format_description!("[day padding:none] [month repr:short] [year]");
    day.format(format).unwrap_or_default()
}

/// Cuts a text after a number of characters, and marks the cut with `…`.
pub(crate) fn shortened(text: impl AsRef<str>, characters: usize) -> String {
    let text = text.as_ref();
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [
            (0_u64, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345, "12,345"),
            (1_234_567, "1,234,567"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(many(1, "click"), "1 click");
        assert_eq!(many(0, "click"), "0 clicks");
    }

    #[test]
    fn a_share_is_rounded_but_never_to_zero() {
        assert_eq!(share(1, 3), "33%");
        assert_eq!(share(2, 3), "67%");
        assert_eq!(share(1, 1_000), "<1%");
        assert_eq!(share(0, 1_000), "0%");
        assert_eq!(share(0, 0), "0%");
        assert_eq!(share(u64::MAX, u64::MAX), "100%");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened("häuser", 6), "häuser");
        assert_eq!(shortened("häuser", 2), "hä…");
    }
}
