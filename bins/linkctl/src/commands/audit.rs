//! `linkctl audit`: who did what to accounts, rights and rules.

use waypost_api::AuditRecord;
use waypost_core::{Actor, AuditCursor, AuditEntry};
use waypost_service::Accounts;
use waypost_store::AuditQuery;

use crate::cli::Audit;
use crate::console::{Console, HEADING, to_the_second};
use crate::failure::{Failure, Status};

/// Number of entries read at a time, which bounds the memory of a list.
const PAGE: u32 = 500;

pub(super) async fn run(
    command: &Audit,
    accounts: &Accounts,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    let user = match &command.user {
        Some(email) => {
            let user = accounts.user_by_email(email).await?;
            Some(user.ok_or_else(|| Failure::NoUser(email.clone()))?.id)
        }
        None => None,
    };
    let mut query = AuditQuery {
        event: command.event,
        user,
        after: None,
        limit: PAGE.min(command.limit),
    };
    let mut left = command.limit;
    loop {
        let entries = accounts.audit().entries(&Actor::Operator, &query).await?;
        if query.after.is_none() && !entries.is_empty() && !console.json {
            console.line(format_args!(
                "{HEADING}{:<20}  {:<17}  {:<12}  {:<30}  {:<30}  {}{HEADING:#}",
                "TIME", "EVENT", "ORIGIN", "WHO", "WHAT", "DETAILS"
            ))?;
        }
        for entry in &entries {
            print(entry, console)?;
        }
        console.flush()?;
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        left = left.saturating_sub(count);
        let is_last = left == 0 || count < query.limit;
        let Some(last) = entries.last().filter(|_| !is_last) else {
            break;
        };
        query.after = Some(AuditCursor::from(last));
        query.limit = PAGE.min(left);
    }
    if left == command.limit && !console.json {
        console.say(format_args!("no entries"));
    }
    Ok(Status::Done)
}

fn print(entry: &AuditEntry, console: &mut Console<'_>) -> Result<(), Failure> {
    let record = AuditRecord::from(entry);
    if console.json {
        return console.json(&record);
    }
    let line = format!(
        "{:<20}  {:<17}  {:<12}  {:<30}  {:<30}  {}",
        to_the_second(entry.created_at),
        entry.event.as_str(),
        record.origin().unwrap_or(""),
        record.who(),
        entry.subject.as_str(),
        entry.detail.as_str(),
    );
    console.line(format_args!("{}", line.trim_end()))
}
