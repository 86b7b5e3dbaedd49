//! The places of a server, one for each connection.
//!
//! - There are as many as the settings say. While all are taken, connections without a request are
//!   closed for new ones, the longest idle first; if there are none, a new connection waits.
//! - A client (an IPv4 address or a `/64` network) has a share of them. Beyond it, its own idle
//!   connections are closed first, and then its new ones.
//! - Once a second, the sweep ends connections that exceed a time limit. See [`super::slot`].

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use slab::Slab;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::metrics::ConnectionMetrics;
use super::slot::{Ending, Slot};
use crate::request::budget::network_of;

/// How long a connection waits for a place: longer than those that have one may be silent.
const WAIT: Duration = Duration::from_secs(15);
/// Idle connections are closed by this part of all that are allowed, so that each of many new ones
/// need not look for the longest idle.
const SHED_PART: usize = 64;

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// In all.
    pub(crate) connections: usize,
    /// Of one client; `None` for no limit.
    pub(crate) per_client: Option<usize>,
}

/// Why a connection gets no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its client has its share, and none of its connections is idle.
    Share,
    /// All places were taken for a while.
    Full,
    /// The server stops.
    Stopping,
    /// A proxy did not send the header of the PROXY protocol in time, or not a valid one.
    ProxyHeader,
}

impl Refusal {
    pub(crate) const ALL: [Self; 4] = [Self::Share, Self::Full, Self::Stopping, Self::ProxyHeader];

    /// The label in metrics and the log.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Full => "full",
            Self::Stopping => "stopping",
            Self::ProxyHeader => "proxy_header",
        }
    }
}

/// The places of a server.
pub(crate) struct Places {
    limits: Limits,
    seats: Arc<Semaphore>,
    /// Connections that wait for a place.
    waiting: AtomicUsize,
    stopping: AtomicBool,
    began: Instant,
    /// Seconds since then, as of the last sweep.
    now: AtomicU32,
    table: Mutex<Table>,
    metrics: ConnectionMetrics,
}

#[derive(Default)]
struct Table {
    slots: Slab<Arc<Slot>>,
    /// The connections of each client.
    clients: HashMap<IpAddr, usize>,
}

/// A place that is taken. Dropping it frees it.
pub(super) struct Place {
    pub(super) slot: Arc<Slot>,
    pub(super) places: Arc<Places>,
    key: usize,
    _seat: OwnedSemaphorePermit,
}

