//! Limits failed sign-ins, so that passwords cannot be guessed, and so that guessing keeps nobody
//! out.
//!
//! Failures are counted per account and IP address, per account, and per IP address:
//!
//! | budget | attempts at once | then |
//! | --- | --- | --- |
//! | an account from an IP address | 10 | 1 per minute |
//! | an account, from all IP addresses | 20 | 1 per minute |
//! | an account whose budget is used up, from IP addresses with fewer than 3 failures | 100 | 2 per minute |
//! | an IP address, for all accounts | 30 | 10 per minute |
//! | a known browser of an account | 10 | 1 per minute |
//!
//! A known browser ([`KnownBrowser`]) is charged to its own budget alone. Strangers therefore have
//! at most 120 attempts at once for an account, and 180 more per hour, however many IP addresses
//! they have. Whoever has some 40 of them can keep out users without a known browser.
//!
//! An attempt is charged before anything is looked up, so that parallel attempts get no more than
//! sequential ones. A successful attempt is refunded, so that signing in often is not limited. An
//! attempt that is rejected because the server is busy is refunded, except to the IP address.
//!
//! Changing a password has a budget of its own for each session: 10 attempts, then 1 per minute.
//!
//! Each node keeps its budgets in memory: with n nodes, an attacker has n budgets. Every attempt
//! costs the password-hashing thread tens of milliseconds, so that few entries have a budget that
//! is not full; entries with a full budget are removed.

use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use time::{Duration, OffsetDateTime};
use waypost_core::{Email, SessionId};
use waypost_service::KnownBrowser;

use crate::request::budget::{Budget, Budgets, network_of};

/// Attempts per account and IP address.
const ACCOUNT_HERE: Budget = Budget {
    burst: 10,
    every: Duration::minutes(1),
};
/// Attempts per account.
const ACCOUNT: Budget = Budget {
    burst: 20,
    every: Duration::minutes(1),
};
/// Attempts per account from IP addresses with few failures, when [`ACCOUNT`] is used up.
const RESERVE: Budget = Budget {
    burst: 100,
    every: Duration::seconds(30),
};
/// Number of failures for an account with which an IP address no longer has a part in its
/// [`RESERVE`].
const FEW_FAILURES: i32 = 3;
/// Attempts per IP address, which many people may share.
const ADDRESS: Budget = Budget {
    burst: 30,
    every: Duration::seconds(6),
};
/// Attempts per known browser of an account.
const KNOWN: Budget = Budget {
    burst: 10,
    every: Duration::minutes(1),
};
/// Attempts to change a password per session.
const CHANGE: Budget = Budget {
    burst: 10,
    every: Duration::minutes(1),
};
/// Maximum length of the name of an account, in bytes; the rest is ignored.
const MAX_ACCOUNT: usize = 254;

/// Sign-ins with the provider per IP address, each of which sends requests to the provider: 120,
/// then 1 per second.
const AT_PROVIDER: Budget = Budget {
    burst: 120,
    every: Duration::SECOND,
};

/// The name of an account, and an IP address if the connection has one.
type AccountHere = (Box<str>, Option<IpAddr>);

/// The budgets of this process.
#[derive(Default)]
pub(crate) struct SignInThrottle {
    at_provider: Mutex<Budgets<IpAddr>>,
    here: Mutex<Budgets<AccountHere>>,
    accounts: Mutex<Budgets<Box<str>>>,
    reserves: Mutex<Budgets<Box<str>>>,
    addresses: Mutex<Budgets<IpAddr>>,
    known: Mutex<Budgets<KnownBrowser>>,
    changes: Mutex<Budgets<SessionId>>,
}

/// An attempt that was charged to budgets.
#[must_use = "a successful attempt must be refunded"]
pub(crate) enum Attempt {
    /// By a known browser.
    Known(KnownBrowser),
    /// By any other.
    Stranger {
        account: Box<str>,
        address: Option<IpAddr>,
        /// Whether the reserve of the account paid, not its own budget.
        by_reserve: bool,
    },
}

