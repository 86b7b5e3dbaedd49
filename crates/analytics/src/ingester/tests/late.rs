//! Tests of batches that arrive late, and of databases that were restored from a backup. The cases
//! were found by search (`tests/histories`).

use waypost_core::JournalOwner;
use waypost_store::{Claimed, Ingested, JournalClaim, JournalRecord};

use super::*;

impl Setup {
    async fn found(&self) -> JournalRecord {
        let found = self.witness.journal(self.rig.journal.id()).await;
        found.unwrap().unwrap()
    }

    /// Settles records as lost, as the owner.
    async fn settle_lost(&self, record: &JournalRecord, lost: u64) {
        let batch = ClickBatch {
            journal: record.id,
            owner: record.owner.unwrap(),
            start: record.committed,
            clicks: Vec::new(),
            records: KeptRecords::All,
            duplicates: 0,
            dropped: Dropped {
                lost,
                ..Dropped::default()
            },
        };
        let settled = self.witness.ingest(Arc::new(batch), self.rig.clock.now());
        assert!(matches!(settled.await, Ok(Ingested::Settled(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_was_tried_without_an_answer_is_known_after_a_set_back() {
    let setup = Setup::failing(1, |store| {
        store.fail(Operation::TakeJournal, When::Nth(1), Failure::After)
    })
    .await;
    assert!(Ingester::begin(setup.rig.parts()).await.is_err());
    let backup = setup.witness.backup();
    let mut ingester = setup.rig.ingester().await;
    let id = setup.rig.journal.id();
    setup.clicks(4);
    setup.settle(&mut ingester).await;
    // This journal keeps no stored clicks.
    setup.work(&mut ingester, 60).await;
    assert_eq!(setup.rig.journal.first(), 4);
    setup.witness.restore(&backup);
    setup.clicks(2);
    setup.settle(&mut ingester).await;
    let record = setup.record().await;
    assert_eq!(record.id, id);
    assert_eq!((record.stored, record.dropped.lost), (2, 4));
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_counted_as_lost_under_a_new_id_too() {
    let mut setup = Setup::new().await;
    drop(setup.rig.ingester().await);
    let backup = setup.witness.backup();
    // A copy of the directory.
    setup.rig = setup.rig.restart();
    let mut ingester = setup.rig.ingester().await;
    let id = setup.rig.journal.id();
    setup.clicks(5);
    setup.settle(&mut ingester).await;
    setup.work(&mut ingester, 60).await;
    assert_eq!(setup.rig.journal.first(), 5);
    setup.witness.restore(&backup);
    // The original continues.
    setup.settle_lost(&setup.found().await, 3).await;
    setup.clicks(2);
    setup.settle(&mut ingester).await;
    let record = setup.record().await;
    assert_eq!(record.split.unwrap().from, id);
    assert_eq!(
        (record.began, record.stored, record.dropped.lost),
        (0, 2, 5)
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_arrives_after_the_database_was_set_back_is_its_process_s_own() {
    let mut setup = Setup::failing(1, |store| {
        store.fail(Operation::Ingest, When::Nth(2), Failure::Before)
    })
    .await;
    setup.rig.privacy = Privacy::Counts;
    let mut ingester = setup.rig.ingester().await;
    let id = setup.rig.journal.id();
    let backup = setup.witness.backup();
    setup.clicks(4);
    setup.settle(&mut ingester).await;
    setup.clicks(3);
    // The batch is sent and delayed.
    let step = tokio::time::timeout(Duration::from_millis(10), ingester.step());
    assert!(step.await.is_err());
    setup.witness.restore(&backup);
    ingester.limit = 4;
    while setup.rig.journal.settled() != 4 || setup.found().await.committed != 4 {
        ingester.step().await;
    }
    setup.settle_lost(&setup.found().await, 3).await;
    setup.clicks(1);
    ingester.limit = 4;
    setup.settle(&mut ingester).await;
    let record = setup.record().await;
    assert_eq!(record.id, id);
    // The late batch counts as lost here, and is not stored a second time.
    assert_eq!((record.stored, record.dropped.lost), (5, 3));
}

#[tokio::test(start_paused = true)]
async fn clicks_that_a_journal_without_segments_no_longer_has_are_counted_as_lost() {
    let mut setup = Setup::new().await;
    drop(setup.rig.ingester().await);
    let backup = setup.witness.backup();
    setup.settle_lost(&setup.found().await, 10).await;
    // The directory has none of these.
    setup.rig = setup.rig.restart();
    let mut ingester = setup.rig.ingester().await;
    assert_eq!(setup.rig.journal.end(), 10);
    setup.witness.restore(&backup);
    setup.work(&mut ingester, 60).await;
    let record = setup.record().await;
    assert_eq!((record.committed, record.dropped.lost), (10, 10));
}

#[tokio::test(start_paused = true)]
async fn an_answer_from_before_the_database_was_set_back_is_not_believed() {
    for is_known in [true, false] {
        let setup = Setup::new().await;
        let before = setup.witness.backup();
        let mut ingester = setup.rig.ingester().await;
        let id = setup.rig.journal.id();
        let after = setup.witness.backup();
        setup.clicks(10);
        setup.settle(&mut ingester).await;
        // Another process takes the journal, which tells this one that 10 are settled.
        let owner = JournalOwner::new(setup.rig.clock.now(), &*setup.rig.random);
        let claim = JournalClaim {
            predecessors: setup.rig.journal.lineage().owners,
            ..JournalClaim::new(id, owner, 0, setup.rig.clock.now())
        };
        let taken = setup.witness.take_journal(&claim).await;
        assert!(matches!(taken, Ok(Claimed::Taken(_))));
        let backup = if is_known { after } else { before };
        setup.witness.seen().restored_after_refusal = Some(backup);
        ingester.check().await.unwrap();
        setup.settle(&mut ingester).await;
        setup.counts(10).await;
        assert_ne!(setup.rig.journal.id(), id);
    }
}