impl Places {
    pub(crate) fn new(limits: Limits, metrics: ConnectionMetrics) -> Arc<Self> {
        let seats = limits.connections.min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            limits,
            seats: Arc::new(Semaphore::new(seats)),
            waiting: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            began: Instant::now(),
            now: AtomicU32::new(0),
            table: Mutex::default(),
            metrics,
        })
    }

    /// Returns the seconds since the start, as of the last sweep.
    pub(super) fn now(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }

    /// Whether a connection should be closed rather than kept for further requests.
    pub(super) fn is_short(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0 || self.stopping.load(Ordering::Relaxed)
    }

    /// Takes a place for a connection of a client; `None` counts for none.
    ///
    /// # Errors
    /// [`Refusal`] if there is none.
    pub(super) async fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Place, Refusal> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err(Refusal::Stopping);
        }
        let client = address.map(network_of);
        let slot = Slot::new(client, self.now());
        self.enter_share(client)?;
        // From here on, the share is given back when `share` is dropped.
        let share = Share {
            places: self,
            client,
        };
        let seat = match self.seats.clone().try_acquire_owned() {
            Ok(seat) => seat,
            Err(_) => self.wait().await?,
        };
        let key = self.table().slots.insert(slot.clone());
        std::mem::forget(share);
        self.metrics.opened();
        Ok(Place {
            slot,
            places: self.clone(),
            key,
            _seat: seat,
        })
    }

    /// Counts a connection for its client.
    fn enter_share(&self, client: Option<IpAddr>) -> Result<(), Refusal> {
        let Some(client) = client else { return Ok(()) };
        let mut table = self.table();
        let count = table.clients.get(&client).copied().unwrap_or(0);
        if let Some(share) = self.limits.per_client
            && count >= share
        {
            let of_client = |slot: &Slot| slot.client == Some(client);
            let shed = table.shed((share / SHED_PART).max(1), self.now(), of_client);
            self.metrics.ended(Ending::Shed, shed);
            // Those that were told to end are still counted: a client has a few more meanwhile.
            if shed == 0 || count >= share.saturating_mul(2) {
                return Err(Refusal::Share);
            }
        }
        *table.clients.entry(client).or_default() += 1;
        Ok(())
    }

    fn leave_share(&self, client: Option<IpAddr>) {
        let Some(client) = client else { return };
        let mut table = self.table();
        if let Some(count) = table.clients.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                table.clients.remove(&client);
            }
        }
    }

    /// Closes idle connections and waits for a place.
    async fn wait(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let _waiting = Waiting::new(&self.waiting);
        self.shed((self.limits.connections / SHED_PART).max(1));
        let seat = self.seats.clone().acquire_owned();
        match tokio::time::timeout(WAIT, seat).await {
            Ok(Ok(seat)) => Ok(seat),
            Ok(Err(_)) => Err(Refusal::Stopping),
            Err(_) => Err(Refusal::Full),
        }
    }

    /// Closes up to `count` connections without a request, the longest idle first.
    fn shed(&self, count: usize) {
        let shed = self.table().shed(count, self.now(), |_| true);
        self.metrics.ended(Ending::Shed, shed);
    }

    /// Ends the connections that exceed a limit. Called once a second.
    pub(crate) fn sweep(&self) {
        let now = u32::try_from(self.began.elapsed().as_secs()).unwrap_or(u32::MAX);
        self.sweep_at(now);
    }

    fn sweep_at(&self, now: u32) {
        self.now.store(now, Ordering::Relaxed);
        {
            let table = self.table();
            for (_, slot) in &table.slots {
                if let Some(ending) = slot.judge(now)
                    && slot.end(ending)
                {
                    self.metrics.ended(ending, 1);
                }
            }
        }
        if self.stopping.load(Ordering::Relaxed) {
            // Some have become idle since.
            let shed = self.table().shed(usize::MAX, u32::MAX, |_| true);
            self.metrics.ended(Ending::Shed, shed);
        }
        let waiting = self.waiting.load(Ordering::Relaxed);
        if waiting > 0 {
            self.shed(waiting);
        }
    }

    /// Closes the connections without a request, and lets each of the others end with the answer
    /// that is under way.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.seats.close();
        // Whatever is still silent sends nothing that could be answered.
        let shed = self.table().shed(usize::MAX, u32::MAX, |_| true);
        self.metrics.ended(Ending::Shed, shed);
    }

    /// Records that a connection got no place.
    pub(super) fn refused(&self, refusal: Refusal) {
        self.metrics.refused(refusal);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Tells up to `count` connections without a request to end, the longest idle first. Returns
    /// how many were told.
    fn shed(&self, count: usize, now: u32, among: impl Fn(&Slot) -> bool) -> usize {
        let mut idle: Vec<_> = self
            .slots
            .iter()
            .filter(|(_, slot)| among(slot))
            .filter_map(|(_, slot)| Some((slot.idle_since(now)?, slot)))
            .collect();
        if count < idle.len() {
            idle.select_nth_unstable_by_key(count, |(since, _)| *since);
        }
        let shed = idle.iter().take(count);
        shed.filter(|(_, slot)| slot.end(Ending::Shed)).count()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.table().slots.try_remove(self.key);
        self.places.leave_share(self.slot.client);
        self.places.metrics.closed();
    }
}

