//! What became of the clicks of journals, for `linkctl verify`.

use serde::Serialize;
use waypost_analytics::ledger::{JournalLedger, JournalProblem};
use waypost_store::Dropped;

use crate::console::counted;

/// A journal and what became of its clicks, in JSON.
#[derive(Serialize)]
pub(in crate::commands) struct JournalRecord {
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
    /// Refused, and tried again as clicks of another journal.
    retried: u64,
    /// The journal whose refused clicks it tries again.
    retry_of: Option<String>,
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
            retried: ledger.retried,
            retry_of: settled
                .and_then(|settled| settled.retry_of)
                .map(|of| of.to_string()),
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
pub(in crate::commands) fn account(ledger: &JournalLedger) -> String {
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
        .chain((ledger.retried > 0).then(|| format!("tried again {}", ledger.retried)))
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
    let retry = settled.and_then(|settled| settled.retry_of);
    let retry = retry.map_or_else(String::new, |of| format!(" (tried again, of journal {of})"));
    format!(
        "journal {}{retry}: {} accepted = {} stored + {pending} + {} dropped{reasons}{duplicates}",
        ledger.id,
        counted(ledger.accepted(), "click"),
        settled.map_or(0, |settled| settled.stored),
        dropped.total(),
    )
}

/// What a problem is, and what to do about it.
pub(in crate::commands) fn explained(problem: &JournalProblem) -> String {
    match problem {
        JournalProblem::Sum => {
            "its settled clicks are not the sum of those that are stored, dropped and duplicates: the database was changed by hand or is damaged".to_owned()
        }
        JournalProblem::Lost { clicks } => format!(
            "{} lost, unreadable or refused; try refused ones again with `linkctl journal retry` on their machine; when you know why, accept it with `linkctl verify --accept REASON`",
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
