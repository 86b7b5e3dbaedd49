//! The entries in memory, and the loads that are running.
//!
//! Links and unknown codes are kept separately, each within its own limit: random codes fill the
//! second and leave the first alone. A look-up reads one or both of them and takes only the shared
//! lock of a shard.
//!
//! All changes of the entries happen under one lock, [`Cache::loads`]. The end of a load and
//! [`Cache::forget`] therefore cannot cross: a load that was running when its code was forgotten is
//! no longer the load of that code, and keeps nothing. (The underlying cache has placeholders for
//! loads, but they would pass such a value to all waiting requests, would let those that wait for a
//! failing load try one after the other, and cannot span the two kinds of entries.)

use std::collections::HashMap;
use std::hash::RandomState;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::UnitWeighter;
use quick_cache::sync::Cache as Bounded;
use tokio::sync::watch;
use waypost_core::ShortCode;
use waypost_store::StoreError;

use super::Destination;

/// The age in seconds at which an entry is reloaded.
pub(super) const TIME_TO_LIVE: u32 = 300;
/// Seconds until an entry whose load failed is tried again.
pub(super) const RETRY_AFTER: u32 = 10;
/// Number of links for each unknown code that is kept, but at least [`FEWEST_UNKNOWN`] unknown
/// codes.
const LINKS_PER_UNKNOWN: usize = 4;
const FEWEST_UNKNOWN: usize = 1_000;

/// The known facts of a code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The destination; `None` if no link has the code.
    pub(crate) destination: Option<Arc<Destination>>,
    /// Whether longer codes continue it.
    pub(crate) has_longer: bool,
}

/// What is in memory about a code.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cached {
    /// An answer.
    Fresh(Answer),
    /// An answer that is due for a reload.
    Expired(Answer),
    /// Nothing.
    Absent,
}

/// An answer and when its load began, in seconds of [`Cache::now`].
#[derive(Debug, Clone)]
struct Entry<T> {
    answer: T,
    has_longer: bool,
    loaded: u32,
}

/// Uses the hasher of the standard library: visitors choose the keys, and must not be able to
/// choose ones that collide.
type Entries<T> = Bounded<ShortCode, Entry<T>, UnitWeighter, RandomState>;

pub(super) struct Cache {
    links: Entries<Arc<Destination>>,
    unknown: Entries<()>,
    loads: Mutex<Loads>,
    now: AtomicU32,
}

/// The running loads.
#[derive(Debug, Default)]
struct Loads {
    begun: u64,
    by_code: HashMap<ShortCode, Begun>,
}

#[derive(Debug)]
struct Begun {
    number: u64,
    end: Waiting,
}

/// A receiver for the end of a load.
pub(super) type Waiting = watch::Receiver<Option<Loaded>>;

/// The result of a load.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) result: Result<Answer, Arc<StoreError>>,
    /// Whether the code was forgotten meanwhile, so that this may be an older state.
    pub(super) outdated: bool,
}

/// What to do about a code that must be read from the store.
pub(super) enum Start {
    /// Nothing: a load ended just now.
    Done(Answer),
    /// Wait for a load that is running.
    Joined(Waiting),
    /// Load it.
    Started(Load, Waiting),
}

impl Cache {
    /// Creates a cache of `capacity` links, and a quarter as many unknown codes.
    pub(super) fn new(capacity: usize) -> Self {
        let unknown = (capacity / LINKS_PER_UNKNOWN).max(FEWEST_UNKNOWN);
        Self {
            links: entries(capacity),
            unknown: entries(unknown),
            loads: Mutex::default(),
            now: AtomicU32::new(0),
        }
    }

    /// Returns the time by which entries age, in seconds. It advances only when it is set.
    pub(super) fn now(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }

    pub(super) fn set_now(&self, seconds: u32) {
        self.now.store(seconds, Ordering::Relaxed);
    }

    /// Looks up the normal form of a code.
    pub(super) fn get(&self, normal: &str) -> Cached {
        let (destination, has_longer, loaded) = match self.links.get(normal) {
            Some(entry) => (Some(entry.answer), entry.has_longer, entry.loaded),
            None => match self.unknown.get(normal) {
                Some(entry) => (None, entry.has_longer, entry.loaded),
                None => return Cached::Absent,
            },
        };
        let answer = Answer {
            destination,
            has_longer,
        };
        if self.now().saturating_sub(loaded) < TIME_TO_LIVE {
            Cached::Fresh(answer)
        } else {
            Cached::Expired(answer)
        }
    }

