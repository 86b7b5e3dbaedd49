//! Test rig of this crate: a journal in its own directory, any store, a manual clock, and ingesters
//! that run step by step or as tasks.
//!
//! Use it in tests with paused time, so that waiting for the ingester takes no real time.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinHandle;
use waypost_core::{ClickId, Clock as _, JournalId, Link, ManualClock, SeededRandom, SessionHash};
use waypost_store::Store;

use crate::journal::{ClickRecord, Journal};
use crate::metrics::DropReason;
use crate::witness::NEWEST;
use crate::{
    DailySalts, Durability, Ingester, IngesterParts, JournalSettings, Privacy, Recorder,
    RecorderParts, UserAgents,
};

/// Settings of a journal of 1 MiB that is synced at once.
pub(crate) const SETTINGS: JournalSettings = JournalSettings {
    durability: Durability::Journal,
    sync_interval: Duration::from_millis(1),
    max_bytes: 1_024 * 1_024,
    keep: Duration::ZERO,
};

/// Shared by all tests, so that the lists are compiled once.
static USER_AGENTS: LazyLock<Arc<UserAgents>> = LazyLock::new(Arc::default);

pub(crate) struct Rig {
    directory: TempDir,
    settings: JournalSettings,
    pub(crate) journal: Arc<Journal>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) random: Arc<SeededRandom>,
    appended: AtomicU64,
    pub(crate) privacy: Privacy,
    pub(crate) records_per_day: Option<u64>,
}

/// An ingester that runs as a task until this is dropped.
pub(crate) struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Rig {
    /// Creates a rig with a new journal and `store`.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self::with(store, SETTINGS)
    }

    pub(crate) fn with(store: Arc<dyn Store>, settings: JournalSettings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let random = Arc::new(SeededRandom::new(1));
        let journal = open(directory.path(), &settings, &random);
        Self {
            directory,
            settings,
            journal,
            store,
            clock: Arc::new(ManualClock::new(NEWEST)),
            random,
            appended: AtomicU64::new(0),
            privacy: Privacy::Full,
            records_per_day: None,
        }
    }

    /// Returns the directory of the journal.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("journal")
    }

    /// Ends the process and starts it again. No other reference to the journal may exist.
    pub(crate) fn restart(self) -> Self {
        let settings = self.settings.clone();
        self.restart_with(settings)
    }

    /// Ends the process, calls `meddle` with the directory of the journal, and starts it again.
    pub(crate) fn restart_after(self, meddle: impl FnOnce(&Path)) -> Self {
        let settings = self.settings.clone();
        let path = self.path();
        let Self { journal, .. } = &self;
        assert_eq!(Arc::strong_count(journal), 1, "the journal is still in use");
        meddle(&path);
        self.restart_with(settings)
    }

    pub(crate) fn restart_with(self, settings: JournalSettings) -> Self {
        let Self {
            directory,
            journal,
            store,
            clock,
            random,
            appended,
            privacy,
            records_per_day,
            ..
        } = self;
        drop(journal);
        let journal = open(directory.path(), &settings, &random);
        Self {
            directory,
            settings,
            journal,
            store,
            clock,
            random,
            appended,
            privacy,
            records_per_day,
        }
    }

    /// Returns the parts of an ingester of this journal.
    pub(crate) fn parts(&self) -> IngesterParts {
        IngesterParts {
            journal: self.journal.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            user_agents: Arc::clone(&USER_AGENTS),
            privacy: self.privacy,
            records_per_day: self.records_per_day,
        }
    }

    /// Returns an ingester to run step by step.
    pub(crate) async fn ingester(&self) -> Ingester {
        Ingester::begin(self.parts()).await.unwrap()
    }

    /// Starts an ingester as a task.
    pub(crate) async fn run(&self) -> Running {
        let mut ingester = self.ingester().await;
        Running(tokio::spawn(async move {
            loop {
                ingester.step().await;
            }
        }))
    }

    /// Returns a recorder that writes to the journal, for a server in `zone`, and the daily salts.
    pub(crate) async fn recorder(&self, zone: &str) -> (Recorder, Arc<DailySalts>) {
        let zone: waypost_core::Zone = zone.parse().unwrap();
        let salts = DailySalts::new(self.store.clone(), self.random.clone(), zone.clone());
        let salts = Arc::new(salts);
        salts.prepare(self.clock.now()).await.unwrap();
        let recorder = Recorder::new(RecorderParts {
            journal: self.journal.clone(),
            salts: salts.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            zone,
            trusted_proxies: "10.0.0.0/8".parse().unwrap(),
            countries: None,
            user_agents: Arc::clone(&USER_AGENTS),
        });
        (recorder, salts)
    }

    /// Appends a click whose user agent is its number, from 0.
    pub(crate) fn click(&self, link: &Link) -> Result<ClickId, DropReason> {
        self.click_with(link, None)
    }

    /// Appends a click with a session.
    pub(crate) fn click_with(
        &self,
        link: &Link,
        session: Option<SessionHash>,
    ) -> Result<ClickId, DropReason> {
        let clicked_at = self.clock.now();
        let id = ClickId::new(clicked_at, &*self.random);
        let number = self.appended.load(Ordering::Relaxed).to_string();
        let appending = self.journal.append(&ClickRecord {
            id,
            link_id: link.id,
            clicked_at,
            day: clicked_at.date(),
            ip_hash: None,
            session,
            country: None,
            class: None,
            user_agent: number.as_bytes(),
            referrer: b"",
        });
        appending.write_now()?;
        self.appended.fetch_add(1, Ordering::Relaxed);
        Ok(id)
    }

    /// Appends a number of clicks.
    pub(crate) fn clicks(&self, link: &Link, count: usize) -> Vec<ClickId> {
        (0..count).map(|_| self.click(link).unwrap()).collect()
    }
}

fn open(directory: &Path, settings: &JournalSettings, random: &SeededRandom) -> Arc<Journal> {
    let id = JournalId::new(NEWEST, random);
    Journal::open(&directory.join("journal"), settings, id).unwrap()
}
