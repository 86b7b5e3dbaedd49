//! Times as SQL literals. Written by hand because clicks need many of them: formatting by
//! description would take as long as much of the storing.

use time::{Date, OffsetDateTime};

/// Appends a date: `2026-03-01`.
pub(crate) fn push_date(text: &mut String, date: Date) {
    push_digits(text, date.year(), 4);
    text.push('-');
    push_digits(text, u8::from(date.month()).into(), 2);
    text.push('-');
    push_digits(text, date.day().into(), 2);
}

/// Appends a UTC time to the microsecond: `2026-03-01 12:00:00.25`, without the fraction if it is
/// 0.
pub(crate) fn push_datetime(text: &mut String, at: OffsetDateTime) {
    push_date(text, at.date());
    for (before, number) in [(' ', at.hour()), (':', at.minute()), (':', at.second())] {
        text.push(before);
        push_digits(text, number.into(), 2);
    }
    if let Ok(micros @ 1..) = i32::try_from(at.microsecond()) {
        text.push('.');
        push_digits(text, micros, 6);
        text.truncate(text.trim_end_matches('0').len());
    }
}

fn push_digits(text: &mut String, number: i32, digits: u32) {
    for place in (0..digits).rev() {
        let digit = number / 10_i32.pow(place) % 10;
        let digit = u32::try_from(digit).ok();
        text.extend(digit.and_then(|digit| char::from_digit(digit, 10)));
    }
}
