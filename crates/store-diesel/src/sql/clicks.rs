//! Queries on clicks, their totals and their daily rollup. Storing clicks is in `settle`.

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{BigInt, Integer, Nullable};
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{ClickId, IdSequence, LinkId, micros};
use waypost_store::{LeaseName, LinkLedger, PurgeScope, StoreError};

use super::id::Id;
use super::schema::{click_ids, link_clicks, link_days, links};
use super::transaction::WorkError;
use super::{Connection, SUM_OF_DAYS, SUM_OF_HUMANS, make_room_for_purge};

/// The turn to purge clicks.
const PURGE: LeaseName = LeaseName::new("purge-clicks");
/// The turn to purge IDs of clicks.
const PURGE_IDS: LeaseName = LeaseName::new("purge-click-ids");

/// Returns the smallest ID of clicks that are certainly not older than `before`: IDs begin with the
/// time in milliseconds, which may be ahead a little, so the primary key serves as an index by
/// time.
fn first_id_behind(before: OffsetDateTime) -> Id {
    let ahead = IdSequence::MAX_AHEAD + time::Duration::milliseconds(1);
    Id(*ClickId::floor(before.saturating_add(ahead)).as_uuid())
}

/// Maximum number of IDs in one statement: each is a parameter.
const IDS_OF_A_STATEMENT: usize = 1_000;

/// The rows within a scope. Those of one link are found by the index on `(link_id, id)`.
macro_rules! within {
    ($scope:expr) => {{
        let scope: PurgeScope = $scope;
        let mut rows = link_clicks::table
            .filter(link_clicks::id.lt(first_id_behind(scope.before)))
            .filter(link_clicks::clicked_at.lt(micros(scope.before)))
            .into_boxed();
        if let Some(link) = scope.link {
            rows = rows.filter(link_clicks::link_id.eq(Id(*link.as_uuid())));
        }
        rows
    }};
}

