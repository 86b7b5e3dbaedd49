//! Tests of records that another journal has settled and whose click records are purged.

use waypost_core::{JournalId, JournalOwner};
use waypost_store::{Claimed, Ingested, JournalClaim, JournalRecord, JournalSplit};
use waypost_store_testkit::samples::START;

use super::*;

impl Setup {
    /// Returns the claim of a process that uses a copy of the directory.
    fn claim_of_a_copy(&self, journal: JournalId) -> JournalClaim {
        let owner = JournalOwner::new(START, &*self.rig.random);
        JournalClaim {
            predecessors: self.rig.journal.lineage().owners,
            end: self.rig.journal.end(),
            ..JournalClaim::new(journal, owner, 0, START)
        }
    }

    async fn take(&self, claim: &JournalClaim) -> JournalRecord {
        match self.witness.take_journal(claim).await.unwrap() {
            Claimed::Taken(record) => record,
            refused @ Claimed::Refused { .. } => panic!("{refused:?}"),
        }
    }

    /// Settles the first records of this journal under the journal of another process, and purges
    /// their click records.
    async fn settle_and_purge(&self, record: &JournalRecord, count: usize) {
        let records = Cursor::new(0).read(&self.rig.journal, count).unwrap();
        let batch = ClickBatch {
            journal: record.id,
            owner: record.owner.unwrap(),
            start: record.committed,
            clicks: records.clicks,
            records: KeptRecords::None,
            duplicates: 0,
            dropped: Dropped::default(),
        };
        let settled = self.witness.ingest(Arc::new(batch), START).await;
        assert!(matches!(settled, Ok(Ingested::Settled(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_owner_of_the_journal_settled_after_the_split_is_not_stored_again() {
    for settled in 0..=5 {
        let setup = Setup::new().await;
        let mut ingester = setup.rig.ingester().await;
        let id = setup.rig.journal.id();
        setup.clicks(5);
        let other = setup.take(&setup.claim_of_a_copy(id)).await;
        // It continues under a new ID before anything is settled.
        ingester.check().await.unwrap();
        assert_ne!(setup.rig.journal.id(), id);
        setup.settle_and_purge(&other, settled).await;
        // Both get further clicks, which differ.
        let batch = ClickBatch {
            journal: id,
            owner: other.owner.unwrap(),
            start: settled as u64,
            clicks: Vec::new(),
            records: KeptRecords::All,
            duplicates: 0,
            dropped: Dropped {
                unreadable: 100,
                ..Dropped::default()
            },
        };
        if settled == 5 {
            let ingested = setup.witness.ingest(Arc::new(batch), START).await;
            assert!(matches!(ingested, Ok(Ingested::Settled(_))));
        }
        setup.clicks(3);
        setup.settle(&mut ingester).await;
        setup.counts(8).await;
        let record = setup.record().await;
        assert_eq!(
            (record.stored, record.duplicates),
            (8 - settled as u64, settled as u64)
        );
        assert_eq!(record.dropped.total(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_process_of_a_copy_settled_under_its_own_id_is_not_stored_again() {
    for settled in 0..=5 {
        let setup = Setup::new().await;
        drop(setup.rig.ingester().await);
        let clicks = setup.clicks(5);
        let id = setup.rig.journal.id();
        let other = JournalId::new(START, &*setup.rig.random);
        let other = setup
            .take(&JournalClaim {
                split: Some(JournalSplit { from: id, at: 0 }),
                ..setup.claim_of_a_copy(other)
            })
            .await;
        setup.settle_and_purge(&other, settled).await;
        let mut ingester = setup.rig.ingester().await;
        assert_eq!(setup.rig.journal.id(), id);
        setup.settle(&mut ingester).await;
        setup.counts(clicks.len()).await;
        let record = setup.record().await;
        assert_eq!(
            (record.stored, record.duplicates),
            (5 - settled as u64, settled as u64)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_whose_clicks_were_lost_proves_nothing() {
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(5);
    let other = setup
        .take(&setup.claim_of_a_copy(setup.rig.journal.id()))
        .await;
    ingester.check().await.unwrap();
    let batch = ClickBatch {
        journal: other.id,
        owner: other.owner.unwrap(),
        start: 0,
        clicks: Vec::new(),
        records: KeptRecords::All,
        duplicates: 0,
        dropped: Dropped {
            lost: 5,
            ..Dropped::default()
        },
    };
    let ingested = setup.witness.ingest(Arc::new(batch), START).await;
    assert!(matches!(ingested, Ok(Ingested::Settled(_))));
    setup.settle(&mut ingester).await;
    setup.has(&clicks);
}
