//! The times at which requests are due.

use std::time::{Duration, Instant};

/// Requests at a fixed rate come in ticks of this length: a timer for each would cost more than the
/// request.
const TICK: Duration = Duration::from_micros(250);

/// Decides when the next request is due.
#[derive(Debug)]
pub(super) enum Pace {
    /// As soon as a connection is free.
    Closed,
    /// At a fixed rate, whether or not the responses keep up.
    Open(Schedule),
}

/// A fixed rate.
#[derive(Debug)]
pub(super) struct Schedule {
    begin: Instant,
    per_tick: f64,
    sent: u64,
}

impl Pace {
    pub(super) fn new(rate: Option<f64>, begin: Instant) -> Self {
        match rate {
            None => Self::Closed,
            Some(rate) => Self::Open(Schedule {
                begin,
                per_tick: rate * TICK.as_secs_f64(),
                sent: 0,
            }),
        }
    }

    /// Takes the next due request; returns when it was due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Instant> {
        match self {
            Self::Closed => Some(now),
            Self::Open(schedule) => {
                let at = schedule.at(schedule.sent);
                (at <= now).then(|| {
                    schedule.sent += 1;
                    at
                })
            }
        }
    }

    /// Returns when to check again, if nothing else happens.
    pub(super) fn next(&self) -> Option<Instant> {
        match self {
            Self::Closed => None,
            Self::Open(schedule) => Some(schedule.at(schedule.sent)),
        }
    }
}

impl Schedule {
    /// Returns the tick in which a request is due.
    fn at(&self, request: u64) -> Instant {
        let tick = ((request + 1) as f64 / self.per_tick).ceil();
        self.begin + TICK.mul_f64(tick)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Pace;

    #[test]
    fn a_fixed_rate_is_kept_however_long_it_was_not_looked_at() {
        let begin = Instant::now();
        let mut pace = Pace::new(Some(6_000.0), begin);
        assert_eq!(pace.take(begin), None);
        let later = begin + Duration::from_millis(100);
        let due: Vec<_> = std::iter::from_fn(|| pace.take(later)).collect();
        assert_eq!(due.len(), 600);
        assert!(due.is_sorted());
        // One and a half per tick: the first is due in the first tick, the second in the next.
        let ticks = |at: Instant| (at - begin).as_micros() / 250;
        assert_eq!([ticks(due[0]), ticks(due[1]), ticks(due[2])], [1, 2, 2]);
        assert!(pace.next().is_some_and(|next| next > later));
    }

    #[test]
    fn without_a_rate_a_request_is_always_due() {
        let now = Instant::now();
        let mut pace = Pace::new(None, now);
        assert_eq!(pace.take(now), Some(now));
        assert_eq!(pace.next(), None);
    }
}
