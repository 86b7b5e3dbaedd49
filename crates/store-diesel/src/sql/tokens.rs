//! Queries on API tokens.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{ApiToken, TokenCursor, TokenHash, TokenId, TokenName, User, UserId, micros};
use waypost_store::StoreError;

use super::Connection;
use super::id::Id;
use super::schema::{api_tokens, users};
use super::transaction::WorkError;
use super::user_rows::UserRow;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = api_tokens, treat_none_as_default_value = false)]
struct TokenRow {
    id: Id,
    user_id: Id,
    name: String,
    scopes: String,
    created_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
    last_used_at: Option<OffsetDateTime>,
    revoked_at: Option<OffsetDateTime>,
}

impl From<&ApiToken> for TokenRow {
    fn from(token: &ApiToken) -> Self {
        Self {
            id: Id(*token.id.as_uuid()),
            user_id: Id(*token.user_id.as_uuid()),
            name: token.name.as_str().to_owned(),
            scopes: token.scopes.to_string(),
            created_at: micros(token.created_at),
            expires_at: token.expires_at.map(micros),
            last_used_at: token.last_used_at.map(micros),
            revoked_at: token.revoked_at.map(micros),
        }
    }
}

impl TryFrom<TokenRow> for ApiToken {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt {
            table: "api_tokens",
            column,
        };
        Ok(Self {
            id: TokenId::from_uuid(row.id.0),
            user_id: UserId::from_uuid(row.user_id.0),
            name: TokenName::parse(&row.name).map_err(|_| corrupt("name"))?,
            scopes: row.scopes.parse().map_err(|_| corrupt("scopes"))?,
            created_at: micros(row.created_at),
            expires_at: row.expires_at.map(micros),
            last_used_at: row.last_used_at.map(micros),
            revoked_at: row.revoked_at.map(micros),
        })
    }
}

/// Locks the user first, so that of several insertions at once each counts the others.
pub(super) async fn insert(
    connection: &mut Connection,
    token: &ApiToken,
    hash: &TokenHash,
    at_most: u32,
) -> Result<bool, WorkError> {
    if !super::user_rows::lock(connection, token.user_id).await? {
        return Err(StoreError::NotFound.into());
    }
    let expires_later = api_tokens::expires_at
        .is_null()
        .or(api_tokens::expires_at.gt(micros(token.created_at)));
    let valid: i64 = api_tokens::table
        .filter(api_tokens::user_id.eq(Id(*token.user_id.as_uuid())))
        .filter(api_tokens::revoked_at.is_null())
        .filter(expires_later)
        .count()
        .get_result(connection)
        .await?;
    if valid >= i64::from(at_most) {
        return Ok(false);
    }
    let secret_hash = api_tokens::secret_hash.eq(hash.as_bytes().as_slice());
    diesel::insert_into(api_tokens::table)
        .values((TokenRow::from(token), secret_hash))
        .execute(connection)
        .await?;
    Ok(true)
}

pub(super) async fn by_hash(
    connection: &mut Connection,
    hash: &TokenHash,
) -> Result<Option<(ApiToken, User)>, WorkError> {
    let rows: Option<(TokenRow, UserRow)> = api_tokens::table
        .inner_join(users::table)
        .filter(api_tokens::secret_hash.eq(hash.as_bytes().as_slice()))
        .select((TokenRow::as_select(), UserRow::as_select()))
        .first(connection)
        .await
        .optional()?;
    let found = rows.map(|(token, user)| Ok((token.try_into()?, user.try_into()?)));
    Ok(found.transpose().map_err(|error: StoreError| error)?)
}

pub(super) async fn after(
    connection: &mut Connection,
    user: UserId,
    cursor: Option<TokenCursor>,
    limit: u32,
) -> Result<Vec<ApiToken>, WorkError> {
    let all = api_tokens::table
        .filter(api_tokens::user_id.eq(Id(*user.as_uuid())))
        .select(TokenRow::as_select())
        .into_boxed();
    let query = newest_behind!(all, api_tokens, cursor, limit);
    let rows: Vec<TokenRow> = query.load(connection).await?;
    let tokens: Result<Vec<ApiToken>, StoreError> =
        rows.into_iter().map(ApiToken::try_from).collect();
    Ok(tokens?)
}

pub(super) async fn revoke(
    connection: &mut Connection,
    user: UserId,
    token: TokenId,
    at: OffsetDateTime,
) -> Result<bool, WorkError> {
    let of_user = api_tokens::table
        .find(Id(*token.as_uuid()))
        .filter(api_tokens::user_id.eq(Id(*user.as_uuid())));
    let found: Option<Option<OffsetDateTime>> = of_user
        .select(api_tokens::revoked_at)
        .first(connection)
        .await
        .optional()?;
    if found == Some(None) {
        diesel::update(of_user.filter(api_tokens::revoked_at.is_null()))
            .set(api_tokens::revoked_at.eq(micros(at)))
            .execute(connection)
            .await?;
    }
    Ok(found.is_some())
}

/// Revokes all tokens of a user, and returns how many of them were valid.
pub(super) async fn revoke_all(
    connection: &mut Connection,
    user: UserId,
    at: OffsetDateTime,
) -> Result<u64, WorkError> {
    let at = micros(at);
    let left = api_tokens::table
        .filter(api_tokens::user_id.eq(Id(*user.as_uuid())))
        .filter(api_tokens::revoked_at.is_null());
    let expires_later = api_tokens::expires_at
        .is_null()
        .or(api_tokens::expires_at.gt(at));
    let revoked = api_tokens::revoked_at.eq(at);
    let valid = diesel::update(left.filter(expires_later))
        .set(revoked)
        .execute(connection)
        .await?;
    diesel::update(left)
        .set(revoked)
        .execute(connection)
        .await?;
    Ok(u64::try_from(valid).unwrap_or(u64::MAX))
}

/// Updates in the order of the IDs, so that nodes do not deadlock.
pub(super) async fn note_used(
    connection: &mut Connection,
    used: &[(TokenId, OffsetDateTime)],
) -> Result<(), WorkError> {
    let mut used = used.to_vec();
    used.sort_unstable();
    for (token, at) in used {
        let at = micros(at);
        let earlier = api_tokens::last_used_at
            .is_null()
            .or(api_tokens::last_used_at.lt(at));
        diesel::update(api_tokens::table.find(Id(*token.as_uuid())).filter(earlier))
            .set(api_tokens::last_used_at.eq(at))
            .execute(connection)
            .await?;
    }
    Ok(())
}
