//! Queries on the daily salts.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::Date;
use waypost_core::Salt;
use waypost_store::StoreError;

use super::Connection;
use super::schema::daily_salts;
use super::transaction::WorkError;
use crate::error::is_conflict;

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
    Ok(u64::try_from(destroyed).unwrap_or(u64::MAX))
}
