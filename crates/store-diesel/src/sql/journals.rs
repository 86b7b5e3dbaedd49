//! Queries on click journals. Moving their positions is part of storing clicks: see `settle`.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{AcceptedLossId, ClickId, JournalId, JournalOwner, micros};
use waypost_store::{
    AcceptedLoss, Claimed, Dropped, JournalClaim, JournalNote, JournalRecord, JournalSplit,
    Ownership, StoreError,
};

use super::Connection;
use super::clicks::contention;
use super::id::Id;
use super::schema::{
    accepted_losses, click_ids, click_journal_owners, click_journals, link_clicks,
};
use super::transaction::WorkError;
use crate::error::is_conflict;

/// Maximum number of IDs in one statement: each is a parameter, and MariaDB creates a temporary
/// table for a longer list.
const IDS_OF_A_STATEMENT: usize = 900;

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
    owner: Option<Id>,
    node: Option<String>,
    process: Option<String>,
    noted_at: Option<OffsetDateTime>,
    accepted: i64,
    pending_since: Option<OffsetDateTime>,
    duplicates: i64,
    split_from: Option<Id>,
    split_at: Option<i64>,
    retry_of: Option<Id>,
    forgotten_at: Option<OffsetDateTime>,
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
        let split = match (row.split_from, row.split_at) {
            (Some(from), Some(at)) => Some(JournalSplit {
                from: JournalId::from_uuid(from.0),
                at: number("split_at", at)?,
            }),
            _ => None,
        };
        Ok(Self {
            id: JournalId::from_uuid(row.id.0),
            owner: row.owner.map(|owner| JournalOwner::from_uuid(owner.0)),
            node: row.node.unwrap_or_default(),
            process: row.process,
            began: number("began", row.began)?,
            committed: number("committed", row.committed)?,
            accepted: number("accepted", row.accepted)?,
            pending_since: row.pending_since.map(micros),
            noted_at: row.noted_at.map(micros),
            stored: number("stored", row.stored)?,
            duplicates: number("duplicates", row.duplicates)?,
            dropped: Dropped {
                link_deleted: number("dropped_link_deleted", row.dropped_link_deleted)?,
                rejected: number("dropped_rejected", row.dropped_rejected)?,
                unreadable: number("dropped_unreadable", row.dropped_unreadable)?,
                lost: number("dropped_lost", row.dropped_lost)?,
            },
            split,
            retry_of: row.retry_of.map(|id| JournalId::from_uuid(id.0)),
            forgotten_at: row.forgotten_at.map(micros),
            registered_at: micros(row.registered_at),
            updated_at: micros(row.updated_at),
        })
    }
}

fn number(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(StoreError::internal)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = click_journal_owners)]
struct OwnershipRow {
    journal_id: Id,
    owner: Id,
    predecessor: Option<Id>,
    began: i64,
    ended: i64,
    node: String,
    taken_at: OffsetDateTime,
}

impl TryFrom<OwnershipRow> for Ownership {
    type Error = StoreError;

    fn try_from(row: OwnershipRow) -> Result<Self, StoreError> {
        let number = |column, value: i64| {
            u64::try_from(value).map_err(|_| StoreError::Corrupt {
                table: "click_journal_owners",
                column,
            })
        };
        Ok(Self {
            owner: JournalOwner::from_uuid(row.owner.0),
            predecessor: row
                .predecessor
                .map(|owner| JournalOwner::from_uuid(owner.0)),
            began: number("began", row.began)?,
            end: number("ended", row.ended)?,
            node: row.node,
            taken_at: micros(row.taken_at),
        })
    }
}

