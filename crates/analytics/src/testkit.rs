//! What tests outside of this crate need: clicks that are appended without a visit, and an ingester that is moved
//! by hand.

use std::sync::Arc;

use time::OffsetDateTime;
use waypost_core::{ClickId, LinkId};

use crate::journal::ClickRecord;
use crate::signals::Signals;
use crate::{Ingester, Journal};

/// Appends a click of which nothing is known but what link was followed and when. Returns whether the journal has
/// it: then a 302 leaves.
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
        signals: Signals::default(),
        user_agent: b"",
        referrer: b"",
    });
    appending.write_now().is_ok()
}

/// Settles one batch, or waits for something to settle.
pub async fn step(ingester: &mut Ingester) {
    ingester.step().await;
}

/// The position of the first record that is not settled, and the one behind the last record.
#[must_use]
pub fn positions(journal: &Journal) -> (u64, u64) {
    (journal.settled(), journal.end())
}
