//! A store of links that can be blocked, and a change feed with the contents that a test sets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use ::time::OffsetDateTime;
use async_trait::async_trait;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use waypost_core::{
    Link, LinkCursor, LinkId, LinkVersion, Page, PageRequest, ShortCode, SystemClock, UserId,
};
use waypost_store::{
    ChangeStore, CodeRoute, DatabaseClock, LinkChange, LinkStore, LinkUpdate, MemoryStore, PageOf,
    StoreError, Updated,
};
use waypost_store_testkit::samples::{Samples, code};

use crate::CacheSettings;
use crate::resolver::{Destination, Resolver};

/// How a call behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Open,
    /// It has read its answer, and returns it when the mode changes.
    Held,
    Down,
    Broken,
}

type Act = Box<dyn Fn(&ShortCode) + Send>;

/// Links in memory, and how often a code was looked up.
pub(super) struct Links {
    pub(super) memory: MemoryStore,
    mode: watch::Sender<Mode>,
    lookups: AtomicU64,
    on_lookup: Mutex<Option<Act>>,
}

impl Links {
    pub(super) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    pub(super) fn lookups(&self) -> u64 {
        self.lookups.load(Ordering::SeqCst)
    }

    /// Runs `act` in the middle of each look-up, after the link was read.
    pub(super) fn on_lookup(&self, act: impl Fn(&ShortCode) + Send + 'static) {
        *self.on_lookup.lock().unwrap() = Some(Box::new(act));
    }

    pub(super) async fn insert(&self, link: &Link) {
        self.memory.insert_link(link, None).await.unwrap();
    }

    pub(super) async fn delete(&self, link: &Link) {
        assert!(self.memory.delete_link(link.id).await.unwrap());
    }
}

#[async_trait]
impl LinkStore for Links {
    async fn link_by_code(&self, _: &ShortCode) -> Result<Option<Link>, StoreError> {
        unreachable!("a resolver asks for more")
    }

    async fn holder_of_code(&self, _: &ShortCode) -> Result<Option<LinkId>, StoreError> {
        unreachable!("a resolver asks where a code leads")
    }

    async fn code_route(&self, code: &ShortCode) -> Result<CodeRoute, StoreError> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        let answer = self.memory.code_route(code).await;
        if let Some(act) = &*self.on_lookup.lock().unwrap() {
            act(code);
        }
        let mut mode = self.mode.subscribe();
        let mode = *mode.wait_for(|mode| *mode != Mode::Held).await.unwrap();
        match mode {
            Mode::Down => Err(StoreError::unavailable("down")),
            Mode::Broken => panic!("broken on purpose"),
            Mode::Open | Mode::Held => answer,
        }
    }

    async fn insert_link(&self, _: &Link, _: Option<UserId>) -> Result<(), StoreError> {
        unreachable!("a resolver changes nothing")
    }

    async fn link(&self, _: LinkId) -> Result<Option<Link>, StoreError> {
        unreachable!("a resolver knows codes alone")
    }

    async fn codes_of_link(&self, _: LinkId) -> Result<Vec<ShortCode>, StoreError> {
        unreachable!("a resolver is told codes")
    }

    async fn update_link(&self, _: &LinkUpdate) -> Result<Updated, StoreError> {
        unreachable!("a resolver changes nothing")
    }

    async fn link_versions(
        &self,
        _: LinkId,
        _: Option<u32>,
        _: u32,
    ) -> Result<Vec<LinkVersion>, StoreError> {
        unreachable!("a resolver lists nothing")
    }

    async fn links_page(&self, _: PageOf, _: PageRequest) -> Result<Page<Link>, StoreError> {
        unreachable!("a resolver lists nothing")
    }

    async fn links_after(&self, _: Option<LinkCursor>, _: u32) -> Result<Vec<Link>, StoreError> {
        unreachable!("a resolver lists nothing")
    }

    async fn delete_link(&self, _: LinkId) -> Result<bool, StoreError> {
        unreachable!("a resolver changes nothing")
    }

    async fn deleted_links_before(&self, _: OffsetDateTime) -> Result<u64, StoreError> {
        unreachable!("a resolver counts nothing")
    }

    async fn first_deleted_link(&self, _: OffsetDateTime) -> Result<Option<LinkId>, StoreError> {
        unreachable!("a resolver lists nothing")
    }

    async fn purge_deleted_links(&self, _: OffsetDateTime, _: u32) -> Result<u64, StoreError> {
        unreachable!("a resolver changes nothing")
    }
}

