//! Cases of [`SaltStore`](waypost_store::SaltStore).

use time::Date;
use time::macros::date;
use waypost_core::Salt;
use waypost_store::Store;

use super::StoreFactory;
use crate::samples::Samples;

pub(super) const TODAY: Date = date!(2026 - 03 - 01);
const YESTERDAY: Date = date!(2026 - 02 - 28);

/// Asserts without printing: salts are secret even in tests.
async fn assert_salt(store: &dyn Store, day: Date, candidate: &Salt, expected: &Salt) {
    let answer = store.salt(day, candidate).await.unwrap();
    assert!(answer == *expected, "another salt for {day}");
}

/// The first caller provides the salt of the day; all later ones get it.
pub async fn the_first_candidate_is_the_salt_of_the_day(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let first = samples.salt();
    assert_salt(&*store, TODAY, &first, &first).await;
    for _ in 0..3 {
        assert_salt(&*store, TODAY, &samples.salt(), &first).await;
    }
}

/// Days have salts of their own, even the first and the last possible ones.
pub async fn each_day_has_its_own_salt(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let days = [
        date!(1970 - 01 - 01),
        date!(2024 - 02 - 29),
        YESTERDAY,
        TODAY,
        date!(2099 - 12 - 31),
    ];
    let salts = days.map(|_| samples.salt());
    for (day, salt) in days.into_iter().zip(&salts) {
        assert_salt(&*store, day, salt, salt).await;
    }
    for (day, salt) in days.into_iter().zip(&salts) {
        assert_salt(&*store, day, &samples.salt(), salt).await;
    }
}

/// All 256 bytes survive, zeros at the beginning and at the end included.
pub async fn each_byte_of_a_salt_survives(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let other = Samples::new(1).salt();
    let mut day = TODAY;
    let counted =
        |from: u8| Salt::from_bytes(std::array::from_fn(|i| from + u8::try_from(i).unwrap()));
    let mut salts: Vec<Salt> = (0..8).map(|block| counted(block * 32)).collect();
    salts.push(Salt::from_bytes([0; 32]));
    salts.push(Salt::from_bytes([b' '; 32]));
    for salt in &salts {
        assert_salt(&*store, day, salt, salt).await;
        assert_salt(&*store, day, &other, salt).await;
        day = day.next_day().unwrap();
    }
}

/// Salts before the day are deleted and counted; that of the day itself stays.
pub async fn destroying_stops_before_the_day(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    assert_eq!(store.destroy_salts_before(TODAY).await.unwrap(), 0);
    let days = [
        date!(2025 - 12 - 31),
        date!(2026 - 02 - 27),
        YESTERDAY,
        TODAY,
    ];
    let salts = days.map(|_| samples.salt());
    for (day, salt) in days.into_iter().zip(&salts) {
        assert_salt(&*store, day, salt, salt).await;
    }
    assert_eq!(store.destroy_salts_before(days[0]).await.unwrap(), 0);
    assert_eq!(store.destroy_salts_before(YESTERDAY).await.unwrap(), 2);
    assert_eq!(store.destroy_salts_before(YESTERDAY).await.unwrap(), 0);
    for kept in [2, 3] {
        assert_salt(&*store, days[kept], &samples.salt(), &salts[kept]).await;
    }
    let tomorrow = date!(2026 - 03 - 02);
    assert_eq!(store.destroy_salts_before(tomorrow).await.unwrap(), 2);
}

/// The time of the last destruction is known, and since when nothing of the salts is left.
pub async fn the_traces_of_destroyed_salts_are_known_until_they_are_erased(
    factory: &dyn StoreFactory,
) {
    let store = factory.empty_store().await;
    let salt = Samples::new(1).salt();
    let before = store.database_time().await.unwrap();
    assert_eq!(store.salt_traces().await.unwrap(), None);
    assert_eq!(store.erase_salts().await.unwrap(), None);
    for round in 0..2 {
        assert_salt(&*store, YESTERDAY, &salt, &salt).await;
        assert_eq!(store.destroy_salts_before(TODAY).await.unwrap(), 1);
        let left = store.salt_traces().await.unwrap().unwrap();
        assert_eq!(left.erased_at, None, "round {round}");
        assert!(left.destroyed_at >= before - time::Duration::MILLISECOND);
        // Nothing to destroy changes nothing.
        assert_eq!(store.destroy_salts_before(TODAY).await.unwrap(), 0);
        assert_eq!(store.salt_traces().await.unwrap(), Some(left));
        let erased = store.erase_salts().await.unwrap().unwrap();
        assert_eq!(erased.destroyed_at, left.destroyed_at);
        assert!(erased.erased_at >= Some(left.destroyed_at), "{erased:?}");
        assert_eq!(store.erase_salts().await.unwrap(), Some(erased));
        assert_eq!(store.salt_traces().await.unwrap(), Some(erased));
    }
}

/// A deleted salt does not come back: the next request for that day gets a new salt.
pub async fn a_destroyed_salt_is_replaced_by_a_new_one(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (old, new) = (samples.salt(), samples.salt());
    assert_salt(&*store, YESTERDAY, &old, &old).await;
    assert_eq!(store.destroy_salts_before(TODAY).await.unwrap(), 1);
    assert_salt(&*store, YESTERDAY, &new, &new).await;
    assert_salt(&*store, YESTERDAY, &old, &new).await;
}
