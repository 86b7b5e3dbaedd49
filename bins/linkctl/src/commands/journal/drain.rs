//! `linkctl journal drain` and `retry`: store clicks without a server.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;
use waypost_analytics::journal::JournalStatus;
use waypost_analytics::{Drain, Drained, IngesterError, Journal, JournalError, UserAgents};
use waypost_core::{Count, SystemRandom};

use super::Parts;
use crate::cli;
use crate::console::Console;
use crate::failure::{Failure, Status};
use crate::progress::Progress;

/// Time since its last sign of life within which a server is assumed to run.
const ALIVE: time::Duration = time::Duration::minutes(2);
/// How long to continue while the database stores nothing.
const PATIENCE: Duration = Duration::from_secs(20);

/// The result for one journal, in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DrainedRecord {
    journal: String,
    stored: u64,
    duplicates: u64,
    link_deleted: u64,
    rejected: u64,
    unreadable: u64,
    lost: u64,
    pending: u64,
    failure: Option<String>,
}

impl From<&Drained> for DrainedRecord {
    fn from(drained: &Drained) -> Self {
        Self {
            journal: drained.journal.to_string(),
            stored: drained.stored,
            duplicates: drained.duplicates,
            link_deleted: drained.dropped.link_deleted,
            rejected: drained.dropped.rejected,
            unreadable: drained.dropped.unreadable,
            lost: drained.dropped.lost,
            pending: drained.pending,
            failure: drained.failure.clone(),
        }
    }
}

fn drain_of(parts: &Parts<'_>) -> Drain {
    Drain {
        store: Arc::clone(&parts.store),
        clock: Arc::clone(&parts.clock),
        random: Arc::new(SystemRandom),
        user_agents: Arc::new(UserAgents::new()),
        privacy: parts.settings.clicks.privacy,
        records_per_day: parts.settings.clicks.records_per_day,
        settings: parts.settings.clicks.journal.clone(),
        patience: PATIENCE,
    }
}

/// Stores the pending clicks of a stopped server.
pub(super) async fn drain(
    command: &cli::Drain,
    parts: &Parts<'_>,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    let directory = journal_in(&command.directory)?;
    let id = JournalStatus::id_in(&directory)?
        .ok_or_else(|| Failure::NoJournal(command.directory.clone()))?;
    if let Some(record) = parts.store.journal(id).await?
        && record.process.is_some()
        && is_recent(record.seen_at(), parts.clock.now())
    {
        console.say(format_args!(
            "the server of this journal was last seen less than 2 minutes ago, on {}",
            if record.node.is_empty() {
                "an unknown host"
            } else {
                &record.node
            }
        ));
        console.confirm("Is it stopped?", command.confirmation)?;
    }
    let drained = {
        let (bar, drain) = (Bar::new(console), drain_of(parts));
        let drained = drain.drain(&directory, |done, total| bar.at(done, total));
        drained.await.map_err(|error| failure(error, &directory))?
    };
    if console.json {
        console.json(&DrainedRecord::from(&drained))?;
    } else {
        console.line(said(&drained))?;
    }
    let status = JournalStatus::read(&directory, u64::MAX)?;
    if status.is_some_and(|status| status.set_aside_bytes > 0) {
        console.say(format_args!(
            "clicks that the database rejected are set aside in {}; `linkctl journal retry` tries \
             again to store them",
            directory.display()
        ));
    }
    Ok(status_of(&drained, console))
}

/// Tries again to store the clicks that were set aside.
pub(super) async fn retry(parts: &Parts<'_>, console: &mut Console<'_>) -> Result<Status, Failure> {
    let drained = {
        let (bar, drain) = (Bar::new(console), drain_of(parts));
        let drained = drain.retry(parts.local, |done, total| bar.at(done, total));
        drained.await.map_err(|error| match error {
            IngesterError::Journal(JournalError::Locked { .. }) => Failure::Retrying,
            error => failure(error, parts.local),
        })?
    };
    let drained = drained.ok_or_else(|| Failure::NoJournal(parts.local.to_owned()))?;
    if drained.is_empty() {
        console.say("no clicks are set aside");
    }
    let mut ended = Status::Done;
    for drained in &drained {
        if console.json {
            console.json(&DrainedRecord::from(drained))?;
        } else {
            console.line(said(drained))?;
        }
        match status_of(drained, console) {
            Status::Done => {}
            status => ended = status,
        }
    }
    Ok(ended)
}

/// Returns the directory of the journal: `path` itself, or the journal in it.
fn journal_in(path: &Path) -> Result<PathBuf, Failure> {
    let inside = Journal::directory_in(path);
    for directory in [&inside, path] {
        if JournalStatus::id_in(directory)?.is_some() {
            return Ok(directory.to_owned());
        }
    }
    Err(Failure::NoJournal(path.to_owned()))
}

pub(super) fn is_recent(seen: OffsetDateTime, now: OffsetDateTime) -> bool {
    now - seen < ALIVE
}

fn failure(error: IngesterError, directory: &Path) -> Failure {
    match error {
        IngesterError::Journal(JournalError::Locked { .. }) => {
            Failure::JournalInUse(directory.to_owned())
        }
        IngesterError::Journal(error) => error.into(),
        IngesterError::Store(error) => error.into(),
        IngesterError::Thread(error) => Failure::Runtime(error),
    }
}

/// Formats the result for one journal in one line.
fn said(drained: &Drained) -> String {
    let mut parts = vec![format!("{} stored", Count::of(drained.stored, "click"))];
    let dropped = &drained.dropped;
    for (number, what) in [
        (drained.duplicates, "already stored"),
        (dropped.link_deleted, "of deleted links"),
        (dropped.rejected, "rejected by the database"),
        (dropped.unreadable, "unreadable"),
        (dropped.lost, "lost"),
        (drained.pending, "pending"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    format!("journal {}: {}", drained.journal, parts.join(", "))
}

fn status_of(drained: &Drained, console: &mut Console<'_>) -> Status {
    if let Some(failure) = &drained.failure {
        console.say(format_args!("journal {}: {failure}", drained.journal));
    }
    let is_done = drained.failure.is_none() && drained.dropped.rejected == 0;
    if is_done {
        Status::Done
    } else {
        Status::Database
    }
}

/// A progress bar that starts when the total is known.
struct Bar<'a, 'b> {
    console: &'a Console<'b>,
    progress: OnceCell<Progress>,
}

impl<'a, 'b> Bar<'a, 'b> {
    const fn new(console: &'a Console<'b>) -> Self {
        Self {
            console,
            progress: OnceCell::new(),
        }
    }

    fn at(&self, done: u64, total: u64) {
        let start = || Progress::start(self.console, total, "clicks");
        self.progress.get_or_init(start).at(done);
    }
}
