//! `linkctl block`: the hosts to which no link leads.

use waypost_api::BlockedRecord;
use waypost_core::{Clock, HostPattern};
use waypost_store::{BlockedHost, Store, StoreError};

use crate::cli;
use crate::console::{Console, HEADING, to_the_second};
use crate::failure::{Failure, Status};

/// Entries that are read at a time; what bounds the memory that a list takes.
const PAGE: u32 = 500;

pub(super) async fn run(
    command: cli::Block,
    store: &dyn Store,
    clock: &dyn Clock,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    match command {
        cli::Block::Add { pattern, reason } => {
            let blocked = BlockedHost {
                pattern,
                reason: reason.unwrap_or_default(),
                created_by: None,
                created_at: clock.now(),
            };
            add(&blocked, store, console).await?;
        }
        cli::Block::List => list(store, console).await?,
        cli::Block::Remove { pattern } => remove(&pattern, store, console).await?,
    }
    Ok(Status::Done)
}

async fn add(
    blocked: &BlockedHost,
    store: &dyn Store,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    store
        .block_host(blocked)
        .await
        .map_err(|error| match error {
            StoreError::Conflict => Failure::BlockedAlready(blocked.pattern.clone()),
            error => error.into(),
        })?;
    if console.json {
        return console.json(&BlockedRecord::from(blocked));
    }
    console.line(format_args!("blocked {}", blocked.pattern))
}

async fn list(store: &dyn Store, console: &mut Console<'_>) -> Result<(), Failure> {
    let mut after: Option<HostPattern> = None;
    loop {
        let entries = store.blocked_hosts(after.as_ref(), PAGE).await?;
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
        console.say("nothing is blocked; `linkctl block add HOST` blocks a host");
    }
    Ok(())
}

async fn remove(
    pattern: &HostPattern,
    store: &dyn Store,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    if !store.unblock_host(pattern).await? {
        return Err(Failure::NotBlocked(pattern.clone()));
    }
    console.line(format_args!("removed {pattern}"))
}
