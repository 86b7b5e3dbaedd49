//! Live statistics: streams the clicks of a link to watching clients, whichever server accepted
//! them.
//!
//! While there are clients, one task reads the totals of all watched links once a second, in one
//! query, and the newest clicks of those that changed. It starts with the first client and ends with
//! the last. Clicks that any server accepted appear within two seconds, as long as they are stored
//! without a backlog.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio::time::MissedTickBehavior;
use tracing::debug;
use waypost_core::{ClickId, LinkId};
use waypost_store::rollup::Counted;
use waypost_store::{ClicksQuery, KeptClick, Store, StoreError};

/// How often the watched links are read.
const INTERVAL: Duration = Duration::from_secs(1);
/// Maximum number of clicks in one event. The totals count all clicks.
const MOST_CLICKS: u32 = 20;
/// Maximum number of events buffered for a slow client. Older ones are skipped.
const WAITING: usize = 16;

/// An event: new clicks of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The total number of clicks.
    pub total: Counted,
    /// The newest of the new clicks, newest first: at most 20, none without click records.
    pub clicks: Vec<KeptClick>,
}

/// Live statistics of links. Clones are cheap.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    home: Handle,
    watching: Mutex<Watching>,
}

/// The watched links.
#[derive(Default)]
struct Watching {
    links: HashMap<LinkId, Weak<Watched>>,
    /// Whether the task that reads them runs. It ends when there are none.
    is_polled: bool,
}

/// A watched link, as long as it has clients.
struct Watched {
    sender: Sender<Arc<News>>,
    /// The state that the clients know.
    seen: Mutex<Seen>,
}

/// A client that watches a link.
pub struct Watcher {
    /// The total at the start.
    pub total: Counted,
    receiver: Receiver<Arc<News>>,
    _watched: Arc<Watched>,
}

impl Watcher {
    /// Waits for the next event; `None` if there will be no more. Cancel-safe: dropping the future
    /// loses no event.
    pub async fn news(&mut self) -> Option<Arc<News>> {
        loop {
            match self.receiver.recv().await {
                Ok(news) => return Some(news),
                // The totals of the next event include what was missed.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

impl Live {
    /// Creates live statistics of links in `store`, with a task on the current runtime.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(Arc::new(Inner {
            store,
            home: Handle::current(),
            watching: Mutex::default(),
        }))
    }

    /// Starts watching a link. Returns `None` if the link does not exist.
    ///
    /// # Errors
    /// [`StoreError`], as for any read.
    pub async fn watch(&self, link: LinkId) -> Result<Option<Watcher>, StoreError> {
        loop {
            // Subscribe before reading the totals, so that later changes are events.
            let joined = self.join(link);
            let Some(seen) = Seen::of(&*self.0.store, link).await? else {
                return Ok(None);
            };
            let total = seen.total;
            if let Some((watched, receiver)) = joined.or_else(|| self.begin(link, seen)) {
                return Ok(Some(Watcher {
                    total,
                    receiver,
                    _watched: watched,
                }));
            }
        }
    }

    /// Subscribes to a link that is already watched.
    fn join(&self, link: LinkId) -> Option<Joined> {
        let watched = self.0.watching().links.get(&link).and_then(Weak::upgrade)?;
        let receiver = watched.sender.subscribe();
        Some((watched, receiver))
    }

    /// Starts watching a link, unless another client did so in the meantime.
    fn begin(&self, link: LinkId, seen: Seen) -> Option<Joined> {
        let mut watching = self.0.watching();
        let known = watching.links.get(&link);
        if known.is_some_and(|known| known.strong_count() > 0) {
            return None;
        }
        let (sender, receiver) = broadcast::channel(WAITING);
        let seen = Mutex::new(seen);
        let watched = Arc::new(Watched { sender, seen });
        watching.links.insert(link, Arc::downgrade(&watched));
        if !std::mem::replace(&mut watching.is_polled, true) {
            self.0.home.spawn(poll(Arc::downgrade(&self.0)));
        }
        Some((watched, receiver))
    }
}

type Joined = (Arc<Watched>, Receiver<Arc<News>>);

impl Inner {
    fn watching(&self) -> MutexGuard<'_, Watching> {
        self.watching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the links that have clients, and forgets the others.
    fn watched(&self) -> Vec<(LinkId, Arc<Watched>)> {
        let mut watching = self.watching();
        watching
            .links
            .retain(|_, watched| watched.strong_count() > 0);
        let links = watching.links.iter();
        let watched: Vec<_> = links
            .filter_map(|(link, watched)| Some((*link, watched.upgrade()?)))
            .collect();
        // Under the lock, so that the next client starts the task again.
        watching.is_polled = !watched.is_empty();
        watched
    }

    /// Reads all watched links, and sends their clients what is new.
    async fn send_news(&self, watched: &[(LinkId, Arc<Watched>)]) -> Result<(), StoreError> {
        let ids: Vec<LinkId> = watched.iter().map(|(link, _)| *link).collect();
        let totals = self.store.link_totals(&ids).await?;
        for (link, watched) in watched {
            let Some(total) = totals.get(link) else {
                continue;
            };
            let before = watched.seen();
            if *total == before.total {
                continue;
            }
            let news = before.news(&*self.store, *link, *total).await?;
            *watched.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen {
                total: *total,
                newest: news.clicks.first().map(|click| click.id).or(before.newest),
            };
            // The last client may just have left.
            let _ = watched.sender.send(Arc::new(news));
        }
        Ok(())
    }
}

