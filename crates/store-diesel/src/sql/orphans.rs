//! Queries on orphan paths. Adding paths of a day locks the row of that day, so that the limit of
//! the day holds however many transactions add at once; several days are locked in their order.

use std::collections::{BTreeMap, HashSet};

use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use time::{Date, OffsetDateTime};
use waypost_core::{OrphanPath, micros};
use waypost_store::{LeaseName, Orphan, OrphanQuery, OrphanTries, OrphansAdded, StoreError};

use super::schema::{orphan_days, orphan_paths};
use super::statement::Statement;
use super::transaction::WorkError;
use super::{
    ADD_HITS, Connection, FIRST_SEGMENT, FOR_UPDATE, INSERT_NEW, INSERT_NEW_END, InstantColumn,
    SUM_OF_HITS,
};
use crate::job::count;

/// The turn to purge orphans.
const PURGE: LeaseName = LeaseName::new("purge-orphans");

/// Maximum number of rows per insertion.
const ROWS: usize = 200;

/// Selects the link that is not deleted and has the code that follows.
const LINK_OF_CODE: &str = "SELECT 1 FROM link_codes AS c JOIN links AS l ON l.id = c.link_id \
                          WHERE l.deleted_at IS NULL AND c.code = ";

pub(super) async fn add(
    connection: &mut Connection,
    tries: &[OrphanTries],
    paths_per_day: u32,
) -> Result<OrphansAdded, WorkError> {
    let mut days: BTreeMap<Date, Vec<&OrphanTries>> = BTreeMap::new();
    for tries in tries {
        days.entry(tries.day).or_default().push(tries);
    }
    let mut added = OrphansAdded::default();
    for (day, tries) in days {
        let of_day = add_of_day(connection, day, &tries, paths_per_day).await?;
        added.added = added.added.saturating_add(of_day.added);
        added.left_out = added.left_out.saturating_add(of_day.left_out);
    }
    Ok(added)
}

async fn add_of_day(
    connection: &mut Connection,
    day: Date,
    tries: &[&OrphanTries],
    paths_per_day: u32,
) -> Result<OrphansAdded, WorkError> {
    let places = hold(connection, day).await?;
    let mut room = u64::from(paths_per_day).saturating_sub(places);
    let known = known(connection, day, tries).await?;
    let mut added = OrphansAdded::default();
    let mut rows = Vec::new();
    let mut new = 0_i64;
    for tries in tries {
        if !known.contains(tries.path.as_str()) {
            if room == 0 {
                added.left_out = added.left_out.saturating_add(tries.hits);
                continue;
            }
            room -= 1;
            new += 1;
        }
        added.added = added.added.saturating_add(tries.hits);
        rows.push(*tries);
    }
    for rows in rows.chunks(ROWS) {
        insert(connection, rows).await?;
    }
    if new > 0 {
        diesel::update(orphan_days::table.find(day))
            .set(orphan_days::paths.eq(orphan_days::paths + new))
            .execute(connection)
            .await?;
    }
    Ok(added)
}

/// Locks the row of a day, which is created if it is missing, until the transaction ends; returns
/// how many paths the day has had.
async fn hold(connection: &mut Connection, day: Date) -> Result<u64, WorkError> {
    // Look first: two transactions whose insertions both find the row would wait for each other.
    if let Some(places) = places(connection, day).await? {
        return Ok(places);
    }
    let mut insert = Statement::of(INSERT_NEW);
    insert.sql(" INTO orphan_days (day, paths) VALUES (");
    insert.date(day).sql(", 0)").sql(INSERT_NEW_END);
    insert.run(connection).await?;
    Ok(places(connection, day).await?.unwrap_or(0))
}

async fn places(connection: &mut Connection, day: Date) -> Result<Option<u64>, WorkError> {
    let mut select = Statement::of("SELECT paths AS counted FROM orphan_days WHERE day = ");
    select.date(day).sql(FOR_UPDATE);
    Ok(select.numbers(connection).await?.pop())
}

/// Returns which of the paths the day has.
async fn known(
    connection: &mut Connection,
    day: Date,
    tries: &[&OrphanTries],
) -> Result<HashSet<String>, WorkError> {
    let mut known = HashSet::new();
    for tries in tries.chunks(ROWS) {
        let paths = tries.iter().map(|tries| tries.path.as_str());
        let found: Vec<String> = orphan_paths::table
            .filter(orphan_paths::day.eq(day))
            .filter(orphan_paths::path.eq_any(paths))
            .select(orphan_paths::path)
            .load(connection)
            .await?;
        known.extend(found);
    }
    Ok(known)
}

