//! The port for leases: the right to do what one node at a time is to do.

use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::LeaseHolder;

use crate::StoreError;

/// Gives leases. A lease has at most one holder at a time, and runs out by itself: that of a process
/// that crashed is free soon after.
///
/// Times are those of the caller, which therefore goes by a [`DatabaseClock`](crate::DatabaseClock): the
/// clocks of all nodes must agree to much less than the length of a lease. What is done under a lease must
/// still be harmless when two do it: a holder may be delayed beyond the end of its lease at any point and
/// not know it.
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// Takes a lease until `until`, if it is free, ran out by `now`, or is the holder's own, and tells
    /// whether it did. Of many who ask at once, one gets it. What is the holder's own is renewed: it
    /// then ends at `until`, also where that is earlier.
    ///
    /// A lease that lasts more than twice as long from `now` as the caller asks for was taken by a clock
    /// that was wrong, and counts as one that ran out. It would last for as long as the clock was ahead.
    ///
    /// # Errors
    /// [`StoreError`] as any change. After [`StoreError::Unavailable`] it may be taken or not.
    async fn take_lease(
        &self,
        name: LeaseName,
        holder: LeaseHolder,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Gives a lease back before it runs out. Nothing happens where it is not the holder's.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn release_lease(&self, name: LeaseName, holder: LeaseHolder) -> Result<(), StoreError>;
}

/// From when on the end of a lease is too late to be believed, for somebody who asks for one at `now`.
#[must_use]
pub fn latest_lease_end(now: OffsetDateTime, until: OffsetDateTime) -> OffsetDateTime {
    until.saturating_add(until - now)
}

/// Says what a lease is for. Leases of different names have nothing to do with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseName(&'static str);

impl LeaseName {
    /// A name that a program knows: at most 64 characters of ASCII. A database refuses what is longer.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name for storing it.
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
