//! Rows of `users`, and looking up a user by ID. Shared by the queries on users, sessions,
//! identities and links.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{DisplayName, Email, Person, User, UserId, micros};
use waypost_store::StoreError;

use super::id::Id;
use super::schema::users;
use super::statement::Statement;
use super::transaction::WorkError;
use super::{Connection, FOR_UPDATE};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
pub(super) struct UserRow {
    id: Id,
    email: String,
    display_name: String,
    role: String,
    created_at: OffsetDateTime,
    disabled_at: Option<OffsetDateTime>,
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        Self {
            id: Id(*user.id.as_uuid()),
            email: user.email.as_str().to_owned(),
            display_name: user.display_name.as_str().to_owned(),
            role: user.role.as_str().to_owned(),
            created_at: micros(user.created_at),
            disabled_at: user.disabled_at.map(micros),
        }
    }
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId::from_uuid(row.id.0),
            email: Email::from_stored(&row.email),
            display_name: DisplayName::from_stored(&row.display_name),
            role: row.role.parse().map_err(|_| corrupt("role"))?,
            disabled_at: row.disabled_at.map(micros),
            created_at: micros(row.created_at),
        })
    }
}

pub(super) const fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt {
        table: "users",
        column,
    }
}

/// A user as other users see them.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(super) struct PersonRow {
    id: Id,
    email: String,
    display_name: String,
}

impl TryFrom<PersonRow> for Person {
    type Error = StoreError;

    fn try_from(row: PersonRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId::from_uuid(row.id.0),
            email: Email::from_stored(&row.email),
            display_name: DisplayName::from_stored(&row.display_name),
        })
    }
}

pub(super) async fn one(
    connection: &mut Connection,
    id: UserId,
) -> Result<Option<User>, WorkError> {
    let row: Option<UserRow> = users::table
        .find(Id(*id.as_uuid()))
        .select(UserRow::as_select())
        .first(connection)
        .await
        .optional()?;
    Ok(row.map(User::try_from).transpose()?)
}

pub(super) async fn exists(connection: &mut Connection, id: UserId) -> Result<bool, WorkError> {
    let found: Option<Id> = users::table
        .find(Id(*id.as_uuid()))
        .select(users::id)
        .first(connection)
        .await
        .optional()?;
    Ok(found.is_some())
}

/// Locks a user against changes. Returns `false` when the user does not exist.
pub(super) async fn lock(connection: &mut Connection, id: UserId) -> Result<bool, WorkError> {
    let mut statement = Statement::of("SELECT id FROM users WHERE id = ");
    statement.id(id.as_uuid()).sql(FOR_UPDATE);
    Ok(!statement.ids(connection).await?.is_empty())
}

/// Fails with [`StoreError::NotFound`] when the user does not exist.
pub(super) async fn must_exist(connection: &mut Connection, id: UserId) -> Result<(), WorkError> {
    let exists = exists(connection, id).await?;
    exists
        .then_some(())
        .ok_or_else(|| StoreError::NotFound.into())
}