async fn insert(connection: &mut Connection, rows: &[&OrphanTries]) -> Result<(), WorkError> {
    let mut insert = Statement::of("INSERT INTO orphan_paths ");
    insert.sql("(day, path, hits, first_at, last_at) VALUES ");
    for (place, tries) in rows.iter().enumerate() {
        insert.sql(if place == 0 { "(" } else { ", (" });
        insert.date(tries.day).sql(", ").text(tries.path.as_str());
        let hits = i64::try_from(tries.hits).unwrap_or(i64::MAX);
        insert.sql(", ").number(hits);
        insert.sql(", ").instant(micros(tries.first_at));
        insert.sql(", ").instant(micros(tries.last_at)).sql(")");
    }
    insert.sql(ADD_HITS);
    insert.run(connection).await?;
    Ok(())
}

#[derive(QueryableByName)]
struct OrphanRow {
    #[diesel(sql_type = Text)]
    path: String,
    #[diesel(sql_type = BigInt)]
    hits: i64,
    #[diesel(sql_type = BigInt)]
    days: i64,
    #[diesel(sql_type = InstantColumn)]
    first_at: OffsetDateTime,
    #[diesel(sql_type = InstantColumn)]
    last_at: OffsetDateTime,
}

impl TryFrom<OrphanRow> for Orphan {
    type Error = StoreError;

    fn try_from(row: OrphanRow) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt {
            table: "orphan_paths",
            column,
        };
        Ok(Self {
            path: OrphanPath::parse(&row.path)
                .ok()
                .filter(|path| path.as_str() == row.path)
                .ok_or_else(|| corrupt("path"))?,
            hits: u64::try_from(row.hits).map_err(|_| corrupt("hits"))?,
            days: u32::try_from(row.days).map_err(|_| corrupt("day"))?,
            first_at: micros(row.first_at),
            last_at: micros(row.last_at),
        })
    }
}

pub(super) async fn list(
    connection: &mut Connection,
    query: &OrphanQuery,
) -> Result<Vec<Orphan>, WorkError> {
    let mut select = Statement::of(
        "SELECT o.path AS path, o.hits AS hits, o.days AS days, o.first_at AS first_at, \
         o.last_at AS last_at FROM (SELECT path, ",
    );
    select.sql(SUM_OF_HITS).sql(
        " AS hits, COUNT(*) AS days, MIN(first_at) AS first_at, MAX(last_at) AS last_at \
         FROM orphan_paths WHERE day >= ",
    );
    select.date(query.from).sql(" AND day <= ").date(query.to);
    select.sql(" GROUP BY path) AS o WHERE NOT EXISTS (");
    select.sql(LINK_OF_CODE).sql("o.path) AND NOT EXISTS (");
    select.sql(LINK_OF_CODE).sql(FIRST_SEGMENT).sql(")");
    if let Some(after) = &query.after {
        let hits = i64::try_from(after.hits).unwrap_or(i64::MAX);
        select.sql(" AND (o.hits < ").number(hits);
        select.sql(" OR (o.hits = ").number(hits);
        select.sql(" AND o.path > ").text(after.path.as_str());
        select.sql("))");
    }
    select.sql(" ORDER BY o.hits DESC, o.path LIMIT ");
    select.number(i64::from(query.limit));
    let rows: Vec<OrphanRow> = RunQueryDsl::load(select, connection).await?;
    let orphans: Result<Vec<Orphan>, StoreError> = rows.into_iter().map(Orphan::try_from).collect();
    Ok(orphans?)
}

/// Deletes the rows of the oldest days.
pub(super) async fn purge(
    connection: &mut Connection,
    before: Date,
    limit: u32,
) -> Result<u64, WorkError> {
    super::turns::take(connection, PURGE).await?;
    let old: Vec<(Date, String)> = orphan_paths::table
        .filter(orphan_paths::day.lt(before))
        .order((orphan_paths::day, orphan_paths::path))
        .limit(i64::from(limit))
        .select((orphan_paths::day, orphan_paths::path))
        .load(connection)
        .await?;
    let found = count(old.len());
    let mut by_day: BTreeMap<Date, Vec<String>> = BTreeMap::new();
    for (day, path) in old {
        by_day.entry(day).or_default().push(path);
    }
    let mut purged = 0_u64;
    for (day, paths) in by_day {
        let of_day = orphan_paths::table.filter(orphan_paths::day.eq(day));
        let deleted = diesel::delete(of_day.filter(orphan_paths::path.eq_any(paths)))
            .execute(connection)
            .await?;
        purged = purged.saturating_add(u64::try_from(deleted).unwrap_or(u64::MAX));
    }
    if found < i64::from(limit) {
        diesel::delete(orphan_days::table.filter(orphan_days::day.lt(before)))
            .execute(connection)
            .await?;
    }
    Ok(purged)
}

pub(super) async fn delete(
    connection: &mut Connection,
    path: &OrphanPath,
) -> Result<bool, WorkError> {
    let deleted = diesel::delete(orphan_paths::table.filter(orphan_paths::path.eq(path.as_str())))
        .execute(connection)
        .await?;
    Ok(deleted > 0)
}
