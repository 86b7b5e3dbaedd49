//! Forgetting finished journals, of servers that are gone or have a new data directory.

use time::OffsetDateTime;
use waypost_core::JournalId;
use waypost_store::{JournalRecord, Store, StoreError};

use super::journals::{JournalLedger, accounts};

/// Forgets journals that are settled, have no problem and were last seen before `before`. `own` is
/// the journal of this process, which is kept. A retry of a journal is forgotten after that
/// journal. Returns the number of forgotten journals.
///
/// # Errors
/// [`StoreError`]. Some journals may already be forgotten then.
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
