//! Tests of journals and databases that disagree about position or owner.

use waypost_core::{Click, JournalOwner};
use waypost_store::{Claimed, ClickStore as _, Ingested, JournalClaim, JournalRecord};
use waypost_store_testkit::samples::START;

use super::*;

/// Takes the journal as another process that uses a copy of the directory with `end` records.
async fn take_elsewhere(setup: &Setup, end: u64) -> JournalRecord {
    let owner = JournalOwner::new(START, &*setup.rig.random);
    let claim = JournalClaim {
        predecessors: setup.rig.journal.lineage().owners,
        end,
        ..JournalClaim::new(setup.rig.journal.id(), owner, 0, START)
    };
    match setup.witness.take_journal(&claim).await.unwrap() {
        Claimed::Taken(record) => record,
        refused @ Claimed::Refused { .. } => panic!("{refused:?}"),
    }
}

/// Settles clicks and dropped records as the other process.
async fn settle_elsewhere(setup: &Setup, record: &JournalRecord, clicks: Vec<Click>, dropped: u64) {
    let batch = ClickBatch {
        journal: record.id,
        owner: record.owner.unwrap(),
        start: record.committed,
        clicks,
        records: KeptRecords::All,
        duplicates: 0,
        dropped: Dropped {
            lost: dropped,
            ..Dropped::default()
        },
    };
    let settled = setup.witness.ingest(Arc::new(batch), setup.rig.clock.now());
    assert!(matches!(settled.await, Ok(Ingested::Settled(_))));
}

