//! Queries on sessions.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{
    ServerKey, Session, SessionCursor, SessionHash, SessionId, User, UserAgent, UserId, micros,
};
use waypost_store::{LeaseName, SignedIn, StoreError};

use super::Connection;
use super::id::Id;
use super::schema::{server_keys, sessions, users};
use super::transaction::WorkError;
use super::user_rows::UserRow;
use crate::error::is_conflict;

/// The turn to purge sessions.
const PURGE: LeaseName = LeaseName::new("purge-sessions");

/// The name of the key with which browsers prove an earlier sign-in.
const BROWSER_KEY: &str = "browser";

/// Maximum number of sessions in one statement: databases limit the number of values.
const BY_HASH: usize = 500;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
struct SessionRow {
    id: Id,
    user_id: Id,
    created_at: OffsetDateTime,
    last_used_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    ended_at: Option<OffsetDateTime>,
    user_agent: Option<String>,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        let user_agent = session.user_agent.as_ref();
        Self {
            id: Id(*session.id.as_uuid()),
            user_id: Id(*session.user_id.as_uuid()),
            created_at: micros(session.created_at),
            last_used_at: micros(session.last_used_at),
            expires_at: micros(session.expires_at),
            ended_at: session.ended_at.map(micros),
            user_agent: user_agent.map(|agent| agent.as_str().to_owned()),
        }
    }
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: SessionId::from_uuid(row.id.0),
            user_id: UserId::from_uuid(row.user_id.0),
            created_at: micros(row.created_at),
            last_used_at: micros(row.last_used_at),
            expires_at: micros(row.expires_at),
            ended_at: row.ended_at.map(micros),
            user_agent: row.user_agent.map(UserAgent::from_stored),
        }
    }
}

pub(super) async fn insert(
    connection: &mut Connection,
    session: &Session,
    hash: &SessionHash,
) -> Result<(), WorkError> {
    let user = super::user_rows::one(connection, session.user_id).await?;
    let user = user.ok_or(StoreError::NotFound)?;
    let secret_hash = sessions::secret_hash.eq(hash.as_bytes().as_slice());
    diesel::insert_into(sessions::table)
        .values((SessionRow::from(session), secret_hash))
        .execute(connection)
        .await?;
    // Makes up for an invitation that was sent while the user was added.
    super::invitations::claim(connection, &user.email, user.id).await
}

pub(super) async fn by_hash(
    connection: &mut Connection,
    hash: &SessionHash,
) -> Result<Option<(Session, User)>, WorkError> {
    let rows: Option<(SessionRow, UserRow)> = sessions::table
        .inner_join(users::table)
        .filter(sessions::secret_hash.eq(hash.as_bytes().as_slice()))
        .select((SessionRow::as_select(), UserRow::as_select()))
        .first(connection)
        .await
        .optional()?;
    let found = rows.map(|(session, user)| Ok((session.into(), user.try_into()?)));
    Ok(found.transpose().map_err(|error: StoreError| error)?)
}

pub(super) async fn after(
    connection: &mut Connection,
    user: UserId,
    at: OffsetDateTime,
    cursor: Option<SessionCursor>,
    limit: u32,
) -> Result<Vec<Session>, WorkError> {
    let valid = sessions::table
        .filter(sessions::user_id.eq(Id(*user.as_uuid())))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(micros(at)))
        .select(SessionRow::as_select())
        .into_boxed();
    let query = newest_behind!(valid, sessions, cursor, limit);
    let rows: Vec<SessionRow> = query.load(connection).await?;
    Ok(rows.into_iter().map(Session::from).collect())
}

