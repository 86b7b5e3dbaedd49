//! Values as SQL literals: IDs, numbers and times. Never text, which may come from users.

use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::datetime::{push_date, push_datetime};

/// Appends an ID: `x'00ff'`, with 32 digits.
pub(super) fn push_id(sql: &mut String, id: Uuid) {
    let mut digits = Uuid::encode_buffer();
    sql.extend(["x'", id.simple().encode_lower(&mut digits), "'"]);
}

/// Appends a number: `-7`.
pub(super) fn push_number(sql: &mut String, number: i64) {
    sql.push_str(&number.to_string());
}

/// Appends a date: `'2026-03-01'`.
pub(super) fn push_date_literal(sql: &mut String, date: Date) {
    sql.push('\'');
    push_date(sql, date);
    sql.push('\'');
}

/// Appends a UTC time: `'2026-03-01 12:00:00.25'`.
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
    fn ids_are_digits() {
        let id = Uuid::from_u128(0x0001_0f00_f0ff);
        let literal = "x'0000000000000000000000010f00f0ff'";
        assert_eq!(written(|sql| push_id(sql, id)), literal);
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
