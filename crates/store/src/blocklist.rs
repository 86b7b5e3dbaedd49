//! The port for blocked hosts.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{HostPattern, Title, UserId};

use crate::StoreError;

/// Keeps the blocklist. Each change adds an entry to the change feed, in the same transaction, that
/// marks all links as possibly changed.
#[async_trait]
pub trait BlocklistStore: Send + Sync {
    /// Adds an entry to the blocklist.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the pattern is already on it; [`StoreError::NotFound`] when
    /// the user does not exist.
    async fn block_host(&self, host: &BlockedHost) -> Result<(), StoreError>;

    /// Removes a pattern from the blocklist. Returns `false` when it was not on it.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn unblock_host(&self, pattern: &HostPattern) -> Result<bool, StoreError>;

    /// Returns at most `limit` entries after `after` (`None`: from the first one), in the order of
    /// their patterns.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn blocked_hosts(
        &self,
        after: Option<&HostPattern>,
        limit: u32,
    ) -> Result<Vec<BlockedHost>, StoreError>;

    /// Returns the first entry that matches a host, given as by
    /// [`TargetUrl::host`](waypost_core::TargetUrl::host).
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn blocking(&self, host: &str) -> Result<Option<BlockedHost>, StoreError>;
}

/// An entry of the blocklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedHost {
    /// The blocked hosts, or the blocked network.
    pub pattern: HostPattern,
    /// The reason, for people; may be empty.
    pub reason: Title,
    /// The user who added it; `None` for the operator and for users who are deleted.
    pub created_by: Option<UserId>,
    /// When it was added, UTC, to the microsecond.
    pub created_at: OffsetDateTime,
}
