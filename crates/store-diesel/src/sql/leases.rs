//! Queries on leases. Each change is one statement that decides by itself and may run twice: no
//! transaction is needed.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{LeaseHolder, micros};
use waypost_store::{LeaseName, latest_lease_end};

use super::Connection;
use super::id::Id;
use super::schema::leases;
use super::transaction::WorkError;
use crate::error::is_conflict;

/// Takes over the row if allowed; if it does not exist, the primary key decides which node inserts
/// it first.
pub(super) async fn take(
    connection: &mut Connection,
    name: LeaseName,
    holder: LeaseHolder,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<bool, WorkError> {
    let holder = Id(*holder.as_uuid());
    let latest = micros(latest_lease_end(now, until));
    let takes = leases::holder
        .eq(holder)
        .or(leases::expires_at.le(micros(now)))
        .or(leases::expires_at.gt(latest));
    let taken = diesel::update(leases::table.find(name.as_str()).filter(takes))
        .set((
            leases::holder.eq(holder),
            leases::expires_at.eq(micros(until)),
        ))
        .execute(connection)
        .await?;
    if taken > 0 {
        return Ok(true);
    }
    let kept: i64 = leases::table
        .find(name.as_str())
        .count()
        .get_result(connection)
        .await?;
    // A rejected insertion would be an error in the log of the database, for every node that asks
    // for a lease of another.
    if kept > 0 {
        return Ok(false);
    }
    let inserted = diesel::insert_into(leases::table)
        .values((
            leases::name.eq(name.as_str()),
            leases::holder.eq(holder),
            leases::expires_at.eq(micros(until)),
        ))
        .execute(connection)
        .await;
    match inserted {
        Ok(_) => Ok(true),
        Err(error) if is_conflict(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn release(
    connection: &mut Connection,
    name: LeaseName,
    holder: LeaseHolder,
) -> Result<(), WorkError> {
    let own = leases::table
        .find(name.as_str())
        .filter(leases::holder.eq(Id(*holder.as_uuid())));
    diesel::delete(own).execute(connection).await?;
    Ok(())
}
