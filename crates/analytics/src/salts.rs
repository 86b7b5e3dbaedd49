//! The daily salts: one per day for all nodes, in memory before and for as long as it is needed, and
//! gone for good two days after its day began.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use time::{Date, Duration, OffsetDateTime};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use waypost_core::{Clock, Random, Salt, Zone};
use waypost_store::{Store, StoreError};

/// How long after the beginning of its day a salt is destroyed.
const LIFETIME: Duration = Duration::hours(48);
/// Yesterday's for clicks that are hashed around midnight, today's, and tomorrow's.
const KEPT_IN_MEMORY: usize = 3;
/// How often it is looked whether the salts of today and tomorrow are there.
const INTERVAL: std::time::Duration = std::time::Duration::from_secs(60);

/// Gives out the salt of a day and destroys those whose time is over.
pub struct DailySalts {
    store: Arc<dyn Store>,
    random: Arc<dyn Random>,
    zone: Zone,
    known: RwLock<BTreeMap<Date, Salt>>,
}

impl DailySalts {
    /// Salts shared through `store`, drawn from `random`, for days that begin in `zone`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, random: Arc<dyn Random>, zone: Zone) -> Self {
        Self {
            store,
            random,
            zone,
            known: RwLock::default(),
        }
    }

    fn change(&self) -> RwLockWriteGuard<'_, BTreeMap<Date, Salt>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The salt of `day`, if it is in memory: see [`prepare`](Self::prepare).
    #[must_use]
    pub fn known(&self, day: Date) -> Option<Salt> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&day).cloned()
    }

    /// Brings the salts of the day of `now` and of the next day into memory, so that no redirect has
    /// to ask the store, not even at midnight while the store is away.
    ///
    /// # Errors
    /// [`StoreError`] when one is missing and the store does not answer.
    pub async fn prepare(&self, now: OffsetDateTime) -> Result<(), StoreError> {
        let today = self.zone.day_of(now);
        for day in std::iter::once(today).chain(today.next_day()) {
            self.of(day).await?;
        }
        Ok(())
    }

    /// Looks every minute whether the salts of today and tomorrow are in memory, until `stop` is
    /// cancelled. Clicks of a day whose salt could not be had from the store for the whole day before
    /// are kept without the hash of their address.
    pub async fn keep_ready(&self, clock: &dyn Clock, stop: CancellationToken) {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        while stop.run_until_cancelled(interval.tick()).await.is_some() {
            let prepared = stop.run_until_cancelled(self.prepare(clock.now()));
            match prepared.await {
                Some(Err(error)) if !failing => {
                    failing = true;
                    let error: &(dyn Error + 'static) = &error;
                    warn!(
                        error,
                        "the salts of today and tomorrow cannot be read; trying every minute"
                    );
                }
                Some(Ok(())) if failing => {
                    failing = false;
                    info!("the salts of today and tomorrow are there again");
                }
                _ => {}
            }
        }
    }

    /// The salt of `day`. The first of all nodes to ask draws it; the store decides which that is.
    /// Only the first call for a day reaches the store.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn of(&self, day: Date) -> Result<Salt, StoreError> {
        if let Some(salt) = self.known(day) {
            return Ok(salt);
        }
        let candidate = Salt::generate(&*self.random);
        let salt = self.store.salt(day, &candidate).await?;
        let mut known = self.change();
        known.insert(day, salt.clone());
        // Not always the first: a clock that was ahead by days is set back some time.
        let distance = |other: &Date| (*other - day).abs();
        while known.len() > KEPT_IN_MEMORY
            && let Some(furthest) = known.keys().copied().max_by_key(distance)
        {
            known.remove(&furthest);
        }
        Ok(salt)
    }

    /// Destroys, in memory and in the store, the salts of all days that began 48 hours before `now`
    /// or earlier, and gives back how many the store held. Whoever calls this every hour keeps none
    /// for longer than 49 hours.
    ///
    /// The salts of today and, until 48 hours after it began, of yesterday are never among them. Those of
    /// today and tomorrow are in the store before any is destroyed, so that it is never left without one.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; then only those in memory are gone.
    pub async fn destroy_expired(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        // The day that lasted 48 hours ago began before that, and the next one did not.
        let expired = self.zone.day_of(now.saturating_sub(LIFETIME));
        let Some(first_kept) = expired.next_day() else {
            return Ok(0);
        };
        self.change().retain(|day, _| *day >= first_kept);
        self.prepare(now).await?;
        self.store.destroy_salts_before(first_kept).await
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};
    use waypost_core::SeededRandom;
    use waypost_store::{MemoryStore, SaltStore as _};

    use super::*;

    fn node(store: &Arc<MemoryStore>, seed: u64, zone: &str) -> DailySalts {
        let random = Arc::new(SeededRandom::new(seed));
        DailySalts::new(store.clone(), random, zone.parse().unwrap())
    }

    #[tokio::test]
    async fn all_nodes_use_one_salt_a_day() {
        let store = Arc::new(MemoryStore::new());
        let (one, other) = (node(&store, 1, "UTC"), node(&store, 2, "UTC"));
        let today = date!(2026 - 03 - 01);
        let salt = one.of(today).await.unwrap();
        assert_eq!(other.of(today).await.unwrap(), salt);
        assert_ne!(other.of(date!(2026 - 03 - 02)).await.unwrap(), salt);
    }

    #[tokio::test]
    async fn a_known_salt_needs_no_store_and_only_three_are_known() {
        let store = Arc::new(MemoryStore::new());
        let salts = node(&store, 1, "UTC");
        let days = [
            date!(2026 - 03 - 01),
            date!(2026 - 03 - 02),
            date!(2026 - 03 - 03),
            date!(2026 - 03 - 04),
        ];
        let mut drawn = Vec::new();
        for day in days {
            drawn.push(salts.of(day).await.unwrap());
        }
        // Whoever asks the store now gets another salt.
        store
            .destroy_salts_before(date!(2027 - 01 - 01))
            .await
            .unwrap();
        for day in 1..4 {
            assert_eq!(salts.known(days[day]).as_ref(), Some(&drawn[day]));
            assert_eq!(salts.of(days[day]).await.unwrap(), drawn[day]);
        }
        assert_eq!(salts.known(days[0]), None);
        assert_ne!(salts.of(days[0]).await.unwrap(), drawn[0]);
        assert!(salts.change().len() <= 3);
    }

    #[tokio::test]
    async fn the_salts_of_a_clock_that_is_set_back_are_known() {
        let store = Arc::new(MemoryStore::new());
        let salts = node(&store, 1, "UTC");
        let now = datetime!(2026-03-01 12:00 UTC);
        for now in [
            now,
            now + Duration::days(400),
            now,
            now - Duration::days(400),
        ] {
            salts.prepare(now).await.unwrap();
            for day in [now.date(), now.date() + Duration::DAY] {
                assert!(salts.known(day).is_some(), "{day}");
            }
        }
    }

    #[tokio::test]
    async fn a_store_is_never_left_without_salts() {
        let store = Arc::new(MemoryStore::new());
        let salts = node(&store, 1, "UTC");
        salts
            .prepare(datetime!(2026-03-01 12:00 UTC))
            .await
            .unwrap();
        let later = datetime!(2027-04-05 12:00 UTC);
        assert_eq!(salts.destroy_expired(later).await.unwrap(), 2);
        let after = store.destroy_salts_before(date!(2028 - 01 - 01)).await;
        assert_eq!(after.unwrap(), 2, "those of today and tomorrow");
    }

    #[tokio::test]
    async fn a_salt_is_destroyed_48_hours_after_its_day_began_and_not_before() {
        for (zone, began) in [
            ("UTC", datetime!(2026-03-01 00:00 UTC)),
            ("Europe/Berlin", datetime!(2026-03-01 00:00 +1)),
            // Days of 23 and of 25 hours.
            ("Europe/Berlin", datetime!(2026-03-28 00:00 +1)),
            ("Europe/Berlin", datetime!(2026-10-25 00:00 +2)),
            ("Pacific/Kiritimati", datetime!(2026-03-01 00:00 +14)),
        ] {
            let store = Arc::new(MemoryStore::new());
            let salts = node(&store, 1, zone);
            let day = began.date();
            let salt = salts.of(day).await.unwrap();

            let before = began + Duration::hours(48) - Duration::microseconds(1);
            assert_eq!(
                salts.destroy_expired(before).await.unwrap(),
                0,
                "{zone} {day}"
            );
            assert_eq!(salts.of(day).await.unwrap(), salt);

            let after = began + Duration::hours(48);
            assert_eq!(
                salts.destroy_expired(after).await.unwrap(),
                1,
                "{zone} {day}"
            );
            assert_eq!(salts.known(day), None);
            assert_ne!(salts.of(day).await.unwrap(), salt);
        }
    }

    #[tokio::test]
    async fn the_salt_of_tomorrow_is_there_before_midnight() {
        let store = Arc::new(MemoryStore::new());
        let salts = node(&store, 1, "Europe/Berlin");
        let evening = datetime!(2026-10-24 12:00 UTC);
        assert_eq!(salts.known(date!(2026 - 10 - 24)), None);
        salts.prepare(evening).await.unwrap();
        for day in [date!(2026 - 10 - 24), date!(2026 - 10 - 25)] {
            let salt = salts.known(day).unwrap();
            assert_eq!(salts.of(day).await.unwrap(), salt);
        }
    }

    #[tokio::test]
    async fn todays_salt_is_never_destroyed() {
        let store = Arc::new(MemoryStore::new());
        let salts = node(&store, 1, "Europe/Berlin");
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        let mut now = datetime!(2026-10-24 00:00 UTC);
        while now < datetime!(2026-10-28 00:00 UTC) {
            let salt = salts.of(zone.day_of(now)).await.unwrap();
            salts.destroy_expired(now).await.unwrap();
            let stored = store
                .salt(zone.day_of(now), &Salt::from_bytes([0; 32]))
                .await
                .unwrap();
            assert_eq!(stored, salt, "{now}");
            now += Duration::minutes(30);
        }
    }
}
