//! `linkctl block`: the hosts that are blocked as destinations.

use waypost_api::BlockedRecord;
use waypost_core::{Actor, HostPattern, Title};
use waypost_service::{Blocklist, BlocklistError};
use waypost_store::StoreError;

use crate::cli;
use crate::console::{Console, HEADING, to_the_second};
use crate::failure::{Failure, Status};

/// Number of entries read at a time, which bounds the memory of a list.
const PAGE: u32 = 500;

pub(super) async fn run(
    command: cli::Block,
    blocklist: &Blocklist,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    match command {
        cli::Block::Add { pattern, reason } => {
            add(pattern, reason.unwrap_or_default(), blocklist, console).await?;
        }
        cli::Block::List => list(blocklist, console).await?,
        cli::Block::Remove { pattern } => remove(&pattern, blocklist, console).await?,
    }
    Ok(Status::Done)
}

async fn add(
    pattern: HostPattern,
    reason: Title,
    blocklist: &Blocklist,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let added = blocklist
        .add(&Actor::Operator, pattern.clone(), reason)
        .await;
    let blocked = added.map_err(|error| of(error, pattern))?;
    if console.json {
        return console.json(&BlockedRecord::from(&blocked));
    }
    console.line(format_args!("blocked {}", blocked.pattern))
}

fn of(error: BlocklistError, pattern: HostPattern) -> Failure {
    match error {
        BlocklistError::BlockedAlready => Failure::BlockedAlready(pattern),
        BlocklistError::NotBlocked => Failure::NotBlocked(pattern),
        // The operator is not a user who could be deleted.
        BlocklistError::ActorGone => StoreError::NotFound.into(),
        BlocklistError::Store(error) => error.into(),
    }
}

async fn list(blocklist: &Blocklist, console: &mut Console<'_>) -> Result<(), Failure> {
    let mut after: Option<HostPattern> = None;
    loop {
        let entries = blocklist.entries(after.as_ref(), PAGE).await?;
        let Some(last) = entries.last() else {
            break;
        };
        if after.is_none() && !console.json {
            console.line(format_args!(
                "{HEADING}{:<40}  {:<20}  REASON{HEADING:#}",
                "PATTERN", "SINCE"
            ))?;
        }
        after = Some(last.pattern.clone());
        for blocked in &entries {
            if console.json {
                console.json(&BlockedRecord::from(blocked))?;
                continue;
            }
            console.line(format_args!(
                "{:<40}  {:<20}  {}",
                blocked.pattern.as_str(),
                to_the_second(blocked.created_at),
                blocked.reason.as_str()
            ))?;
        }
        console.flush()?;
    }
    if after.is_none() && !console.json {
        console.say("no hosts are blocked; `linkctl block add HOST` blocks one");
    }
    Ok(())
}

async fn remove(
    pattern: &HostPattern,
    blocklist: &Blocklist,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let removed = blocklist.remove(pattern).await;
    removed.map_err(|error| of(error, pattern.clone()))?;
    console.line(format_args!("unblocked {pattern}"))
}
