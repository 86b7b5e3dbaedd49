//! Queries on the change feed of links.

use diesel::dsl::max;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{ShortCode, micros};
use waypost_store::{LeaseName, LinkChange, StoreError};

use super::Connection;
use super::schema::link_changes;
use super::transaction::WorkError;

/// The turn to purge changes.
const PURGE: LeaseName = LeaseName::new("purge-changes");

/// Stands in place of a code if all links may have changed; no code equals it.
const EVERYTHING: &str = "*";

/// Adds to the feed. Must be the last statement of its transaction, so that the number becomes
/// visible soon after it was drawn.
pub(super) async fn note(connection: &mut Connection, code: &str) -> Result<(), WorkError> {
    diesel::insert_into(link_changes::table)
        .values(link_changes::code.eq(code))
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds to the feed that all links may have changed. Must be the last statement of its transaction,
/// too.
pub(super) async fn note_everything(connection: &mut Connection) -> Result<(), WorkError> {
    note(connection, EVERYTHING).await
}

pub(super) async fn after(
    connection: &mut Connection,
    seq: u64,
    limit: u32,
) -> Result<Vec<LinkChange>, WorkError> {
    let Ok(seq) = i64::try_from(seq) else {
        return Ok(Vec::new());
    };
    let rows: Vec<(i64, String)> = link_changes::table
        .filter(link_changes::seq.gt(seq))
        .order(link_changes::seq)
        .limit(i64::from(limit))
        .select((link_changes::seq, link_changes::code))
        .load(connection)
        .await?;
    let changes: Result<Vec<LinkChange>, StoreError> = rows.into_iter().map(change).collect();
    Ok(changes?)
}

fn change((seq, code): (i64, String)) -> Result<LinkChange, StoreError> {
    let seq = u64::try_from(seq).map_err(|_| corrupt("seq"))?;
    if code == EVERYTHING {
        return Ok(LinkChange { seq, code: None });
    }
    let parsed = ShortCode::parse(&code).ok();
    let code = parsed.filter(|parsed| parsed.as_str() == code);
    Ok(LinkChange {
        seq,
        code: Some(code.ok_or_else(|| corrupt("code"))?),
    })
}

const fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt {
        table: "link_changes",
        column,
    }
}

pub(super) async fn last(connection: &mut Connection) -> Result<u64, WorkError> {
    let newest = newest(connection).await?.unwrap_or(0);
    Ok(u64::try_from(newest).map_err(|_| corrupt("seq"))?)
}

async fn newest(connection: &mut Connection) -> Result<Option<i64>, WorkError> {
    Ok(link_changes::table
        .select(max(link_changes::seq))
        .get_result(connection)
        .await?)
}

/// Finds the number at which the limit is reached, and deletes old entries up to it: not every
/// database can limit a deletion.
pub(super) async fn purge(
    connection: &mut Connection,
    before: OffsetDateTime,
    limit: u32,
) -> Result<u64, WorkError> {
    super::turns::take(connection, PURGE).await?;
    let (Some(newest), Some(skipped)) = (newest(connection).await?, limit.checked_sub(1)) else {
        return Ok(0);
    };
    let old = link_changes::changed_at
        .lt(micros(before))
        .and(link_changes::seq.lt(newest));
    let limit: Option<i64> = link_changes::table
        .filter(old)
        .order(link_changes::seq)
        .offset(i64::from(skipped))
        .limit(1)
        .select(link_changes::seq)
        .first(connection)
        .await
        .optional()?;
    let purged = diesel::delete(link_changes::table.filter(old))
        .filter(link_changes::seq.le(limit.unwrap_or(newest)))
        .execute(connection)
        .await?;
    Ok(u64::try_from(purged).unwrap_or(u64::MAX))
}
