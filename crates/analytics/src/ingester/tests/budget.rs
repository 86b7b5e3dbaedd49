//! Tests of a budget of click records: every click counts once, with a record or without.

use std::path::Path;

use waypost_core::{JournalId, JournalOwner};
use waypost_store::{ClickStore as _, Ingested, JournalClaim, LinkLedger};

use super::draining::{KEEP, drain_of};
use super::*;

impl Setup {
    /// Returns the counts of the link, after asserting that they agree.
    async fn ledger(&self) -> LinkLedger {
        let ledger = self.witness.ledger(None, 10).await.unwrap();
        let [link] = ledger.as_slice() else {
            panic!("one link, not {ledger:?}");
        };
        assert!(link.agrees(), "{link:?}");
        link.clone()
    }

    /// Asserts that exactly these clicks are counted, and that each is known.
    async fn counts_each(&self, clicks: &[ClickId]) {
        let link = self.ledger().await;
        assert_eq!(link.total, clicks.len() as u64, "{link:?}");
        let mut known = self.witness.stored_clicks(clicks).await.unwrap();
        known.sort();
        known.dedup();
        assert_eq!(known.len(), clicks.len());
    }
}

fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn beyond_the_budget_clicks_count_without_a_record() {
    let (metrics, _guard) = metered();
    let mut setup = Setup::new().await;
    setup.rig.records_per_day = Some(5);
    let mut ingester = setup.rig.ingester().await;
    let mut clicks = setup.clicks(3);
    setup.settle(&mut ingester).await;
    shows(&metrics, "waypost_clicks_without_record_total 0");
    clicks.extend(setup.clicks(4));
    setup.settle(&mut ingester).await;
    clicks.extend(setup.clicks(13));
    setup.settle(&mut ingester).await;
    let link = setup.ledger().await;
    assert_eq!((link.total, link.rows, link.purged), (20, 5, 15));
    setup.counts_each(&clicks).await;
    let kept = setup.witness.backup().all_clicks();
    let kept: Vec<ClickId> = kept.iter().map(|click| click.id).collect();
    let mut first = clicks[..5].to_vec();
    first.sort();
    assert_eq!(kept, first);
    assert_eq!(setup.record().await.stored, 20);
    shows(&metrics, "waypost_clicks_recorded_total 20");
    shows(&metrics, "waypost_clicks_without_record_total 15");

    // The next day has a budget of its own.
    setup.rig.clock.advance(time::Duration::DAY);
    setup.clicks(7);
    setup.settle(&mut ingester).await;
    let link = setup.ledger().await;
    assert_eq!((link.total, link.rows, link.purged), (27, 10, 17));
    shows(&metrics, "waypost_clicks_without_record_total 17");
}

#[tokio::test(start_paused = true)]
async fn clicks_of_a_copied_journal_are_stored_once_whatever_the_budgets_are() {
    let budgets = [Some(1), Some(3), Some(7), Some(9), Some(100), None];
    let both = budgets.map(|own| budgets.map(|of_copy| (own, of_copy)));
    for (own, of_copy) in both.into_iter().flatten() {
        for copy_is_first in [false, true] {
            let mut setup = Setup::keeping().await;
            setup.rig.records_per_day = own;
            let mut ingester = setup.rig.ingester().await;
            let mut truth = setup.clicks(4);
            setup.settle(&mut ingester).await;
            truth.extend(setup.clicks(6));
            // A copy with four clicks that are settled, and six that are not.
            let copy = tempfile::tempdir().unwrap();
            copy_files(&setup.rig.path(), copy.path());
            truth.extend(setup.clicks(2));
            let drain = Drain {
                records_per_day: of_copy,
                ..drain_of(&setup, KEEP)
            };
            if !copy_is_first {
                setup.settle(&mut ingester).await;
            }
            let drained = drain.drain(copy.path(), |_, _| ()).await.unwrap();
            assert_eq!((drained.pending, drained.dropped.total()), (0, 0));
            setup.settle(&mut ingester).await;
            setup.counts_each(&truth).await;
            assert_eq!(setup.set_aside(), []);
            let journals = setup.witness.journals().await.unwrap();
            let stored: u64 = journals.iter().map(|journal| journal.stored).sum();
            assert_eq!(
                stored, 12,
                "{own:?} {of_copy:?} {copy_is_first}: {drained:?}"
            );
        }
    }
}

