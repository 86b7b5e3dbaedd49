//! Identifiers: UUIDv7 (RFC 9562 §5.7). The application generates them from the clock and the
//! random source, because not every database can return generated values. They begin with the time,
//! so that new rows are close together in an index: 48 bits of milliseconds, and in the 12 bits
//! after the version the fraction of the millisecond (RFC 9562 §6.2, method 3). IDs of different
//! microseconds are in the order of their times. An [`IdSequence`] also orders those of one
//! microsecond.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use time::{Duration, OffsetDateTime};
use uuid::{Builder, Uuid};

use crate::Random;

/// Number of values of the fraction of a millisecond.
const FRACTIONS: u64 = 1 << 12;
const NANOS_OF_A_MILLISECOND: i128 = 1_000_000;

/// Returns the ID of a time in fractions since 1970; see [`fractions`].
fn v7(at: u64, random: &dyn Random) -> Uuid {
    let (millis, fraction) = (at / FRACTIONS, at % FRACTIONS);
    let mut tail = [0; 10];
    let (head, rest) = tail.split_at_mut(2);
    // It has 12 bits. The builder sets the version above them.
    head.copy_from_slice(&u16::try_from(fraction).unwrap_or(0).to_be_bytes());
    random.fill(rest);
    Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
}

/// Returns the milliseconds since 1970, or 0 for earlier times.
fn unix_millis(at: OffsetDateTime) -> u64 {
    u64::try_from(at.unix_timestamp_nanos() / NANOS_OF_A_MILLISECOND).unwrap_or(0)
}

/// Returns the time since 1970 in units of 1/4096 ms, or 0 for earlier times. Each microsecond has
/// a different one.
fn fractions(at: OffsetDateTime) -> u64 {
    let nanos = at.unix_timestamp_nanos();
    u64::try_from(nanos * i128::from(FRACTIONS) / NANOS_OF_A_MILLISECOND).unwrap_or(0)
}

/// Makes each ID of a process greater than the one before, whichever threads generate them: an
/// event that begins after the ID of another one was generated has the greater ID.
///
/// It takes one atomic operation for each ID. When events are closer together than the resolution
/// of the clock, or the clock is set back, the time of an ID is ahead of its event, at most by
/// [`IdSequence::MAX_AHEAD`]. After a clock was set back further, IDs follow the clock again.
/// Processes do not know the IDs of each other: their order is that of their clocks.
#[derive(Debug, Default)]
pub struct IdSequence(AtomicU64);

impl IdSequence {
    /// Maximum by which the time of an ID is ahead of its event.
    pub const MAX_AHEAD: Duration = Duration::seconds(10);
    /// The same in units of [`fractions`].
    const MAX_AHEAD_FRACTIONS: u64 = 10_000 * FRACTIONS;

    /// Creates a sequence without a last ID.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Returns the time of the next ID, in units of [`fractions`].
    fn next(&self, at: OffsetDateTime) -> u64 {
        let now = fractions(at);
        let after = |last: u64| {
            let follows = last >= now && last - now < Self::MAX_AHEAD_FRACTIONS;
            if follows { last + 1 } else { now }
        };
        // Nothing else depends on the order of memory: a later change sees the value of an earlier.
        let change = |last| Some(after(last));
        let last = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
        last.map_or(now, after)
    }
}

/// The interface of all identifiers.
pub trait Id: Copy {
    /// Creates an ID from its stored value.
    fn from_uuid(uuid: Uuid) -> Self;

    /// Returns the value for storing.
    fn as_uuid(&self) -> &Uuid;
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// Generates an ID for an event at `at`.
            pub fn new(at: OffsetDateTime, random: &dyn Random) -> Self {
                Self(v7(fractions(at), random))
            }

            /// Generates an ID for an event at `at`, greater than the others of the sequence.
            pub fn in_sequence(
                at: OffsetDateTime,
                sequence: &IdSequence,
                random: &dyn Random,
            ) -> Self {
                Self(v7(sequence.next(at), random))
            }

            /// Creates an ID from its stored value.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Returns the value for storing.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl Id for $name {
            fn from_uuid(uuid: Uuid) -> Self {
                Self::from_uuid(uuid)
            }

