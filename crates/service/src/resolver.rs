//! From the code that a visitor typed to where it leads, mostly from memory.
//!
//! A [`Resolver`] keeps answers of the store: links, and in a space of their own the codes that have
//! none. What it guarantees:
//!
//! - A code that is in memory is answered without the store, whether the database is there or not.
//! - After [`Resolver::forget`] returned, nothing older than that is answered.
//! - A change that another process made is noticed by the change feed, within a second of its commit
//!   while [`Resolver::follow_changes`] runs and the database answers.
//! - However many ask for a code that is not in memory, the store is asked once at a time; when that
//!   fails, it fails for all of them.
//! - Memory is bounded by [`CacheSettings::capacity`], and a flood of unknown codes evicts no link.
//!
//! | part | what it does |
//! | --- | --- |
//! | `cache` | keeps entries and loads under way, and lets neither bring back what was forgotten |
//! | `feed` | reads the change feed |
//! | `window` | knows which of its numbers, which may appear in any order, are new |

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
/// How long a request waits for the store. A visitor is better told to come back than kept waiting; the
/// load goes on for whoever comes next.
const LOAD_PATIENCE: Duration = Duration::from_secs(2);
/// How long the one request that loads an expired entry again waits, before it takes the old answer.
const RELOAD_PATIENCE: Duration = Duration::from_millis(250);

/// Where a link leads: what a redirect needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The link.
    pub link_id: LinkId,
    /// Where it leads.
    pub target: TargetUrl,
    /// Whether only those follow it whom it belongs to or is shared with.
    pub is_secure: bool,
    /// Why it leads nowhere for now.
    pub closed: Option<Closed>,
    /// From when on it leads nowhere.
    pub expires_at: Option<OffsetDateTime>,
    /// Whether the visitor's query is added to that of the target.
    pub forward_query: bool,
    /// Whether it takes all that a path has behind its code.
    pub is_keyword: bool,
    /// The target taken apart, where it has placeholders.
    pub template: Option<Box<Template>>,
}

/// Why a link leads nowhere until somebody changes that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It is disabled.
    Disabled,
    /// The blocklist has the host that it leads to.
    Blocked,
}

impl Destination {
    /// Where a visitor goes who has `rest` in the path behind the code, and this query (without its `?`).
    ///
    /// Allocates nothing for a link without placeholders that forwards no query.
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
        } else {
            Template::of_link(&link.target)
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
/// What is in memory stays until it changes: [`Resolver::forget`] tells of changes of this process,
/// the change feed of those of others. In case the feed was not told (somebody worked on the tables
/// by hand, say), an entry is also loaded again when somebody asks for it after 5 minutes. Time passes
/// with [`Resolver::poll_once`]: where nobody polls, entries neither expire nor notice the changes of
/// other processes.
///
/// To be used within a Tokio runtime.
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
    /// A resolver over `store` with an empty memory. Its metrics go to the recorder that is
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

    /// Where a code leads, as the visitor typed it, in any case; `None` where there is no link. What
    /// cannot be a code is `None` without reaching memory or store.
    ///
    /// Ready at once, without allocating, for what is in memory. An entry past its time to live is
    /// loaded again by the first request that meets it, which waits 250 ms at the most; everybody
    /// else, and everybody while the change feed cannot be read, gets the old answer.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up, of a code that is not in memory; [`StoreError::Unavailable`] also
    /// when the store does not answer within 2 seconds.
    pub async fn resolve(&self, typed: &str) -> Result<Option<Arc<Destination>>, StoreError> {
        let mut buffer = [0; ShortCode::MAX_LEN];
        match ShortCode::normal_form(typed, &mut buffer) {
            Some(normal) => Ok(self.look_up(normal).await?.destination),
            None => Ok(None),
        }
    }

    /// What is known of the normal form of a code; see [`Resolver::resolve`].
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

    /// Forgets what is in memory of a code, to be called after its link was made, changed or deleted
    /// by this process: the next look-up asks the store. What a load that is under way brings is not
    /// kept.
    pub fn forget(&self, code: &ShortCode) {
        self.cache.forget(code);
    }

    /// Polls the change feed once a second until `stop` is cancelled, and measures the database's time
    /// with each poll.
    pub async fn follow_changes(self, clock: Arc<DatabaseClock>, stop: CancellationToken) {
        let mut ticks = interval(POLL_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let follow = async {
            loop {
                ticks.tick().await;
                // A failure has been told in the log, and the next poll tries again.
                if self.poll_once().await.is_ok()
                    && let Err(error) = answer(clock.measure()).await
                {
                    debug!(%error, "the time of the database is asked for again in a second");
                }
            }
        };
        let _: Option<()> = stop.run_until_cancelled(follow).await;
    }

    /// Reads the change feed to its end, forgets the links that changed, and gives back the number of
    /// changes that it had not told before. The first time that it succeeds, and again after half an
    /// hour without success, it forgets everything.
    ///
    /// Takes note of the time, by which entries expire. An outage of the feed is two lines in the log:
    /// one when it begins and one when it ends.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up; [`StoreError::Unavailable`] also when the store does not answer
    /// within 2 seconds. What was read before the failure is forgotten, the rest next time.
    pub async fn poll_once(&self) -> Result<usize, StoreError> {
        let result = self.feed.read(&self.cache).await;
        let (links, unknown) = self.cache.len();
        self.metrics.entries(links, unknown);
        result
    }

    /// How many links, and how many unknown codes, are in memory: about so many.
    #[must_use]
    pub fn entries(&self) -> (usize, usize) {
        self.cache.len()
    }

    /// Whether the change feed is being followed: the last poll succeeded.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.feed.is_healthy()
    }

    /// Asks the store for a code, or waits for somebody who does.
    ///
    /// When the code is forgotten meanwhile, once more: the second load begins after that, and so
    /// after whoever asks came here. What it brings is new enough for them, whatever changes during
    /// it.
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
                // On its own, so that it goes on when the visitor does not wait for it: others may.
                tokio::spawn(run(Arc::clone(&self.links), load));
                end_of(waiting).await
            }
        }
    }

    /// Loads an expired entry again, if it can be done without harm to the redirect.
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
            "the look-up was given up before its end",
        )),
    }
}
