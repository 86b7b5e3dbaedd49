//! Where journal and database disagree about how far it is settled.

use waypost_store::Ingested;

use super::*;

/// Another server that uses a copy of the journal settles so many of its records.
async fn settle_elsewhere(setup: &Setup, clicks: Vec<waypost_core::Click>, dropped: u64) {
    let batch = ClickBatch {
        journal: setup.rig.journal.id(),
        start: 0,
        clicks,
        keep_rows: true,
        dropped: Dropped {
            lost: dropped,
            ..Dropped::default()
        },
    };
    let settled = setup.witness.ingest(Arc::new(batch), setup.rig.clock.now());
    assert!(matches!(settled.await, Ok(Ingested::Settled(_))));
}

#[tokio::test(start_paused = true)]
async fn when_somebody_else_moved_the_position_the_journal_goes_on_under_a_new_id() {
    for moved in [1, 4, 6, 1_000] {
        let setup = Setup::new().await;
        let mut ingester = setup.rig.ingester().await;
        let id = setup.rig.journal.id();
        let mut clicks = setup.clicks(5);
        settle_elsewhere(&setup, Vec::new(), moved).await;
        setup.settle(&mut ingester).await;
        clicks.extend(setup.clicks(5));
        setup.settle(&mut ingester).await;
        setup.has(&clicks);
        assert_ne!(setup.rig.journal.id(), id);
        assert_eq!(setup.record().await.stored, 10);
        // The new id stays.
        let new = setup.rig.journal.id();
        drop(ingester);
        let rig = setup.rig.restart();
        assert_eq!(rig.journal.id(), new);
        rig.ingester().await;
        assert_eq!(rig.journal.pending(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn clicks_that_a_copy_of_the_journal_has_stored_are_not_stored_again() {
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(5);
    let mut cursor = Cursor::new(0);
    let copied = cursor.read(&setup.rig.journal, 3).unwrap().clicks;
    settle_elsewhere(&setup, copied, 0).await;
    setup.settle(&mut ingester).await;
    setup.has(&clicks);
    setup.counts(5).await;
    assert_eq!(setup.set_aside(), clicks[..3]);
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_the_database_has_forgotten_is_registered_again() {
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    let id = setup.rig.journal.id();
    let clicks = setup.clicks(5);
    setup.witness.seen().forgotten = true;
    setup.settle(&mut ingester).await;
    setup.has(&clicks);
    assert_eq!(setup.rig.journal.id(), id);
}

#[tokio::test(start_paused = true)]
async fn registering_again_is_tried_until_the_database_takes_it() {
    let setup = Setup::failing(1, |store| {
        store
            .fail(Operation::RegisterJournal, When::Nth(2), Failure::Before)
            .fail(Operation::RegisterJournal, When::Nth(3), Failure::After)
    })
    .await;
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(5);
    settle_elsewhere(&setup, Vec::new(), 2).await;
    setup.settle(&mut ingester).await;
    setup.has(&clicks);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_was_taken_back_behind_the_first_segment_gets_a_new_journal() {
    let mut setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    setup.clicks(5);
    setup.settle(&mut ingester).await;
    setup.rig.journal.tidy();
    let clicks = setup.clicks(3);
    drop(ingester);
    let id = setup.rig.journal.id();
    // An older state of the database: it knows the journal, but nothing of its clicks.
    let (older, link) = Witness::with_clicks(0).await;
    let at = setup.rig.clock.now();
    older.register_journal(id, 0, at).await.unwrap();
    setup.rig.store = older.clone();
    (setup.witness, setup.link) = (older, link);
    setup.rig = setup.rig.restart();
    let mut ingester = setup.rig.ingester().await;
    assert_ne!(setup.rig.journal.id(), id);
    setup.settle(&mut ingester).await;
    setup.has(&clicks);
    let record = setup.record().await;
    assert_eq!((record.began, record.stored), (5, 3));
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
