//! Bounds the look-ups of credentials from IP addresses that have used up their failures.
//!
//! A valid credential is accepted from everywhere, so it must be looked up even if others behind
//! the same IP address send wrong ones. Each look-up reads the database. While an IP address is
//! over its limit:
//!
//! - A credential that was accepted lately is looked up at once.
//! - A credential that was rejected lately is rejected again without a look-up.
//! - Any other waits for its turn to be looked up, [`AT_A_TIME`] at a time.
//!
//! The number of look-ups has no other limit: a valid credential would compete with wrong ones for
//! it. Each wrong one is answered a second late, so they are as many as an IP address has
//! connections, and the next one from each waits.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::{Duration, OffsetDateTime};
use tokio::sync::{Semaphore, SemaphorePermit};
use waypost_core::TokenHash;

/// Maximum number of look-ups of unknown credentials at a time, of all IP addresses: fewer than the
/// database has connections.
const AT_A_TIME: usize = 2;
/// How long the outcome for a credential is remembered: this long to twice as long.
const REMEMBERED: Duration = Duration::minutes(1);
/// Maximum number of credentials remembered: this many to twice as many, of 32 bytes each.
const MAX_REMEMBERED: usize = 10_000;

/// The credentials and look-ups of this server.
pub(crate) struct Trials {
    accepted: Mutex<Recent>,
    rejected: Mutex<Recent>,
    turns: Semaphore,
}

/// The turn to look up a credential; `None` if no turn is needed.
pub(crate) type Turn<'t> = Option<SemaphorePermit<'t>>;

impl Default for Trials {
    fn default() -> Self {
        Self {
            accepted: Mutex::default(),
            rejected: Mutex::default(),
            turns: Semaphore::new(AT_A_TIME),
        }
    }
}

impl Trials {
    /// Waits for the turn to look up a credential from an IP address over its limit.
    ///
    /// # Errors
    /// The time after which to try again, if the credential is not to be looked up.
    pub(crate) async fn turn(
        &self,
        presented: &str,
        now: OffsetDateTime,
    ) -> Result<Turn<'_>, Duration> {
        let hash = TokenHash::of(presented);
        if lock(&self.accepted).contains(&hash, now) {
            return Ok(None);
        }
        if lock(&self.rejected).contains(&hash, now) {
            return Err(REMEMBERED);
        }
        // The semaphore is never closed.
        Ok(self.turns.acquire().await.ok())
    }

    /// Remembers the outcome for a credential.
    pub(crate) fn remember(&self, presented: &str, is_accepted: bool, now: OffsetDateTime) {
        let hash = TokenHash::of(presented);
        if is_accepted {
            lock(&self.accepted).insert(hash, now);
        } else {
            lock(&self.accepted).remove(&hash);
            lock(&self.rejected).insert(hash, now);
        }
    }
}

/// The newest credentials, in two generations: the older one is dropped when the younger one is
/// full or old.
#[derive(Default)]
struct Recent {
    young: HashSet<TokenHash>,
    old: HashSet<TokenHash>,
    since: Option<OffsetDateTime>,
}

impl Recent {
    fn contains(&mut self, hash: &TokenHash, now: OffsetDateTime) -> bool {
        self.age(now);
        self.young.contains(hash) || self.old.contains(hash)
    }

    fn insert(&mut self, hash: TokenHash, now: OffsetDateTime) {
        self.age(now);
        self.young.insert(hash);
        if self.young.len() >= MAX_REMEMBERED {
            self.begin_generation(now);
        }
    }

    fn remove(&mut self, hash: &TokenHash) {
        self.young.remove(hash);
        self.old.remove(hash);
    }

    fn age(&mut self, now: OffsetDateTime) {
        let since = *self.since.get_or_insert(now);
        let age = now - since;
        if age >= REMEMBERED * 2 || age.is_negative() {
            // Both generations are too old, or the clock was set back.
            self.old.clear();
            self.young.clear();
            self.since = Some(now);
        } else if age >= REMEMBERED {
            self.begin_generation(now);
        }
    }

    fn begin_generation(&mut self, now: OffsetDateTime) {
        self.old = std::mem::take(&mut self.young);
        self.since = Some(now);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    #[tokio::test]
    async fn a_rejected_credential_is_looked_up_again_only_later() {
        let trials = Trials::default();
        assert!(trials.turn("wp_a", START).await.unwrap().is_some());
        trials.remember("wp_a", false, START);
        let later = START + Duration::seconds(59);
        assert_eq!(trials.turn("wp_a", later).await.err(), Some(REMEMBERED));
        let later = START + REMEMBERED * 2;
        assert!(trials.turn("wp_a", later).await.is_ok());
    }

    #[tokio::test]
    async fn an_accepted_credential_needs_no_turn_until_it_is_rejected() {
        let trials = Trials::default();
        trials.remember("wp_a", true, START);
        let _first = trials.turn("wp_b", START).await.unwrap();
        let _second = trials.turn("wp_c", START).await.unwrap();
        for _ in 0..1_000 {
            assert!(trials.turn("wp_a", START).await.unwrap().is_none());
        }
        trials.remember("wp_a", false, START);
        assert!(trials.turn("wp_a", START).await.is_err());
    }

    #[tokio::test]
    async fn an_unknown_credential_waits_for_its_turn_and_is_never_refused() {
        let trials = Trials::default();
        for number in 0..1_000 {
            let wrong = format!("wp_{number}");
            drop(trials.turn(&wrong, START).await.unwrap());
            trials.remember(&wrong, false, START);
        }
        let first = trials.turn("wp_a", START).await.unwrap();
        let _second = trials.turn("wp_b", START).await.unwrap();
        let mut third = std::pin::pin!(trials.turn("wp_c", START));
        assert!(futures_util::poll!(&mut third).is_pending());
        drop(first);
        assert!(third.await.unwrap().is_some());
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut recent = Recent::default();
        for number in 0..100_000 {
            recent.insert(TokenHash::of(&format!("{number}")), START);
        }
        assert!(recent.young.len() + recent.old.len() <= 2 * MAX_REMEMBERED);
        assert!(recent.contains(&TokenHash::of("99999"), START));
        assert!(!recent.contains(&TokenHash::of("0"), START));
    }
}
