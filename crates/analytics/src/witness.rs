//! A store in memory for the tests of this crate. It records operations, and can be made
//! unavailable or inconsistent.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use waypost_core::{
    Click, ClickId, JournalId, JournalOwner, Link, LinkId, ManualClock, SeededRandom, ShortCode,
    TargetUrl,
};
use waypost_store::{
    AcceptedLoss, ChangeStore, Claimed, ClickBatch, ClickStore, Counts, Ingested, JournalClaim,
    JournalNote, JournalRecord, JournalStore, LinkChange, LinkLedger, LinkStore, MemoryStore,
    Ownership, PurgeScope, Recorded, Store, StoreError,
};

/// The time of the newest click of [`Witness::with_clicks`].
pub(crate) const NEWEST: OffsetDateTime = datetime!(2026-03-01 23:30 UTC);

pub(crate) struct Witness {
    inner: MemoryStore,
    /// The clock of the database.
    pub(crate) clock: Arc<ManualClock>,
    seen: Mutex<Seen>,
}

impl Default for Witness {
    fn default() -> Self {
        let clock = Arc::new(ManualClock::new(NEWEST));
        Self {
            inner: MemoryStore::with_clock(clock.clone()),
            clock,
            seen: Mutex::default(),
        }
    }
}

/// Decides which batches are rejected, and with which error.
pub(crate) type Refuse = Box<dyn FnMut(&ClickBatch) -> Option<StoreError> + Send>;

/// What happened to the store, and what should happen.
#[derive(Default)]
pub(crate) struct Seen {
    /// All clicks that it accepted, including those on deleted links.
    pub(crate) clicks: Vec<Click>,
    /// The batches to reject.
    pub(crate) refuse: Option<Refuse>,
    /// The limits of all requested ledger pages.
    pub(crate) pages: Vec<u32>,
    /// Number of operations that succeed before it becomes unavailable; `None` for no limit.
    pub(crate) away_after: Option<u32>,
    /// The state to restore after it has refused a claim of a journal.
    pub(crate) restored_after_refusal: Option<MemoryStore>,
    /// The link whose total is reported one too high.
    pub(crate) miscounted: Option<LinkId>,
}

impl Witness {
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// Creates a store of one link with one click a day, up to [`NEWEST`].
    pub(crate) async fn with_clicks(days: u32) -> (Arc<Self>, Link) {
        let store = Arc::new(Self::default());
        let link = store.add_link("wiki").await;
        let random = SeededRandom::new(2);
        for day in 0..days {
            let clicked_at = NEWEST - Duration::days(i64::from(day));
            let click = Click {
                id: ClickId::new(clicked_at, &random),
                link_id: link.id,
                user_id: None,
                ip_hash: None,
                user_agent: None,
                referrer: None,
                clicked_at,
                day: clicked_at.date(),
                facts: waypost_core::ClickFacts::default(),
            };
            store.inner.record_clicks(&[click]).await.unwrap();
        }
        (store, link)
    }

    pub(crate) async fn add_link(&self, code: &str) -> Link {
        let seed = code
            .bytes()
            .fold(0, |seed, byte| seed * 31 + u64::from(byte));
        let link = Link::new(
            LinkId::new(NEWEST, &SeededRandom::new(seed)),
            ShortCode::parse(code).unwrap(),
            TargetUrl::from_stored("https://example.com".to_owned()).unwrap(),
            NEWEST,
        );
        self.inner.insert_link(&link, None).await.unwrap();
        link
    }

    /// Returns a copy of its present state.
    pub(crate) fn backup(&self) -> MemoryStore {
        self.inner.backup()
    }

    /// Restores a copy.
    pub(crate) fn restore(&self, backup: &MemoryStore) {
        self.inner.restore(backup);
    }

    pub(crate) async fn total(&self, link: &Link) -> u64 {
        let found = self.inner.link_by_code(&link.code).await.unwrap();
        found.unwrap().clicks
    }

