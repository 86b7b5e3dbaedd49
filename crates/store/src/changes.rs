//! The port for the change feed of links, from which every process learns which cached links are out
//! of date, whoever changed them.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::ShortCode;

use crate::StoreError;

/// Keeps the change feed: [`LinkStore`](crate::LinkStore) adds to it in the transaction of each
/// change.
#[async_trait]
pub trait ChangeStore: Send + Sync {
    /// At most `limit` changes behind number `seq` (all that are kept for 0), by ascending number.
    ///
    /// A number is drawn shortly before its transaction commits. Transactions that overlap may
    /// commit in another order than that of their numbers, and one that is undone leaves its number
    /// unused: a gap may be filled later or never. A reader that must not miss a change asks again
    /// for the numbers of the last minute.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn changes_after(&self, seq: u64, limit: u32) -> Result<Vec<LinkChange>, StoreError>;

    /// The number of the newest change; 0 when there never was one. It never becomes smaller.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn last_change(&self) -> Result<u64, StoreError>;

    /// Deletes at most `limit` changes older than `before`, those with the smallest numbers first,
    /// and gives back their number. The newest change stays however old it is: numbers go on from it.
    ///
    /// The age of a change is told by the clock of the database, to the second at least. It serves
    /// nothing else.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn purge_changes(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError>;
}

/// Something about the link of a code changed: it was made, changed or deleted. Or everything may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkChange {
    /// The number of the change, from 1.
    pub seq: u64,
    /// The code, spelled in its normal form; `None` where everything may have changed.
    pub code: Option<ShortCode>,
}
