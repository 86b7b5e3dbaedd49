//! The port for clicks: the events, the totals and the daily rollup, which always agree.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{Click, LinkId, ShortCode};

use crate::StoreError;

/// Keeps clicks. For every link, at rest: its total = the sum of its daily rollup = the number of
/// click rows ever stored (those that were purged included).
#[async_trait]
pub trait ClickStore: Send + Sync {
    /// Stores the clicks and adds them to the totals and the rollup of their days, all of it in one
    /// transaction. Clicks on links that do not exist (any more) are left out and reported.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a click with one of the ids is stored already, or two of the
    /// batch have the same id, [`StoreError::Refused`] when the database refuses one of them, say because
    /// its user does not exist: then nothing of the batch is stored or counted. After [`StoreError::Unavailable`] the batch is stored
    /// either whole or not at all, and the caller cannot know which when the connection broke during
    /// the commit.
    async fn record_clicks(&self, clicks: &[Click]) -> Result<Recorded, StoreError>;

    /// How many click rows are within `scope`.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn clicks_before(&self, scope: PurgeScope) -> Result<u64, StoreError>;

    /// Whether there are at least `number` click rows. It takes as long as counting so many.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn has_clicks(&self, number: u64) -> Result<bool, StoreError>;

    /// Deletes at most `limit` click rows within `scope`, oldest first (to the millisecond: in the
    /// order of their ids), in one transaction, and gives back their number. Totals, rollups and all
    /// statistics that come from them stay. Several may purge at once: what one deletes, the others do
    /// not count.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn purge_clicks(&self, scope: PurgeScope, limit: u32) -> Result<u64, StoreError>;

    /// Counts again what is stored for at most `limit` links, in the order of their ids, behind the
    /// link `after`. Each entry is consistent in itself while clicks are being recorded.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn ledger(
        &self,
        after: Option<LinkId>,
        limit: u32,
    ) -> Result<Vec<LinkLedger>, StoreError>;
}

/// Which click rows are to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurgeScope {
    /// Those of before, to the microsecond: a click at `before` is not older than it.
    pub before: OffsetDateTime,
    /// Those of this link alone; `None` for those of all links.
    pub link: Option<LinkId>,
}

impl From<OffsetDateTime> for PurgeScope {
    /// Those of all links.
    fn from(before: OffsetDateTime) -> Self {
        Self { before, link: None }
    }
}

/// What became of a batch of clicks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Rows stored and counted.
    pub stored: u64,
    /// Clicks left out because their link does not exist.
    pub link_gone: u64,
}

/// The three ways in which the clicks of one link are kept, counted again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkLedger {
    /// The link.
    pub link_id: LinkId,
    /// Its code.
    pub code: ShortCode,
    /// Its total, as shown everywhere.
    pub total: u64,
    /// The sum of its daily rollup.
    pub rollup: u64,
    /// Its clicks of people, as shown everywhere.
    pub humans: u64,
    /// The sum of those of its daily rollup.
    pub rollup_humans: u64,
    /// Its click rows.
    pub rows: u64,
    /// How many of its clicks have no row any more, or never had one.
    pub purged: u64,
}

impl LinkLedger {
    /// Whether totals, rollup and rows agree.
    #[must_use]
    pub const fn agrees(&self) -> bool {
        self.total == self.rollup
            && self.humans == self.rollup_humans
            && self.total == self.rows.saturating_add(self.purged)
    }
}
