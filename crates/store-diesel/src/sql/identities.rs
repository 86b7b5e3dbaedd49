//! Queries on accounts at identity providers.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{ExternalIdentity, Role, User, UserId, micros};
use waypost_store::{IdentityOfUser, LinkedIdentity, StoreError};

use super::Connection;
use super::id::Id;
use super::schema::{used_sign_ins, user_identities, users};
use super::transaction::WorkError;
use super::user_rows::UserRow;
use crate::error::is_conflict;

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
    // Of two accounts that are assigned at once, the second one finds the first one.
    if !super::user_rows::lock(connection, user).await? {
        return Err(StoreError::NotFound.into());
    }
    let others: Vec<String> = user_identities::table
        .filter(user_identities::user_id.eq(Id(*user.as_uuid())))
        .select(user_identities::issuer)
        .load(connection)
        .await?;
    if others.iter().any(|issuer| issuer == identity.issuer()) {
        return Err(StoreError::Conflict.into());
    }
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

pub(super) async fn of_user(
    connection: &mut Connection,
    user: UserId,
) -> Result<Vec<LinkedIdentity>, WorkError> {
    let rows: Vec<(String, String, OffsetDateTime)> = user_identities::table
        .filter(user_identities::user_id.eq(Id(*user.as_uuid())))
        .order((user_identities::created_at, user_identities::identity_hash))
        .select((
            user_identities::issuer,
            user_identities::subject,
            user_identities::created_at,
        ))
        .load(connection)
        .await?;
    let linked = |(issuer, subject, created_at): (String, String, OffsetDateTime)| {
        let corrupt = |_| StoreError::Corrupt {
            table: "user_identities",
            column: "subject",
        };
        Ok(LinkedIdentity {
            identity: ExternalIdentity::parse(&issuer, &subject).map_err(corrupt)?,
            created_at: micros(created_at),
        })
    };
    let linked: Result<Vec<_>, StoreError> = rows.into_iter().map(linked).collect();
    Ok(linked?)
}

pub(super) async fn delete(
    connection: &mut Connection,
    user: UserId,
    identity: &ExternalIdentity,
    at: OffsetDateTime,
) -> Result<bool, WorkError> {
    if !super::user_rows::lock(connection, user).await? {
        return Ok(false);
    }
    let row = user_identities::table.find(identity.key().to_vec());
    let of_user = user_identities::user_id.eq(Id(*user.as_uuid()));
    let admin_by_group: Option<bool> = row
        .clone()
        .filter(of_user)
        .select(user_identities::admin_by_group)
        .first(connection)
        .await
        .optional()?;
    let Some(admin_by_group) = admin_by_group else {
        return Ok(false);
    };
    diesel::delete(row).execute(connection).await?;
    if admin_by_group {
        diesel::update(users::table.find(Id(*user.as_uuid())))
            .set(users::role.eq(Role::Member.as_str()))
            .execute(connection)
            .await?;
    }
    super::sessions::end_all(connection, user, None, at).await?;
    Ok(true)
}

/// The unique key decides, so no transaction is needed.
pub(super) async fn use_sign_in(
    connection: &mut Connection,
    state: &[u8; 32],
    expires_at: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<bool, WorkError> {
    let expired = used_sign_ins::table.filter(used_sign_ins::expires_at.le(micros(now)));
    diesel::delete(expired).execute(connection).await?;
    let inserted = diesel::insert_into(used_sign_ins::table)
        .values((
            used_sign_ins::state_hash.eq(state.as_slice()),
            used_sign_ins::expires_at.eq(micros(expires_at)),
        ))
        .execute(connection)
        .await;
    match inserted {
        Ok(_) => Ok(true),
        Err(error) if is_conflict(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
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
