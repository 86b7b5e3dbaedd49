//! Queries on the blocklist.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{HostPattern, Title, UserId, micros};
use waypost_store::{BlockedHost, StoreError};

use super::id::Id;
use super::schema::blocked_hosts;
use super::transaction::WorkError;
use super::{Connection, changes, user_rows};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = blocked_hosts, treat_none_as_default_value = false)]
struct BlockedRow {
    pattern: String,
    reason: String,
    created_by: Option<Id>,
    created_at: OffsetDateTime,
}

impl From<&BlockedHost> for BlockedRow {
    fn from(blocked: &BlockedHost) -> Self {
        Self {
            pattern: blocked.pattern.as_str().to_owned(),
            reason: blocked.reason.as_str().to_owned(),
            created_by: blocked.created_by.map(|user| Id(*user.as_uuid())),
            created_at: micros(blocked.created_at),
        }
    }
}

impl TryFrom<BlockedRow> for BlockedHost {
    type Error = StoreError;

    fn try_from(row: BlockedRow) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt {
            table: "blocked_hosts",
            column,
        };
        Ok(Self {
            pattern: HostPattern::parse(&row.pattern)
                .ok()
                .filter(|pattern| pattern.as_str() == row.pattern)
                .ok_or_else(|| corrupt("pattern"))?,
            reason: Title::parse(&row.reason).map_err(|_| corrupt("reason"))?,
            created_by: row.created_by.map(|user| UserId::from_uuid(user.0)),
            created_at: micros(row.created_at),
        })
    }
}

pub(super) async fn insert(
    connection: &mut Connection,
    blocked: &BlockedHost,
) -> Result<(), WorkError> {
    if let Some(user) = blocked.created_by {
        user_rows::must_exist(connection, user).await?;
    }
    diesel::insert_into(blocked_hosts::table)
        .values(BlockedRow::from(blocked))
        .execute(connection)
        .await?;
    changes::note_everything(connection).await
}

pub(super) async fn delete(
    connection: &mut Connection,
    pattern: &HostPattern,
) -> Result<bool, WorkError> {
    let deleted = diesel::delete(blocked_hosts::table.find(pattern.as_str()))
        .execute(connection)
        .await?;
    if deleted > 0 {
        changes::note_everything(connection).await?;
    }
    Ok(deleted > 0)
}

pub(super) async fn after(
    connection: &mut Connection,
    after: Option<&HostPattern>,
    limit: u32,
) -> Result<Vec<BlockedHost>, WorkError> {
    let all = blocked_hosts::table
        .order(blocked_hosts::pattern)
        .limit(i64::from(limit))
        .select(BlockedRow::as_select())
        .into_boxed();
    let behind = match after {
        Some(after) => all.filter(blocked_hosts::pattern.gt(after.as_str())),
        None => all,
    };
    let rows: Vec<BlockedRow> = behind.load(connection).await?;
    let blocked: Result<Vec<BlockedHost>, StoreError> =
        rows.into_iter().map(BlockedHost::try_from).collect();
    Ok(blocked?)
}

pub(super) async fn matching(
    connection: &mut Connection,
    host: &str,
) -> Result<Option<BlockedHost>, WorkError> {
    let row: Option<BlockedRow> = blocked_hosts::table
        .filter(blocked_hosts::pattern.eq_any(HostPattern::matching(host)))
        .order(blocked_hosts::pattern)
        .select(BlockedRow::as_select())
        .first(connection)
        .await
        .optional()?;
    Ok(row.map(BlockedHost::try_from).transpose()?)
}
