//! Queries on accounts at identity providers.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{ExternalIdentity, UserId, micros};
use waypost_store::IdentityOfUser;

use super::Connection;
use super::id::Id;
use super::schema::{user_identities, users};
use super::transaction::WorkError;
use super::users::UserRow;

pub(super) async fn one(
    connection: &mut Connection,
    identity: &ExternalIdentity,
) -> Result<Option<IdentityOfUser>, WorkError> {
    let row: Option<(UserRow, bool)> = user_identities::table
        .inner_join(users::table)
        .filter(user_identities::identity_hash.eq(identity.key().as_slice()))
        .select((UserRow::as_select(), user_identities::admin_by_group))
        .first(connection)
        .await
        .optional()?;
    let Some((user, admin_by_group)) = row else {
        return Ok(None);
    };
    let user = user.try_into()?;
    Ok(Some(IdentityOfUser {
        user,
        admin_by_group,
    }))
}

pub(super) async fn insert(
    connection: &mut Connection,
    identity: &ExternalIdentity,
    user: UserId,
    admin_by_group: bool,
    at: OffsetDateTime,
) -> Result<(), WorkError> {
    super::users::must_exist(connection, user).await?;
    diesel::insert_into(user_identities::table)
        .values((
            user_identities::identity_hash.eq(identity.key().as_slice()),
            user_identities::issuer.eq(identity.issuer()),
            user_identities::subject.eq(identity.subject()),
            user_identities::user_id.eq(Id(*user.as_uuid())),
            user_identities::admin_by_group.eq(admin_by_group),
            user_identities::created_at.eq(micros(at)),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn set_admin_by_group(
    connection: &mut Connection,
    identity: &ExternalIdentity,
    admin_by_group: bool,
) -> Result<bool, WorkError> {
    // One that is set again is a change, too; but not every database counts it as one.
    if one(connection, identity).await?.is_none() {
        return Ok(false);
    }
    diesel::update(user_identities::table.find(identity.key().as_slice()))
        .set(user_identities::admin_by_group.eq(admin_by_group))
        .execute(connection)
        .await?;
    Ok(true)
}
