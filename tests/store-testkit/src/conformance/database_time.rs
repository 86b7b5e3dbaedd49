//! Cases of [`TimeStore`](waypost_store::TimeStore).

use time::Duration;
use waypost_core::{Clock as _, SystemClock};

use super::StoreFactory;

/// A database may be on another machine, whose clock differs a little; a wrong time zone differs by
/// an hour.
const NEARLY: Duration = Duration::minutes(15);

/// The time of the database is the present time, in UTC, to the microsecond.
pub async fn the_time_of_the_database_is_told_in_utc(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let told = store.database_time().await.unwrap();
    let off = told - SystemClock.now();
    assert!(off.abs() < NEARLY, "{told} is {off} off");
    assert!(told.offset().is_utc(), "{told}");
    assert_eq!(told.nanosecond() % 1_000, 0, "{told}");
}

/// Each answer is the time of its own moment, not of the opening of the connection.
pub async fn the_time_of_the_database_goes_on(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let first = store.database_time().await.unwrap();
    let pause = std::time::Duration::from_millis(20);
    tokio::time::sleep(pause).await;
    let second = store.database_time().await.unwrap();
    assert!(
        second - first >= pause - Duration::milliseconds(2),
        "{first} {second}"
    );
}
