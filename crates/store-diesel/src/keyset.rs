//! Keyset pagination, newest first, for any table.

/// Restricts a boxed query of a table with `created_at` and `id` to at most `limit` rows after the
/// cursor (`None`: from the first one), newest first.
macro_rules! newest_behind {
    ($query:expr, $table:ident, $cursor:expr, $limit:expr) => {{
        let query = $query
            .order(($table::created_at.desc(), $table::id.desc()))
            .limit(i64::from($limit));
        match $cursor {
            None => query,
            Some(waypost_core::Cursor { created_at, id }) => {
                let (created_at, id) = (micros(created_at), Id(*id.as_uuid()));
                let earlier = $table::created_at.lt(created_at);
                // The first condition is where a database enters its index.
                query
                    .filter($table::created_at.le(created_at))
                    .filter(earlier.or($table::id.lt(id)))
            }
        }
    }};
}
