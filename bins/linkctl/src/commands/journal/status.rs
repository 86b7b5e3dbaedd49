//! `linkctl journal`: the clicks that were accepted on this machine and are not stored yet.

use std::path::Path;

use serde::Serialize;
use time::OffsetDateTime;
use waypost_analytics::journal::{JournalStatus, Pending, SegmentStatus};
use waypost_analytics::ledger::{JournalLedger, JournalProblem};
use waypost_core::{Clock, JournalId};
use waypost_store::Dropped;

use crate::console::{Console, HEADING, counted, to_the_second};
use crate::database;
use crate::failure::{Failure, Status};
use crate::settings::Settings;

/// A journal and what became of its clicks, in JSON.
#[derive(Serialize)]
pub(super) struct JournalRecord {
    id: String,
    /// The host of its owner; empty where that is not known.
    node: String,
    accepted: u64,
    stored: u64,
    /// Of the journal of another machine: what its owner said last. `null` where it said nothing.
    pending: Option<u64>,
    dropped: DroppedRecord,
    /// Stored already, from another journal.
    duplicates: u64,
    /// What is wrong with it.
    problems: Vec<String>,
    agrees: bool,
}

#[derive(Serialize)]
struct DroppedRecord {
    link_deleted: u64,
    rejected: u64,
    unreadable: u64,
    lost: u64,
}

impl From<&JournalLedger> for JournalRecord {
    fn from(ledger: &JournalLedger) -> Self {
        let settled = ledger.settled.as_ref();
        let Dropped {
            link_deleted,
            rejected,
            unreadable,
            lost,
        } = settled.map_or_else(Dropped::default, |settled| settled.dropped);
        Self {
            id: ledger.id.to_string(),
            node: settled.map_or_else(String::new, |settled| settled.node.clone()),
            accepted: ledger.accepted(),
            stored: settled.map_or(0, |settled| settled.stored),
            duplicates: settled.map_or(0, |settled| settled.duplicates),
            problems: ledger.problems.iter().map(explained).collect(),
            pending: ledger.pending,
            dropped: DroppedRecord {
                link_deleted,
                rejected,
                unreadable,
                lost,
            },
            agrees: ledger.agrees(),
        }
    }
}

/// What became of a journal's clicks, in a line.
pub(super) fn account(ledger: &JournalLedger) -> String {
    let settled = ledger.settled.as_ref();
    let dropped = settled.map_or_else(Dropped::default, |settled| settled.dropped);
    let Dropped {
        link_deleted,
        rejected,
        unreadable,
        lost,
    } = dropped;
    let reasons = [
        ("link_deleted", link_deleted),
        ("rejected", rejected),
        ("unreadable", unreadable),
        ("lost", lost),
    ];
    let reasons: Vec<_> = reasons
        .into_iter()
        .filter(|(_, clicks)| *clicks > 0)
        .map(|(reason, clicks)| format!("{reason} {clicks}"))
        .collect();
    let reasons = if reasons.is_empty() {
        String::new()
    } else {
        format!(" ({})", reasons.join(", "))
    };
    let pending = ledger
        .pending
        .map_or("pending on its machine".to_owned(), |pending| {
            format!("{pending} pending")
        });
    let duplicates = match settled.map_or(0, |settled| settled.duplicates) {
        0 => String::new(),
        duplicates => format!(" + {duplicates} stored from another journal"),
    };
    format!(
        "journal {}: {} accepted = {} stored + {pending} + {} dropped{reasons}{duplicates}",
        ledger.id,
        counted(ledger.accepted(), "click"),
        settled.map_or(0, |settled| settled.stored),
        dropped.total(),
    )
}

/// What a problem is, and what to do about it.
pub(super) fn explained(problem: &JournalProblem) -> String {
    match problem {
        JournalProblem::Sum => {
            "its settled clicks are not the sum of those that are stored, dropped and duplicates: the database was changed by hand or is damaged".to_owned()
        }
        JournalProblem::Lost { clicks } => format!(
            "{} lost, unreadable or refused; when you know why, accept it with `linkctl verify --accept REASON`",
            counted(*clicks, "click")
        ),
        JournalProblem::TwoOwners { other, at } => format!(
            "it went on from journal {other} at click {at}, because another server uses that one: a data directory was copied; give each server one of its own, then accept it with `linkctl verify --accept REASON`"
        ),
        JournalProblem::OtherOwner => {
            "another server owns it: this data directory is a copy, or was copied; the server of this directory will go on under a new id".to_owned()
        }
        JournalProblem::Takes => {
            "two servers took it at once, or from clicks that were not settled: the database was changed by hand or is damaged".to_owned()
        }
        JournalProblem::Gap { clicks } => format!(
            "{} missing in this data directory; the server will count them as lost when it starts",
            counted(*clicks, "pending click")
        ),
        JournalProblem::Unknown => {
            "the database does not know it: was it set back? The server stores again what is in this data directory when it starts".to_owned()
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusRecord<'a> {
    id: String,
    directory: String,
    segments: Vec<SegmentRecord<'a>>,
    bytes: u64,
    /// `null` while the database does not tell.
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

/// Shows the journal in `directory`. Where the database is away, what can be said without it.
pub(super) async fn status(
    directory: &Path,
    settings: &Settings,
    clock: &dyn Clock,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    let missing = || Failure::NoJournal(directory.to_owned());
    let id = JournalStatus::read(directory)?.ok_or_else(missing)?.id;
    // The database first: what is settled meanwhile is then still pending, never neither.
    let committed = committed(settings, id).await;
    let status = JournalStatus::read(directory)?.ok_or_else(missing)?;
    let known = committed.as_ref().ok().copied().flatten();
    print(directory, &status, known, clock.now(), console)?;
    match committed {
        Ok(Some(_)) => Ok(Status::Done),
        Ok(None) => {
            console.say(
                "the database does not know this journal: is it the one that the server uses?",
            );
            Ok(Status::Database)
        }
        // What is there was shown.
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
            "{} pending, the oldest of {} ({age_s} s ago)",
            counted(clicks, "click"),
            to_the_second(oldest)
        ))?,
        (Some(Pending { clicks, .. }), _, _) => {
            console.line(format_args!("{} pending", counted(clicks, "click")))?;
        }
        (None, _, _) => {
            console.line("how many clicks are pending is known to the database alone")?;
        }
    }
    if status.set_aside_bytes > 0 {
        console.line(format_args!(
            "{} of clicks that the database refused are set aside in the file `rejected`",
            counted(status.set_aside_bytes, "byte")
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

    /// A journal that nothing was written to.
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
        let status = JournalStatus::read(directory.path()).unwrap().unwrap();
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
        assert!(text.contains("is known to the database alone"), "{text}");
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
