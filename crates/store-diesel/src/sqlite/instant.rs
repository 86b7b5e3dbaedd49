//! Times as SQLite stores them, as text.

use diesel::serialize::{self, IsNull, Output, ToSql};
use time::OffsetDateTime;

use super::dialect::{Backend, InstantColumn};
use crate::datetime::push_datetime;

/// A time in diesel's format, written much faster.
#[derive(Debug, Clone, Copy, diesel::expression::AsExpression)]
#[diesel(sql_type = InstantColumn)]
pub(super) struct Instant(pub(super) OffsetDateTime);

impl ToSql<InstantColumn, Backend> for Instant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Backend>) -> serialize::Result {
        out.set_value(text(self.0));
        Ok(IsNull::No)
    }
}

fn text(at: OffsetDateTime) -> String {
    let mut text = String::with_capacity("2026-03-01 12:00:00.123456+00:00".len());
    push_datetime(&mut text, at);
    text.push_str("+00:00");
    text
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn times_are_written_as_diesel_writes_them() {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        for at in [
            datetime!(2026-03-01 12:00 UTC),
            datetime!(2026-12-31 23:59:59.999_999 UTC),
            datetime!(2000-01-02 03:04:05.000_001 UTC),
            datetime!(1999-10-20 00:00:10.100 UTC),
            datetime!(0001-01-01 00:00 UTC),
        ] {
            let cast = diesel::dsl::sql::<diesel::sql_types::Text>("").bind::<InstantColumn, _>(at);
            let expected: String = diesel::select(cast).get_result(&mut connection).unwrap();
            assert_eq!(text(at), expected);
        }
    }
}