/// Runs in a transaction. The update of the owner decides: it waits for a batch that the former
/// owner is storing, and a later batch finds that the journal has another owner.
pub(super) async fn take(
    connection: &mut Connection,
    claim: &JournalClaim,
) -> Result<Claimed, WorkError> {
    let Some(found) = one(connection, claim.journal).await? else {
        insert(connection, claim).await?;
        let record = JournalRecord::registered(claim);
        note_take(connection, claim, None, claim.began).await?;
        return Ok(Claimed::Taken(record));
    };
    if found.owner == Some(claim.owner) {
        return Ok(Claimed::Taken(found));
    }
    if !found.yields_to(claim) {
        let branch = claim.branch(&found, &owners(connection, claim.journal).await?);
        let record = found;
        return Ok(Claimed::Refused { record, branch });
    }
    let row = click_journals::table.find(Id(*claim.journal.as_uuid()));
    let change = (
        click_journals::owner.eq(Id(*claim.owner.as_uuid())),
        click_journals::node.eq(&claim.node),
        click_journals::process.eq(&claim.process),
        click_journals::forgotten_at.eq(None::<OffsetDateTime>),
    );
    let changed = if let Some(before) = found.owner {
        let row = row.filter(click_journals::owner.eq(Id(*before.as_uuid())));
        diesel::update(row).set(change).execute(connection).await?
    } else {
        let row = row.filter(click_journals::owner.is_null());
        diesel::update(row).set(change).execute(connection).await?
    };
    if changed == 0 {
        return Err(contention("another process took the journal").into());
    }
    let record = one(connection, claim.journal)
        .await?
        .ok_or(StoreError::NotFound)?;
    if record.committed > found.committed {
        // The former owner has settled more meanwhile: check again whether the journal yields.
        let before = JournalRecord {
            owner: found.owner,
            ..record.clone()
        };
        if !before.yields_to(claim) {
            return Err(contention("the former owner went on").into());
        }
    }
    note_take(connection, claim, found.owner, record.committed).await?;
    Ok(Claimed::Taken(record))
}

async fn insert(connection: &mut Connection, claim: &JournalClaim) -> Result<(), WorkError> {
    let began = number(claim.began)?;
    let row = JournalRow {
        id: Id(*claim.journal.as_uuid()),
        began,
        committed: began,
        stored: 0,
        dropped_link_deleted: 0,
        dropped_rejected: 0,
        dropped_unreadable: 0,
        dropped_lost: 0,
        registered_at: micros(claim.at),
        updated_at: micros(claim.at),
        owner: Some(Id(*claim.owner.as_uuid())),
        node: Some(claim.node.clone()),
        process: Some(claim.process.clone()),
        noted_at: None,
        accepted: 0,
        pending_since: None,
        duplicates: 0,
        split_from: claim.split.map(|split| Id(*split.from.as_uuid())),
        split_at: claim.split.map(|split| number(split.at)).transpose()?,
        retry_of: claim.retry_of.map(|id| Id(*id.as_uuid())),
        forgotten_at: None,
    };
    let inserted = diesel::insert_into(click_journals::table)
        .values(row)
        .execute(connection)
        .await;
    inserted.map_err(first_come)?;
    Ok(())
}

/// Makes a transaction run again if another one came first.
fn first_come(error: DieselError) -> DieselError {
    if is_conflict(&error) {
        contention("another process registered the journal")
    } else {
        error
    }
}

/// Records that a process took a journal from another one.
async fn note_take(
    connection: &mut Connection,
    claim: &JournalClaim,
    owner: Option<JournalOwner>,
    committed: u64,
) -> Result<(), WorkError> {
    for take in claim.takes(owner, committed) {
        let row = OwnershipRow {
            journal_id: Id(*claim.journal.as_uuid()),
            owner: Id(*take.owner.as_uuid()),
            predecessor: take.predecessor.map(|owner| Id(*owner.as_uuid())),
            began: number(take.began)?,
            ended: number(take.end)?,
            node: take.node,
            taken_at: take.taken_at,
        };
        let inserted = diesel::insert_into(click_journal_owners::table)
            .values(row)
            .execute(connection)
            .await;
        inserted.map_err(first_come)?;
    }
    Ok(())
}

/// One statement that decides by itself.
pub(super) async fn note(
    connection: &mut Connection,
    note: &JournalNote,
) -> Result<bool, WorkError> {
    use click_journals as journal;
    let own = journal::table
        .find(Id(*note.journal.as_uuid()))
        .filter(journal::owner.eq(Id(*note.owner.as_uuid())));
    let noted = (
        journal::accepted.eq(number(note.accepted)?),
        journal::pending_since.eq(note.pending_since.map(micros)),
        journal::noted_at.eq(micros(note.at)),
        journal::forgotten_at.eq(None::<OffsetDateTime>),
    );
    let changed = if note.ends {
        let ended = (noted, journal::process.eq(None::<String>));
        diesel::update(own).set(ended).execute(connection).await?
    } else {
        diesel::update(own).set(noted).execute(connection).await?
    };
    // MySQL does not count rows that were the same before.
    Ok(changed > 0 || is_owner(connection, note.journal, note.owner).await?)
}

/// Returns whether a process owns a journal.
pub(crate) async fn is_owner(
    connection: &mut Connection,
    journal: JournalId,
    owner: JournalOwner,
) -> Result<bool, WorkError> {
    let found = one(connection, journal).await?;
    Ok(found.is_some_and(|found| found.owner == Some(owner)))
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
        .filter(click_journals::forgotten_at.is_null())
        .order(click_journals::id)
        .select(JournalRow::as_select())
        .load(connection)
        .await?;
    let records: Result<Vec<JournalRecord>, StoreError> =
        rows.into_iter().map(JournalRecord::try_from).collect();
    Ok(records?)
}

