//! The port for the hosts to which no link leads.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{HostPattern, Title, UserId};

use crate::StoreError;

/// Keeps the blocklist. Each change of it tells the change feed, in its own transaction, that everything may have
/// changed.
#[async_trait]
pub trait BlocklistStore: Send + Sync {
    /// Adds to the blocklist.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the pattern is there already; [`StoreError::NotFound`] when there is no such
    /// user.
    async fn block_host(&self, host: &BlockedHost) -> Result<(), StoreError>;

    /// Takes a pattern from the blocklist. `false` when it was not there.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn unblock_host(&self, pattern: &HostPattern) -> Result<bool, StoreError>;

    /// At most `limit` entries behind `after` (from the first on without one), in the order of their patterns.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn blocked_hosts(
        &self,
        after: Option<&HostPattern>,
        limit: u32,
    ) -> Result<Vec<BlockedHost>, StoreError>;

    /// The first entry that matches a host, as [`TargetUrl::host`](waypost_core::TargetUrl::host) gives it.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn blocking(&self, host: &str) -> Result<Option<BlockedHost>, StoreError>;
}

/// An entry of the blocklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedHost {
    /// Which hosts.
    pub pattern: HostPattern,
    /// Why, for people; may be empty.
    pub reason: Title,
    /// Who added it; `None` for the operator and for users who are deleted.
    pub created_by: Option<UserId>,
    /// When, UTC, to the microsecond.
    pub created_at: OffsetDateTime,
}
