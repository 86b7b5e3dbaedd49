//! The port for the change feed of links. It tells every process which of its cached links are out
//! of date, whichever process changed them.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::ShortCode;

use crate::StoreError;

/// Keeps the change feed. [`LinkStore`](crate::LinkStore) adds to it in the transaction of each
/// change.
#[async_trait]
pub trait ChangeStore: Send + Sync {
    /// Returns at most `limit` changes after number `seq` (0: all that are kept), in ascending
    /// order.
    ///
    /// A number is assigned shortly before its transaction commits. Overlapping transactions may
    /// commit in another order than that of their numbers, and one that is rolled back leaves its
    /// number unused: a gap may be filled later or never. A reader that must not miss a change
    /// reads the numbers of the last minute again.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn changes_after(&self, seq: u64, limit: u32) -> Result<Vec<LinkChange>, StoreError>;

    /// Returns the number of the newest change; 0 when there never was one. It never decreases.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn last_change(&self) -> Result<u64, StoreError>;

    /// Deletes at most `limit` changes older than `before`, lowest numbers first, and returns their
    /// number. The newest change is kept whatever its age, because numbering continues from it.
    ///
    /// The age of a change is measured by the clock of the database, to the second or better, and
    /// is used for nothing else.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn purge_changes(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError>;
}

/// A change of the link of a code: created, changed or deleted. Or a change that may affect all
/// links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkChange {
    /// The number of the change, from 1.
    pub seq: u64,
    /// The code in its normal form; `None` if all links may have changed.
    pub code: Option<ShortCode>,
}
