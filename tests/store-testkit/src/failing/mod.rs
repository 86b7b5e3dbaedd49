//! A store that fails on purpose, to test what depends on a database that is sometimes unavailable.
//!
//! [`FailingStore`] wraps any store. Rules decide which calls of which operation fail, and whether
//! the operation happens nevertheless. The same seed and the same calls fail in the same way: the
//! outcome of the n-th call of an operation depends only on the seed, the operation's rules and n.

mod port;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use waypost_core::{Random, SeededRandom};
pub use waypost_store::Operation;
use waypost_store::{Store, StoreError};

/// Which calls of an operation fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// A percentage of the calls, chosen by the seed.
    Percent(u8),
    /// Every n-th call: 1 is every call, 0 no call.
    EveryNth(u64),
    /// Only this call, counted from 1.
    Nth(u64),
}

/// What a failed call did. Either way it returns [`StoreError::Unavailable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nothing happened, as when the database cannot be reached.
    Before,
    /// The operation happened, as when the connection breaks during the commit. Where the operation
    /// itself fails, its own error is the answer.
    After,
}

/// The source of the [`StoreError::Unavailable`] of a call that failed on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("call {call} of {operation:?} was made to fail ({failure:?})")]
pub struct Injected {
    /// The operation.
    pub operation: Operation,
    /// The number of its call, from 1.
    pub call: u64,
    /// Whether the operation happened.
    pub failure: Failure,
}

/// Wraps a store and makes chosen calls fail.
///
/// ```
/// # use std::sync::Arc;
/// use waypost_store::{MemoryStore, Operation, Store};
/// use waypost_store_testkit::failing::{FailingStore, Failure, When};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let store = FailingStore::new(Arc::new(MemoryStore::new()), 1)
///     .fail(Operation::Counts, When::Nth(2), Failure::Before)
///     .fail(Operation::RecordClicks, When::Percent(20), Failure::After);
/// assert!(store.counts().await.is_ok());
/// assert!(store.counts().await.is_err());
/// assert!(store.counts().await.is_ok());
/// assert_eq!(store.calls(Operation::Counts), 3);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct FailingStore<S: ?Sized = dyn Store> {
    seed: u64,
    rules: Vec<(Operation, When, Failure)>,
    down: AtomicBool,
    calm: AtomicBool,
    tallies: Mutex<BTreeMap<Operation, Tally>>,
    inner: Arc<S>,
}

#[derive(Debug)]
struct Tally {
    calls: u64,
    failures: u64,
    random: SeededRandom,
}

impl<S: ?Sized> FailingStore<S> {
    /// Wraps `store`. No call fails before rules are added. `seed` decides for [`When::Percent`].
    #[must_use]
    pub const fn new(store: Arc<S>, seed: u64) -> Self {
        Self {
            seed,
            rules: Vec::new(),
            down: AtomicBool::new(false),
            calm: AtomicBool::new(false),
            tallies: Mutex::new(BTreeMap::new()),
            inner: store,
        }
    }

    /// Adds a rule. The first rule that applies to a call decides.
    #[must_use]
    pub fn fail(mut self, operation: Operation, when: When, failure: Failure) -> Self {
        self.rules.push((operation, when, failure));
        self
    }

    /// Sets whether every call fails and nothing happens. If `false`, only the rules apply.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Sets whether the rules are suspended. At first they apply. Calls are counted either way.
    pub fn set_calm(&self, calm: bool) {
        self.calm.store(calm, Ordering::SeqCst);
    }

    /// Returns the number of calls of an operation, failed ones included.
    pub fn calls(&self, operation: Operation) -> u64 {
        self.tally(operation, |tally| tally.calls)
    }

    /// Returns the number of calls of an operation that failed on purpose.
    pub fn failures(&self, operation: Operation) -> u64 {
        self.tally(operation, |tally| tally.failures)
    }

    /// Returns the wrapped store, which does not fail.
    #[must_use]
    pub const fn inner(&self) -> &Arc<S> {
        &self.inner
    }

    fn tally<T>(&self, operation: Operation, read: impl FnOnce(&mut Tally) -> T) -> T {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        read(tallies.entry(operation).or_insert_with(|| Tally {
            calls: 0,
            failures: 0,
            random: self.random(operation),
        }))
    }

    /// Creates the generator of an operation: calls of others do not change its numbers.
    fn random(&self, operation: Operation) -> SeededRandom {
        let mut hasher = DefaultHasher::new();
        (self.seed, operation).hash(&mut hasher);
        SeededRandom::new(hasher.finish())
    }

    /// Counts a call and decides whether it fails.
    fn decide(&self, operation: Operation) -> Option<Injected> {
        self.tally(operation, |tally| {
            tally.calls += 1;
            let mut decided = None;
            for (_, when, failure) in self.rules.iter().filter(|rule| rule.0 == operation) {
                // Draws in any case: the next call must not depend on whether this one needed it.
                let applies = match *when {
                    When::Percent(percent) => draw_percent(&tally.random) < u64::from(percent),
                    When::EveryNth(n) => tally.calls.checked_rem(n) == Some(0),
                    When::Nth(n) => tally.calls == n,
                };
                if applies {
                    decided = decided.or(Some(*failure));
                }
            }
            if self.calm.load(Ordering::SeqCst) {
                decided = None;
            }
            if self.down.load(Ordering::SeqCst) {
                decided = Some(Failure::Before);
            }
            let failure = decided?;
            tally.failures += 1;
            Some(Injected {
                operation,
                call: tally.calls,
                failure,
            })
        })
    }

