//! `linkctl journal list`: all journals in the database.

use serde::Serialize;
use time::OffsetDateTime;
use waypost_analytics::ledger::{self, JournalLedger};

use super::{Parts, explained};
use crate::console::{Console, HEADING, to_the_second};
use crate::failure::{Failure, Status};

/// A journal, in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: String,
    /// Host of the server that uses it; empty if unknown.
    node: String,
    /// Whether that server stopped cleanly.
    ended: bool,
    #[serde(with = "time::serde::rfc3339::option")]
    last_seen_at: Option<OffsetDateTime>,
    last_seen_age_s: Option<i64>,
    /// Number of pending clicks, read on this machine or last reported by the server; `null` if
    /// unknown.
    pending: Option<u64>,
    #[serde(with = "time::serde::rfc3339::option")]
    oldest_pending_at: Option<OffsetDateTime>,
    oldest_pending_age_s: Option<i64>,
    stored: u64,
    dropped: u64,
    /// The journal that it continues, because another server uses that one.
    split_from: Option<String>,
    /// The journal whose clicks this one retries.
    retry_of: Option<String>,
    problems: Vec<String>,
}

impl Entry {
    fn of(ledger: &JournalLedger, now: OffsetDateTime) -> Self {
        let record = ledger.settled.as_ref();
        let age = |at: OffsetDateTime| (now - at).whole_seconds().max(0);
        let last_seen_at = record.map(waypost_store::JournalRecord::seen_at);
        let has_pending = ledger.pending.is_some_and(|pending| pending > 0);
        let pending_since = record.and_then(|record| record.pending_since);
        let oldest_pending_at = pending_since.filter(|_| has_pending);
        Self {
            id: ledger.id.to_string(),
            node: record.map_or_else(String::new, |record| record.node.clone()),
            ended: record.is_some_and(|record| record.process.is_none()),
            last_seen_at,
            last_seen_age_s: last_seen_at.map(age),
            pending: ledger.pending,
            oldest_pending_at,
            oldest_pending_age_s: oldest_pending_at.map(age),
            stored: record.map_or(0, |record| record.stored),
            dropped: record.map_or(0, |record| record.dropped.total()),
            split_from: record
                .and_then(|record| record.split)
                .map(|split| split.from.to_string()),
            retry_of: record
                .and_then(|record| record.retry_of)
                .map(|of| of.to_string()),
            problems: ledger.problems.iter().map(explained).collect(),
        }
    }
}

/// Lists all journals with their problems.
pub(super) async fn list(parts: &Parts<'_>, console: &mut Console<'_>) -> Result<Status, Failure> {
    let journals = ledger::journals(&*parts.store, parts.local).await?;
    let now = parts.clock.now();
    let entries = journals.iter().map(|ledger| Entry::of(ledger, now));
    if console.json {
        for entry in entries {
            console.json(&entry)?;
        }
        return Ok(Status::Done);
    }
    let entries: Vec<Entry> = entries.collect();
    if entries.is_empty() {
        console.say("no journals in the database");
        return Ok(Status::Done);
    }
    console.line(format_args!(
        "{HEADING}{:<36}  {:<20}  {:<20}  {:>10}  {:<20}  {:<8}{HEADING:#}",
        "JOURNAL", "SERVER", "LAST SEEN", "PENDING", "OLDEST PENDING", "STATE"
    ))?;
    let time = |at: Option<OffsetDateTime>| at.map_or_else(|| "-".to_owned(), to_the_second);
    for entry in &entries {
        let pending = entry.pending;
        let state = match (entry.problems.len(), entry.ended) {
            (0, true) => "ended",
            (0, false) => "in use",
            _ => "problem",
        };
        console.line(format_args!(
            "{:<36}  {:<20}  {:<20}  {:>10}  {:<20}  {:<8}",
            entry.id,
            if entry.node.is_empty() {
                "-"
            } else {
                &entry.node
            },
            time(entry.last_seen_at),
            pending.map_or_else(|| "unknown".to_owned(), |pending| pending.to_string()),
            time(entry.oldest_pending_at),
            state,
        ))?;
    }
    for entry in &entries {
        for problem in &entry.problems {
            console.say(format_args!("journal {}: {problem}", entry.id));
        }
    }
    Ok(Status::Done)
}
