//! An in-memory store that becomes unavailable, fails or waits when a test says so.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use waypost_core::{Click, ClickId, JournalId, JournalOwner};
use waypost_store::{
    AcceptedLoss, Claimed, ClickBatch, Counts, Ingested, JournalClaim, JournalNote, JournalRecord,
    JournalStore, MemoryStore, Ownership, Store, StoreError,
};

const UP: u8 = 0;
const AWAY: u8 = 1;
const BROKEN: u8 = 2;
const SILENT: u8 = 3;

/// The message of its database when it fails: for the log, never for clients.
pub(crate) const CAUSE: &str = "relation links has no column hunter2";

pub(crate) struct GatedStore {
    memory: MemoryStore,
    mode: AtomicU8,
    /// Each batch of clicks needs a permit. There are enough until a test removes them.
    recordings: Semaphore,
    /// Number of batches received.
    pub(crate) begun: Semaphore,
    /// The recorded clicks.
    recorded: Mutex<Vec<Click>>,
    /// How often the counts were requested.
    pub(crate) counted: AtomicU64,
    /// Number of operations on tokens.
    pub(crate) token_operations: AtomicU64,
}

impl GatedStore {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            memory: MemoryStore::new(),
            mode: AtomicU8::new(UP),
            recordings: Semaphore::new(1_000),
            begun: Semaphore::new(0),
            recorded: Mutex::default(),
            counted: AtomicU64::new(0),
            token_operations: AtomicU64::new(0),
        })
    }

    /// The wrapped store, which always works.
    pub(crate) fn memory(&self) -> &MemoryStore {
        &self.memory
    }

    /// Returns the recorded clicks in order.
    pub(crate) fn recorded(&self) -> Vec<Click> {
        self.recorded.lock().unwrap().clone()
    }

    pub(crate) fn go_away(&self) {
        self.mode.store(AWAY, Ordering::SeqCst);
    }

    pub(crate) fn break_down(&self) {
        self.mode.store(BROKEN, Ordering::SeqCst);
    }

    /// Makes all operations wait forever from now on.
    pub(crate) fn fall_silent(&self) {
        self.mode.store(SILENT, Ordering::SeqCst);
    }

    pub(crate) fn come_back(&self) {
        self.mode.store(UP, Ordering::SeqCst);
    }

    /// Makes batches of clicks wait from now on until they are let through.
    pub(crate) fn hold_recordings(&self) {
        self.recordings.forget_permits(usize::MAX);
    }

    pub(crate) fn let_recordings_through(&self) {
        self.recordings.add_permits(1_000);
    }

    async fn pass(&self) -> Result<&MemoryStore, StoreError> {
        match self.mode.load(Ordering::SeqCst) {
            UP => Ok(&self.memory),
            AWAY => Err(StoreError::unavailable("connection refused")),
            BROKEN => Err(StoreError::internal(CAUSE)),
            _ => std::future::pending().await,
        }
    }
}

#[async_trait]
impl JournalStore for GatedStore {
    async fn take_journal(&self, claim: &JournalClaim) -> Result<Claimed, StoreError> {
        self.pass().await?.take_journal(claim).await
    }

    async fn note_journal(&self, note: &JournalNote) -> Result<bool, StoreError> {
        self.pass().await?.note_journal(note).await
    }

    async fn forget_journal(
        &self,
        seen: &JournalRecord,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.pass().await?.forget_journal(seen, at).await
    }

    async fn journal_owners(&self, id: JournalId) -> Result<Vec<Ownership>, StoreError> {
        self.pass().await?.journal_owners(id).await
    }

    async fn stored_clicks(&self, ids: &[ClickId]) -> Result<Vec<ClickId>, StoreError> {
        self.pass().await?.stored_clicks(ids).await
    }

    async fn accept_loss(&self, loss: &AcceptedLoss) -> Result<(), StoreError> {
        self.pass().await?.accept_loss(loss).await
    }

    async fn accepted_losses(&self) -> Result<Vec<AcceptedLoss>, StoreError> {
        self.pass().await?.accepted_losses().await
    }

    async fn make_durable(
        &self,
        journal: JournalId,
        owner: JournalOwner,
    ) -> Result<bool, StoreError> {
        self.pass().await?.make_durable(journal, owner).await
    }

    async fn journal(&self, id: JournalId) -> Result<Option<JournalRecord>, StoreError> {
        self.pass().await?.journal(id).await
    }

    async fn journals(&self) -> Result<Vec<JournalRecord>, StoreError> {
        self.pass().await?.journals().await
    }

    async fn ingest(
        &self,
        batch: Arc<ClickBatch>,
        at: OffsetDateTime,
    ) -> Result<Ingested, StoreError> {
        self.begun.add_permits(1);
        let permit = self.recordings.acquire().await;
        permit.map_err(StoreError::internal)?.forget();
        let ingested = self.pass().await?.ingest(batch.clone(), at).await?;
        if let Ingested::Settled(_) = ingested {
            self.recorded
                .lock()
                .unwrap()
                .extend_from_slice(&batch.clicks);
        }
        Ok(ingested)
    }
}

waypost_store_testkit::forward!(links: GatedStore, self => self.pass().await?);
waypost_store_testkit::forward!(
    [UserStore SessionStore SetupStore IdentityStore]: GatedStore,
    self => self.pass().await?
);
waypost_store_testkit::forward!([TokenStore]: GatedStore, self => {
    self.token_operations.fetch_add(1, Ordering::SeqCst);
    self.pass().await?
});
waypost_store_testkit::forward!(stats: GatedStore, self => self.pass().await?);
waypost_store_testkit::forward!(
    [ChangeStore ClickStore LeaseStore SaltStore SpaceStore TimeStore]: GatedStore,
    self => self.pass().await?
);

#[async_trait]
impl Store for GatedStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.pass().await?.ping().await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.counted.fetch_add(1, Ordering::SeqCst);
        self.pass().await?.counts().await
    }
}