    async fn call<T>(
        &self,
        operation: Operation,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let Some(injected) = self.decide(operation) else {
            return work.await;
        };
        if injected.failure == Failure::After {
            work.await?;
        }
        Err(StoreError::unavailable(injected))
    }
}

/// From 0 to 99.
fn draw_percent(random: &SeededRandom) -> u64 {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    u64::from_le_bytes(bytes) % 100
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Samples;
    use waypost_store::{ClickStore, LinkStore, MemoryStore};

    fn failing(seed: u64) -> FailingStore {
        FailingStore::new(Arc::new(MemoryStore::new()), seed)
    }

    async fn pings(store: &FailingStore, count: usize) -> Vec<bool> {
        let mut answers = Vec::new();
        for _ in 0..count {
            answers.push(store.ping().await.is_ok());
        }
        answers
    }

    #[tokio::test]
    async fn without_rules_nothing_fails_and_calls_are_counted_per_operation() {
        let store = failing(1);
        assert_eq!(pings(&store, 2).await, [true, true]);
        assert_eq!(store.calls(Operation::Ping), 2);
        assert_eq!(store.calls(Operation::Counts), 0);
        assert_eq!(store.failures(Operation::Ping), 0);
    }

    #[tokio::test]
    async fn the_chosen_calls_fail_and_those_of_other_operations_do_not() {
        let store = failing(1)
            .fail(Operation::Ping, When::EveryNth(3), Failure::Before)
            .fail(Operation::Ping, When::Nth(4), Failure::Before)
            .fail(Operation::Ping, When::EveryNth(0), Failure::Before);
        assert_eq!(
            pings(&store, 6).await,
            [true, true, false, false, true, false]
        );
        assert_eq!(store.failures(Operation::Ping), 3);
        assert!(store.counts().await.is_ok());
    }

    #[tokio::test]
    async fn a_share_of_the_calls_fails_the_same_way_for_the_same_seed() {
        let run = async |seed| {
            let store = failing(seed).fail(Operation::Ping, When::Percent(30), Failure::Before);
            // Calls of another operation in between do not matter.
            store.counts().await.unwrap();
            pings(&store, 200).await
        };
        let answers = run(7).await;
        let failures = answers.iter().filter(|ok| !**ok).count();
        assert!((40..80).contains(&failures), "{failures} of 200");
        assert_eq!(run(7).await, answers);
        assert_ne!(run(8).await, answers);
    }

    #[tokio::test]
    async fn never_and_always_are_shares_too() {
        let store = failing(1).fail(Operation::Ping, When::Percent(0), Failure::Before);
        assert!(!pings(&store, 50).await.contains(&false));
        let store = failing(1).fail(Operation::Ping, When::Percent(100), Failure::Before);
        assert!(!pings(&store, 50).await.contains(&true));
    }

    #[tokio::test]
    async fn failing_before_leaves_nothing_and_failing_after_leaves_everything() {
        let store = failing(1)
            .fail(Operation::RecordClicks, When::Nth(1), Failure::Before)
            .fail(Operation::RecordClicks, When::Nth(2), Failure::After);
        let samples = Samples::new(1);
        let link = samples.link("a");
        store.insert_link(&link, None).await.unwrap();
        let clicks = samples.clicks(&link, 2);

        for (stored, failure) in [(0, Failure::Before), (2, Failure::After)] {
            let error = store.record_clicks(&clicks).await.unwrap_err();
            let StoreError::Unavailable { source } = error else {
                panic!("{error:?}");
            };
            assert_eq!(
                source.downcast_ref::<Injected>().map(|it| it.failure),
                Some(failure)
            );
            let entry = store.inner().ledger(None, 1).await.unwrap().remove(0);
            assert_eq!((entry.total, entry.rows), (stored, stored));
        }
        // What the caller then does anyway meets the operation's own answer.
        assert!(matches!(
            store.record_clicks(&clicks).await,
            Err(StoreError::Conflict)
        ));
    }

    #[tokio::test]
    async fn an_operation_that_fails_by_itself_keeps_its_error() {
        let store = failing(1).fail(Operation::InsertLink, When::Nth(2), Failure::After);
        let link = Samples::new(1).link("a");
        store.insert_link(&link, None).await.unwrap();
        assert!(matches!(
            store.insert_link(&link, None).await,
            Err(StoreError::Conflict)
        ));
    }

    #[tokio::test]
    async fn a_store_goes_down_and_comes_back() {
        let store = failing(1).fail(Operation::Ping, When::EveryNth(1), Failure::Before);
        store.set_calm(true);
        assert_eq!(pings(&store, 1).await, [true]);
        store.set_down(true);
        assert!(matches!(
            store.ping().await,
            Err(StoreError::Unavailable { .. })
        ));
        assert!(matches!(
            store.insert_link(&Samples::new(1).link("a"), None).await,
            Err(StoreError::Unavailable { .. })
        ));
        store.set_down(false);
        assert_eq!(store.counts().await.unwrap().links, 0);
        assert_eq!(pings(&store, 1).await, [true]);
        store.set_calm(false);
        assert_eq!(pings(&store, 1).await, [false]);
    }
}
