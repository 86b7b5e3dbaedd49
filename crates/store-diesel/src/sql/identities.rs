//! Queries on accounts at identity providers.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{ExternalIdentity, Role, User, UserId, micros};
use waypost_store::IdentityOfUser;

use super::Connection;
use super::id::Id;
use super::schema::{user_identities, users};
use super::transaction::WorkError;
use super::user_rows::UserRow;

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
    super::user_rows::must_exist(connection, user).await?;
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

pub(super) async fn follow_admin_group(
    connection: &mut Connection,
    identity: &ExternalIdentity,
    is_in_group: bool,
) -> Result<Option<User>, WorkError> {
    let Some(IdentityOfUser { user, .. }) = one(connection, identity).await? else {
        return Ok(None);
    };
    let id = Id(*user.id.as_uuid());
    let role_before = if is_in_group {
        Role::Member
    } else {
        Role::Admin
    };
    let role = if is_in_group {
        Role::Admin
    } else {
        Role::Member
    };
    let change_role = diesel::update(users::table.find(id))
        .filter(users::role.eq(role_before.as_str()))
        .set(users::role.eq(role.as_str()));
    // Each statement decides by what it finds when it writes: a role that is set by hand at this
    // moment is not mistaken for one given by the group.
    let note = diesel::update(user_identities::table.find(identity.key().to_vec()))
        .filter(user_identities::admin_by_group.eq(!is_in_group))
        .set(user_identities::admin_by_group.eq(is_in_group));
    if is_in_group {
        if change_role.execute(connection).await? > 0 {
            note.execute(connection).await?;
        }
    } else if note.execute(connection).await? > 0 {
        change_role.execute(connection).await?;
    }
    super::user_rows::one(connection, user.id).await
}

/// Clears the mark that a group gave the role of a user, because it was set by hand.
pub(super) async fn forget_group(
    connection: &mut Connection,
    user: UserId,
) -> Result<(), WorkError> {
    diesel::update(user_identities::table)
        .filter(user_identities::user_id.eq(Id(*user.as_uuid())))
        .filter(user_identities::admin_by_group.eq(true))
        .set(user_identities::admin_by_group.eq(false))
        .execute(connection)
        .await?;
    Ok(())
}
