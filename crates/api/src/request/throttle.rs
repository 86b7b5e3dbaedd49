//! Limits failed sign-ins, so that passwords cannot be guessed.
//!
//! Each account, existing or not, and each IP address has a budget that refills over time. An
//! attempt is charged to both before anything is looked up, so that parallel attempts get no more
//! than sequential ones. A successful attempt is refunded, so that signing in often is not limited.
//! An attempt that is rejected because the server is busy is refunded only to the account.
//!
//! Each node keeps its budgets in memory: with n nodes, an attacker has n budgets. Every attempt
//! costs the password-hashing thread tens of milliseconds, so that few entries have a budget that
//! is not full; entries with a full budget are removed.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use time::{Duration, OffsetDateTime};
use waypost_core::Email;

use crate::request::budget::{Budget, Budgets, network_of};

/// Attempts per account: 10, then 1 per minute.
const ACCOUNT: Budget = Budget {
    burst: 10,
    every: Duration::minutes(1),
};
/// Attempts per IP address, which many people may share: 30, then 10 per minute.
const ADDRESS: Budget = Budget {
    burst: 30,
    every: Duration::seconds(6),
};
/// Maximum length of the name of an account, in bytes; the rest is ignored.
const MAX_ACCOUNT: usize = 254;

/// Sign-ins with the provider per IP address, each of which sends requests to the provider: 120,
/// then 1 per second.
const AT_PROVIDER: Budget = Budget {
    burst: 120,
    every: Duration::SECOND,
};

/// The budgets of this process.
#[derive(Default)]
pub(crate) struct SignInThrottle {
    at_provider: Mutex<Budgets<IpAddr>>,
    accounts: Mutex<Budgets<Box<str>>>,
    addresses: Mutex<Budgets<IpAddr>>,
}

/// An attempt that was charged to budgets.
#[must_use = "a successful attempt must be refunded"]
pub(crate) struct Attempt {
    account: Box<str>,
    address: Option<IpAddr>,
}

impl SignInThrottle {
    /// Charges an attempt to an account, named by its email address as entered, and to an IP
    /// address.
    ///
    /// # Errors
    /// The time until the next attempt.
    pub(crate) fn begin(
        &self,
        account: &str,
        address: Option<IpAddr>,
        now: OffsetDateTime,
    ) -> Result<Attempt, Duration> {
        let attempt = Attempt {
            account: account_of(account),
            address: address.map(network_of),
        };
        if let Some(address) = attempt.address {
            lock(&self.addresses).take(address, ADDRESS, 1, now)?;
        }
        let taken = lock(&self.accounts).take(attempt.account.clone(), ACCOUNT, 1, now);
        if let (Err(_), Some(address)) = (taken, attempt.address) {
            // The attempt is not made, so others who share the IP address must not pay for it.
            lock(&self.addresses).give_back(&address, ADDRESS);
        }
        taken.map(|_| attempt)
    }

    /// Charges a sign-in with the provider to an IP address.
    ///
    /// # Errors
    /// The time until the next one.
    pub(crate) fn ask_provider(
        &self,
        address: Option<IpAddr>,
        now: OffsetDateTime,
    ) -> Result<(), Duration> {
        let Some(address) = address.map(network_of) else {
            return Ok(());
        };
        let taken = lock(&self.at_provider).take(address, AT_PROVIDER, 1, now);
        taken.map(|_| ())
    }

    /// Refunds a successful attempt.
    pub(crate) fn give_back(&self, attempt: &Attempt) {
        self.give_back_to_account(attempt);
        if let Some(address) = &attempt.address {
            lock(&self.addresses).give_back(address, ADDRESS);
        }
    }

    /// Refunds an attempt that was not made to its account only. The IP address still pays, because
    /// it sends more than the server can check.
    pub(crate) fn give_back_to_account(&self, attempt: &Attempt) {
        lock(&self.accounts).give_back(&attempt.account, ACCOUNT);
    }
}

fn lock<K>(spent: &Mutex<Budgets<K>>) -> std::sync::MutexGuard<'_, Budgets<K>> {
    spent.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the name of an account: every spelling of an email address is the same account.
