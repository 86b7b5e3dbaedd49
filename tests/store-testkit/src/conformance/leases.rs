//! Cases of [`LeaseStore`](waypost_store::LeaseStore).

use time::{Duration, OffsetDateTime};
use waypost_core::{LeaseHolder, SeededRandom};
use waypost_store::{LeaseName, Store};

use super::StoreFactory;
use super::concurrency::at_once;
use crate::samples::START;

const LEASE: LeaseName = LeaseName::new("sample");
const MINUTE: Duration = Duration::MINUTE;

/// Returns different processes.
fn holders<const N: usize>() -> [LeaseHolder; N] {
    let random = SeededRandom::new(1);
    std::array::from_fn(|_| LeaseHolder::new(START, &random))
}

/// Asks for a lease of a minute.
async fn take(store: &dyn Store, holder: LeaseHolder, now: OffsetDateTime) -> bool {
    let taken = store.take_lease(LEASE, holder, now, now + MINUTE).await;
    taken.unwrap()
}

/// While one process holds a lease, others do not get it; leases of other names are free.
pub async fn a_lease_has_one_holder(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let [one, two] = holders();
    assert!(take(&*store, one, START).await);
    assert!(!take(&*store, two, START).await);
    let other = LeaseName::new("another-name-that-is-as-long-as-any-name-of-a-lease-may-be-at-64");
    assert_eq!(other.as_str().len(), 64);
    for (name, taken) in [(other, true), (LEASE, false)] {
        let answer = store.take_lease(name, two, START, START + MINUTE).await;
        assert_eq!(answer.unwrap(), taken, "{name}");
    }
    assert!(!take(&*store, two, START).await);
}

/// A lease is free from its last moment on, to the microsecond, in any zone.
pub async fn a_lease_runs_out(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let [one, two] = holders();
    let at = START.to_offset(time::macros::offset!(+5:30)) + Duration::nanoseconds(123_456_999);
    assert!(take(&*store, one, at).await);
    let end = at + MINUTE;
    assert!(!take(&*store, two, end - Duration::MICROSECOND).await);
    assert!(take(&*store, two, end.to_offset(time::UtcOffset::UTC)).await);
    assert!(!take(&*store, one, end).await);
}

/// The holder of a lease may extend it, even after it expired, until another process takes it.
pub async fn a_lease_is_renewed_by_its_holder(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let [one, two] = holders();
    assert!(take(&*store, one, START).await);
    // The same again, as after a lost answer.
    assert!(take(&*store, one, START).await);
    assert!(take(&*store, one, START + MINUTE / 2).await);
    assert!(!take(&*store, two, START + MINUTE).await);
    assert!(take(&*store, one, START + MINUTE * 3).await);
    assert!(!take(&*store, two, START + MINUTE * 3).await);
    // To an earlier end.
    assert!(take(&*store, one, START).await);
    assert!(take(&*store, two, START + MINUTE).await);
}

/// A lease taken by a clock that was ahead by days is free once the clock is right.
pub async fn a_lease_that_lasts_too_long_to_be_true_is_free(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let [one, two] = holders();
    for ahead in [MINUTE + Duration::MICROSECOND, Duration::days(400)] {
        assert!(take(&*store, one, START + ahead).await);
        assert!(take(&*store, two, START).await, "{ahead}");
        assert!(!take(&*store, one, START).await);
        store.release_lease(LEASE, two).await.unwrap();
    }
    // Clocks differ a little.
    assert!(take(&*store, one, START + MINUTE).await);
    assert!(!take(&*store, two, START).await);
}

/// Only its holder releases a lease.
pub async fn a_lease_is_given_back_by_its_holder(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let [one, two] = holders();
    store.release_lease(LEASE, one).await.unwrap();
    assert!(take(&*store, one, START).await);
    store.release_lease(LEASE, two).await.unwrap();
    assert!(!take(&*store, two, START).await);
    for _ in 0..2 {
        store.release_lease(LEASE, one).await.unwrap();
    }
    assert!(take(&*store, two, START).await);
}

/// Of many that ask at once one gets the lease: a new one, an expired one, a released one.
pub async fn of_many_who_take_a_lease_at_once_one_gets_it(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let holders: [LeaseHolder; 8] = holders();
    let mut now = START;
    for round in 0..6 {
        let taken = at_once(holders.len(), |number| {
            let (store, holder) = (store.clone(), holders[number]);
            async move { take(&*store, holder, now).await }
        })
        .await;
        let winners: Vec<usize> = (0..)
            .zip(&taken)
            .filter(|it| *it.1)
            .map(|it| it.0)
            .collect();
        let [winner] = winners.as_slice() else {
            panic!("{winners:?} have the same lease in round {round}");
        };
        assert!(take(&*store, holders[*winner], now).await);
        if round % 2 == 0 {
            now += MINUTE;
        } else {
            store.release_lease(LEASE, holders[*winner]).await.unwrap();
        }
    }
}
