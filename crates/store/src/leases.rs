//! The port for leases: the right to do work that only one node at a time should do.

use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::LeaseHolder;

use crate::StoreError;

/// Grants leases. A lease has at most one holder at a time and expires by itself: the lease of a
/// process that crashed is free soon after.
///
/// Times are those of the caller, which therefore uses a [`DatabaseClock`](crate::DatabaseClock):
/// the clocks of all nodes must agree to much less than the length of a lease. Work under a lease
/// must still be harmless when two nodes do it: a holder may be delayed beyond the end of its lease
/// at any point without knowing it.
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// Takes a lease until `until` if it is free, expired by `now`, or already held by `holder`,
    /// and returns whether it did. If several ask at once, one gets it. A lease that the holder
    /// already has is renewed: it then ends at `until`, even if that is earlier.
    ///
    /// A lease that lasts, from `now`, more than twice as long as the caller asks for was taken by
    /// a wrong clock and counts as expired. Otherwise it would last for as long as that clock was
    /// ahead.
    ///
    /// # Errors
    /// [`StoreError`] as for any write. After [`StoreError::Unavailable`] it may be taken or not.
    async fn take_lease(
        &self,
        name: LeaseName,
        holder: LeaseHolder,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Releases a lease before it expires. Does nothing if `holder` does not have it.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn release_lease(&self, name: LeaseName, holder: LeaseHolder) -> Result<(), StoreError>;
}

/// Returns the latest believable end of a lease, for a caller that asks for one at `now`.
#[must_use]
pub fn latest_lease_end(now: OffsetDateTime, until: OffsetDateTime) -> OffsetDateTime {
    until.saturating_add(until - now)
}

/// The purpose of a lease. Leases of different names are independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseName(&'static str);

impl LeaseName {
    /// Creates a name that is a constant of a program: at most 64 ASCII characters. A database
    /// rejects longer ones.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// Returns the name as it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for LeaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
