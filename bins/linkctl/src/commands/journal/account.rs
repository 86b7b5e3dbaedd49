//! The accounts of journals, for `linkctl verify`: how each accepted click ended.

use serde::Serialize;
use waypost_analytics::ledger::{JournalLedger, JournalProblem};
use waypost_core::Count;
use waypost_store::Dropped;

/// The account of a journal, in JSON.
#[derive(Serialize)]
pub(in crate::commands) struct JournalRecord {
    id: String,
    /// Host of its owner; empty if unknown.
    node: String,
    accepted: u64,
    stored: u64,
    /// Number of pending clicks. For a journal of another machine, as its owner last reported;
    /// `null` if it did not.
    pending: Option<u64>,
    dropped: DroppedRecord,
    /// Clicks that were already stored from another journal.
    duplicates: u64,
    /// Clicks that were set aside and retried through another journal.
    retried: u64,
    /// The journal whose clicks this one retries.
    retry_of: Option<String>,
    /// Problems of the journal, explained.
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

/// Formats the account of a journal in one line.
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
        .chain((ledger.retried > 0).then(|| format!("retried {}", ledger.retried)))
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
        duplicates => format!(" + {duplicates} already stored from another journal"),
    };
    let retry = settled.and_then(|settled| settled.retry_of);
    let retry = retry.map_or_else(String::new, |of| format!(" (retry of journal {of})"));
    format!(
        "journal {}{retry}: {} accepted = {} stored + {pending} + {} dropped{reasons}{duplicates}",
        ledger.id,
        Count::of(ledger.accepted(), "click"),
        settled.map_or(0, |settled| settled.stored),
        dropped.total(),
    )
}

/// Explains a problem and what to do about it.
pub(in crate::commands) fn explained(problem: &JournalProblem) -> String {
    match problem {
        JournalProblem::Sum => {
            "its settled clicks are not the sum of stored clicks, dropped clicks and duplicates; \
             the database is damaged or was changed by hand"
                .to_owned()
        }
        JournalProblem::Lost { clicks } => format!(
            "{} lost, unreadable or set aside; retry those set aside with `linkctl journal retry` \
             on their machine; when you know the cause, accept the loss with `linkctl verify \
                 --accept REASON`",
            Count::of(*clicks, "click")
        ),
        JournalProblem::TwoOwners { other, at } => format!(
            "it continues journal {other} from click {at}, which another server uses because a \
             data directory was copied; give each server its own data directory, then accept it \
                 with `linkctl verify --accept REASON`"
        ),
        JournalProblem::OtherOwner => {
            "another server owns it because this data directory is a copy or was copied; the \
             server of this directory will continue under a new journal ID"
                .to_owned()
        }
        JournalProblem::Takes => {
            "two servers took it over at the same time, or at a click that was not settled; the \
             database is damaged or was changed by hand"
                .to_owned()
        }
        JournalProblem::Gap { clicks } => format!(
            "{} missing in this data directory; the server will count them as lost when it starts",
            Count::of(*clicks, "pending click")
        ),
        JournalProblem::Unknown => {
            "it is unknown to the database, which may have been restored from a backup; on its \
             next start, the server stores the clicks in this data directory again"
                .to_owned()
        }
    }
}
