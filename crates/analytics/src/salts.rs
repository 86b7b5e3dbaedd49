//! The daily salts: one per day for all servers, loaded in advance, and permanently deleted two
//! days after the day began.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use time::{Date, Duration, OffsetDateTime};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use waypost_core::{Clock, Random, Salt, Zone};
use waypost_store::{Store, StoreError};

/// Time after the beginning of its day at which a salt is deleted.
const LIFETIME: Duration = Duration::hours(48);
/// Number of salts in memory: yesterday's for clicks around midnight, today's and tomorrow's.
const KEPT_IN_MEMORY: usize = 3;
/// How often to check whether traces of destroyed salts are left, and how often to try again to
/// remove them.
const ERASE_INTERVAL: std::time::Duration = std::time::Duration::from_secs(60);
const ERASE_RETRY: std::time::Duration = std::time::Duration::from_secs(5);
/// How long traces may be left before the log has a warning.
const ERASE_PATIENCE: Duration = Duration::minutes(1);
/// How often to check that the salts of today and tomorrow are loaded.
const INTERVAL: std::time::Duration = std::time::Duration::from_secs(60);

/// Provides the salt of each day, and deletes expired ones.
pub struct DailySalts {
    store: Arc<dyn Store>,
    random: Arc<dyn Random>,
    zone: Zone,
    known: RwLock<BTreeMap<Date, Salt>>,
}

impl DailySalts {
    /// Creates daily salts that are generated from `random` and shared through `store`, for days in
    /// `zone`.
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

    /// Returns the salt of `day`, if it is in memory: see [`prepare`](Self::prepare).
    #[must_use]
    pub fn known(&self, day: Date) -> Option<Salt> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&day).cloned()
    }

    /// Loads the salts of the day of `now` and of the next day, so that no redirect queries the
    /// store, not even at midnight while the store is unavailable.
    ///
    /// # Errors
    /// [`StoreError`] if one is missing and the store is unavailable.
    pub async fn prepare(&self, now: OffsetDateTime) -> Result<(), StoreError> {
        let today = self.zone.day_of(now);
        for day in std::iter::once(today).chain(today.next_day()) {
            self.of(day).await?;
        }
        Ok(())
    }

    /// Checks every minute that the salts of today and tomorrow are in memory, until `stop` is
    /// cancelled. If the salt of a day could not be loaded during the whole day before, clicks of
    /// that day are stored without an IP address hash.
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
                        "cannot load the daily salts; trying again every minute"
                    );
                }
                Some(Ok(())) if failing => {
                    failing = false;
                    info!("daily salts loaded again");
                }
                _ => {}
            }
        }
    }

    /// Returns the salt of `day`. The first of all servers generates it; the store decides which is
    /// the first. Only the first call for a day queries the store.
    ///
    /// # Errors
    /// [`StoreError`] if the store is unavailable.
    pub async fn of(&self, day: Date) -> Result<Salt, StoreError> {
        if let Some(salt) = self.known(day) {
            return Ok(salt);
        }
        let candidate = Salt::generate(&*self.random);
        let salt = self.store.salt(day, &candidate).await?;
        let mut known = self.change();
        known.insert(day, salt.clone());
        // Not always the oldest: a clock that was days ahead may be set back.
        let distance = |other: &Date| (*other - day).abs();
        while known.len() > KEPT_IN_MEMORY
            && let Some(furthest) = known.keys().copied().max_by_key(distance)
        {
            known.remove(&furthest);
        }
        Ok(salt)
    }

    /// Deletes, in memory and in the store, the salts of all days that began at least 48 hours
    /// before `now`. Returns the number deleted in the store. Called every hour, this keeps no salt
    /// for longer than 49 hours.
    ///
    /// Never deletes the salt of today or, until 48 hours after it began, of yesterday. Ensures
    /// first that the salts of today and tomorrow are in the store, so that it is never without
    /// one.
    ///
    /// # Errors
    /// [`StoreError`] if the store is unavailable. Only the salts in memory are deleted then.
    pub async fn destroy_expired(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        // The day of the time 48 hours ago began before that time, and the next day after it.
        let expired = self.zone.day_of(now.saturating_sub(LIFETIME));
        let Some(first_kept) = expired.next_day() else {
            return Ok(0);
        };
        self.change().retain(|day, _| *day >= first_kept);
        self.prepare(now).await?;
        let destroyed = self.store.destroy_salts_before(first_kept).await?;
        if destroyed > 0 {
            self.store.erase_salts().await?;
        }
        Ok(destroyed)
    }

    /// Removes the traces of destroyed salts from the files of the database, until `stop` is
    /// cancelled: tries again every few seconds while a reader prevents it. The state is in the
    /// store, so a restart continues.
    pub async fn keep_erased(&self, stop: CancellationToken) {
        let mut told = false;
        loop {
            let Some(state) = stop.run_until_cancelled(self.erased()).await else {
                return;
            };
            let pause = match state {
                Ok(Erasure::Done) => {
                    if std::mem::take(&mut told) {
                        info!("nothing of a destroyed salt is left in the database files");
                    }
                    ERASE_INTERVAL
                }
                Ok(Erasure::Waiting { since, waited }) => {
                    if waited >= ERASE_PATIENCE && !std::mem::replace(&mut told, true) {
                        warn!(
                            %since,
                            "a reader of an old state keeps a destroyed salt in the database \
                             files; end the backup, shell or query that has the database open for \
                             so long"
                        );
                    }
                    ERASE_RETRY
                }
                Err(error) => {
                    debug!(%error, "cannot remove the traces of destroyed salts");
                    ERASE_INTERVAL
                }
            };
            let pause = stop.run_until_cancelled(tokio::time::sleep(pause));
            if pause.await.is_none() {
                return;
            }
        }
    }

    /// Tries once to remove the traces, if there are any.
    async fn erased(&self) -> Result<Erasure, StoreError> {
        let left = self.store.salt_traces().await?;
        if left.is_none_or(|traces| traces.erased_at.is_some()) {
            return Ok(Erasure::Done);
        }
        match self.store.erase_salts().await? {
            Some(traces) if traces.erased_at.is_none() => {
                let now = self.store.database_time().await?;
                Ok(Erasure::Waiting {
                    since: traces.destroyed_at,
                    waited: now - traces.destroyed_at,
                })
            }
            _ => Ok(Erasure::Done),
        }
    }
}

/// Whether the traces of destroyed salts are removed.
enum Erasure {
    Done,
    Waiting {
        since: OffsetDateTime,
        waited: Duration,
    },
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
        // The store now returns another salt.
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

    #[tokio::test(start_paused = true)]
    async fn the_traces_of_destroyed_salts_are_removed_in_the_background() {
        let store = Arc::new(MemoryStore::new());
        let salts = node(&store, 1, "UTC");
        salts.of(date!(2026 - 03 - 01)).await.unwrap();
        let today = date!(2026 - 03 - 05);
        assert_eq!(store.destroy_salts_before(today).await.unwrap(), 1);
        let left = store.salt_traces().await.unwrap().unwrap();
        assert_eq!(left.erased_at, None);
        let stop = CancellationToken::new();
        let kept = salts.keep_erased(stop.clone());
        let ended = async {
            tokio::time::sleep(ERASE_RETRY).await;
            stop.cancel();
        };
        tokio::join!(kept, ended);
        let left = store.salt_traces().await.unwrap().unwrap();
        assert!(left.erased_at.is_some(), "{left:?}");
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