#[tokio::test(start_paused = true)]
async fn clicks_of_a_journal_that_another_process_took_are_stored_under_a_new_id() {
    // Whatever the other process settles, these are not the clicks of this one.
    for settled in [0, 1, 4, 5, 6, 1_000] {
        let setup = Setup::new().await;
        let mut ingester = setup.rig.ingester().await;
        let id = setup.rig.journal.id();
        let record = take_elsewhere(&setup, 0).await;
        let mut clicks = setup.clicks(5);
        settle_elsewhere(&setup, &record, Vec::new(), settled).await;
        setup.settle(&mut ingester).await;
        clicks.extend(setup.clicks(5));
        setup.settle(&mut ingester).await;
        setup.has(&clicks);
        let new = setup.rig.journal.id();
        assert_ne!(new, id);
        let record = setup.record().await;
        assert_eq!((record.stored, record.began), (10, 0));
        assert_eq!(record.split.unwrap().from, id);
        // The new ID is kept.
        drop(ingester);
        let rig = setup.rig.restart();
        assert_eq!(rig.journal.id(), new);
        rig.ingester().await;
        assert_eq!(rig.journal.pending(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn clicks_that_two_processes_have_are_stored_once() {
    for settled in 0..=5 {
        let (metrics, _guard) = metered();
        let setup = Setup::new().await;
        let mut ingester = setup.rig.ingester().await;
        let clicks = setup.clicks(5);
        let copied = Cursor::new(0).read(&setup.rig.journal, 5).unwrap().clicks;
        let more = setup.clicks(2);
        let record = take_elsewhere(&setup, 5).await;
        settle_elsewhere(&setup, &record, copied[..settled].to_vec(), 0).await;
        setup.settle(&mut ingester).await;
        setup.counts(7).await;
        setup.has(&[clicks, more].concat());
        assert_eq!(setup.set_aside(), []);
        // The other process finds the rest already stored.
        let record = setup.record().await;
        assert_eq!(record.stored, 7 - settled as u64);
        shows(
            &metrics,
            "waypost_clicks_dropped_total{reason=\"rejected\"} 0",
        );
    }
}

#[tokio::test(start_paused = true)]
async fn clicks_that_a_copy_has_stored_under_another_id_are_duplicates() {
    let (metrics, _guard) = metered();
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(10);
    let copied = Cursor::new(0).read(&setup.rig.journal, 10).unwrap().clicks;
    for click in [1, 4, 9] {
        setup
            .witness
            .record_clicks(&copied[click..=click])
            .await
            .unwrap();
    }
    setup.settle(&mut ingester).await;
    setup.counts(10).await;
    let mut stored = setup.stored();
    stored.sort();
    let mut expected = clicks;
    expected.sort();
    assert_eq!(stored, expected);
    let record = setup.record().await;
    assert_eq!((record.stored, record.duplicates), (7, 3));
    assert_eq!(setup.set_aside(), []);
    shows(&metrics, "waypost_clicks_duplicate_total 3");
    shows(&metrics, "waypost_clicks_recorded_total 7");
}

#[tokio::test(start_paused = true)]
async fn without_rows_each_process_stores_what_the_other_does_not_have() {
    let mut setup = Setup::new().await;
    setup.rig.privacy = Privacy::Counts;
    let mut ingester = setup.rig.ingester().await;
    setup.clicks(2);
    setup.settle(&mut ingester).await;
    setup.clicks(5);
    // A copy with the two that are settled and three that are not, and then two more of its own.
    let record = take_elsewhere(&setup, 5).await;
    assert_eq!(record.committed, 2);
    setup.settle(&mut ingester).await;
    setup.counts(4).await;
    let record = setup.record().await;
    assert_eq!((record.began, record.stored), (5, 2));
}

#[tokio::test(start_paused = true)]
async fn a_position_that_was_moved_without_taking_the_journal_proves_nothing() {
    // As an old version of Waypost without owners does, on a copy of the directory.
    for moved in [1, 4, 5, 6, 1_000] {
        let setup = Setup::new().await;
        let mut ingester = setup.rig.ingester().await;
        let clicks = setup.clicks(5);
        let record = setup.witness.journal(setup.rig.journal.id()).await;
        settle_elsewhere(&setup, &record.unwrap().unwrap(), Vec::new(), moved).await;
        setup.settle(&mut ingester).await;
        setup.has(&clicks);
        assert_eq!(setup.record().await.stored, 5);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_database_forgets_that_was_set_back_is_stored_again() {
    for (kept, idle) in [(0, false), (4, false), (10, false), (4, true)] {
        let (metrics, _guard) = metered();
        let setup = Setup::keeping().await;
        let mut ingester = setup.rig.ingester().await;
        let mut clicks = setup.clicks(kept);
        setup.settle(&mut ingester).await;
        let backup = setup.witness.backup();
        clicks.extend(setup.clicks(7));
        setup.settle(&mut ingester).await;
        setup.witness.restore(&backup);
        if idle {
            // Nothing else happens.
            setup.work(&mut ingester, 10).await;
        } else {
            clicks.extend(setup.clicks(3));
            setup.settle(&mut ingester).await;
        }
        setup.counts(clicks.len()).await;
        let record = setup.record().await;
        assert_eq!(record.stored, clicks.len() as u64);
        assert_eq!(record.dropped, Dropped::default());
        let recorded = format!("waypost_clicks_recorded_total {}", clicks.len());
        shows(&metrics, &recorded);
        shows(&metrics, "waypost_clicks_stored_again_total 7");
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_that_was_set_back_to_before_the_process_is_caught_up_by_it_or_the_next_one() {
    for restart in [false, true] {
        let mut setup = Setup::keeping().await;
        let empty = setup.witness.backup();
        let mut ingester = setup.rig.ingester().await;
        let mut clicks = setup.clicks(4);
        setup.settle(&mut ingester).await;
        let backup = setup.witness.backup();
        for backup in [backup, empty] {
            drop(ingester);
            setup.rig = setup.rig.restart();
            ingester = setup.rig.ingester().await;
            clicks.extend(setup.clicks(3));
            setup.settle(&mut ingester).await;
            setup.witness.restore(&backup);
            if restart {
                drop(ingester);
                setup.rig = setup.rig.restart();
                ingester = setup.rig.ingester().await;
            }
            clicks.extend(setup.clicks(2));
            setup.settle(&mut ingester).await;
            setup.counts(clicks.len()).await;
            let record = setup.record().await;
            assert_eq!(record.stored, clicks.len() as u64);
            assert_eq!(record.dropped, Dropped::default());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn clicks_that_the_journal_no_longer_has_are_counted_as_lost() {
    let (metrics, _guard) = metered();
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    setup.clicks(4);
    setup.settle(&mut ingester).await;
    let backup = setup.witness.backup();
    setup.clicks(5);
    setup.settle(&mut ingester).await;
    // This journal keeps no stored clicks: the segment is deleted when it is settled and durable.
    setup.work(&mut ingester, 60).await;
    assert_eq!(setup.rig.journal.first(), 9);
    setup.witness.restore(&backup);
    let clicks = setup.clicks(3);
    setup.settle(&mut ingester).await;
    setup.counts(7).await;
    assert_eq!(setup.stored()[9..], clicks);
    let record = setup.record().await;
    assert_eq!((record.stored, record.dropped.lost), (7, 5));
    shows(&metrics, "waypost_clicks_dropped_total{reason=\"lost\"} 5");
}

#[tokio::test(start_paused = true)]
async fn taking_again_is_tried_until_the_database_answers() {
    let setup = Setup::failing(1, |store| {
        store
            .fail(Operation::TakeJournal, When::Nth(2), Failure::Before)
            .fail(Operation::TakeJournal, When::Nth(3), Failure::After)
    })
    .await;
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(5);
    take_elsewhere(&setup, 0).await;
    setup.settle(&mut ingester).await;
    setup.has(&clicks);
}

#[tokio::test(start_paused = true)]
async fn what_was_reported_and_is_not_there_is_lost() {
    let mut setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    setup.clicks(5);
    setup.settle(&mut ingester).await;
    tokio::time::advance(NOTE_EVERY).await;
    setup.witness.seen().refuse = Some(Box::new(|_| Some(StoreError::unavailable("full"))));
    setup.clicks(7);
    setup.work(&mut ingester, 10).await;
    drop(ingester);
    // After a power failure, the disk has nothing of the last segment.
    setup.rig = setup.rig.restart_after(|directory| {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "clicks")
            {
                std::fs::remove_file(path).unwrap();
            }
        }
    });
    setup.witness.seen().refuse = None;
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(2);
    setup.settle(&mut ingester).await;
    setup.counts(7).await;
    assert_eq!(setup.stored()[5..], clicks);
    let record = setup.record().await;
    assert_eq!((record.stored, record.dropped.lost), (7, 7));
}

#[tokio::test(start_paused = true)]
async fn it_begins_where_the_database_has_settled() {
    let mut setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    let mut clicks = setup.clicks(5);
    setup.settle(&mut ingester).await;
    clicks.extend(setup.clicks(5));
    drop(ingester);
    setup.rig = setup.rig.restart();
    let mut ingester = setup.rig.ingester().await;
    assert_eq!(setup.rig.journal.pending(), 5);
    setup.settle(&mut ingester).await;
    setup.has(&clicks);
}

#[tokio::test(start_paused = true)]
async fn it_does_not_begin_without_the_database() {
    let setup = Setup::new().await;
    setup.store.set_down(true);
    let begun = Ingester::begin(setup.rig.parts()).await;
    assert!(matches!(
        begun.err(),
        Some(IngesterError::Store(StoreError::Unavailable { .. }))
    ));
}