impl Watched {
    fn seen(&self) -> Seen {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last seen state of a watched link.
#[derive(Clone, Copy)]
struct Seen {
    total: Counted,
    newest: Option<ClickId>,
}

impl Seen {
    async fn of(store: &dyn Store, link: LinkId) -> Result<Option<Self>, StoreError> {
        let newest = newest(store, link, 1).await?;
        let found = store.link(link).await?;
        Ok(found.map(|found| Self {
            total: Counted {
                clicks: found.clicks,
                humans: found.humans,
            },
            newest: newest.first().map(|click| click.id),
        }))
    }

    /// Returns the event of a new total.
    async fn news(
        self,
        store: &dyn Store,
        link: LinkId,
        total: Counted,
    ) -> Result<News, StoreError> {
        let mut clicks = newest(store, link, MOST_CLICKS).await?;
        // A click that is stored late, after a newer one, is only in the totals.
        clicks.retain(|click| self.newest.is_none_or(|newest| click.id > newest));
        Ok(News { total, clicks })
    }
}

async fn newest(store: &dyn Store, link: LinkId, limit: u32) -> Result<Vec<KeptClick>, StoreError> {
    let query = ClicksQuery {
        link,
        before: None,
        limit,
    };
    store.clicks_of(&query).await
}

/// Reads the watched links once a second, until there are none.
async fn poll(live: Weak<Inner>) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let Some(live) = live.upgrade() else {
            return;
        };
        let watched = live.watched();
        if watched.is_empty() {
            return;
        }
        if let Err(error) = live.send_news(&watched).await {
            let error: &(dyn Error + 'static) = &error;
            debug!(error, "cannot read a watched link; trying again");
        }
    }
}

#[cfg(test)]
mod tests {
    use waypost_store::{ClickStore as _, LinkStore as _, MemoryStore};
    use waypost_store_testkit::samples::Samples;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_clients_get_each_click_within_a_second() {
        let store = Arc::new(MemoryStore::new());
        let samples = Samples::new(1);
        let link = samples.link("wiki");
        store.insert_link(&link, None).await.unwrap();
        let before = samples.clicks(&link, 3);
        store.record_clicks(&before).await.unwrap();
        let live = Live::new(store.clone());
        let mut watchers = Vec::new();
        for _ in 0..3 {
            watchers.push(live.watch(link.id).await.unwrap().unwrap());
        }
        assert_eq!(watchers[0].total.clicks, 3);
        for total in 4..7 {
            let click = samples.click(&link);
            store
                .record_clicks(std::slice::from_ref(&click))
                .await
                .unwrap();
            let began = tokio::time::Instant::now();
            for watcher in &mut watchers {
                let news = watcher.news().await.unwrap();
                assert_eq!(news.total.clicks, total);
                let ids: Vec<ClickId> = news.clicks.iter().map(|click| click.id).collect();
                assert_eq!(ids, [click.id]);
            }
            assert!(began.elapsed() <= INTERVAL, "{:?}", began.elapsed());
        }
        assert_eq!(live.0.watching().links.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_without_clients_is_not_read() {
        let store = Arc::new(MemoryStore::new());
        let samples = Samples::new(1);
        let links = samples.links(2);
        for link in &links {
            store.insert_link(link, None).await.unwrap();
        }
        let live = Live::new(store);
        let is_polled = || live.0.watching().is_polled;
        let first = live.watch(links[0].id).await.unwrap().unwrap();
        let second = live.watch(links[1].id).await.unwrap().unwrap();
        drop(first);
        tokio::time::sleep(INTERVAL * 2).await;
        let watched: Vec<LinkId> = live.0.watching().links.keys().copied().collect();
        assert_eq!(watched, [links[1].id]);
        assert!(is_polled());
        // The task ends with the last client, and starts again with the next.
        drop(second);
        tokio::time::sleep(INTERVAL * 2).await;
        assert!(!is_polled());
        let _third = live.watch(links[1].id).await.unwrap().unwrap();
        assert!(is_polled());
        let never = samples.link("never");
        assert!(live.watch(never.id).await.unwrap().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_click_that_is_stored_late_changes_the_numbers() {
        let store = Arc::new(MemoryStore::new());
        let samples = Samples::new(1);
        let link = samples.link("wiki");
        store.insert_link(&link, None).await.unwrap();
        let [late, newer] = [samples.click(&link), samples.click(&link)];
        store.record_clicks(&[newer]).await.unwrap();
        let live = Live::new(store.clone());
        let mut watcher = live.watch(link.id).await.unwrap().unwrap();
        store.record_clicks(&[late]).await.unwrap();
        let news = watcher.news().await.unwrap();
        assert_eq!((news.total.clicks, news.clicks.len()), (2, 0));
    }
}
