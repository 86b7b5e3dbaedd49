//! Values as literals of SQL: ids, numbers and times. Never a text, which somebody else chose.

use time::{Date, OffsetDateTime};

use crate::datetime::{push_date, push_datetime};

/// Bytes: `x'00ff'`.
pub(super) fn push_bytes(sql: &mut String, bytes: &[u8]) {
    sql.push_str("x'");
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            sql.extend(char::from_digit(half.into(), 16));
        }
    }
    sql.push('\'');
}

/// A number: `-7`.
pub(super) fn push_number(sql: &mut String, number: i64) {
    sql.push_str(&number.to_string());
}

/// A date: `'2026-03-01'`.
pub(super) fn push_date_literal(sql: &mut String, date: Date) {
    sql.push('\'');
    push_date(sql, date);
    sql.push('\'');
}

/// A time that is in UTC: `'2026-03-01 12:00:00.25'`.
pub(super) fn push_datetime_literal(sql: &mut String, at: OffsetDateTime) {
    sql.push('\'');
    push_datetime(sql, at);
    sql.push('\'');
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    fn written(push: impl FnOnce(&mut String)) -> String {
        let mut sql = String::new();
        push(&mut sql);
        sql
    }

    #[test]
    fn bytes_are_digits() {
        let bytes = [0, 0x0f, 0xf0, 0xff];
        assert_eq!(written(|sql| push_bytes(sql, &bytes)), "x'000ff0ff'");
    }

    #[test]
    fn numbers_and_times_are_written_as_they_are_read() {
        let smallest = "-9223372036854775808";
        assert_eq!(written(|sql| push_number(sql, i64::MIN)), smallest);
        let day = date!(2026 - 03 - 01);
        assert_eq!(written(|sql| push_date_literal(sql, day)), "'2026-03-01'");
        for (at, literal) in [
            (datetime!(2026-12-31 23:59:59 UTC), "'2026-12-31 23:59:59'"),
            (
                datetime!(2026-01-02 03:04:05.000_120 UTC),
                "'2026-01-02 03:04:05.00012'",
            ),
        ] {
            assert_eq!(written(|sql| push_datetime_literal(sql, at)), literal);
        }
    }
}