/// Updates each value separately, so that the latest of each stays.
pub(super) async fn touch(
    connection: &mut Connection,
    session: SessionId,
    last_used_at: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> Result<(), WorkError> {
    let (last_used_at, expires_at) = (micros(last_used_at), micros(expires_at));
    let going_on = sessions::table
        .find(Id(*session.as_uuid()))
        .filter(sessions::ended_at.is_null());
    diesel::update(going_on.filter(sessions::last_used_at.lt(last_used_at)))
        .set(sessions::last_used_at.eq(last_used_at))
        .execute(connection)
        .await?;
    diesel::update(going_on.filter(sessions::expires_at.lt(expires_at)))
        .set(sessions::expires_at.eq(expires_at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn end(
    connection: &mut Connection,
    user: UserId,
    session: SessionId,
    at: OffsetDateTime,
) -> Result<bool, WorkError> {
    let of_user = sessions::table
        .find(Id(*session.as_uuid()))
        .filter(sessions::user_id.eq(Id(*user.as_uuid())));
    let found: Option<Option<OffsetDateTime>> = of_user
        .select(sessions::ended_at)
        .first(connection)
        .await
        .optional()?;
    if found == Some(None) {
        diesel::update(of_user.filter(sessions::ended_at.is_null()))
            .set(sessions::ended_at.eq(micros(at)))
            .execute(connection)
            .await?;
    }
    Ok(found.is_some())
}

pub(super) async fn end_all(
    connection: &mut Connection,
    user: UserId,
    kept: Option<SessionId>,
    at: OffsetDateTime,
) -> Result<u64, WorkError> {
    let going_on = sessions::table
        .filter(sessions::user_id.eq(Id(*user.as_uuid())))
        .filter(sessions::ended_at.is_null());
    let ended_at = sessions::ended_at.eq(micros(at));
    let ended = if let Some(kept) = kept {
        let others = going_on.filter(sessions::id.ne(Id(*kept.as_uuid())));
        let update = diesel::update(others).set(ended_at);
        update.execute(connection).await?
    } else {
        let update = diesel::update(going_on).set(ended_at);
        update.execute(connection).await?
    };
    Ok(u64::try_from(ended).unwrap_or(u64::MAX))
}

/// Finds them first: not every database can limit a deletion.
pub(super) async fn purge(
    connection: &mut Connection,
    before: OffsetDateTime,
    limit: u32,
) -> Result<u64, WorkError> {
    super::turns::take(connection, PURGE).await?;
    let old: Vec<Id> = sessions::table
        .filter(sessions::expires_at.lt(micros(before)))
        .order((sessions::expires_at, sessions::id))
        .limit(i64::from(limit))
        .select(sessions::id)
        .load(connection)
        .await?;
    let mut purged = 0;
    for ids in old.chunks(BY_HASH) {
        let these = sessions::table.filter(sessions::id.eq_any(ids.iter().copied()));
        purged += diesel::delete(these).execute(connection).await?;
    }
    Ok(u64::try_from(purged).unwrap_or(u64::MAX))
}

/// Reads first, inserts the key if it is missing, and reads again if another node was faster.
pub(super) async fn browser_key(
    connection: &mut Connection,
    candidate: &ServerKey,
) -> Result<ServerKey, WorkError> {
    if let Some(key) = stored_key(connection).await? {
        return Ok(key);
    }
    let inserted = diesel::insert_into(server_keys::table)
        .values((
            server_keys::name.eq(BROWSER_KEY),
            server_keys::secret.eq(candidate.as_bytes().as_slice()),
        ))
        .execute(connection)
        .await;
    match inserted {
        Ok(_) => Ok(candidate.clone()),
        Err(error) if is_conflict(&error) => stored_key(connection)
            .await?
            .ok_or_else(|| StoreError::NotFound.into()),
        Err(error) => Err(error.into()),
    }
}

async fn stored_key(connection: &mut Connection) -> Result<Option<ServerKey>, WorkError> {
    let bytes: Option<Vec<u8>> = server_keys::table
        .find(BROWSER_KEY)
        .select(server_keys::secret)
        .first(connection)
        .await
        .optional()?;
    let corrupt = |_| StoreError::Corrupt {
        table: "server_keys",
        column: "secret",
    };
    let key = bytes.map(|bytes| bytes.try_into().map(ServerKey::from_bytes).map_err(corrupt));
    Ok(key.transpose()?)
}

pub(super) async fn users_of(
    connection: &mut Connection,
    hashes: &[SessionHash],
) -> Result<BTreeMap<SessionHash, SignedIn>, WorkError> {
    let mut found = BTreeMap::new();
    for hashes in hashes.chunks(BY_HASH) {
        let bytes = hashes.iter().map(|hash| hash.as_bytes().as_slice());
        let rows: Vec<(Vec<u8>, SessionRow)> = sessions::table
            .filter(sessions::secret_hash.eq_any(bytes))
            .select((sessions::secret_hash, SessionRow::as_select()))
            .load(connection)
            .await?;
        for (hash, row) in rows {
            let hash = hash.try_into().map_err(|_| StoreError::Corrupt {
                table: "sessions",
                column: "secret_hash",
            })?;
            let signed_in = SignedIn::of(&row.into());
            found.insert(SessionHash::from_bytes(hash), signed_in);
        }
    }
    Ok(found)
}
