//! Tests that each click is stored once, however the database fails and whenever the process ends.

use super::*;

#[tokio::test(start_paused = true)]
async fn each_click_is_stored_once_whatever_the_database_answers_and_whenever_the_process_ends() {
    for seed in 0..200 {
        let mut setup = Setup::failing(seed, |store| {
            store
                .fail(Operation::Ingest, When::Percent(25), Failure::Before)
                .fail(Operation::Ingest, When::Percent(25), Failure::After)
        })
        .await;
        let random = SeededRandom::new(seed);
        let mut clicks = Vec::new();
        let mut ingester = setup.rig.ingester().await;
        for _ in 0..12 {
            let count = draw(&random, 20);
            clicks.extend(setup.clicks(usize::try_from(count).unwrap()));
            // Stop the ingester at any point within this time.
            let limit = Duration::from_millis(draw(&random, 300));
            let _ = tokio::time::timeout(limit, ingester.step()).await;
            if draw(&random, 4) == 0 {
                drop(ingester);
                setup.rig = setup.rig.restart();
                ingester = setup.rig.ingester().await;
            }
        }
        setup.settle(&mut ingester).await;
        setup.has(&clicks);
        setup.counts(clicks.len()).await;
        assert_eq!(setup.record().await.stored, clicks.len() as u64, "{seed}");
        assert_eq!(setup.set_aside(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn refused_clicks_are_set_aside_once_and_the_others_stored_once_while_the_database_fails() {
    for seed in 0..200 {
        let setup = Setup::failing(seed, |store| {
            store
                .fail(Operation::Ingest, When::Percent(20), Failure::Before)
                .fail(Operation::Ingest, When::Percent(20), Failure::After)
        })
        .await;
        let random = SeededRandom::new(seed);
        let mut ingester = setup.rig.ingester().await;
        let clicks = setup.clicks(40);
        let (poison, good): (Vec<_>, Vec<_>) = clicks.iter().partition(|_| draw(&random, 8) == 0);
        refuse(&setup, &poison, bad_value);
        setup.settle(&mut ingester).await;
        setup.has(&good);
        assert_eq!(setup.set_aside(), poison, "{seed}");
        let record = setup.record().await;
        assert_eq!(record.stored, good.len() as u64);
        assert_eq!(record.dropped.rejected, poison.len() as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_whose_commit_was_not_acknowledged_is_recognised_after_it_was_halved() {
    let setup = Setup::failing(1, |store| {
        store.fail(Operation::Ingest, When::Nth(1), Failure::After)
    })
    .await;
    let mut ingester = setup.rig.ingester().await;
    let (id, clicks) = (setup.rig.journal.id(), setup.clicks(8));
    // The first attempt commits; the second is rejected for another reason.
    refuse_attempt(&setup, 2);
    setup.settle(&mut ingester).await;
    setup.has(&clicks);
    setup.counts(8).await;
    assert_eq!(setup.set_aside(), []);
    assert_eq!(setup.rig.journal.id(), id);
    let more = setup.clicks(3);
    setup.settle(&mut ingester).await;
    setup.has(&[clicks, more].concat());
}

/// Makes the store reject the n-th attempt to store something.
fn refuse_attempt(setup: &Setup, nth: u32) {
    let mut attempts = 0;
    setup.witness.seen().refuse = Some(Box::new(move |_| {
        attempts += 1;
        (attempts == nth).then(bad_value)
    }));
}

#[tokio::test(start_paused = true)]
async fn it_is_also_recognised_when_the_half_could_not_be_stored_at_first() {
    let setup = Setup::failing(1, |store| {
        store
            .fail(Operation::Ingest, When::Nth(1), Failure::After)
            .fail(Operation::Ingest, When::Nth(3), Failure::Before)
    })
    .await;
    let mut ingester = setup.rig.ingester().await;
    let (id, clicks) = (setup.rig.journal.id(), setup.clicks(8));
    refuse_attempt(&setup, 2);
    setup.settle(&mut ingester).await;
    setup.has(&clicks);
    assert_eq!(setup.rig.journal.id(), id);
}

#[tokio::test(start_paused = true)]
async fn a_single_click_whose_commit_was_not_acknowledged_is_not_set_aside() {
    let setup = Setup::failing(1, |store| {
        store.fail(Operation::Ingest, When::Nth(1), Failure::After)
    })
    .await;
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(1);
    refuse_attempt(&setup, 2);
    setup.settle(&mut ingester).await;
    setup.has(&clicks);
    assert_eq!(setup.set_aside(), []);
    assert_eq!(setup.record().await.stored, 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_click_stays_set_aside_when_that_was_not_acknowledged() {
    let (metrics, _guard) = metered();
    let setup = Setup::failing(1, |store| {
        store.fail(Operation::Ingest, When::Nth(2), Failure::After)
    })
    .await;
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(1);
    refuse(&setup, &clicks, bad_value);
    setup.settle(&mut ingester).await;
    setup.has(&[]);
    assert_eq!(setup.set_aside(), clicks);
    assert_eq!(setup.record().await.dropped.rejected, 1);
    shows(&metrics, "waypost_clicks_recorded_total 0");
    shows(
        &metrics,
        "waypost_clicks_dropped_total{reason=\"rejected\"} 1",
    );
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_waited_for_and_then_everything_is_stored() {
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    let mut clicks = setup.clicks(1);
    setup.settle(&mut ingester).await;
    clicks.extend(setup.clicks(5));
    setup.store.set_down(true);
    setup.work(&mut ingester, 3_600).await;
    // Attempts have pauses in between.
    let attempts = setup.store.calls(Operation::Ingest);
    assert!((1_000..2_000).contains(&attempts), "{attempts}");
    clicks.extend(setup.clicks(5));
    setup.has(&clicks[..1]);
    setup.store.set_down(false);
    setup.settle(&mut ingester).await;
    setup.has(&clicks);
}

#[tokio::test(start_paused = true)]
async fn while_one_batch_commits_the_next_one_gathers() {
    let setup = Setup::failing(1, |store| {
        store.fail(Operation::Ingest, When::Nth(1), Failure::Before)
    })
    .await;
    let mut ingester = setup.rig.ingester().await;
    let mut clicks = setup.clicks(1);
    let gather = async { clicks.extend(setup.clicks(300)) };
    tokio::join!(ingester.step(), gather);
    ingester.step().await;
    setup.has(&clicks);
    assert_eq!(setup.store.calls(Operation::Ingest), 3);
}