/// A process that shares nothing with this one but its records, so that only the IDs tell.
#[tokio::test(start_paused = true)]
async fn clicks_that_another_journal_has_stored_are_duplicates_whatever_the_budgets_are() {
    let (metrics, _guard) = metered();
    let budgets = [Some(1), Some(3), Some(7), Some(9), Some(100), None];
    let both = budgets.map(|own| budgets.map(|other| (own, other)));
    for (own, other) in both.into_iter().flatten() {
        let mut setup = Setup::new().await;
        setup.rig.records_per_day = own;
        let mut ingester = setup.rig.ingester().await;
        let clicks = setup.clicks(12);
        let copied = Cursor::new(0).read(&setup.rig.journal, 12).unwrap().clicks;
        let journal = JournalId::new(setup.rig.clock.now(), &*setup.rig.random);
        let owner = JournalOwner::new(setup.rig.clock.now(), &*setup.rig.random);
        let claim = JournalClaim::new(journal, owner, 0, setup.rig.clock.now());
        setup.witness.take_journal(&claim).await.unwrap();
        let mut batch = ClickBatch {
            journal,
            owner,
            start: 0,
            clicks: [1, 2, 4, 5, 9].map(|place| copied[place].clone()).to_vec(),
            records: Privacy::Full.records(other),
            duplicates: 0,
            dropped: Dropped::default(),
        };
        let at = setup.rig.clock.now();
        let ingested = setup.witness.ingest(Arc::new(batch.clone()), at).await;
        assert!(matches!(ingested, Ok(Ingested::Settled(_))));
        setup.settle(&mut ingester).await;
        setup.counts_each(&clicks).await;
        let record = setup.record().await;
        assert_eq!((record.stored, record.duplicates), (7, 5));
        assert_eq!(setup.set_aside(), []);
        // The other one finds all of them.
        for click in copied {
            batch.start = 5;
            batch.clicks = vec![click];
            let ingested = setup.witness.ingest(Arc::new(batch.clone()), at).await;
            assert!(matches!(ingested, Err(StoreError::Conflict)));
        }
    }
    shows(&metrics, "waypost_clicks_duplicate_total 180");
}

#[tokio::test(start_paused = true)]
async fn what_a_database_forgets_that_was_set_back_is_stored_again_within_the_budget() {
    for before in [0, 2, 5, 8] {
        let mut setup = Setup::keeping().await;
        setup.rig.records_per_day = Some(5);
        let mut ingester = setup.rig.ingester().await;
        let mut clicks = setup.clicks(before);
        setup.settle(&mut ingester).await;
        let backup = setup.witness.backup();
        clicks.extend(setup.clicks(9));
        setup.settle(&mut ingester).await;
        setup.witness.restore(&backup);
        clicks.extend(setup.clicks(3));
        setup.settle(&mut ingester).await;
        setup.counts_each(&clicks).await;
        assert_eq!(setup.ledger().await.rows, 5);
        assert_eq!(setup.record().await.stored, clicks.len() as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_is_changed_applies_to_the_clicks_after_that() {
    let mut setup = Setup::keeping().await;
    let mut truth = Vec::new();
    let mut rows = 0;
    for (budget, kept) in [
        (Some(5), 5),
        (None, 8),
        (Some(2), 0),
        (Some(30), 6),
        (Some(30), 0),
    ] {
        setup.rig.records_per_day = budget;
        let mut ingester = setup.rig.ingester().await;
        truth.extend(setup.clicks(8));
        setup.settle(&mut ingester).await;
        drop(ingester);
        rows += kept;
        setup.counts_each(&truth).await;
        assert_eq!(setup.ledger().await.rows, rows, "{budget:?}");
        setup.rig = setup.rig.restart();
    }
}
