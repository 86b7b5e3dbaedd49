//! Tests of a journal that is full or cannot be written.

use super::*;

#[test]
fn beyond_its_limit_clicks_are_refused_until_some_are_settled() {
    for durability in [Durability::Journal, Durability::Memory] {
        let mut desk = Desk::with(JournalSettings {
            durability,
            ..SETTINGS
        });
        let mut accepted = 0;
        while desk.append(accepted).is_ok() {
            accepted += 1;
        }
        // Segments in memory have no headers.
        assert!((FULL..FULL + 4).contains(&accepted), "{accepted}");
        assert_eq!(desk.append(accepted), Err(DropReason::JournalFull));
        assert_eq!(desk.journal.pending(), accepted, "{durability}");
        desk.read().is(0..accepted);
        desk.settle(accepted);
        let more = accepted + 10;
        desk.append_all(accepted..more);
        desk.read().is(accepted..more);
    }
}

#[test]
fn what_it_takes_on_disk_stays_within_the_limit() {
    let mut desk = Desk::new();
    let mut number = 0;
    for _ in 0..5 {
        while desk.append(number).is_ok() {
            number += 1;
            let bytes: u64 = desk
                .files()
                .iter()
                .map(|file| file.metadata().unwrap().len())
                .sum();
            assert!(bytes <= SETTINGS.max_bytes + 24, "{bytes}");
        }
        desk.settle(number - 5);
    }
    assert!(number > 2 * FULL);
}

/// Creates a directory with the name of the next segment, so that every write fails.
fn block(desk: &Desk) -> PathBuf {
    let name = format!("{:020}.clicks", desk.journal.end());
    let path = desk.temporary.path().join(name);
    std::fs::create_dir(&path).unwrap();
    path
}

#[tokio::test(start_paused = true)]
async fn clicks_that_cannot_be_written_are_refused_and_it_recovers_by_itself() {
    let desk = Desk::new();
    desk.append_all(0..PER_SEGMENT);
    let blocked = block(&desk);
    for _ in 0..3 {
        assert_eq!(desk.append(99), Err(DropReason::JournalFailed));
        tokio::time::advance(RETRY_AFTER).await;
    }
    assert_eq!(desk.journal.pending(), PER_SEGMENT);
    std::fs::remove_dir(blocked).unwrap();
    desk.append_all(PER_SEGMENT..20);
    desk.read().is(0..20);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fails_is_not_tried_again_at_once() {
    let desk = Desk::new();
    let blocked = block(&desk);
    assert_eq!(desk.append(0), Err(DropReason::JournalFailed));
    std::fs::remove_dir(blocked).unwrap();
    assert_eq!(desk.append(0), Err(DropReason::JournalFailed));
    tokio::time::advance(RETRY_AFTER).await;
    assert_eq!(desk.append(0), Ok(0));
}

#[test]
fn a_full_disk_has_a_reason_of_its_own() {
    // Every write to it fails as on a full disk.
    let full = File::options().write(true).open("/dev/full").unwrap();
    let error = full.write_all_at(b"click", 0).unwrap_err();
    assert_eq!(reason_of(&error), DropReason::DiskFull);
    let other = io::Error::other("broken");
    assert_eq!(reason_of(&other), DropReason::JournalFailed);
}

#[test]
fn a_journal_is_used_by_one_process() {
    let desk = Desk::new();
    let second = Journal::open(desk.temporary.path(), &SETTINGS, NEW_ID);
    assert!(matches!(second, Err(JournalError::Locked { .. })));
    desk.append_all(0..1);
    desk.restart().read().is(0..1);
}

#[test]
fn refused_clicks_are_counted_by_their_reason() {
    use metrics_exporter_prometheus::PrometheusBuilder;

    let prometheus = PrometheusBuilder::new().build_recorder();
    ::metrics::with_local_recorder(&prometheus, || {
        let desk = Desk::new();
        desk.append_all(0..FULL);
        desk.append(FULL).unwrap_err();
        desk.append(FULL).unwrap_err();
    });
    let text = prometheus.handle().render();
    let line = "waypost_clicks_dropped_total{reason=\"journal_full\"} 2";
    assert!(text.lines().any(|given| given == line), "{text}");
}
