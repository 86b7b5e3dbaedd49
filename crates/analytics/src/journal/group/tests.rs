//! Tests of which clicks are written together, and of clicks whose visitors do not wait.

use std::path::Path;
use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;
use waypost_core::{ClickId, JournalId, LinkId};

use super::*;
use crate::journal::Cursor;
use crate::settings::JournalSettings;

fn journal(directory: &Path, max_bytes: u64) -> Arc<Journal> {
    let settings = JournalSettings {
        durability: Durability::Journal,
        sync_interval: Duration::from_millis(1),
        max_bytes,
        keep: Duration::ZERO,
    };
    let id = JournalId::from_uuid(Uuid::from_u128(1));
    let journal = Journal::open(directory, &settings, id).unwrap();
    journal.begin(0, 0);
    journal
}

fn click(journal: &Arc<Journal>, number: u128) -> Appending {
    journal.append(&ClickRecord {
        id: ClickId::from_uuid(Uuid::from_u128(number)),
        link_id: LinkId::from_uuid(Uuid::from_u128(1)),
        clicked_at: OffsetDateTime::UNIX_EPOCH,
        day: OffsetDateTime::UNIX_EPOCH.date(),
        ip_hash: None,
        session: None,
        country: None,
        class: None,
        user_agent: b"Mozilla/5.0",
        referrer: b"",
    })
}

/// Returns the numbers of the clicks that can be read.
fn numbers(journal: &Journal) -> Vec<u128> {
    let records = Cursor::new(0).read(journal, 1_000_000).unwrap();
    let ids = records.clicks.iter().map(|click| click.id.as_uuid());
    ids.map(Uuid::as_u128).collect()
}

#[tokio::test]
async fn clicks_of_one_turn_are_written_together_in_their_order() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal(directory.path(), 1_000_000);
    let [first, second, third] = [0, 1, 2].map(|number| click(&journal, number));
    assert_eq!(
        journal.end(),
        0,
        "nothing is written before their turn is over"
    );
    let positions = tokio::join!(third.written(), first.written(), second.written());
    assert_eq!(positions, (Ok(2), Ok(0), Ok(1)));
    assert_eq!(numbers(&journal), [0, 1, 2]);
}

#[tokio::test]
async fn a_click_is_written_when_nobody_waits_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal(directory.path(), 1_000_000);
    let waiting = click(&journal, 0);
    drop(click(&journal, 1));
    assert_eq!(waiting.written().await, Ok(0));
    drop(click(&journal, 2));
    assert_eq!(numbers(&journal), [0, 1, 2]);
}

#[tokio::test]
async fn no_click_depends_on_another_that_does_not_wait_yet() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal(directory.path(), 1_000_000);
    let later = click(&journal, 0);
    assert_eq!(click(&journal, 1).written().await, Ok(1));
    assert_eq!(later.written().await, Ok(0));
}

#[tokio::test]
async fn of_a_group_that_does_not_fit_what_fits_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal(directory.path(), 1_000);
    let group: Vec<_> = (0..20).map(|number| click(&journal, number)).collect();
    let results: Vec<_> = group.iter().map(Appending::write_now).collect();
    let written = results.iter().take_while(|result| result.is_ok()).count();
    assert!((1..20).contains(&written), "{written}");
    let rest = results.iter().skip(written);
    assert!(
        rest.clone()
            .all(|result| *result == Err(DropReason::JournalFull))
    );
    assert_eq!(numbers(&journal).len(), written);
}

#[test]
fn a_large_group_is_written_before_its_turn_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal(directory.path(), 100_000_000);
    let group: Vec<_> = (0..2_000).map(|number| click(&journal, number)).collect();
    assert!(journal.end() > 0);
    assert!(
        group
            .iter()
            .zip(0..)
            .all(|(click, at)| click.write_now() == Ok(at))
    );
    assert_eq!(numbers(&journal).len(), 2_000);
}
