//! `linkctl journal status`: pending clicks on this machine.

use std::path::Path;

use serde::Serialize;
use time::OffsetDateTime;
use waypost_analytics::journal::{JournalStatus, Pending, SegmentStatus};
use waypost_core::{Clock, Count, JournalId};

use crate::console::{Console, HEADING, to_the_second};
use crate::database;
use crate::failure::{Failure, Status};
use waypost_settings::Settings;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusRecord<'a> {
    id: String,
    directory: String,
    segments: Vec<SegmentRecord<'a>>,
    bytes: u64,
    /// `null` if the database is unavailable.
    committed: Option<u64>,
    pending: Option<u64>,
    #[serde(with = "time::serde::rfc3339::option")]
    oldest_pending_at: Option<OffsetDateTime>,
    oldest_pending_age_s: Option<i64>,
    set_aside_bytes: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SegmentRecord<'a> {
    name: &'a str,
    first: u64,
    clicks: u64,
    bytes: u64,
    bad_bytes: u64,
}

/// Shows the journal in `directory`. If the database is unavailable, shows what is known without
/// it.
pub(in crate::commands) async fn status(
    directory: &Path,
    settings: &Settings,
    clock: &dyn Clock,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    let missing = || Failure::NoJournal(directory.to_owned());
    let id = JournalStatus::id_in(directory)?.ok_or_else(missing)?;
    // Read the database first: clicks that are settled in between then count as pending and are
    // never left out.
    let committed = committed(settings, id).await;
    let known = committed.as_ref().ok().copied().flatten();
    let status = JournalStatus::read(directory, known.unwrap_or(0))?.ok_or_else(missing)?;
    print(directory, &status, known, clock.now(), console)?;
    match committed {
        Ok(Some(_)) => Ok(Status::Done),
        Ok(None) => {
            console.say(
                "this journal is unknown to the database; check that it is the server's database",
            );
            Ok(Status::Database)
        }
        // Everything known without the database was shown.
        Err(failure) => Err(failure),
    }
}

async fn committed(settings: &Settings, id: JournalId) -> Result<Option<u64>, Failure> {
    let (database, _) = database::open_current(settings).await?;
    let record = database.store().journal(id).await;
    database.close();
    Ok(record?.map(|record| record.committed))
}

fn print<'a>(
    directory: &Path,
    status: &'a JournalStatus,
    committed: Option<u64>,
    now: OffsetDateTime,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let pending = committed.map(|committed| status.pending(committed));
    let oldest = pending.and_then(|pending| pending.oldest);
    let age_s = oldest.map(|oldest| (now - oldest).whole_seconds().max(0));
    let bytes = status.segments.iter().map(|segment| segment.bytes).sum();
    if console.json {
        let segment = |segment: &'a SegmentStatus| {
            let SegmentStatus {
                name,
                first,
                records,
                bytes,
                bad_bytes,
                ..
            } = segment;
            SegmentRecord {
                name,
                first: *first,
                clicks: *records,
                bytes: *bytes,
                bad_bytes: *bad_bytes,
            }
        };
        return console.json(&StatusRecord {
            id: status.id.to_string(),
            directory: directory.display().to_string(),
            segments: status.segments.iter().map(segment).collect(),
            bytes,
            committed,
            pending: pending.map(|pending| pending.clicks),
            oldest_pending_at: oldest,
            oldest_pending_age_s: age_s,
            set_aside_bytes: status.set_aside_bytes,
        });
    }
    console.line(format_args!(
        "journal {} in {}",
        status.id,
        directory.display()
    ))?;
    if !status.segments.is_empty() {
        console.line(format_args!(
            "{HEADING}{:<28}  {:>12}  {:>10}  {:>10}  {:>9}{HEADING:#}",
            "SEGMENT", "FIRST", "CLICKS", "BYTES", "BAD BYTES"
        ))?;
    }
    for segment in &status.segments {
        console.line(format_args!(
            "{:<28}  {:>12}  {:>10}  {:>10}  {:>9}",
            segment.name, segment.first, segment.records, segment.bytes, segment.bad_bytes
        ))?;
    }
    match (pending, oldest, age_s) {
        (Some(Pending { clicks, .. }), Some(oldest), Some(age_s)) => console.line(format_args!(
            "{} pending, the oldest from {} ({age_s} s ago)",
            Count::of(clicks, "click"),
            to_the_second(oldest)
        ))?,
        (Some(Pending { clicks, .. }), _, _) => {
            console.line(format_args!("{} pending", Count::of(clicks, "click")))?;
        }
        (None, _, _) => {
            console.line("number of pending clicks unknown; only the database has it")?;
        }
    }
    if status.set_aside_bytes > 0 {
        console.line(format_args!(
            "{} of clicks that the database rejected are set aside; `linkctl journal retry` tries \
             again to store them",
            Count::of(status.set_aside_bytes, "byte")
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use waypost_analytics::Journal;
    use waypost_analytics::{Durability, JournalSettings};
    use waypost_core::SeededRandom;

    use super::*;
    use crate::console::Printed;

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    /// Returns a journal without clicks.
    fn empty_journal() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let settings = JournalSettings {
            durability: Durability::Journal,
            sync_interval: std::time::Duration::from_millis(1),
            max_bytes: 1_048_576,
            keep: std::time::Duration::ZERO,
        };
        let id = JournalId::new(NOW, &SeededRandom::new(1));
        Journal::open(directory.path(), &settings, id).unwrap();
        directory
    }

    async fn printed(json: bool, committed: Option<u64>) -> String {
        let directory = empty_journal();
        let status = JournalStatus::read(directory.path(), 0).unwrap().unwrap();
        let (ended, printed) = Printed::by(json, None, async |console| {
            print(Path::new("/data/journal"), &status, committed, NOW, console)
        })
        .await;
        ended.unwrap();
        printed.output
    }

    #[tokio::test]
    async fn a_journal_without_pending_clicks_says_so() {
        let text = printed(false, Some(7)).await;
        let mut lines = text.lines();
        let first = lines.next().unwrap();
        assert!(first.starts_with("journal 019ca") && first.ends_with(" in /data/journal"));
        assert_eq!(lines.next(), Some("0 clicks pending"));
        let text = printed(false, None).await;
        assert!(text.contains("only the database has it"), "{text}");
    }

    #[tokio::test]
    async fn the_status_is_one_json_document() {
        for (committed, pending) in [
            (Some(7), serde_json::json!(0)),
            (None, serde_json::json!(null)),
        ] {
            let document = printed(true, committed).await;
            let document: serde_json::Value = serde_json::from_str(&document).unwrap();
            assert_eq!(document["pending"], pending);
            assert_eq!(document["segments"], serde_json::json!([]));
            assert_eq!(document["directory"], "/data/journal");
            assert_eq!(document["oldestPendingAt"], serde_json::Value::Null);
        }
    }
}
