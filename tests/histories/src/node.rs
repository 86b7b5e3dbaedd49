//! A directory and the process that uses it.

use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::Mutex;
use waypost_analytics::{
    Durability, Ingester, IngesterParts, Journal, JournalSettings, Privacy, UserAgents, testkit,
};
use waypost_core::{Clock as _, JournalId, ManualClock, SeededRandom};
use waypost_store::Store;

use crate::directory;
use crate::wire::Wire;

/// Shared by all: its lists take long to compile.
static USER_AGENTS: LazyLock<Arc<UserAgents>> = LazyLock::new(Arc::default);

/// A directory, the clock of its machine, and the process that uses it, if any.
pub(crate) struct Node {
    pub(crate) directory: TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) process: Option<Process>,
}

pub(crate) struct Process {
    pub(crate) journal: Arc<Journal>,
    ingester: Arc<Mutex<Option<Ingester>>>,
    /// The present work. While it is not polled, the process is suspended.
    work: Option<Work>,
}

type Work = Pin<Box<dyn Future<Output = ()>>>;

/// What happens to unfinished work when its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// The process is suspended, and continues later.
    Sleeps,
    /// The work is cancelled, and begins again.
    BeginsAgain,
}

impl Node {
    pub(crate) fn new(clock: &ManualClock) -> Self {
        Self {
            directory: directory(),
            clock: Arc::new(ManualClock::new(clock.now())),
            process: None,
        }
    }

    /// Starts a process that first has to find out how far the journal is settled.
    pub(crate) fn start(
        &mut self,
        store: Arc<dyn Store>,
        random: &Arc<SeededRandom>,
        keep: Duration,
        privacy: Privacy,
        records_per_day: Option<u64>,
    ) {
        let settings = JournalSettings {
            durability: Durability::Journal,
            sync_interval: Duration::from_millis(1),
            max_bytes: 64 * 1_024,
            keep,
        };
        let new_id = JournalId::new(self.clock.now(), &**random);
        let journal = Journal::open(self.directory.path(), &settings, new_id).unwrap();
        let ingester = Arc::new(Mutex::new(None));
        let parts = IngesterParts {
            journal: Arc::clone(&journal),
            store,
            clock: self.clock.clone(),
            random: random.clone(),
            user_agents: Arc::clone(&USER_AGENTS),
            privacy,
            records_per_day,
        };
        let begin = begin(parts, Arc::clone(&ingester));
        self.process = Some(Process {
            journal,
            ingester,
            work: Some(Box::pin(begin)),
        });
    }

    /// Returns whether a process has used the directory.
    pub(crate) fn is_used(&self) -> bool {
        self.directory.path().join("id").exists()
    }

    /// Returns a node with a copy of the directory, whether that is in use or not.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new(&self.clock);
        for entry in std::fs::read_dir(self.directory.path()).unwrap() {
            let entry = entry.unwrap();
            let to = copy.directory.path().join(entry.file_name());
            std::fs::copy(entry.path(), to).unwrap();
        }
        copy
    }
}

/// Begins, and then works.
async fn begin(parts: IngesterParts, ingester: Arc<Mutex<Option<Ingester>>>) {
    loop {
        if let Ok(begun) = Ingester::begin(parts.clone()).await {
            *ingester.lock().await = Some(begun);
            return work(ingester).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn work(ingester: Arc<Mutex<Option<Ingester>>>) {
    let mut ingester = ingester.lock().await;
    let ingester = ingester.as_mut().expect("it has begun");
    loop {
        testkit::step(ingester).await;
    }
}

impl Process {
    /// Returns whether clicks are accepted.
    pub(crate) fn has_begun(&self) -> bool {
        // The holder of the lock is working.
        self.ingester
            .try_lock()
            .map_or(true, |ingester| ingester.is_some())
    }

    /// Works for this long, and is then interrupted at any point, except within the work of the
    /// database.
    pub(crate) async fn work(&mut self, mut time: Duration, then: Then, wire: &Wire) {
        let begin = || -> Work { Box::pin(work(Arc::clone(&self.ingester))) };
        let mut under_way = self.work.take().unwrap_or_else(begin);
        loop {
            let ended = tokio::time::timeout(time, &mut under_way).await;
            assert!(ended.is_err(), "it works as long as it may");
            if !wire.is_at_work() {
                break;
            }
            time = Duration::from_millis(1);
        }
        // A process that is still starting is only interrupted by killing it.
        if then == Then::Sleeps || !self.has_begun() {
            self.work = Some(under_way);
        }
    }

    /// Returns whether all accepted clicks are settled.
    pub(crate) fn is_settled(&self) -> bool {
        self.has_begun() && self.journal.pending() == 0
    }

    pub(crate) fn state(&self) -> String {
        let journal = &self.journal;
        let (settled, end) = testkit::positions(journal);
        format!(
            "{} settled {settled} of {}..{end}",
            &journal.id().to_string()[30..],
            journal.first(),
        )
    }
}
