//! Functions for tests of other crates: appending clicks without a visit, and running an ingester
//! step by step.

use std::sync::Arc;

use time::OffsetDateTime;
use waypost_core::{ClickId, LinkId};

use crate::journal::ClickRecord;
use crate::{Ingester, Journal};

/// Appends a click with only its link and time. Returns whether the journal accepted it, in which
/// case a redirect would be sent.
#[must_use]
pub fn append(journal: &Arc<Journal>, id: ClickId, link_id: LinkId, at: OffsetDateTime) -> bool {
    let appending = journal.append(&ClickRecord {
        id,
        link_id,
        clicked_at: at,
        day: at.date(),
        ip_hash: None,
        session: None,
        country: None,
        class: None,
        user_agent: b"",
        referrer: b"",
    });
    appending.write_now().is_ok()
}

/// Settles one batch, or waits for records.
pub async fn step(ingester: &mut Ingester) {
    ingester.step().await;
}

/// Returns the position of the first record that is not settled, and the position after the last
/// record.
#[must_use]
pub fn positions(journal: &Journal) -> (u64, u64) {
    (journal.settled(), journal.end())
}
