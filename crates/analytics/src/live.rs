//! Live numbers: whoever watches a link is told of its clicks, whichever node accepted them.
//!
//! A link that is watched is asked for once a second, however many watch it, and not at all when
//! nobody does. What was accepted by any node and stored is seen with the next question: within two
//! seconds, as long as clicks are stored without a backlog.

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

/// How often a link that is watched is asked for.
const INTERVAL: Duration = Duration::from_secs(1);
/// So many clicks are told of at once; the numbers count all.
const MOST_CLICKS: u32 = 20;
/// So many news wait for whoever is slow; older ones are passed over.
const WAITING: usize = 16;

/// Something happened to a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// All clicks ever counted, as of now.
    pub total: Counted,
    /// The newest of those that came, newest first; at most 20, none where no rows are kept.
    pub clicks: Vec<KeptClick>,
}

/// Watches links. Clones are cheap.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    home: Handle,
    watched: Mutex<HashMap<LinkId, Weak<Watched>>>,
}

/// A link that somebody watches, until nobody does.
struct Watched {
    sender: Sender<Arc<News>>,
    task: AbortHandle,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Somebody who watches a link.
pub struct Watcher {
    /// How it stood when they began.
    pub total: Counted,
    receiver: Receiver<Arc<News>>,
    _watched: Arc<Watched>,
}

impl Watcher {
    /// Waits for news; `None` when there will be none any more. Whoever drops it misses nothing.
    pub async fn news(&mut self) -> Option<Arc<News>> {
        loop {
            match self.receiver.recv().await {
                Ok(news) => return Some(news),
                // The numbers of the next ones count what was missed.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

impl Live {
    /// Watches links in `store`, by tasks of the runtime from which this is called.
    ///
    /// # Panics
    /// Outside of a runtime of tokio.
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

    /// Begins to watch a link; `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn watch(&self, link: LinkId) -> Result<Option<Watcher>, StoreError> {
        loop {
            // Before the numbers are read: what changes after that is news.
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

    /// Joins those who watch a link, if anybody does.
    fn join(&self, link: LinkId) -> Option<Joined> {
        let watched = self.watched().get(&link).and_then(Weak::upgrade)?;
        let receiver = watched.sender.subscribe();
        Some((watched, receiver))
    }

    /// Begins to watch a link, unless somebody else has begun meanwhile.
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

/// What is known of a link that is watched.
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

    /// What is new, if anything.
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
        // One that is stored late, behind a newer one, is in the numbers alone.
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
                // Where nobody listens any more, this is about to end.
                let _ = sender.send(Arc::new(news));
            }
            Ok(None) => {}
            Err(error) => {
                let error: &(dyn Error + 'static) = &error;
                debug!(error, "a link that is watched cannot be read; trying again");
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
    async fn all_who_watch_are_told_of_each_click_within_a_second() {
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
    async fn a_link_that_nobody_watches_is_not_asked_for() {
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