/// A change feed whose changes appear in the order in which a test adds them.
pub(super) struct Changes {
    feed: Mutex<Vec<LinkChange>>,
    mode: watch::Sender<Mode>,
    reads: AtomicU64,
}

impl Changes {
    pub(super) fn add(&self, seq: u64, text: &str) {
        let mut feed = self.feed.lock().unwrap();
        feed.push(LinkChange {
            seq,
            code: Some(code(text)),
        });
        feed.sort_by_key(|change| change.seq);
    }

    /// Removes all changes after a number.
    pub(super) fn set_back(&self, seq: u64) {
        let mut feed = self.feed.lock().unwrap();
        feed.retain(|change| change.seq <= seq);
    }

    pub(super) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Returns how many pages were read.
    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }

    async fn answer(&self) -> Result<(), StoreError> {
        let mut mode = self.mode.subscribe();
        let mode = *mode.wait_for(|mode| *mode != Mode::Held).await.unwrap();
        match mode {
            Mode::Open => Ok(()),
            _ => Err(StoreError::unavailable("down")),
        }
    }
}

#[async_trait]
impl ChangeStore for Changes {
    async fn changes_after(&self, seq: u64, limit: u32) -> Result<Vec<LinkChange>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.answer().await?;
        let feed = self.feed.lock().unwrap();
        let behind = feed.iter().filter(|change| change.seq > seq);
        let limit = usize::try_from(limit).unwrap();
        Ok(behind.take(limit).cloned().collect())
    }

    async fn last_change(&self) -> Result<u64, StoreError> {
        self.answer().await?;
        let feed = self.feed.lock().unwrap();
        Ok(feed.last().map_or(0, |change| change.seq))
    }

    async fn purge_changes(&self, _: OffsetDateTime, _: u32) -> Result<u64, StoreError> {
        unreachable!("a resolver purges nothing")
    }
}

/// A resolver over the doubles.
pub(super) struct Setup {
    pub(super) links: Arc<Links>,
    pub(super) changes: Arc<Changes>,
    pub(super) resolver: Resolver,
    pub(super) clock: Arc<DatabaseClock>,
    pub(super) samples: Samples,
}

impl Setup {
    pub(super) fn new() -> Self {
        let links = Arc::new(Links {
            memory: MemoryStore::new(),
            mode: watch::Sender::new(Mode::Open),
            lookups: AtomicU64::new(0),
            on_lookup: Mutex::default(),
        });
        let changes = Arc::new(Changes {
            feed: Mutex::default(),
            mode: watch::Sender::new(Mode::Open),
            reads: AtomicU64::new(0),
        });
        let settings = CacheSettings::default();
        let (time, clock) = (MemoryStore::new(), SystemClock);
        Self {
            clock: Arc::new(DatabaseClock::new(Arc::new(time), Arc::new(clock))),
            resolver: Resolver::over(links.clone(), changes.clone(), &settings),
            links,
            changes,
            samples: Samples::new(1),
        }
    }

    /// Follows the feed.
    pub(super) fn follow(
        &self,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (resolver, clock) = (self.resolver.clone(), self.clock.clone());
        resolver.follow_changes(clock, stop)
    }

    /// Creates a link that the feed does not report.
    pub(super) async fn link(&self, text: &str) -> Link {
        let link = self.samples.link(text);
        self.links.insert(&link).await;
        link
    }

    /// Puts another link under the same code, which the feed does not report.
    pub(super) async fn replace(&self, link: &Link) -> Link {
        self.links.delete(link).await;
        self.link(link.code.as_str()).await
    }

    pub(super) async fn resolve(&self, typed: &str) -> Option<LinkId> {
        link_id(self.resolver.resolve(typed).await)
    }

    /// Lets the tasks run until `lookups` look-ups have reached the store.
    pub(super) async fn until_looked_up(&self, lookups: u64) {
        while self.links.lookups() < lookups {
            tokio::task::yield_now().await;
        }
    }
}

/// Returns the ID of the link that was found.
pub(super) fn link_id(answer: Result<Option<Arc<Destination>>, StoreError>) -> Option<LinkId> {
    answer.unwrap().map(|destination| destination.link_id)
}
