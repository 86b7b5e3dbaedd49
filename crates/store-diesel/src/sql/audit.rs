//! Queries on the audit trail.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{AuditActor, AuditEntry, AuditId, AuditText, IpHash, UserId, micros};
use waypost_store::{AuditQuery, LeaseName, StoreError};

use super::Connection;
use super::id::Id;
use super::schema::audit_entries;
use super::transaction::WorkError;

/// The turn to purge entries.
const PURGE: LeaseName = LeaseName::new("purge-audit");

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_entries, treat_none_as_default_value = false)]
struct AuditRow {
    id: Id,
    created_at: OffsetDateTime,
    event: String,
    actor_kind: String,
    actor_id: Option<Id>,
    actor_name: String,
    subject: String,
    detail: String,
    origin_hash: Option<Vec<u8>>,
}

impl From<&AuditEntry> for AuditRow {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            id: Id(*entry.id.as_uuid()),
            created_at: micros(entry.created_at),
            event: entry.event.as_str().to_owned(),
            actor_kind: entry.actor.kind.as_str().to_owned(),
            actor_id: entry.actor.user.map(|user| Id(*user.as_uuid())),
            actor_name: entry.actor.name.to_string(),
            subject: entry.subject.to_string(),
            detail: entry.detail.to_string(),
            origin_hash: entry
                .origin
                .as_ref()
                .map(|origin| origin.as_bytes().to_vec()),
        }
    }
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = StoreError;

    fn try_from(row: AuditRow) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt {
            table: "audit_entries",
            column,
        };
        let origin = row.origin_hash.map(<[u8; 32]>::try_from);
        Ok(Self {
            id: AuditId::from_uuid(row.id.0),
            created_at: micros(row.created_at),
            event: row.event.parse().map_err(|_| corrupt("event"))?,
            actor: AuditActor {
                kind: row.actor_kind.parse().map_err(|_| corrupt("actor_kind"))?,
                user: row.actor_id.map(|user| UserId::from_uuid(user.0)),
                name: AuditText::cut(&row.actor_name),
            },
            subject: AuditText::cut(&row.subject),
            detail: AuditText::cut(&row.detail),
            origin: origin
                .transpose()
                .map_err(|_| corrupt("origin_hash"))?
                .map(IpHash::from_bytes),
        })
    }
}

pub(super) async fn insert(
    connection: &mut Connection,
    entry: &AuditEntry,
) -> Result<(), WorkError> {
    diesel::insert_into(audit_entries::table)
        .values(AuditRow::from(entry))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn list(
    connection: &mut Connection,
    query: &AuditQuery,
) -> Result<Vec<AuditEntry>, WorkError> {
    let mut wanted = audit_entries::table
        .select(AuditRow::as_select())
        .into_boxed();
    if let Some(event) = query.event {
        wanted = wanted.filter(audit_entries::event.eq(event.as_str()));
    }
    if let Some(user) = query.user {
        wanted = wanted.filter(audit_entries::actor_id.eq(Id(*user.as_uuid())));
    }
    let newest = newest_behind!(wanted, audit_entries, query.after, query.limit);
    let rows: Vec<AuditRow> = newest.load(connection).await?;
    let entries: Result<Vec<AuditEntry>, StoreError> =
        rows.into_iter().map(AuditEntry::try_from).collect();
    Ok(entries?)
}

pub(super) async fn purge(
    connection: &mut Connection,
    before: OffsetDateTime,
    limit: u32,
) -> Result<u64, WorkError> {
    super::turns::take(connection, PURGE).await?;
    let old: Vec<Id> = audit_entries::table
        .filter(audit_entries::created_at.lt(micros(before)))
        .order((audit_entries::created_at, audit_entries::id))
        .limit(i64::from(limit))
        .select(audit_entries::id)
        .load(connection)
        .await?;
    let deleted = diesel::delete(audit_entries::table.filter(audit_entries::id.eq_any(old)))
        .execute(connection)
        .await?;
    Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
}
