//! The port for orphan paths, which people request and no link matches, as totals by day and path.

use async_trait::async_trait;
use time::{Date, OffsetDateTime};
use waypost_core::{OrphanCursor, OrphanPath};

use crate::StoreError;

/// Keeps orphan paths: a row for each path and day. Nothing is stored about the visitors.
#[async_trait]
pub trait OrphanStore: Send + Sync {
    /// Adds requests to the stored ones. No two of them have the same path and day. On each day, at
    /// most `paths_per_day` paths are kept: once there are that many, only requests for those are
    /// counted. Which of several new paths come first is not specified.
    ///
    /// A deleted path keeps its place among those of its day.
    ///
    /// # Errors
    /// [`StoreError`] as for any write. After [`StoreError::Unavailable`] the requests may have
    /// been added.
    async fn add_orphans(
        &self,
        tries: &[OrphanTries],
        paths_per_day: u32,
    ) -> Result<OrphansAdded, StoreError>;

    /// Returns the requested paths, those with most hits first, and those with equal hits in the
    /// order of their text.
    ///
    /// Leaves out a path that matches a link now: the path, or its first segment, is a code of a
    /// link that is not deleted. (A code of several segments at its beginning is not looked for.)
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn orphans(&self, query: &OrphanQuery) -> Result<Vec<Orphan>, StoreError>;

    /// Deletes at most `limit` rows of days before `before`, and returns their number.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn purge_orphans(&self, before: Date, limit: u32) -> Result<u64, StoreError>;

    /// Deletes a path on all days. Returns `false` when it was not there.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn delete_orphan(&self, path: &OrphanPath) -> Result<bool, StoreError>;
}

/// How often a path was requested on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanTries {
    /// The day, in the time zone of days.
    pub day: Date,
    /// The path.
    pub path: OrphanPath,
    /// The number of requests; at least 1.
    pub hits: u64,
    /// The time of the first request, UTC, to the microsecond.
    pub first_at: OffsetDateTime,
    /// The time of the last request.
    pub last_at: OffsetDateTime,
}

/// The result of adding requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OrphansAdded {
    /// Hits that were added.
    pub added: u64,
    /// Hits on paths for which there was no room on their day.
    pub left_out: u64,
}

/// Which orphan paths to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanQuery {
    /// The first day.
    pub from: Date,
    /// The last day, inclusive.
    pub to: Date,
    /// Only paths after this one. Hits that are added meanwhile may move a path in the list.
    pub after: Option<OrphanCursor>,
    /// Maximum number of paths.
    pub limit: u32,
}

/// A requested path, over some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The path.
    pub path: OrphanPath,
    /// The number of requests.
    pub hits: u64,
    /// The number of days with requests.
    pub days: u32,
    /// The time of the first request on these days, UTC, to the microsecond.
    pub first_at: OffsetDateTime,
    /// The time of the last request.
    pub last_at: OffsetDateTime,
}

impl Orphan {
    /// Returns the cursor of the list after this path.
    #[must_use]
    pub fn cursor(&self) -> OrphanCursor {
        OrphanCursor {
            hits: self.hits,
            path: self.path.clone(),
        }
    }
}
