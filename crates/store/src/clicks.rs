//! The port for clicks: the click records, the totals and the daily rollup, which always agree.

use async_trait::async_trait;
use time::{Date, OffsetDateTime};
use waypost_core::{Click, LinkId, ShortCode};

use crate::StoreError;

/// Keeps clicks. At rest, for every link: its total = the sum of its daily rollup = the number of
/// its click records + the number of clicks without a record, purged ones included.
#[async_trait]
pub trait ClickStore: Send + Sync {
    /// Stores clicks and adds them to the totals and to the rollup of their days, in one
    /// transaction. Clicks on links that do not exist are left out and reported.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a click with one of the IDs is already stored, or two clicks
    /// of the batch have the same ID; [`StoreError::Refused`] when the database rejects a click,
    /// for example because its user does not exist. In both cases nothing of the batch is stored or
    /// counted. After [`StoreError::Unavailable`] the batch is stored either completely or not at
    /// all; the caller cannot know which if the connection broke during the commit.
    async fn record_clicks(&self, clicks: &[Click]) -> Result<Recorded, StoreError>;

    /// Counts the click records within `scope`.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn clicks_before(&self, scope: PurgeScope) -> Result<u64, StoreError>;

    /// Returns whether there are at least `number` click records. Takes as long as counting that
    /// many.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn has_clicks(&self, number: u64) -> Result<bool, StoreError>;

    /// Deletes at most `limit` click records within `scope`, oldest first (to the millisecond: in
    /// the order of their IDs), in one transaction, and returns their number. Totals, rollups and
    /// the statistics computed from them stay. Several purges may run at once: each record is
    /// counted by the purge that deletes it.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn purge_clicks(&self, scope: PurgeScope, limit: u32) -> Result<u64, StoreError>;

    /// Deletes the IDs of at most `limit` clicks that left no record ([`KeptRecords::UpTo`]) and are
    /// older than `before`, by the time in their IDs, oldest first, and returns their number. From
    /// then on [`stored_clicks`](crate::JournalStore::stored_clicks) does not know these clicks.
    /// Totals and rollups stay.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn purge_click_ids(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError>;

    /// Recounts what is stored for at most `limit` links after the link `after`, in the order of
    /// their IDs. Each entry is consistent in itself, even while clicks are being recorded.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn ledger(
        &self,
        after: Option<LinkId>,
        limit: u32,
    ) -> Result<Vec<LinkLedger>, StoreError>;
}

/// Which click records to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurgeScope {
    /// Those older than this, to the microsecond: a click at `before` is not older.
    pub before: OffsetDateTime,
    /// Those of this link only; `None` for those of all links.
    pub link: Option<LinkId>,
}

impl From<OffsetDateTime> for PurgeScope {
    /// Selects the click records of all links.
    fn from(before: OffsetDateTime) -> Self {
        Self { before, link: None }
    }
}

/// Which clicks leave records. All clicks count in totals and rollups; the ones without a record
/// count as if it had been purged at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptRecords {
    /// None. A click that is stored again is not recognised.
    None,
    /// Of each link and [`Click::day`], those of the first clicks, at most this many. The IDs of the
    /// others are kept, so that a click that is stored again is a conflict in either case.
    UpTo(u64),
    /// All.
    All,
}

impl KeptRecords {
    /// Returns how many of the next clicks of a link and day leave records: the first ones.
    /// `before` clicks of this day are stored already.
    #[must_use]
    pub fn among(self, before: u64, clicks: u64) -> u64 {
        match self {
            Self::None => 0,
            Self::UpTo(budget) => budget.saturating_sub(before).min(clicks),
            Self::All => clicks,
        }
    }

    /// Returns whether the first click of a link and day beyond the budget is one of the next.
    /// `before` clicks of this day are stored already.
    #[must_use]
    pub fn are_used_up(self, before: u64, clicks: u64) -> bool {
        match self {
            Self::UpTo(budget) => before <= budget && budget - before < clicks,
            Self::None | Self::All => false,
        }
    }
}

/// The result of recording a batch of clicks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Clicks stored and counted.
    pub stored: u64,
    /// Clicks left out because their link does not exist.
    pub link_gone: u64,
    /// How many of the stored clicks left no record because of [`KeptRecords::UpTo`].
    pub without_record: u64,
    /// Links and days whose first click beyond [`KeptRecords::UpTo`] is one of these clicks.
    pub used_up: Vec<(LinkId, Date)>,
}

/// The three counts of the clicks of one link, recounted.
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
    /// Its clicks by people, as shown everywhere.
    pub humans: u64,
    /// The sum of the clicks by people in its daily rollup.
    pub rollup_humans: u64,
    /// The number of its click records.
    pub rows: u64,
    /// Clicks whose record was purged or never stored.
    pub purged: u64,
}

impl LinkLedger {
    /// Returns whether totals, rollup and click records agree.
    #[must_use]
    pub const fn agrees(&self) -> bool {
        self.total == self.rollup
            && self.humans == self.rollup_humans
            && self.total == self.rows.saturating_add(self.purged)
    }
}