    fn here(&self) -> Result<(), StoreError> {
        match &mut self.seen().away_after {
            Some(0) => Err(StoreError::unavailable("made unavailable")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

#[async_trait]
impl ChangeStore for Witness {
    async fn changes_after(&self, seq: u64, limit: u32) -> Result<Vec<LinkChange>, StoreError> {
        self.inner.changes_after(seq, limit).await
    }

    async fn last_change(&self) -> Result<u64, StoreError> {
        self.inner.last_change().await
    }

    async fn purge_changes(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        self.here()?;
        self.inner.purge_changes(before, limit).await
    }
}

#[async_trait]
impl ClickStore for Witness {
    async fn record_clicks(&self, clicks: &[Click]) -> Result<Recorded, StoreError> {
        self.here()?;
        self.seen().clicks.extend_from_slice(clicks);
        self.inner.record_clicks(clicks).await
    }

    async fn clicks_before(&self, scope: PurgeScope) -> Result<u64, StoreError> {
        self.inner.clicks_before(scope).await
    }

    async fn has_clicks(&self, number: u64) -> Result<bool, StoreError> {
        self.inner.has_clicks(number).await
    }

    async fn purge_clicks(&self, scope: PurgeScope, limit: u32) -> Result<u64, StoreError> {
        self.here()?;
        self.inner.purge_clicks(scope, limit).await
    }

    async fn purge_click_ids(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        self.inner.purge_click_ids(before, limit).await
    }

    async fn ledger(
        &self,
        after: Option<LinkId>,
        limit: u32,
    ) -> Result<Vec<LinkLedger>, StoreError> {
        self.here()?;
        let mut page = self.inner.ledger(after, limit).await?;
        let mut seen = self.seen();
        seen.pages.push(limit);
        for link in &mut page {
            if seen.miscounted == Some(link.link_id) {
                link.total += 1;
            }
        }
        Ok(page)
    }
}

#[async_trait]
impl JournalStore for Witness {
    async fn take_journal(&self, claim: &JournalClaim) -> Result<Claimed, StoreError> {
        self.here()?;
        let claimed = self.inner.take_journal(claim).await;
        let is_refused = matches!(claimed, Ok(Claimed::Refused { .. }));
        let backup = self.seen().restored_after_refusal.take_if(|_| is_refused);
        if let Some(backup) = backup {
            self.restore(&backup);
        }
        claimed
    }

    async fn note_journal(&self, note: &JournalNote) -> Result<bool, StoreError> {
        self.inner.note_journal(note).await
    }

    async fn forget_journal(
        &self,
        seen: &JournalRecord,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.inner.forget_journal(seen, at).await
    }

    async fn journal_owners(&self, id: JournalId) -> Result<Vec<Ownership>, StoreError> {
        self.inner.journal_owners(id).await
    }

    async fn stored_clicks(&self, ids: &[ClickId]) -> Result<Vec<ClickId>, StoreError> {
        self.inner.stored_clicks(ids).await
    }

    async fn accept_loss(&self, loss: &AcceptedLoss) -> Result<(), StoreError> {
        self.inner.accept_loss(loss).await
    }

    async fn accepted_losses(&self) -> Result<Vec<AcceptedLoss>, StoreError> {
        self.inner.accepted_losses().await
    }

    async fn make_durable(
        &self,
        journal: JournalId,
        owner: JournalOwner,
    ) -> Result<bool, StoreError> {
        self.inner.make_durable(journal, owner).await
    }

    async fn journal(&self, id: JournalId) -> Result<Option<JournalRecord>, StoreError> {
        self.inner.journal(id).await
    }

    async fn journals(&self) -> Result<Vec<JournalRecord>, StoreError> {
        self.inner.journals().await
    }

    async fn ingest(
        &self,
        batch: Arc<ClickBatch>,
        at: OffsetDateTime,
    ) -> Result<Ingested, StoreError> {
        self.here()?;
        let refusal = match &mut self.seen().refuse {
            Some(refuse) => refuse(&batch),
            None => None,
        };
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        let ingested = self.inner.ingest(Arc::clone(&batch), at).await?;
        if let Ingested::Settled(_) = ingested {
            self.seen().clicks.extend_from_slice(&batch.clicks);
        }
        Ok(ingested)
    }
}

waypost_store_testkit::forward!(links: Witness, self => self.inner);
waypost_store_testkit::forward!(people: Witness, self => self.inner);
waypost_store_testkit::forward!(stats: Witness, self => self.inner);
waypost_store_testkit::forward!([LeaseStore SaltStore SpaceStore TimeStore]: Witness, self => {
    self.here()?;
    &self.inner
});

#[async_trait]
impl Store for Witness {
    async fn ping(&self) -> Result<(), StoreError> {
        self.here()
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.inner.counts().await
    }
}
