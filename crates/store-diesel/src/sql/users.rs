//! Queries on users.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{DisplayName, Email, PasswordHash, User, UserCursor, UserId, micros};
use waypost_store::{PasswordChange, PasswordSet, StoreError, UserChange};

use super::id::Id;
use super::schema::{link_owners, users};
use super::transaction::WorkError;
use super::user_rows::{UserRow, corrupt, lock, one};
use super::{Connection, identities, invitations, sessions, tokens};

pub(super) async fn insert(
    connection: &mut Connection,
    user: &User,
    password: Option<&PasswordHash>,
) -> Result<(), WorkError> {
    let password = users::password_hash.eq(password.map(PasswordHash::as_str));
    diesel::insert_into(users::table)
        .values((UserRow::from(user), password))
        .execute(connection)
        .await?;
    invitations::claim(connection, &user.email, user.id).await
}

pub(super) async fn by_email(
    connection: &mut Connection,
    email: &Email,
) -> Result<Option<User>, WorkError> {
    let row: Option<UserRow> = users::table
        .filter(users::email.eq(email.as_str()))
        .select(UserRow::as_select())
        .first(connection)
        .await
        .optional()?;
    Ok(row.map(User::try_from).transpose()?)
}

pub(super) async fn after(
    connection: &mut Connection,
    cursor: Option<UserCursor>,
    limit: u32,
) -> Result<Vec<User>, WorkError> {
    let all = users::table.select(UserRow::as_select()).into_boxed();
    let query = newest_behind!(all, users, cursor, limit);
    let rows: Vec<UserRow> = query.load(connection).await?;
    let users: Result<Vec<User>, StoreError> = rows.into_iter().map(User::try_from).collect();
    Ok(users?)
}

/// The columns that a change sets; `None` stays as it is.
#[derive(AsChangeset)]
#[diesel(table_name = users)]
#[expect(
    clippy::option_option,
    reason = "diesel skips `None` and writes `Some(None)` as NULL"
)]
struct ChangeRow<'a> {
    email: Option<&'a str>,
    display_name: Option<&'a str>,
    role: Option<&'a str>,
    disabled_at: Option<Option<OffsetDateTime>>,
}

pub(super) async fn change(
    connection: &mut Connection,
    id: UserId,
    change: &UserChange,
) -> Result<Option<User>, WorkError> {
    let row = ChangeRow {
        email: change.email.as_ref().map(Email::as_str),
        display_name: change.display_name.as_ref().map(DisplayName::as_str),
        role: change.role.map(waypost_core::Role::as_str),
        disabled_at: change.disabled_at.map(|at| at.map(micros)),
    };
    if *change != UserChange::default() {
        diesel::update(users::table.find(Id(*id.as_uuid())))
            .set(row)
            .execute(connection)
            .await?;
    }
    if let Some(at) = change.disabled_at.flatten() {
        sessions::end_all(connection, id, None, at).await?;
    }
    if change.role.is_some() {
        identities::forget_group(connection, id).await?;
    }
    let changed = one(connection, id).await?;
    if let (Some(user), true) = (&changed, change.email.is_some()) {
        invitations::claim(connection, &user.email, id).await?;
    }
    Ok(changed)
}

pub(super) async fn password(
    connection: &mut Connection,
    id: UserId,
) -> Result<Option<PasswordHash>, WorkError> {
    let hash: Option<Option<String>> = users::table
        .find(Id(*id.as_uuid()))
        .select(users::password_hash)
        .first(connection)
        .await
        .optional()?;
    let hash = hash.flatten().map(|hash| PasswordHash::from_stored(&hash));
    Ok(hash.transpose().map_err(|_| corrupt("password_hash"))?)
}

pub(super) async fn set_password(
    connection: &mut Connection,
    id: UserId,
    password: Option<&PasswordHash>,
    change: PasswordChange,
) -> Result<Option<PasswordSet>, WorkError> {
    // A token that is created at the same time is revoked, too, or created afterwards.
    if !lock(connection, id).await? {
        return Ok(None);
    }
    diesel::update(users::table.find(Id(*id.as_uuid())))
        .set(users::password_hash.eq(password.map(PasswordHash::as_str)))
        .execute(connection)
        .await?;
    let sessions = sessions::end_all(connection, id, change.kept, change.at).await?;
    let tokens = if change.revoke_tokens {
        tokens::revoke_all(connection, id, change.at).await?
    } else {
        0
    };
    Ok(Some(PasswordSet { sessions, tokens }))
}

/// Checks first; the key of `link_owners` protects against a link that is assigned meanwhile.
pub(super) async fn delete(connection: &mut Connection, id: UserId) -> Result<bool, WorkError> {
    let id = Id(*id.as_uuid());
    let owned: Option<Id> = link_owners::table
        .filter(link_owners::user_id.eq(id))
        .select(link_owners::link_id)
        .first(connection)
        .await
        .optional()?;
    if owned.is_some() {
        return Err(StoreError::Conflict.into());
    }
    let deleted = diesel::delete(users::table.find(id))
        .execute(connection)
        .await;
    match deleted {
        Err(DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => {
            Err(StoreError::Conflict.into())
        }
        deleted => Ok(deleted? > 0),
    }
}