/// A connection that is counted for its client and has no place yet.
struct Share<'a> {
    places: &'a Places,
    client: Option<IpAddr>,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.places.leave_share(self.client);
    }
}

/// Counts a connection that waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::slot::Phase;
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn places(connections: usize, per_client: Option<usize>) -> Arc<Places> {
        let limits = Limits {
            connections,
            per_client,
        };
        Places::new(limits, ConnectionMetrics::register())
    }

    async fn take(places: &Arc<Places>, client: IpAddr, phase: Phase) -> Result<Place, Refusal> {
        let place = places.take(Some(client)).await?;
        place.slot.enter(phase, places.now());
        Ok(place)
    }

    #[tokio::test]
    async fn a_client_has_its_share_and_others_are_not_affected() {
        let places = places(100, Some(2));
        let first = take(&places, ONE, Phase::Working).await.unwrap();
        let _second = take(&places, ONE, Phase::Working).await.unwrap();
        let third = take(&places, ONE, Phase::Working).await;
        assert_eq!(third.err(), Some(Refusal::Share));
        let _other = take(&places, OTHER, Phase::Working).await.unwrap();
        for _ in 0..5 {
            std::mem::forget(places.take(None).await.unwrap());
        }
        drop(first);
        let again = take(&places, ONE, Phase::Idle).await.unwrap();
        // The next takes the place of the one that is idle.
        let next = take(&places, ONE, Phase::Working).await;
        assert!(next.is_ok());
        assert_eq!(again.slot.ending(), Some(Ending::Shed));
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_leaves_for_a_new_connection_and_a_busy_one_does_not() {
        let places = places(3, None);
        let busy = take(&places, ONE, Phase::Working).await.unwrap();
        let long = take(&places, ONE, Phase::Idle).await.unwrap();
        places.sweep_at(5);
        let short = take(&places, ONE, Phase::Idle).await.unwrap();
        let newcomer = tokio::spawn({
            let places = places.clone();
            async move { take(&places, OTHER, Phase::Working).await }
        });
        while long.slot.ending().is_none() {
            tokio::task::yield_now().await;
        }
        assert!(
            places.is_short(),
            "answers close their connections meanwhile"
        );
        drop(long);
        let _newcomer = newcomer.await.unwrap().unwrap();
        assert_eq!((busy.slot.ending(), short.slot.ending()), (None, None));
        assert!(!places.is_short());
        short.slot.enter(Phase::Working, 5);
        // All are busy now: the next one waits, and is refused in the end.
        let refused = take(&places, OTHER, Phase::Working).await;
        assert_eq!(refused.err(), Some(Refusal::Full));
        drop(busy);
        assert!(take(&places, OTHER, Phase::Working).await.is_ok());
    }

    #[tokio::test]
    async fn a_server_that_stops_closes_what_is_idle_and_takes_no_more() {
        let places = places(10, None);
        let busy = take(&places, ONE, Phase::Working).await.unwrap();
        let silent = take(&places, ONE, Phase::Silent).await.unwrap();
        places.stop();
        assert_eq!(silent.slot.ending(), Some(Ending::Shed));
        assert_eq!(busy.slot.ending(), None);
        assert!(places.is_short());
        let refused = take(&places, ONE, Phase::Working).await;
        assert_eq!(refused.err(), Some(Refusal::Stopping));
    }

    #[tokio::test]
    async fn the_sweep_ends_what_exceeds_a_limit() {
        let places = places(10, None);
        let idle = take(&places, ONE, Phase::Idle).await.unwrap();
        let blocked = take(&places, ONE, Phase::Working).await.unwrap();
        blocked.slot.block(0);
        places.sweep_at(10);
        assert_eq!((idle.slot.ending(), blocked.slot.ending()), (None, None));
        places.sweep_at(11);
        assert_eq!(blocked.slot.ending(), Some(Ending::SlowReader));
        places.sweep_at(76);
        assert_eq!(idle.slot.ending(), Some(Ending::Idle));
    }
}
