//! Identifiers: UUIDv7 (RFC 9562 §5.7). The application generates them from the clock and the
//! random source, because not every database can return generated values. They begin with the time
//! in milliseconds, so that new rows are close together in an index.

use std::fmt;

use time::OffsetDateTime;
use uuid::{Builder, Uuid};

use crate::Random;

fn v7(at: OffsetDateTime, random: &dyn Random) -> Uuid {
    let mut tail = [0; 10];
    random.fill(&mut tail);
    Builder::from_unix_timestamp_millis(unix_millis(at), &tail).into_uuid()
}

/// Returns the milliseconds since 1970, or 0 for earlier times.
fn unix_millis(at: OffsetDateTime) -> u64 {
    u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
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
                Self(v7(at, random))
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
    /// sorted by time, to the millisecond.
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
    use time::{Duration, macros::datetime};

    use super::*;
    use crate::SeededRandom;

    #[test]
    fn the_order_of_ids_is_the_order_of_time() {
        let random = SeededRandom::new(1);
        let at = datetime!(2026-03-01 12:00:00.123_456 UTC);
        let earlier = ClickId::new(at - Duration::milliseconds(1), &random);
        let now = ClickId::new(at, &random);
        assert!(earlier < ClickId::floor(at));
        assert!(ClickId::floor(at) <= now);
        assert!(now < ClickId::floor(at + Duration::milliseconds(1)));
    }
}