impl SignInThrottle {
    /// Charges an attempt to an account, named by its email address as entered, and to an IP
    /// address; or to a known browser of the account, as long as something is left for it.
    ///
    /// # Errors
    /// The time until the next attempt.
    pub(crate) fn begin(
        &self,
        account: &str,
        address: Option<IpAddr>,
        known: Option<KnownBrowser>,
        now: OffsetDateTime,
    ) -> Result<Attempt, Duration> {
        if let Some(known) = known
            && take(&self.known, known, KNOWN, now).is_ok()
        {
            return Ok(Attempt::Known(known));
        }
        let (account, address) = (account_of(account), address.map(network_of));
        if let Some(address) = address {
            take(&self.addresses, address, ADDRESS, now)?;
        }
        let taken = self.take_from_account(&account, address, now);
        if let (Err(_), Some(address)) = (taken, address) {
            // The attempt is not made, so others who share the IP address must not pay for it.
            give_back(&self.addresses, &address, ADDRESS);
        }
        taken.map(|by_reserve| Attempt::Stranger {
            account,
            address,
            by_reserve,
        })
    }

    /// Returns whether the reserve of the account paid.
    fn take_from_account(
        &self,
        account: &str,
        address: Option<IpAddr>,
        now: OffsetDateTime,
    ) -> Result<bool, Duration> {
        let here: AccountHere = (account.into(), address);
        take(&self.here, here.clone(), ACCOUNT_HERE, now)?;
        let left = lock(&self.here).left(&here, ACCOUNT_HERE, now).remaining;
        let failures = ACCOUNT_HERE.burst - left - 1;
        let taken = match take(&self.accounts, account.into(), ACCOUNT, now) {
            Ok(()) => Ok(false),
            Err(_) if failures < FEW_FAILURES => {
                take(&self.reserves, account.into(), RESERVE, now).map(|()| true)
            }
            Err(wait) => Err(wait),
        };
        if taken.is_err() {
            give_back(&self.here, &here, ACCOUNT_HERE);
        }
        taken
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
        let address = address.map(network_of);
        address.map_or(Ok(()), |it| take(&self.at_provider, it, AT_PROVIDER, now))
    }

    /// Charges an attempt to change a password to a session.
    ///
    /// # Errors
    /// The time until the next one.
    pub(crate) fn begin_change(
        &self,
        session: SessionId,
        now: OffsetDateTime,
    ) -> Result<(), Duration> {
        take(&self.changes, session, CHANGE, now)
    }

    /// Refunds an attempt to change a password that did not fail because of a wrong one.
    pub(crate) fn give_back_change(&self, session: SessionId) {
        give_back(&self.changes, &session, CHANGE);
    }

    /// Refunds a successful attempt.
    pub(crate) fn give_back(&self, attempt: &Attempt) {
        self.give_back_to_account(attempt);
        if let Attempt::Stranger {
            address: Some(address),
            ..
        } = attempt
        {
            give_back(&self.addresses, address, ADDRESS);
        }
    }

    /// Refunds an attempt that was not made, except to the IP address, because it sends more than
    /// the server can check.
    pub(crate) fn give_back_to_account(&self, attempt: &Attempt) {
        match attempt {
            Attempt::Known(known) => give_back(&self.known, known, KNOWN),
            Attempt::Stranger {
                account,
                address,
                by_reserve,
            } => {
                let here = (account.clone(), *address);
                give_back(&self.here, &here, ACCOUNT_HERE);
                if *by_reserve {
                    give_back(&self.reserves, account, RESERVE);
                } else {
                    give_back(&self.accounts, account, ACCOUNT);
                }
            }
        }
    }
}

fn take<K: Hash + Eq>(
    budgets: &Mutex<Budgets<K>>,
    key: K,
    budget: Budget,
    now: OffsetDateTime,
) -> Result<(), Duration> {
    lock(budgets).take(key, budget, 1, now).map(|_| ())
}

fn give_back<K: Hash + Eq>(budgets: &Mutex<Budgets<K>>, key: &K, budget: Budget) {
    lock(budgets).give_back(key, budget);
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
mod tests;
