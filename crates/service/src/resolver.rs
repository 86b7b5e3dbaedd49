//! Finds the destination of the code that a visitor typed, mostly from memory.
//!
//! A [`Resolver`] caches answers of the store: links, and separately the codes that have none. It
//! guarantees:
//!
//! - A code that is in memory is answered without the store, even if the database is unavailable.
//! - After [`Resolver::forget`] has returned, no older answer is given.
//! - A change by another process is noticed by the change feed, within a second of its commit,
//!   while [`Resolver::follow_changes`] runs and the database answers.
//! - Requests for a code that is not in memory share one read of the store at a time; if it fails,
//!   it fails for all of them.
//! - Memory is limited by [`CacheSettings::capacity`], and a flood of unknown codes evicts no link.
//!
//! | part | what it does |
//! | --- | --- |
//! | `cache` | keeps entries and running loads, and lets neither restore what was forgotten |
//! | `feed` | reads the change feed |
//! | `window` | tells which of its numbers are new; they may appear in any order |

mod cache;
mod feed;
#[cfg(test)]
mod tests;
mod window;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;
use waypost_core::{FillError, Link, LinkId, ShortCode, TargetUrl, Template, Visibility};
use waypost_store::{ChangeStore, DatabaseClock, LinkStore, Store, StoreError};

pub(crate) use self::cache::Answer;
use self::cache::{Cache, Cached, Load, Loaded, Start, Waiting};
use self::feed::{Feed, answer};
use crate::CacheSettings;
use crate::metrics::CacheMetrics;

/// How often the change feed is read.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a request waits for the store. An early error is better for a visitor than a long wait;
/// the load continues for later requests.
const LOAD_PATIENCE: Duration = Duration::from_secs(2);
/// How long the one request that reloads an expired entry waits before it uses the old answer.
const RELOAD_PATIENCE: Duration = Duration::from_millis(250);

/// The part of a link that a redirect needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The link.
    pub link_id: LinkId,
    /// The destination URL.
    pub target: TargetUrl,
    /// Whether only its owners and the users it is shared with may follow it.
    pub is_secure: bool,
    /// Why it does not work at present, if so.
    pub closed: Option<Closed>,
    /// When it expires.
    pub expires_at: Option<OffsetDateTime>,
    /// Whether the visitor's query is added to that of the destination.
    pub forward_query: bool,
    /// Whether it passes on the rest of the path.
    pub is_keyword: bool,
    /// The parsed destination, if the link is a template or a keyword.
    pub template: Option<Box<Template>>,
}

/// Why a link does not work until it is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It is disabled.
    Disabled,
    /// The host of its destination is on the blocklist.
    Blocked,
}

impl Destination {
    /// Returns where a visitor goes, given the `rest` of the path after the code and the query
    /// (without its `?`).
    ///
    /// Does not allocate for a link without placeholders that forwards no query: its destination is
    /// returned as it is stored.
    ///
    /// # Errors
    /// [`FillError`] when the rest does not fill the placeholders.
    pub fn location(&self, rest: &str, query: &str) -> Result<Cow<'_, str>, FillError> {
        let query = if self.forward_query { query } else { "" };
        let Some(template) = &self.template else {
            return Ok(self.target.with_query(query));
        };
        let filled = template.fill(rest)?;
        Ok(Cow::Owned(Template::with_query(filled, query)))
    }
}

impl From<Link> for Destination {
    fn from(link: Link) -> Self {
        let template = if link.is_keyword {
            Template::of_keyword(&link.target)
        } else if link.details.template {
            Template::of_link(&link.target)
        } else {
            None
        };
        Self {
            template: template.map(Box::new),
            is_keyword: link.is_keyword,
            link_id: link.id,
            target: link.target,
            is_secure: link.details.visibility == Visibility::Secure,
            closed: link.details.disabled.then_some(Closed::Disabled),
            expires_at: link.details.expires_at,
            forward_query: link.details.forward_query,
        }
    }
}