/// One statement that decides by itself.
pub(super) async fn forget(
    connection: &mut Connection,
    seen: &JournalRecord,
    at: OffsetDateTime,
) -> Result<bool, WorkError> {
    use click_journals as journal;
    let row = journal::table
        .find(Id(*seen.id.as_uuid()))
        .filter(journal::committed.eq(number(seen.committed)?));
    let forgotten = journal::forgotten_at.eq(micros(at));
    let changed = if let Some(owner) = seen.owner {
        let row = row.filter(journal::owner.eq(Id(*owner.as_uuid())));
        let change = diesel::update(row).set(forgotten);
        change.execute(connection).await?
    } else {
        let row = row.filter(journal::owner.is_null());
        let change = diesel::update(row).set(forgotten);
        change.execute(connection).await?
    };
    Ok(changed > 0)
}

/// Returns the takes of a journal in order: owners that were drawn later have greater IDs, if the
/// clocks of their hosts agree.
pub(super) async fn owners(
    connection: &mut Connection,
    id: JournalId,
) -> Result<Vec<Ownership>, WorkError> {
    use click_journal_owners as takes;
    let rows: Vec<OwnershipRow> = takes::table
        .filter(takes::journal_id.eq(Id(*id.as_uuid())))
        .order((takes::taken_at, takes::owner))
        .select(OwnershipRow::as_select())
        .load(connection)
        .await?;
    let found: Result<Vec<Ownership>, StoreError> =
        rows.into_iter().map(Ownership::try_from).collect();
    Ok(found?)
}

pub(super) async fn stored_clicks(
    connection: &mut Connection,
    ids: &[ClickId],
) -> Result<Vec<ClickId>, WorkError> {
    let mut stored = Vec::new();
    for ids in ids.chunks(IDS_OF_A_STATEMENT) {
        let ids: Vec<Id> = ids.iter().map(|id| Id(*id.as_uuid())).collect();
        let found: Vec<Id> = link_clicks::table
            .filter(link_clicks::id.eq_any(&ids))
            .select(link_clicks::id)
            .load(connection)
            .await?;
        let without_record: Vec<Id> = click_ids::table
            .filter(click_ids::id.eq_any(&ids))
            .select(click_ids::id)
            .load(connection)
            .await?;
        let found = found.into_iter().chain(without_record);
        stored.extend(found.map(|id| ClickId::from_uuid(id.0)));
    }
    Ok(stored)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = accepted_losses)]
struct AcceptedLossRow {
    id: Id,
    journal_id: Id,
    clicks: i64,
    losses: i64,
    rejected: i64,
    retried: i64,
    reason: String,
    accepted_at: OffsetDateTime,
}

pub(super) async fn accept_loss(
    connection: &mut Connection,
    loss: &AcceptedLoss,
) -> Result<(), WorkError> {
    let row = AcceptedLossRow {
        id: Id(*loss.id.as_uuid()),
        journal_id: Id(*loss.journal.as_uuid()),
        clicks: number(loss.clicks)?,
        losses: number(loss.losses)?,
        rejected: number(loss.rejected)?,
        retried: number(loss.retried)?,
        reason: loss.reason.clone(),
        accepted_at: micros(loss.accepted_at),
    };
    diesel::insert_into(accepted_losses::table)
        .values(row)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn all_accepted_losses(
    connection: &mut Connection,
) -> Result<Vec<AcceptedLoss>, WorkError> {
    let rows: Vec<AcceptedLossRow> = accepted_losses::table
        .order(accepted_losses::id)
        .select(AcceptedLossRow::as_select())
        .load(connection)
        .await?;
    let number = |column, value: i64| {
        u64::try_from(value).map_err(|_| StoreError::Corrupt {
            table: "accepted_losses",
            column,
        })
    };
    let loss = |row: AcceptedLossRow| {
        Ok(AcceptedLoss {
            id: AcceptedLossId::from_uuid(row.id.0),
            journal: JournalId::from_uuid(row.journal_id.0),
            clicks: number("clicks", row.clicks)?,
            losses: number("losses", row.losses)?,
            rejected: number("rejected", row.rejected)?,
            retried: number("retried", row.retried)?,
            reason: row.reason,
            accepted_at: micros(row.accepted_at),
        })
    };
    let losses: Result<Vec<AcceptedLoss>, StoreError> = rows.into_iter().map(loss).collect();
    Ok(losses?)
}
