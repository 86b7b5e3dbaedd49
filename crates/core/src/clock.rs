//! The clock, a parameter of all code that depends on time.

use std::sync::Mutex;

use time::{Duration, OffsetDateTime};

/// A source of the current time. Waypost stores times in UTC, to the microsecond, as its databases
/// do.
pub trait Clock: Send + Sync {
    /// Returns the current time in UTC, cut to microseconds.
    fn now(&self) -> OffsetDateTime;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        #[expect(
            clippy::disallowed_methods,
            reason = "the only place that reads the system clock"
        )]
        micros(OffsetDateTime::now_utc())
    }
}

/// A clock that only moves when it is told to, for tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<OffsetDateTime>);

impl ManualClock {
    /// Creates a clock that shows `at`.
    #[must_use]
    pub const fn new(at: OffsetDateTime) -> Self {
        Self(Mutex::new(at))
    }

    /// Moves the clock forwards, or backwards for a negative duration.
    pub fn advance(&self, by: Duration) {
        let mut now = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = now.saturating_add(by);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        micros(
            *self
                .0
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }
}

/// Returns the same time in UTC, cut to microseconds, as databases return it.
#[must_use]
pub fn micros(at: OffsetDateTime) -> OffsetDateTime {
    let at = at.to_offset(time::UtcOffset::UTC);
    at.replace_microsecond(at.microsecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn times_are_utc_microseconds() {
        let clock = ManualClock::new(datetime!(2026-01-01 05:30:00.123_456_789 +05:30));
        assert_eq!(clock.now(), datetime!(2026-01-01 00:00:00.123_456 UTC));
        clock.advance(Duration::seconds(1));
        assert_eq!(clock.now(), datetime!(2026-01-01 00:00:01.123_456 UTC));
        assert_eq!(SystemClock.now().nanosecond() % 1_000, 0);
    }
}
