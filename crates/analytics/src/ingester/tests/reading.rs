//! Tests of a journal that cannot be read completely.

use super::*;
use crate::journal::JournalStatus;
use crate::{Durability, JournalSettings};

const SMALL: JournalSettings = JournalSettings {
    max_bytes: 8 * 600,
    keep: Duration::ZERO,
    ..crate::rig::SETTINGS
};

async fn small(settings: JournalSettings) -> Setup {
    let mut setup = Setup::new().await;
    setup.rig = Rig::with(setup.store.clone(), settings);
    setup
}

#[tokio::test(start_paused = true)]
async fn a_segment_that_is_gone_is_counted_and_the_next_one_stored() {
    let (metrics, _guard) = metered();
    let setup = small(SMALL).await;
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(30);
    let status = JournalStatus::read(&setup.rig.path(), 0).unwrap().unwrap();
    let (gone, next) = (&status.segments[1], &status.segments[2]);
    std::fs::remove_file(setup.rig.path().join(&gone.name)).unwrap();
    setup.settle(&mut ingester).await;
    let first = usize::try_from(gone.first).unwrap();
    let behind = usize::try_from(next.first).unwrap();
    setup.has(&[&clicks[..first], &clicks[behind..]].concat());
    assert_eq!(setup.record().await.dropped.unreadable, gone.records);
    let number = gone.records;
    shows(
        &metrics,
        &format!("waypost_clicks_dropped_total{{reason=\"unreadable\"}} {number}"),
    );
}

#[tokio::test(start_paused = true)]
async fn damage_in_the_segment_that_is_written_to_is_counted_once_even_if_a_click_is_refused() {
    let setup = small(SMALL).await;
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(5);
    let status = JournalStatus::read(&setup.rig.path(), 0).unwrap().unwrap();
    let path = setup.rig.path().join(&status.segments[0].name);
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    refuse(&setup, &clicks[1..2], bad_value);
    setup.settle(&mut ingester).await;
    let more = setup.clicks(2);
    setup.settle(&mut ingester).await;
    setup.has(&[clicks[0], clicks[2], clicks[3], more[0], more[1]]);
    let expected = Dropped {
        rejected: 1,
        unreadable: 1,
        ..Dropped::default()
    };
    assert_eq!(setup.record().await.dropped, expected);
}

#[tokio::test(start_paused = true)]
async fn clicks_that_were_lost_with_memory_are_counted_in_the_database() {
    let (metrics, _guard) = metered();
    let mut setup = small(JournalSettings {
        durability: Durability::Memory,
        ..crate::rig::SETTINGS
    })
    .await;
    let ingester = setup.rig.ingester().await;
    setup.clicks(1);
    drop(ingester);
    setup.rig = setup.rig.restart();
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(2);
    setup.settle(&mut ingester).await;
    setup.has(&clicks);
    assert_eq!(setup.record().await.dropped.lost, 1);
    shows(&metrics, "waypost_clicks_dropped_total{reason=\"lost\"} 1");
}
