//! Budgets that refill over time: the generic cell rate algorithm (GCRA) of ATM networks. Each
//! budget is stored as the time at which it is full again.
//!
//! A charge can be refunded, which libraries for this do not offer: a successful attempt to sign in
//! costs nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use time::{Duration, OffsetDateTime};

/// Number of new entries after which those with a full budget are removed.
const SWEEP_AFTER: usize = 1_000;

/// The size of a budget and its rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Amount in a full budget.
    pub(crate) burst: i32,
    /// Time until 1 is refilled.
    pub(crate) every: Duration,
}

/// What is left of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remaining {
    /// Remaining amount.
    pub(crate) remaining: i32,
    /// Time until the budget is full again.
    pub(crate) full_in: Duration,
}

/// The times at which budgets are full again; a missing one is full.
pub(crate) struct Budgets<K> {
    full_at: HashMap<K, OffsetDateTime>,
    sweep_at: usize,
}

impl<K> Default for Budgets<K> {
    fn default() -> Self {
        Self {
            full_at: HashMap::new(),
            sweep_at: SWEEP_AFTER,
        }
    }
}

impl<K: Hash + Eq> Budgets<K> {
    /// Takes an amount from a budget, or nothing if less is left.
    ///
    /// # Errors
    /// The time until enough is left.
    pub(crate) fn take(
        &mut self,
        key: K,
        budget: Budget,
        amount: i32,
        now: OffsetDateTime,
    ) -> Result<Remaining, Duration> {
        let full_at = self.full_at(&key, budget, now) + budget.every * amount;
        let wait = full_at - now - budget.every * budget.burst;
        if wait.is_positive() {
            return Err(wait);
        }
        self.full_at.insert(key, full_at);
        if self.full_at.len() >= self.sweep_at {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.sweep_at = self.full_at.len().saturating_add(SWEEP_AFTER);
        }
        Ok(Remaining::of(budget, full_at - now))
    }

    /// Returns what is left of a budget.
    pub(crate) fn left(&self, key: &K, budget: Budget, now: OffsetDateTime) -> Remaining {
        Remaining::of(budget, self.full_at(key, budget, now) - now)
    }

    /// Refunds 1 to a budget.
    pub(crate) fn give_back(&mut self, key: &K, budget: Budget) {
        if let Some(full_at) = self.full_at.get_mut(key) {
            *full_at -= budget.every;
        }
    }

    /// Returns when a budget is full again. One that would take more than twice as long to refill
    /// as an empty budget counts as full, because the clock was set back.
    fn full_at(&self, key: &K, budget: Budget, now: OffsetDateTime) -> OffsetDateTime {
        let longest = budget.every * budget.burst * 2;
        let full_at = self.full_at.get(key).copied();
        let full_at = full_at.filter(|full_at| *full_at - now <= longest);
        full_at.map_or(now, |full_at| full_at.max(now))
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.full_at.len()
    }
}

impl Remaining {
    fn of(budget: Budget, full_in: Duration) -> Self {
        let every = budget.every.whole_nanoseconds().max(1);
        let spent = full_in.whole_nanoseconds();
        let spent = spent / every + i128::from(spent % every > 0);
        let remaining = i128::from(budget.burst).saturating_sub(spent).max(0);
        Self {
            remaining: i32::try_from(remaining).unwrap_or(i32::MAX),
            full_in,
        }
    }
}

/// Rounds a time up to whole seconds.
pub(crate) fn seconds(wait: Duration) -> i64 {
    let begun = i64::from(wait.subsec_nanoseconds() > 0);
    wait.whole_seconds().saturating_add(begun)
}

/// Returns the IPv4 address, or the /64 network of an IPv6 address: a client usually has all 2^64
/// addresses of it.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(network.into())
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
    const BUDGET: Budget = Budget {
        burst: 3,
        every: Duration::seconds(10),
    };

    #[test]
    fn a_budget_is_spent_and_fills_up_again() {
        let mut spent = Budgets::default();
        let mut take = |amount, after: i64| {
            let now = START + Duration::seconds(after);
            spent
                .take("a", BUDGET, amount, now)
                .map(|left| left.remaining)
        };
        assert_eq!(take(1, 0), Ok(2));
        assert_eq!(take(2, 0), Ok(0));
        assert_eq!(take(1, 0), Err(Duration::seconds(10)));
        assert_eq!(take(1, 9), Err(Duration::SECOND));
        assert_eq!(take(1, 10), Ok(0));
        assert_eq!(take(3, 10), Err(Duration::seconds(30)));
        assert_eq!(take(3, 40), Ok(0));
        assert_eq!(take(4, 1_000), Err(Duration::seconds(10)));
        assert_eq!(take(3, 1_000), Ok(0));
    }

    #[test]
    fn after_a_clock_was_set_back_by_days_nobody_waits_for_it() {
        let mut spent = Budgets::default();
        let mut take = |at| {
            let taken = spent.take("a", BUDGET, 3, at);
            taken.map(|left| left.remaining)
        };
        assert_eq!(take(START + Duration::days(400)), Ok(0));
        assert_eq!(take(START), Ok(0));
        // A clock that was set back a little does not refill a budget.
        let earlier = START - Duration::SECOND;
        assert_eq!(take(earlier), Err(Duration::seconds(31)));
    }

    #[test]
    fn budgets_that_are_full_again_take_no_memory() {
        let mut spent = Budgets::default();
        for number in 0..1_000_000_i64 {
            let now = START + Duration::milliseconds(number);
            spent.take(number, BUDGET, 1, now).unwrap();
        }
        // The entries of the last ten seconds, and those that were not removed yet.
        assert!(spent.len() <= 10_000 + 2 * SWEEP_AFTER, "{}", spent.len());
    }
}
