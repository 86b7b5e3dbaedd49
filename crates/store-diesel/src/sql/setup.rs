//! Queries on set-up secrets.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{PasswordHash, SetupHash, User, micros};
use waypost_store::SetUp;

use super::Connection;
use super::id::Id;
use super::schema::{setup_tokens, users};
use super::transaction::WorkError;

pub(super) async fn insert(
    connection: &mut Connection,
    hash: &SetupHash,
    expires_at: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<(), WorkError> {
    let expired = setup_tokens::table.filter(setup_tokens::expires_at.le(micros(now)));
    diesel::delete(expired).execute(connection).await?;
    diesel::insert_into(setup_tokens::table)
        .values((
            setup_tokens::secret_hash.eq(hash.as_bytes().as_slice()),
            setup_tokens::expires_at.eq(micros(expires_at)),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn one(
    connection: &mut Connection,
    hash: &SetupHash,
) -> Result<Option<OffsetDateTime>, WorkError> {
    let expires_at: Option<OffsetDateTime> = setup_tokens::table
        .find(hash.as_bytes().as_slice())
        .select(setup_tokens::expires_at)
        .first(connection)
        .await
        .optional()?;
    Ok(expires_at.map(micros))
}

/// The deletion decides: of two concurrent set-ups, the second one waits for the deletion of the
/// first one, and then finds nothing to delete. If it finds secrets that were added later, it also
/// finds the admin of the first one.
pub(super) async fn set_up(
    connection: &mut Connection,
    hash: &SetupHash,
    admin: &User,
    password: &PasswordHash,
    now: OffsetDateTime,
) -> Result<SetUp, WorkError> {
    let expires_at = one(connection, hash).await?;
    if expires_at.is_none_or(|expires_at| micros(now) >= expires_at) {
        return Ok(SetUp::NoToken);
    }
    let used_up = diesel::delete(setup_tokens::table)
        .execute(connection)
        .await?;
    if used_up == 0 {
        return Ok(SetUp::NoToken);
    }
    let somebody: Option<Id> = users::table
        .select(users::id)
        .first(connection)
        .await
        .optional()?;
    if somebody.is_some() {
        return Ok(SetUp::UsersExist);
    }
    super::users::insert(connection, admin, Some(password)).await?;
    Ok(SetUp::Done)
}
