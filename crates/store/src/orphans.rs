//! The port for orphans: paths that people try and that lead nowhere, as sums by day and path.

use async_trait::async_trait;
use time::{Date, OffsetDateTime};
use waypost_core::{OrphanCursor, OrphanPath};

use crate::StoreError;

/// Keeps orphans: a row for each path and day. Nothing says who tried a path.
#[async_trait]
pub trait OrphanStore: Send + Sync {
    /// Adds tries, of which no two have the same path and day, to those that are there. On each day, at most
    /// `paths_per_day` paths are kept: when there are so many, only those that are among them are counted.
    /// Which ones of several new paths come first is not said.
    ///
    /// A path that is deleted keeps its place among those of its day.
    ///
    /// # Errors
    /// [`StoreError`] as any change. When it is [`StoreError::Unavailable`], the tries may have been added.
    async fn add_orphans(
        &self,
        tries: &[OrphanTries],
        paths_per_day: u32,
    ) -> Result<OrphansAdded, StoreError>;

    /// The paths that were tried, those with most hits first, and among those with as many by their text.
    ///
    /// A path that leads somewhere now is left out: when it is a code of a link that is not deleted, or when its
    /// first segment is. (That a code of several segments stands before it is not looked for.)
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn orphans(&self, query: &OrphanQuery) -> Result<Vec<Orphan>, StoreError>;

    /// Deletes at most `limit` rows of days before `before`, and tells how many.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn purge_orphans(&self, before: Date, limit: u32) -> Result<u64, StoreError>;

    /// Forgets a path on all days. `false` when it was not there.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn delete_orphan(&self, path: &OrphanPath) -> Result<bool, StoreError>;
}

/// How often a path was tried on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanTries {
    /// The day, in the time zone of days.
    pub day: Date,
    /// What was tried.
    pub path: OrphanPath,
    /// How often; at least once.
    pub hits: u64,
    /// When for the first time, UTC, to the microsecond.
    pub first_at: OffsetDateTime,
    /// When for the last time.
    pub last_at: OffsetDateTime,
}

/// What became of tries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OrphansAdded {
    /// Hits that were added.
    pub added: u64,
    /// Hits on paths for which there was no room on their day.
    pub left_out: u64,
}

/// Which orphans to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanQuery {
    /// The first day.
    pub from: Date,
    /// The last day, itself included.
    pub to: Date,
    /// Only what comes behind this one. Hits that are added meanwhile move a path in the list.
    pub after: Option<OrphanCursor>,
    /// How many at the most.
    pub limit: u32,
}

/// A path that was tried, over some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// What was tried.
    pub path: OrphanPath,
    /// How often.
    pub hits: u64,
    /// On how many days.
    pub days: u32,
    /// When for the first time on these days, UTC, to the microsecond.
    pub first_at: OffsetDateTime,
    /// When for the last time.
    pub last_at: OffsetDateTime,
}

impl Orphan {
    /// Where a list goes on behind it.
    #[must_use]
    pub fn cursor(&self) -> OrphanCursor {
        OrphanCursor {
            hits: self.hits,
            path: self.path.clone(),
        }
    }
}
