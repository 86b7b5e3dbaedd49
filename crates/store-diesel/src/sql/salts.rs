//! Queries on the daily salts.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::{Date, OffsetDateTime};
use waypost_core::{Salt, micros};
use waypost_store::{SaltTraces, StoreError};

use super::schema::{daily_salts, salt_traces};
use super::transaction::WorkError;
use super::{Connection, InstantColumn, NOW, forget_deleted};
use crate::error::is_conflict;

/// The only row of `salt_traces`.
const ROW: i32 = 1;

/// Reads first, inserts the salt if it is missing, and reads again if another node was faster. The
/// unique key decides, so no transaction is needed.
pub(super) async fn salt(
    connection: &mut Connection,
    day: Date,
    candidate: &Salt,
) -> Result<Salt, WorkError> {
    if let Some(salt) = stored(connection, day).await? {
        return Ok(salt);
    }
    let inserted = diesel::insert_into(daily_salts::table)
        .values((
            daily_salts::day.eq(day),
            daily_salts::salt.eq(candidate.as_bytes().as_slice()),
        ))
        .execute(connection)
        .await;
    match inserted {
        Ok(_) => Ok(candidate.clone()),
        Err(error) if is_conflict(&error) => stored(connection, day)
            .await?
            .ok_or_else(|| StoreError::NotFound.into()),
        Err(error) => Err(error.into()),
    }
}

async fn stored(connection: &mut Connection, day: Date) -> Result<Option<Salt>, WorkError> {
    let bytes: Option<Vec<u8>> = daily_salts::table
        .find(day)
        .select(daily_salts::salt)
        .first(connection)
        .await
        .optional()?;
    let corrupt = |_| StoreError::Corrupt {
        table: "daily_salts",
        column: "salt",
    };
    Ok(bytes
        .map(|bytes| bytes.try_into().map(Salt::from_bytes).map_err(corrupt))
        .transpose()?)
}

pub(super) async fn destroy_before(
    connection: &mut Connection,
    day: Date,
) -> Result<u64, WorkError> {
    let destroyed = diesel::delete(daily_salts::table.filter(daily_salts::day.lt(day)))
        .execute(connection)
        .await?;
    if destroyed > 0 {
        let now = now(connection).await?;
        let noted = diesel::update(salt_traces::table.find(ROW))
            .set((
                salt_traces::destroyed_at.eq(now),
                salt_traces::erased_at.eq(None::<OffsetDateTime>),
            ))
            .execute(connection)
            .await?;
        if noted == 0 {
            diesel::insert_into(salt_traces::table)
                .values((salt_traces::id.eq(ROW), salt_traces::destroyed_at.eq(now)))
                .execute(connection)
                .await?;
        }
    }
    Ok(u64::try_from(destroyed).unwrap_or(u64::MAX))
}

/// Not in a transaction: the log of SQLite cannot be emptied in one.
pub(super) async fn erase(connection: &mut Connection) -> Result<Option<SaltTraces>, WorkError> {
    let found = traces(connection).await?;
    let Some(pending) = found.filter(|traces| traces.erased_at.is_none()) else {
        return Ok(found);
    };
    if !forget_deleted(connection).await? {
        return Ok(found);
    }
    // Salts that were destroyed in the meantime may have left traces.
    let these = salt_traces::table
        .find(ROW)
        .filter(salt_traces::destroyed_at.eq(pending.destroyed_at));
    let now = now(connection).await?;
    diesel::update(these)
        .set(salt_traces::erased_at.eq(now))
        .execute(connection)
        .await?;
    traces(connection).await
}

/// Returns the time of the database.
pub(super) async fn now(connection: &mut Connection) -> Result<OffsetDateTime, WorkError> {
    let now = diesel::dsl::sql::<InstantColumn>(NOW);
    let now: OffsetDateTime = diesel::select(now).get_result(connection).await?;
    Ok(micros(now))
}

pub(super) async fn traces(connection: &mut Connection) -> Result<Option<SaltTraces>, WorkError> {
    let row: Option<(OffsetDateTime, Option<OffsetDateTime>)> = salt_traces::table
        .find(ROW)
        .select((salt_traces::destroyed_at, salt_traces::erased_at))
        .first(connection)
        .await
        .optional()?;
    Ok(row.map(|(destroyed_at, erased_at)| SaltTraces {
        destroyed_at: micros(destroyed_at),
        erased_at: erased_at.map(micros),
    }))
}
