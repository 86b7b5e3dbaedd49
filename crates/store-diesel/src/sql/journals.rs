//! Queries on click journals. Moving their positions belongs to storing clicks: see `ingest`.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{JournalId, micros};
use waypost_store::{Dropped, JournalRecord, StoreError};

use super::id::Id;
use super::schema::click_journals;
use super::transaction::WorkError;
use super::{Connection, classify};
use crate::error::Fault;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = click_journals)]
struct JournalRow {
    id: Id,
    began: i64,
    committed: i64,
    stored: i64,
    dropped_link_deleted: i64,
    dropped_rejected: i64,
    dropped_unreadable: i64,
    dropped_lost: i64,
    registered_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl TryFrom<JournalRow> for JournalRecord {
    type Error = StoreError;

    fn try_from(row: JournalRow) -> Result<Self, StoreError> {
        let number = |column, value: i64| {
            u64::try_from(value).map_err(|_| StoreError::Corrupt {
                table: "click_journals",
                column,
            })
        };
        Ok(Self {
            id: JournalId::from_uuid(row.id.0),
            began: number("began", row.began)?,
            committed: number("committed", row.committed)?,
            stored: number("stored", row.stored)?,
            dropped: Dropped {
                link_deleted: number("dropped_link_deleted", row.dropped_link_deleted)?,
                rejected: number("dropped_rejected", row.dropped_rejected)?,
                unreadable: number("dropped_unreadable", row.dropped_unreadable)?,
                lost: number("dropped_lost", row.dropped_lost)?,
            },
            registered_at: micros(row.registered_at),
            updated_at: micros(row.updated_at),
        })
    }
}

/// Looks first, inserts what is missing, and looks again when somebody else was quicker. The primary
/// key decides, so no transaction is needed.
pub(super) async fn register(
    connection: &mut Connection,
    id: JournalId,
    began: u64,
    at: OffsetDateTime,
) -> Result<JournalRecord, WorkError> {
    if let Some(record) = one(connection, id).await? {
        return Ok(record);
    }
    let began = i64::try_from(began).map_err(StoreError::internal)?;
    let row = JournalRow {
        id: Id(*id.as_uuid()),
        began,
        committed: began,
        stored: 0,
        dropped_link_deleted: 0,
        dropped_rejected: 0,
        dropped_unreadable: 0,
        dropped_lost: 0,
        registered_at: micros(at),
        updated_at: micros(at),
    };
    let inserted = diesel::insert_into(click_journals::table)
        .values(row)
        .execute(connection)
        .await;
    match inserted {
        Err(error) if classify(&error) != Fault::Conflict => Err(error.into()),
        _ => one(connection, id)
            .await?
            .ok_or_else(|| StoreError::NotFound.into()),
    }
}

pub(super) async fn one(
    connection: &mut Connection,
    id: JournalId,
) -> Result<Option<JournalRecord>, WorkError> {
    let row: Option<JournalRow> = click_journals::table
        .find(Id(*id.as_uuid()))
        .select(JournalRow::as_select())
        .first(connection)
        .await
        .optional()?;
    Ok(row.map(JournalRecord::try_from).transpose()?)
}

pub(super) async fn all(connection: &mut Connection) -> Result<Vec<JournalRecord>, WorkError> {
    let rows: Vec<JournalRow> = click_journals::table
        .order(click_journals::id)
        .select(JournalRow::as_select())
        .load(connection)
        .await?;
    let records: Result<Vec<JournalRecord>, StoreError> =
        rows.into_iter().map(JournalRecord::try_from).collect();
    Ok(records?)
}