            fn as_uuid(&self) -> &Uuid {
                self.as_uuid()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// Identifies a link for as long as it exists, also when its code changes.
    LinkId
);
id!(
    /// Identifies an entry of the audit trail.
    AuditId
);
id!(
    /// Identifies a click. Its time part is the time of the click, so that clicks sorted by ID are
    /// sorted by time. Those of one process are generated in sequence: its clicks sorted by ID are
    /// in the order in which they were recorded.
    ClickId
);
id!(
    /// Identifies a user.
    UserId
);
id!(
    /// Identifies an API token.
    TokenId
);
id!(
    /// Identifies a session.
    SessionId
);
id!(
    /// Identifies the click journal of one data directory.
    JournalId
);
id!(
    /// Identifies a process for as long as it runs, as the owner of a click journal.
    JournalOwner
);
id!(
    /// Identifies a loss that an operator accepted.
    AcceptedLossId
);
id!(
    /// Identifies a process for as long as it runs, as the holder of leases.
    LeaseHolder
);

impl ClickId {
    /// Returns the smallest ID that a click at or after `at` can have, so that a range of times
    /// becomes a range of IDs.
    #[must_use]
    pub fn floor(at: OffsetDateTime) -> Self {
        let uuid = Builder::from_unix_timestamp_millis(unix_millis(at), &[0; 10]).into_uuid();
        Self(uuid)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use time::{Duration, macros::datetime};

    use super::*;
    use crate::SeededRandom;

    const AT: OffsetDateTime = datetime!(2026-03-01 12:00:00.123_456 UTC);

    #[test]
    fn the_order_of_ids_is_the_order_of_time() {
        let random = SeededRandom::new(1);
        let earlier = ClickId::new(AT - Duration::milliseconds(1), &random);
        let now = ClickId::new(AT, &random);
        assert!(earlier < ClickId::floor(AT));
        assert!(ClickId::floor(AT) <= now);
        assert!(now < ClickId::floor(AT + Duration::milliseconds(1)));
    }

    #[test]
    fn ids_of_different_microseconds_are_in_order_without_a_sequence() {
        let random = SeededRandom::new(1);
        let start = datetime!(2026-03-01 12:00:00.999 UTC);
        let ids: Vec<_> = (0..2_000)
            .map(|micros| AuditId::new(start + Duration::microseconds(micros), &random))
            .collect();
        assert!(ids.is_sorted());
        for id in &ids {
            assert_eq!(id.as_uuid().get_version_num(), 7);
            assert_eq!(id.as_uuid().get_variant(), uuid::Variant::RFC4122);
        }
    }

    #[test]
    fn ids_of_one_instant_are_in_the_order_of_their_generation() {
        let (random, sequence) = (SeededRandom::new(1), IdSequence::new());
        // More than a millisecond has room for: the time goes on instead.
        let ids: Vec<_> = (0..10_000)
            .map(|_| ClickId::in_sequence(AT, &sequence, &random))
            .collect();
        assert!(ids.is_sorted_by(|one, next| one < next));
        assert!(ids.iter().all(|id| id.as_uuid().get_version_num() == 7));
        let last = ids.last().unwrap();
        assert!(*last < ClickId::floor(AT + Duration::milliseconds(4)));
        // It catches up with the clock.
        let later = AT + Duration::seconds(1);
        let id = ClickId::in_sequence(later, &sequence, &random);
        assert!(ClickId::floor(later) <= id);
    }

    #[test]
    fn ids_go_on_after_a_clock_was_set_back_a_little_and_follow_it_after_more() {
        let (random, sequence) = (SeededRandom::new(1), IdSequence::new());
        let mut last = ClickId::in_sequence(AT, &sequence, &random);
        for back in [1, 900, 5_000, 9_999] {
            let at = AT - Duration::milliseconds(back);
            let next = ClickId::in_sequence(at, &sequence, &random);
            assert!(last < next, "{back} ms");
            assert!(next < ClickId::floor(at + IdSequence::MAX_AHEAD + Duration::milliseconds(1)));
            last = next;
        }
        let at = AT - Duration::hours(1);
        let next = ClickId::in_sequence(at, &sequence, &random);
        assert!(ClickId::floor(at) <= next);
        assert!(next < ClickId::floor(at + Duration::milliseconds(1)));
    }

    #[test]
    fn threads_that_take_turns_see_their_ids_in_order() {
        let (random, sequence) = (SeededRandom::new(1), IdSequence::new());
        let ids = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        let mut ids = ids.lock().unwrap();
                        ids.push(ClickId::in_sequence(AT, &sequence, &random));
                    }
                });
            }
        });
        let ids = ids.into_inner().unwrap();
        assert!(ids.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn threads_that_run_at_once_share_no_place_in_the_sequence() {
        let sequence = IdSequence::new();
        let places: Mutex<Vec<u64>> = Mutex::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let own: Vec<_> = (0..1_000).map(|_| sequence.next(AT)).collect();
                    assert!(own.is_sorted_by(|one, next| one < next));
                    places.lock().unwrap().extend(own);
                });
            }
        });
        let mut places = places.into_inner().unwrap();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 4_000);
    }

    #[test]
    fn times_before_1970_have_the_smallest_ids() {
        let (random, sequence) = (SeededRandom::new(1), IdSequence::new());
        let id = ClickId::in_sequence(datetime!(1969-01-01 0:00 UTC), &sequence, &random);
        assert!(id < ClickId::floor(datetime!(1970-01-01 0:00:00.001 UTC)));
    }
}