/// Resolves short codes, from memory where it can. Clones share the memory.
///
/// An entry stays in memory until its link changes: [`Resolver::forget`] reports changes by this
/// process, the change feed those by others. In case the feed misses a change (for example because
/// tables were changed by hand), an entry is also reloaded when it is requested after 5 minutes.
/// Time passes with [`Resolver::poll_once`]: without polls, entries neither expire nor notice the
/// changes of other processes.
///
/// Requires a Tokio runtime.
///
/// ```
/// # use std::sync::Arc;
/// use waypost_service::{CacheSettings, Resolver};
/// use waypost_store::MemoryStore;
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let resolver = Resolver::new(Arc::new(MemoryStore::new()), &CacheSettings::default());
/// assert_eq!(resolver.resolve("Team-Wiki").await?, None);
/// # Ok::<(), waypost_store::StoreError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Resolver {
    cache: Arc<Cache>,
    metrics: CacheMetrics,
    links: Arc<dyn LinkStore>,
    feed: Arc<Feed>,
}

impl Resolver {
    /// Creates a resolver over `store` with an empty memory. Its metrics go to the recorder that is
    /// installed now.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, settings: &CacheSettings) -> Self {
        Self::over(store.clone(), store, settings)
    }

    fn over(
        links: Arc<dyn LinkStore>,
        changes: Arc<dyn ChangeStore>,
        settings: &CacheSettings,
    ) -> Self {
        Self {
            cache: Arc::new(Cache::new(settings.capacity)),
            metrics: CacheMetrics::new(),
            links,
            feed: Arc::new(Feed::new(changes)),
        }
    }

    /// Returns the destination of a code as the visitor typed it, in any case; `None` if no link
    /// has it. A text that cannot be a code is `None` without a look-up in memory or store.
    ///
    /// Ready at once, without allocating, for codes in memory. An entry past its time to live is
    /// reloaded by the first request that meets it, which waits at most 250 ms; all other requests,
    /// and all requests while the change feed cannot be read, get the old answer.
    ///
    /// # Errors
    /// [`StoreError`] as for any read, for a code that is not in memory;
    /// [`StoreError::Unavailable`] also when the store does not answer within 2 seconds.
    pub async fn resolve(&self, typed: &str) -> Result<Option<Arc<Destination>>, StoreError> {
        let mut buffer = [0; ShortCode::MAX_LEN];
        match ShortCode::normal_form(typed, &mut buffer) {
            Some(normal) => Ok(self.look_up(normal).await?.destination),
            None => Ok(None),
        }
    }

    /// Returns the answer for the normal form of a code; see [`Resolver::resolve`].
    pub(crate) async fn look_up(&self, normal: &str) -> Result<Answer, StoreError> {
        match self.cache.get(normal) {
            Cached::Fresh(answer) => {
                let hits = match answer.destination {
                    Some(_) => &self.metrics.hits,
                    None => &self.metrics.negative_hits,
                };
                hits.increment(1);
                Ok(answer)
            }
            Cached::Expired(answer) => {
                self.metrics.stale.increment(1);
                Ok(self.renew(normal, answer).await)
            }
            Cached::Absent => {
                self.metrics.misses.increment(1);
                let Ok(code) = ShortCode::parse(normal) else {
                    return Ok(Answer::default());
                };
                self.load(&code, self.cache.start(&code)).await
            }
        }
    }

    /// Forgets what is in memory of a code. Call this after this process created, changed or
    /// deleted its link: the next look-up reads the store. The result of a load that is running is
    /// not kept.
    pub fn forget(&self, code: &ShortCode) {
        self.cache.forget(code);
    }

    /// Polls the change feed once a second until `stop` is cancelled, and measures the database's
    /// time with each poll.
    pub async fn follow_changes(self, clock: Arc<DatabaseClock>, stop: CancellationToken) {
        let mut ticks = interval(POLL_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let follow = async {
            loop {
                ticks.tick().await;
                // A failure was logged, and the next poll tries again.
                if self.poll_once().await.is_ok()
                    && let Err(error) = answer(clock.measure()).await
                {
                    debug!(%error, "cannot read the time of the database; trying again in a second");
                }
            }
        };
        let _: Option<()> = stop.run_until_cancelled(follow).await;
    }

    /// Reads the change feed to its end, forgets the links that changed, and returns the number of
    /// new changes. The first time that it succeeds, and again after half an hour without success,
    /// it forgets everything.
    ///
    /// Also updates the time by which entries expire. An outage of the feed writes two lines to the
    /// log: one when it begins and one when it ends.
    ///
    /// # Errors
    /// [`StoreError`] as for any read; [`StoreError::Unavailable`] also when the store does not
    /// answer within 2 seconds. Changes read before the failure are forgotten, the rest at the next
    /// poll.
    pub async fn poll_once(&self) -> Result<usize, StoreError> {
        let result = self.feed.read(&self.cache).await;
        let (links, unknown) = self.cache.len();
        self.metrics.entries(links, unknown);
        result
    }

    /// Returns the approximate numbers of links and of unknown codes in memory.
    #[must_use]
    pub fn entries(&self) -> (usize, usize) {
        self.cache.len()
    }

    /// Returns whether the change feed is being followed: the last poll succeeded.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.feed.is_healthy()
    }

    /// Reads a code from the store, or joins a load that is already running.
    ///
    /// If the code is forgotten meanwhile, loads it once more. The second load begins after that,
    /// and so after this request came in: its result is new enough, whatever changes during it.
    async fn load(&self, code: &ShortCode, start: Start) -> Result<Answer, StoreError> {
        let loaded = self.follow_through(start).await?;
        if !loaded.outdated {
            return loaded.answer();
        }
        self.follow_through(self.cache.start(code)).await?.answer()
    }

    async fn follow_through(&self, start: Start) -> Result<Loaded, StoreError> {
        match start {
            Start::Done(answer) => Ok(Loaded {
                result: Ok(answer),
                outdated: false,
            }),
            Start::Joined(waiting) => end_of(waiting).await,
            Start::Started(load, waiting) => {
                // On a task of its own, so that it continues if the visitor stops waiting: others
                // may be waiting.
                tokio::spawn(run(Arc::clone(&self.links), load));
                end_of(waiting).await
            }
        }
    }

    /// Reloads an expired entry, unless that would delay the redirect too long.
    async fn renew(&self, normal: &str, old: Answer) -> Answer {
        if !self.feed.is_healthy() {
            return old;
        }
        let Ok(code) = ShortCode::parse(normal) else {
            return old;
        };
        let start = self.cache.start(&code);
        if matches!(start, Start::Joined(_)) {
            return old;
        }
        match timeout(RELOAD_PATIENCE, self.load(&code, start)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => old,
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (links, unknown) = self.cache.len();
        f.debug_struct("Resolver")
            .field("links", &links)
            .field("unknown", &unknown)
            .field("following", &self.is_following())
            .finish_non_exhaustive()
    }
}

impl Loaded {
    fn answer(self) -> Result<Answer, StoreError> {
        self.result.map_err(StoreError::of_shared)
    }
}

async fn run(links: Arc<dyn LinkStore>, load: Load) {
    let result = links.code_route(load.code()).await;
    load.end(result.map(|route| Answer {
        destination: route.link.map(|link| {
            let mut destination = Destination::from(link);
            if route.is_blocked {
                destination.closed = Some(Closed::Blocked);
            }
            Arc::new(destination)
        }),
        has_longer: route.has_longer,
    }));
}

/// Waits for the end of a load.
async fn end_of(mut waiting: Waiting) -> Result<Loaded, StoreError> {
    let ended = timeout(LOAD_PATIENCE, waiting.wait_for(Option::is_some)).await;
    match ended.map_err(StoreError::unavailable)?.as_deref() {
        Ok(Some(loaded)) => Ok(loaded.clone()),
        Ok(None) | Err(_) => Err(StoreError::unavailable(
            "the look-up was cancelled before its end",
        )),
    }
}