pub(super) async fn count_before(
    connection: &mut Connection,
    scope: PurgeScope,
) -> Result<u64, WorkError> {
    let count: i64 = within!(scope).count().get_result(connection).await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Skips all but the last of that many rows, in whichever order the database reads fastest.
pub(super) async fn are_at_least(
    connection: &mut Connection,
    number: u64,
) -> Result<bool, WorkError> {
    let Some(passed_over) = number.checked_sub(1) else {
        return Ok(true);
    };
    let Ok(passed_over) = i64::try_from(passed_over) else {
        return Ok(false);
    };
    let last: Option<i32> = link_clicks::table
        .select(sql::<Integer>("1"))
        .offset(passed_over)
        .limit(1)
        .first(connection)
        .await
        .optional()?;
    Ok(last.is_some())
}

/// Deletes the oldest rows, and adds their numbers to `clicks_purged` of their links.
///
/// Locks its turn, then the links in the order of their IDs, then the rows: every change of
/// existing rows of a link locks the link first.
pub(super) async fn purge(
    connection: &mut Connection,
    scope: PurgeScope,
    limit: u32,
) -> Result<u64, WorkError> {
    make_room_for_purge(connection).await?;
    super::turns::take(connection, PURGE).await?;
    loop {
        let old: Vec<(Id, Id)> = within!(scope)
            .order(link_clicks::id)
            .limit(i64::from(limit))
            .select((link_clicks::link_id, link_clicks::id))
            .load(connection)
            .await?;
        if old.is_empty() {
            return Ok(0);
        }
        let deleted = delete(connection, old).await?;
        if deleted > 0 {
            return Ok(deleted);
        }
        // All of their links were deleted since; there may be more rows.
    }
}

/// Deletes the found rows, each given by its link and its ID, and adds their numbers to
/// `clicks_purged` of their links. Rows of links that were deleted since are gone.
async fn delete(connection: &mut Connection, found: Vec<(Id, Id)>) -> Result<u64, WorkError> {
    let links: BTreeSet<Id> = found.iter().map(|(link, _)| *link).collect();
    let links: Vec<Id> = links.into_iter().collect();
    let mut by_link: BTreeMap<Id, i64> = BTreeMap::new();
    for ids in links.chunks(IDS_OF_A_STATEMENT) {
        let there = super::edits::lock_all(connection, ids).await?;
        by_link.extend(there.into_iter().map(|link| (link, 0)));
    }
    let mut clicks = Vec::new();
    for (link, click) in found {
        if let Some(number) = by_link.get_mut(&link) {
            *number += 1;
            clicks.push(click);
        }
    }
    let mut deleted = 0;
    for ids in clicks.chunks(IDS_OF_A_STATEMENT) {
        deleted += diesel::delete(link_clicks::table.filter(link_clicks::id.eq_any(ids)))
            .execute(connection)
            .await?;
    }
    if deleted != clicks.len() {
        // A process that takes no turn is purging too, for example an older version: it is unknown
        // which rows it took.
        return Err(contention("other rows were purged than were found").into());
    }
    let mut by_number: BTreeMap<i64, Vec<Id>> = BTreeMap::new();
    for (link, number) in by_link {
        by_number.entry(number).or_default().push(link);
    }
    for (number, links) in by_number {
        for ids in links.chunks(IDS_OF_A_STATEMENT) {
            super::links::add_purged(connection, ids, number).await?;
        }
    }
    Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
}

/// Deletes the oldest IDs of clicks without a record.
pub(super) async fn purge_ids(
    connection: &mut Connection,
    before: OffsetDateTime,
    limit: u32,
) -> Result<u64, WorkError> {
    super::turns::take(connection, PURGE_IDS).await?;
    let old: Vec<Id> = click_ids::table
        .filter(click_ids::id.lt(Id(*ClickId::floor(before).as_uuid())))
        .order(click_ids::id)
        .limit(i64::from(limit))
        .select(click_ids::id)
        .load(connection)
        .await?;
    let Some(last) = old.last().copied() else {
        return Ok(0);
    };
    let deleted = diesel::delete(click_ids::table.filter(click_ids::id.le(last)))
        .execute(connection)
        .await?;
    Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
}

/// Returns how many clicks of a link have no record.
pub(super) async fn without_record(
    connection: &mut Connection,
    link: LinkId,
) -> Result<u64, WorkError> {
    let purged: Option<i64> = links::table
        .find(Id(*link.as_uuid()))
        .select(links::clicks_purged)
        .first(connection)
        .await
        .optional()?;
    let purged = u64::try_from(purged.unwrap_or(0)).map_err(|_| StoreError::Corrupt {
        table: "links",
        column: "clicks_purged",
    })?;
    Ok(purged)
}

/// Returns an error that makes a transaction run again.
pub(super) fn contention(message: &str) -> DieselError {
    let kind = DatabaseErrorKind::SerializationFailure;
    DieselError::DatabaseError(kind, Box::new(message.to_owned()))
}

#[derive(Queryable)]
struct LedgerRow {
    id: Id,
    code: String,
    spelling: String,
    total: i64,
    humans: i64,
    purged: i64,
    rollup: Option<i64>,
    rollup_humans: Option<i64>,
    rows: Option<i64>,
}

/// One statement, so that the numbers of each link are consistent.
pub(super) async fn ledger(
    connection: &mut Connection,
    after: Option<LinkId>,
    limit: u32,
) -> Result<Vec<LinkLedger>, WorkError> {
    let rollup = link_days::table
        .filter(link_days::link_id.eq(links::id))
        .select(sql::<Nullable<BigInt>>(SUM_OF_DAYS))
        .single_value();
    let rollup_humans = link_days::table
        .filter(link_days::link_id.eq(links::id))
        .select(sql::<Nullable<BigInt>>(SUM_OF_HUMANS))
        .single_value();
    let rows = link_clicks::table
        .filter(link_clicks::link_id.eq(links::id))
        .count()
        .single_value();
    let mut query = links::table
        .select((
            links::id,
            links::code,
            links::code_spelling,
            links::clicks,
            links::humans,
            links::clicks_purged,
            rollup,
            rollup_humans,
            rows,
        ))
        .order(links::id)
        .limit(i64::from(limit))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(links::id.gt(Id(*after.as_uuid())));
    }
    let found: Vec<LedgerRow> = query.load(connection).await?;
    let entries: Result<Vec<LinkLedger>, StoreError> = found.iter().map(entry).collect();
    Ok(entries?)
}

fn entry(row: &LedgerRow) -> Result<LinkLedger, StoreError> {
    let number = |table, column, value: i64| {
        u64::try_from(value).map_err(|_| StoreError::Corrupt { table, column })
    };
    Ok(LinkLedger {
        link_id: LinkId::from_uuid(row.id.0),
        code: super::links::code(&row.code, &row.spelling)?,
        total: number("links", "clicks", row.total)?,
        rollup: number("link_days", "clicks", row.rollup.unwrap_or(0))?,
        humans: number("links", "humans", row.humans)?,
        rollup_humans: number("link_days", "humans", row.rollup_humans.unwrap_or(0))?,
        rows: number("link_clicks", "id", row.rows.unwrap_or(0))?,
        purged: number("links", "clicks_purged", row.purged)?,
    })
}
