//! Live statistics: streams the clicks of a link to watching clients, whichever server accepted
//! them.
//!
//! A watched link is read from the store once a second, however many clients watch it, and not at
//! all without clients. Clicks that any server accepted appear within two seconds, as long as they
//! are stored without a backlog.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;
use tracing::debug;
use waypost_core::{ClickId, LinkId};
use waypost_store::rollup::Counted;
use waypost_store::{ClicksQuery, KeptClick, Store, StoreError};

/// How often a watched link is read.
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
    watched: Mutex<HashMap<LinkId, Weak<Watched>>>,
}

/// A watched link. Reading stops when its last client is dropped.
struct Watched {
    sender: Sender<Arc<News>>,
    task: AbortHandle,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
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
    /// Creates live statistics of links in `store`, with tasks on the current runtime.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(Arc::new(Inner {
            store,
            home: Handle::current(),
            watched: Mutex::default(),
        }))
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<LinkId, Weak<Watched>>> {
        self.0
            .watched
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
        let watched = self.watched().get(&link).and_then(Weak::upgrade)?;
        let receiver = watched.sender.subscribe();
        Some((watched, receiver))
    }

    /// Starts watching a link, unless another client did so in the meantime.
    fn begin(&self, link: LinkId, seen: Seen) -> Option<Joined> {
        let mut links = self.watched();
        links.retain(|_, watched| watched.strong_count() > 0);
        if links.contains_key(&link) {
            return None;
        }
        let (sender, receiver) = broadcast::channel(WAITING);
        let (store, news) = (Arc::clone(&self.0.store), sender.clone());
        let watching = self.0.home.spawn(watch(store, link, seen, news));
        let watched = Arc::new(Watched {
            sender,
            task: watching.abort_handle(),
        });
        links.insert(link, Arc::downgrade(&watched));
        Some((watched, receiver))
    }
}

type Joined = (Arc<Watched>, Receiver<Arc<News>>);

/// The last seen state of a watched link.
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

    /// Returns an event if there are new clicks.
    async fn news(&mut self, store: &dyn Store, link: LinkId) -> Result<Option<News>, StoreError> {
        let Some(found) = store.link(link).await? else {
            return Ok(None);
        };
        let total = Counted {
            clicks: found.clicks,
            humans: found.humans,
        };
        if total == self.total {
            return Ok(None);
        }
        let mut clicks = newest(store, link, MOST_CLICKS).await?;
        // A click that is stored late, after a newer one, is only in the totals.
        clicks.retain(|click| self.newest.is_none_or(|newest| click.id > newest));
        self.newest = clicks.first().map(|click| click.id).or(self.newest);
        self.total = total;
        Ok(Some(News { total, clicks }))
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

async fn watch(store: Arc<dyn Store>, link: LinkId, mut seen: Seen, sender: Sender<Arc<News>>) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        match seen.news(&*store, link).await {
            Ok(Some(news)) => {
                // Without clients, this task is about to be aborted.
                let _ = sender.send(Arc::new(news));
            }
            Ok(None) => {}
            Err(error) => {
                let error: &(dyn Error + 'static) = &error;
                debug!(error, "cannot read a watched link; trying again");
            }
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
        assert_eq!(live.watched().len(), 1);
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
        let first = live.watch(links[0].id).await.unwrap().unwrap();
        drop(first);
        let _second = live.watch(links[1].id).await.unwrap().unwrap();
        let watched: Vec<LinkId> = live.watched().keys().copied().collect();
        assert_eq!(watched, [links[1].id]);
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
