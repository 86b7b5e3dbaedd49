//! The connection from a process to the database: requests and answers take time. A process that is
//! killed or suspended meanwhile leaves a request that may still arrive.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{ClickId, JournalId, JournalOwner, SeededRandom};
use waypost_store::{
    AcceptedLoss, Claimed, ClickBatch, Ingested, JournalClaim, JournalNote, JournalRecord,
    JournalStore, Ownership, Store, StoreError,
};

use crate::draw;

/// Maximum time that a request or an answer takes, in milliseconds.
const LONGEST_MS: u64 = 60;

/// Delays requests to the database and its answers.
pub(crate) struct Wire {
    database: Mutex<Arc<dyn Store>>,
    random: SeededRandom,
    calm: AtomicBool,
    /// How many operations the database is working on.
    at_work: AtomicU64,
    sent: Mutex<Sent>,
}

#[derive(Default)]
struct Sent {
    last: u64,
    under_way: BTreeMap<u64, UnderWay>,
}

struct UnderWay {
    request: Request,
    /// Whether the process still waits for the answer.
    is_awaited: bool,
    answer: Option<Answer>,
}

/// A request that changes the database.
#[derive(Clone)]
enum Request {
    Take(Box<JournalClaim>),
    Ingest(Arc<ClickBatch>, OffsetDateTime),
}

enum Answer {
    Taken(Box<Result<Claimed, StoreError>>),
    Ingested(Result<Ingested, StoreError>),
}

/// A request whose answer a process awaits, unless it is killed.
struct Awaited<'a> {
    wire: &'a Wire,
    number: u64,
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        let mut sent = self.wire.sent();
        if let Some(left) = sent.under_way.get_mut(&self.number) {
            left.is_awaited = false;
            if left.answer.is_some() {
                sent.under_way.remove(&self.number);
            }
        }
    }
}

impl Wire {
    pub(crate) fn new(database: Arc<dyn Store>, seed: u64) -> Self {
        Self {
            database: Mutex::new(database),
            random: SeededRandom::new(seed),
            calm: AtomicBool::new(false),
            at_work: AtomicU64::new(0),
            sent: Mutex::default(),
        }
    }

    /// Returns the present database.
    pub(crate) fn database(&self) -> Arc<dyn Store> {
        Arc::clone(&self.database.lock().unwrap())
    }

    /// Directs requests to another database from now on.
    pub(crate) fn lead_to(&self, database: Arc<dyn Store>) {
        *self.database.lock().unwrap() = database;
    }

    /// `true`: requests arrive at once.
    pub(crate) fn set_calm(&self, calm: bool) {
        self.calm.store(calm, Ordering::Relaxed);
    }

    /// Returns whether the database is working on something, which must not be interrupted.
    pub(crate) fn is_at_work(&self) -> bool {
        self.at_work.load(Ordering::Relaxed) > 0
    }

    /// Returns whether a request has still to arrive.
    pub(crate) fn is_under_way(&self) -> bool {
        let sent = self.sent();
        sent.under_way.values().any(|it| it.answer.is_none())
    }

    async fn at_work<T>(&self, work: impl Future<Output = T>) -> T {
        self.at_work.fetch_add(1, Ordering::Relaxed);
        let done = work.await;
        self.at_work.fetch_sub(1, Ordering::Relaxed);
        done
    }

