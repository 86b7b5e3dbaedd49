//! Tests of the ingester: accepted clicks are stored or counted, however the database responds.

mod budget;
mod draining;
mod exactly_once;
mod late;
mod positions;
mod reading;
mod refused;
mod relatives;
mod signed_in;
mod working;

use std::collections::BTreeSet;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use waypost_core::{ClickId, Link, Random as _, SeededRandom};
use waypost_store::{Dropped, JournalStore as _, LinkStore as _, StoreError};
use waypost_store_testkit::failing::{FailingStore, Failure, Operation, When};

use super::*;
use crate::journal::set_aside;
use crate::metrics;
use crate::rig::Rig;
use crate::witness::Witness;

/// A database that can be made to fail, a journal, and a link.
struct Setup {
    witness: Arc<Witness>,
    link: Link,
    store: Arc<FailingStore<Witness>>,
    rig: Rig,
}

impl Setup {
    async fn new() -> Self {
        Self::failing(1, |store| store).await
    }

    /// Creates a setup whose journal keeps stored clicks.
    async fn keeping() -> Self {
        let Self {
            witness,
            link,
            store,
            rig,
        } = Self::new().await;
        let rig = rig.restart_with(crate::JournalSettings {
            keep: Duration::from_secs(24 * 60 * 60),
            ..crate::rig::SETTINGS
        });
        Self {
            witness,
            link,
            store,
            rig,
        }
    }

    async fn failing(
        seed: u64,
        rules: impl FnOnce(FailingStore<Witness>) -> FailingStore<Witness>,
    ) -> Self {
        let (witness, link) = Witness::with_clicks(0).await;
        let store = Arc::new(rules(FailingStore::new(witness.clone(), seed)));
        let rig = Rig::new(store.clone());
        Self {
            witness,
            link,
            store,
            rig,
        }
    }

    fn clicks(&self, count: usize) -> Vec<ClickId> {
        self.rig.clicks(&self.link, count)
    }

    /// Runs the ingester until everything is settled.
    async fn settle(&self, ingester: &mut Ingester) {
        while self.rig.journal.pending() > 0 {
            ingester.step().await;
        }
    }

    /// Runs the ingester for some seconds.
    async fn work(&self, ingester: &mut Ingester, seconds: u64) {
        let working = async {
            loop {
                ingester.step().await;
            }
        };
        let stopped = tokio::time::timeout(Duration::from_secs(seconds), working).await;
        assert!(stopped.is_err());
    }

    /// Returns the IDs of the clicks in the database.
    fn stored(&self) -> Vec<ClickId> {
        let seen = self.witness.seen();
        seen.clicks.iter().map(|click| click.id).collect()
    }

    /// Returns the IDs of the clicks that were set aside.
    fn set_aside(&self) -> Vec<ClickId> {
        let clicks = set_aside(&self.rig.path()).unwrap();
        clicks.iter().map(|click| click.id).collect()
    }

    /// Asserts that the database has these clicks, each once, in this order, and counts them.
    #[track_caller]
    fn has(&self, clicks: &[ClickId]) {
        assert_eq!(self.stored(), clicks);
    }

    async fn counts(&self, clicks: usize) {
        assert_eq!(self.witness.total(&self.link).await, clicks as u64);
    }

    /// Returns the record of the journal in the database, after asserting that every record is
    /// accounted for.
    async fn record(&self) -> waypost_store::JournalRecord {
        let record = self.witness.journal(self.rig.journal.id()).await;
        let record = record.unwrap().unwrap();
        assert!(record.agrees(), "{record:?}");
        assert_eq!(record.committed, self.rig.journal.end());
        record
    }
}

/// Makes the store reject every batch with one of these clicks.
fn refuse(setup: &Setup, poison: &[ClickId], error: fn() -> StoreError) {
    let poison: BTreeSet<_> = poison.iter().copied().collect();
    setup.witness.seen().refuse = Some(Box::new(move |batch| {
        let refused = batch.clicks.iter().any(|click| poison.contains(&click.id));
        refused.then(error)
    }));
}

fn bad_value() -> StoreError {
    StoreError::refused("value too long for column")
}

fn conflict() -> StoreError {
    StoreError::Conflict
}

/// Generates a number below `limit`.
fn draw(random: &SeededRandom, limit: u64) -> u64 {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    u64::from_le_bytes(bytes) % limit
}

/// Collects the metrics of the calling thread until the guard is dropped.
fn metered() -> (PrometheusHandle, impl Drop) {
    let recorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
    let guard = ::metrics::set_default_local_recorder(recorder);
    metrics::describe();
    (recorder.handle(), guard)
}

#[track_caller]
fn shows(metrics: &PrometheusHandle, line: &str) {
    let text = metrics.render();
    assert!(text.lines().any(|given| given == line), "{line} in\n{text}");
}