fn account_of(text: &str) -> Box<str> {
    if let Ok(email) = Email::parse(text) {
        return email.as_str().into();
    }
    let mut end = text.len().min(MAX_ACCOUNT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_lowercase().into()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn address(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    #[test]
    fn an_address_asks_the_provider_so_often_and_no_other_pays_for_it() {
        let throttle = SignInThrottle::default();
        let ask = |number| throttle.ask_provider(Some(address(number)), START);
        for _ in 0..120 {
            assert_eq!(ask(1), Ok(()));
        }
        assert_eq!(ask(1), Err(Duration::SECOND));
        assert_eq!(ask(2), Ok(()));
        assert_eq!(throttle.ask_provider(None, START), Ok(()));
        let later = START + Duration::SECOND;
        assert_eq!(throttle.ask_provider(Some(address(1)), later), Ok(()));
    }

    #[test]
    fn an_account_has_ten_attempts_and_then_one_a_minute() {
        let throttle = SignInThrottle::default();
        let try_at = |number: u8, now| {
            let spelling = ["Ada@example.com", " ada@EXAMPLE.com "][usize::from(number % 2)];
            let begun = throttle.begin(spelling, Some(address(number)), now);
            begun.map(|_| ())
        };
        for number in 0..10 {
            assert_eq!(try_at(number, START), Ok(()));
        }
        assert_eq!(try_at(10, START), Err(Duration::minutes(1)));
        let later = START + Duration::seconds(59);
        assert_eq!(try_at(10, later), Err(Duration::SECOND));
        let later = START + Duration::minutes(1);
        assert_eq!(try_at(10, later), Ok(()));
        assert_eq!(try_at(11, later), Err(Duration::minutes(1)));
        assert!(
            throttle
                .begin("eve@example.com", Some(address(1)), later)
                .is_ok()
        );
    }

    #[test]
    fn an_address_has_thirty_attempts_whatever_the_accounts() {
        let throttle = SignInThrottle::default();
        let begin = |number: u32, address| {
            let account = format!("{number}@example.com");
            throttle.begin(&account, address, START).map(|_| ())
        };
        for number in 0..30 {
            assert_eq!(begin(number, Some(address(1))), Ok(()));
        }
        assert_eq!(begin(30, Some(address(1))), Err(Duration::seconds(6)));
        assert_eq!(begin(30, Some(address(2))), Ok(()));
        // All addresses of an IPv6 network share a budget.
        for number in 0..31_u16 {
            let address = IpAddr::from([0x2001, 0xdb8, 0, 1, number, 0, 0, number]);
            assert_eq!(
                begin(100 + u32::from(number), Some(address)).is_ok(),
                number < 30
            );
        }
        let other = IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1]);
        assert_eq!(begin(200, Some(other)), Ok(()));
    }

    #[test]
    fn attempts_that_succeed_cost_nothing() {
        let throttle = SignInThrottle::default();
        for _ in 0..1_000 {
            let attempt = throttle.begin("ada@example.com", Some(address(1)), START);
            throttle.give_back(&attempt.unwrap());
        }
    }

    #[test]
    fn an_account_that_is_locked_costs_the_address_nothing() {
        let throttle = SignInThrottle::default();
        let refused = (0..1_000)
            .filter(|_| {
                throttle
                    .begin("ada@example.com", Some(address(1)), START)
                    .is_err()
            })
            .count();
        assert_eq!(refused, 990);
        assert!(
            throttle
                .begin("eve@example.com", Some(address(1)), START)
                .is_ok()
        );
    }

    #[test]
    fn budgets_that_are_full_take_no_memory() {
        let throttle = SignInThrottle::default();
        for number in 0..100_000_u32 {
            let now = START + Duration::seconds(i64::from(number));
            let address = Some(IpAddr::from(number.to_be_bytes()));
            let begun = throttle.begin(&format!("{number}@example.com"), address, now);
            assert!(begun.is_ok());
        }
        assert!(lock(&throttle.accounts).len() < 2_000);
        assert!(lock(&throttle.addresses).len() < 2_000);
    }

    #[test]
    fn whatever_is_typed_for_an_address_has_a_budget_of_bounded_size() {
        assert_eq!(&*account_of("NO address"), "no address");
        assert!(account_of(&"ä".repeat(1_000)).len() <= MAX_ACCOUNT);
    }
}