    /// Delivers one of the pending requests. Returns whether there was one.
    pub(crate) async fn deliver(&self, which: usize) -> bool {
        let found = {
            let sent = self.sent();
            let mut waiting = sent.under_way.iter().filter(|(_, it)| it.answer.is_none());
            let count = waiting.clone().count();
            let nth = which.checked_rem(count);
            nth.and_then(|nth| waiting.nth(nth))
                .map(|(number, it)| (*number, it.request.clone()))
        };
        let Some((number, request)) = found else {
            return false;
        };
        let answer = self.arrive(request).await;
        let mut sent = self.sent();
        if let Some(it) = sent.under_way.get_mut(&number) {
            it.answer = Some(answer);
            if !it.is_awaited {
                sent.under_way.remove(&number);
            }
        }
        true
    }

    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.sent.lock().unwrap()
    }

    /// Waits somewhere on the way.
    async fn travel(&self) {
        if !self.calm.load(Ordering::Relaxed) {
            let longest = draw(&self.random, LONGEST_MS);
            tokio::time::sleep(Duration::from_millis(draw(&self.random, longest + 1))).await;
        }
    }

    async fn arrive(&self, request: Request) -> Answer {
        let database = self.database();
        match request {
            Request::Take(claim) => {
                let taken = self.at_work(database.take_journal(&claim)).await;
                Answer::Taken(Box::new(taken))
            }
            Request::Ingest(batch, at) => {
                Answer::Ingested(self.at_work(database.ingest(batch, at)).await)
            }
        }
    }

    async fn send(&self, request: Request) -> Answer {
        let number = {
            let mut sent = self.sent();
            sent.last += 1;
            let number = sent.last;
            let under_way = UnderWay {
                request,
                is_awaited: true,
                answer: None,
            };
            sent.under_way.insert(number, under_way);
            number
        };
        let awaited = Awaited { wire: self, number };
        self.travel().await;
        let arrived = self.sent().under_way.remove(&number);
        drop(awaited);
        let arrived = arrived.expect("it is there until it is answered");
        let answer = match arrived.answer {
            Some(answer) => answer,
            None => self.arrive(arrived.request).await,
        };
        self.travel().await;
        answer
    }
}

#[async_trait]
impl JournalStore for Wire {
    async fn take_journal(&self, claim: &JournalClaim) -> Result<Claimed, StoreError> {
        match self.send(Request::Take(Box::new(claim.clone()))).await {
            Answer::Taken(answer) => *answer,
            Answer::Ingested(_) => unreachable!("the answer is that of the request"),
        }
    }

    async fn ingest(
        &self,
        batch: Arc<ClickBatch>,
        at: OffsetDateTime,
    ) -> Result<Ingested, StoreError> {
        match self.send(Request::Ingest(batch, at)).await {
            Answer::Ingested(answer) => answer,
            Answer::Taken(_) => unreachable!("the answer is that of the request"),
        }
    }

    async fn note_journal(&self, note: &JournalNote) -> Result<bool, StoreError> {
        self.travel().await;
        let noted = self.at_work(self.database().note_journal(note)).await;
        self.travel().await;
        noted
    }

    async fn journal(&self, id: JournalId) -> Result<Option<JournalRecord>, StoreError> {
        self.travel().await;
        let record = self.at_work(self.database().journal(id)).await;
        self.travel().await;
        record
    }

    async fn journals(&self) -> Result<Vec<JournalRecord>, StoreError> {
        self.at_work(self.database().journals()).await
    }

    async fn journal_owners(&self, id: JournalId) -> Result<Vec<Ownership>, StoreError> {
        self.at_work(self.database().journal_owners(id)).await
    }

    async fn stored_clicks(&self, ids: &[ClickId]) -> Result<Vec<ClickId>, StoreError> {
        self.travel().await;
        let stored = self.at_work(self.database().stored_clicks(ids)).await;
        self.travel().await;
        stored
    }

    async fn make_durable(
        &self,
        journal: JournalId,
        owner: JournalOwner,
    ) -> Result<bool, StoreError> {
        self.travel().await;
        let made = self
            .at_work(self.database().make_durable(journal, owner))
            .await;
        self.travel().await;
        made
    }

    async fn forget_journal(
        &self,
        seen: &JournalRecord,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.database().forget_journal(seen, at).await
    }

    async fn accept_loss(&self, loss: &AcceptedLoss) -> Result<(), StoreError> {
        self.database().accept_loss(loss).await
    }

    async fn accepted_losses(&self) -> Result<Vec<AcceptedLoss>, StoreError> {
        self.database().accepted_losses().await
    }
}

waypost_store_testkit::forward!(links: Wire, self => self.database());
waypost_store_testkit::forward!(people: Wire, self => self.database());
waypost_store_testkit::forward!(stats: Wire, self => self.database());
waypost_store_testkit::forward!(
    [ChangeStore ClickStore LeaseStore SaltStore SpaceStore TimeStore Store]: Wire,
    self => self.database()
);
