//! `linkctl journal forget`: journals whose directories are gone.

use waypost_analytics::journal::JournalStatus;
use waypost_analytics::ledger;
use waypost_core::{Count, JournalId};

use super::drain::is_recent;
use super::{Parts, explained};
use crate::cli;
use crate::console::{Console, to_the_second};
use crate::failure::{Failure, Status};

/// Shows a journal and forgets it.
pub(super) async fn forget(
    command: &cli::Forget,
    parts: &Parts<'_>,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    let id = JournalId::from_uuid(command.id);
    if JournalStatus::id_in(parts.local)? == Some(id) {
        let directory = parts.local.to_owned();
        return Err(Failure::JournalIsHere { id, directory });
    }
    let journals = ledger::journals(&*parts.store, parts.local).await?;
    let known = journals.iter().find(|journal| journal.id == id);
    let (ledger, record) = known
        .and_then(|ledger| Some((ledger, ledger.settled.as_ref()?)))
        .ok_or(Failure::NoSuchJournal(id))?;
    let of = record.retry_of;
    if let Some(of) = of.filter(|of| journals.iter().any(|journal| journal.id == *of)) {
        return Err(Failure::JournalIsRetry { id, of });
    }
    console.say(format_args!(
        "journal {id} of {}: last seen {}, {}",
        if record.node.is_empty() {
            "an unknown host"
        } else {
            &record.node
        },
        to_the_second(record.seen_at()),
        ledger.pending.map_or_else(
            || "number of pending clicks unknown".to_owned(),
            |pending| format!("{} pending", Count::of(pending, "click"))
        ),
    ));
    for problem in &ledger.problems {
        console.say(explained(problem));
    }
    if record.process.is_some() && is_recent(record.seen_at(), parts.clock.now()) {
        console.say(
            "its server was last seen less than 2 minutes ago; a running server adds its journal \
             to the list again",
        );
    }
    console.confirm("Forget it?", command.confirmation)?;
    if !parts
        .store
        .forget_journal(record, parts.clock.now())
        .await?
    {
        return Err(Failure::JournalMoved(id));
    }
    if console.json {
        console.json(&serde_json::json!({ "forgotten": id.to_string() }))?;
    } else {
        console.line(format_args!("forgot journal {id}"))?;
    }
    Ok(Status::Done)
}
