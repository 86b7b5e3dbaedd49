//! Forgetting finished journals: those of servers that are gone, or that were given a new data directory.

use time::OffsetDateTime;
use waypost_core::JournalId;
use waypost_store::{JournalRecord, Store, StoreError};

use super::journals::{JournalLedger, accounts};

/// Forgets the journals that are settled, without a problem, and of which nothing was heard since `before`; `own` is
/// that of this process. A journal of clicks that were tried again goes after the one that had refused
/// them. Returns how many.
///
/// # Errors
/// [`StoreError`]; some may be forgotten by then.
pub(crate) async fn forget_settled(
    store: &dyn Store,
    own: JournalId,
    before: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<u64, StoreError> {
    let records = store.journals().await?;
    let known: Vec<JournalId> = records.iter().map(|record| record.id).collect();
    let is_old = |record: &JournalRecord| record.seen_at() < before && record.id != own;
    if !records.iter().any(is_old) {
        return Ok(0);
    }
    let mut forgotten = 0_u64;
    for ledger in accounts(store, records, None).await? {
        let JournalLedger {
            settled: Some(record),
            pending: Some(0),
            problems,
            ..
        } = ledger
        else {
            continue;
        };
        let is_needed = record.retry_of.is_some_and(|of| known.contains(&of));
        if is_old(&record)
            && !is_needed
            && problems.is_empty()
            && store.forget_journal(&record, now).await?
        {
            forgotten = forgotten.saturating_add(1);
        }
    }
    Ok(forgotten)
}