    /// Begins a load, unless one is running or has ended since the caller looked.
    pub(super) fn start(self: &Arc<Self>, code: &ShortCode) -> Start {
        let mut loads = self.loads();
        if let Some(begun) = loads.by_code.get(code) {
            return Start::Joined(begun.end.clone());
        }
        if let Cached::Fresh(answer) = self.get(code.as_str()) {
            return Start::Done(answer);
        }
        let (end, waiting) = watch::channel(None);
        loads.begun += 1;
        let begun = Begun {
            number: loads.begun,
            end: waiting.clone(),
        };
        let load = Load {
            cache: Arc::clone(self),
            code: code.clone(),
            number: begun.number,
            began: self.now(),
            end,
        };
        loads.by_code.insert(code.clone(), begun);
        Start::Started(load, waiting)
    }

    /// Forgets a code, and the codes that it continues; a running load will keep nothing.
    pub(super) fn forget(&self, code: &ShortCode) {
        let mut loads = self.loads();
        for code in code.prefixes().chain([code.as_str()]) {
            loads.by_code.remove(code);
            self.links.remove(code);
            self.unknown.remove(code);
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        let mut loads = self.loads();
        loads.by_code.clear();
        self.links.clear();
        self.unknown.clear();
    }

    /// Returns the number of links and of unknown codes in memory.
    pub(super) fn len(&self) -> (usize, usize) {
        (self.links.len(), self.unknown.len())
    }

    fn loads(&self) -> MutexGuard<'_, Loads> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the result of a load. The caller holds the lock of [`Cache::loads`].
    fn keep(&self, code: &ShortCode, result: Result<&Answer, &StoreError>, loaded: u32) {
        match result {
            Ok(Answer {
                destination: Some(destination),
                has_longer,
            }) => {
                let entry = Entry {
                    answer: Arc::clone(destination),
                    has_longer: *has_longer,
                    loaded,
                };
                self.unknown.remove(code.as_str());
                self.links.insert(code.clone(), entry);
            }
            Ok(Answer {
                destination: None,
                has_longer,
            }) => {
                let entry = Entry {
                    answer: (),
                    has_longer: *has_longer,
                    loaded,
                };
                self.links.remove(code.as_str());
                self.unknown.insert(code.clone(), entry);
            }
            Err(_) => {
                postpone(&self.links, code, self.now());
                postpone(&self.unknown, code, self.now());
            }
        }
    }
}

fn entries<T: Clone>(capacity: usize) -> Entries<T> {
    let weight = u64::try_from(capacity).unwrap_or(u64::MAX);
    Bounded::with(
        capacity,
        weight,
        UnitWeighter,
        RandomState::new(),
        quick_cache::sync::DefaultLifecycle::default(),
    )
}

/// Makes an entry, if there is one, due again after [`RETRY_AFTER`].
fn postpone<T: Clone>(entries: &Entries<T>, code: &ShortCode, now: u32) {
    if let Some(entry) = entries.get(code.as_str()) {
        let loaded = now.saturating_sub(TIME_TO_LIVE.saturating_sub(RETRY_AFTER));
        let entry = Entry { loaded, ..entry };
        // An entry that was evicted in between need not be due.
        let _ = entries.replace(code.clone(), entry, true);
    }
}

/// A running load. All waiting requests are notified when it ends or is dropped.
pub(super) struct Load {
    cache: Arc<Cache>,
    code: ShortCode,
    number: u64,
    began: u32,
    end: watch::Sender<Option<Loaded>>,
}

impl Load {
    pub(super) const fn code(&self) -> &ShortCode {
        &self.code
    }

    /// Ends the load: keeps its result, unless the code was forgotten meanwhile, and notifies all
    /// waiting requests.
    pub(super) fn end(self, result: Result<Answer, StoreError>) {
        let result = result.map_err(Arc::new);
        let outdated = {
            let mut loads = self.cache.loads();
            let current = self.is_current(&loads);
            if current {
                loads.by_code.remove(&self.code);
                let result = result.as_ref().map_err(|error| &**error);
                self.cache.keep(&self.code, result, self.began);
            }
            !current
        };
        self.end.send_replace(Some(Loaded { result, outdated }));
    }

    /// Returns whether this is still the load of its code.
    fn is_current(&self, loads: &Loads) -> bool {
        let begun = loads.by_code.get(&self.code);
        begun.is_some_and(|begun| begun.number == self.number)
    }
}

/// A load may be dropped before its end: no request must wait for it then.
impl Drop for Load {
    fn drop(&mut self) {
        let mut loads = self.cache.loads();
        if self.is_current(&loads) {
            loads.by_code.remove(&self.code);
        }
    }
}
