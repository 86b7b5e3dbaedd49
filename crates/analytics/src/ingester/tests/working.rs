//! Tests of the loop: waiting, tidying, running on its own thread.

use super::*;
use crate::journal::JournalStatus;

fn segments(setup: &Setup) -> usize {
    let status = JournalStatus::read(&setup.rig.path(), 0).unwrap().unwrap();
    status.segments.len()
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_is_deleted_when_nothing_happens_for_a_while() {
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    setup.clicks(5);
    setup.work(&mut ingester, 29).await;
    assert_eq!(segments(&setup), 1);
    setup.work(&mut ingester, 31).await;
    assert_eq!(segments(&setup), 1);
    assert_eq!(setup.rig.journal.first(), setup.rig.journal.end());
    let clicks = setup.clicks(1);
    setup.settle(&mut ingester).await;
    assert_eq!(setup.stored().last(), clicks.last());
}

#[tokio::test(start_paused = true)]
async fn a_click_is_stored_at_once_without_any_timer() {
    let setup = Setup::new().await;
    let _running = setup.rig.run().await;
    let began = tokio::time::Instant::now();
    for number in 1..100 {
        setup.clicks(1);
        let limit = Duration::from_secs(1);
        setup.rig.journal.progress().reached(number, limit).await;
    }
    assert_eq!(setup.stored().len(), 99);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn on_a_thread_of_its_own_it_stores_what_comes_and_ends_when_it_is_told_to() {
    let setup = Setup::new().await;
    let ingester = setup.rig.ingester().await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(ingester.run(stop.clone()));
    let mut clicks = Vec::new();
    for end in [10, 20, 30] {
        clicks.extend(setup.clicks(10));
        let limit = Duration::from_secs(60);
        setup.rig.journal.progress().reached(end, limit).await;
        setup.has(&clicks);
    }
    stop.cancel();
    running.await.unwrap().unwrap();
    setup.clicks(1);
    setup.has(&clicks);
    assert_eq!(Arc::strong_count(&setup.rig.journal), 1);
}
