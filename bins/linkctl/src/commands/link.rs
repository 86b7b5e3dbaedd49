//! `linkctl link`: links.

use serde::Serialize;
use waypost_api::LinkRecord;
use waypost_core::{Link, LinkCursor};
use waypost_store::Shortener;

use crate::cli::{self, Confirmation};
use crate::console::{Console, HEADING, counted, to_the_second};
use crate::failure::{Failure, Status};

/// Links that are read at a time; what bounds the memory that a list takes.
const PAGE: u32 = 500;

pub(super) async fn run(
    command: cli::Link,
    shortener: &Shortener,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    match command {
        cli::Link::Add { url, code } => add(&url, code.as_deref(), shortener, console).await?,
        cli::Link::List { limit, all } => {
            list(if all { u64::MAX } else { limit }, shortener, console).await?;
        }
        cli::Link::Show { code } => show(&code, shortener, console).await?,
        cli::Link::Delete { code, confirmation } => {
            delete(&code, confirmation, shortener, console).await?;
        }
    }
    Ok(Status::Done)
}

async fn add(
    url: &str,
    code: Option<&str>,
    shortener: &Shortener,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let link = shortener.shorten(url, code).await?;
    if console.json {
        return console.json(&LinkRecord::new(&link, shortener));
    }
    console.line(shortener.short_url(&link))
}

async fn list(limit: u64, shortener: &Shortener, console: &mut Console<'_>) -> Result<(), Failure> {
    let mut left = limit;
    let mut cursor = None;
    while left > 0 {
        let size = u32::try_from(left).unwrap_or(PAGE).min(PAGE);
        let links = shortener.store().links_after(cursor, size).await?;
        let Some(last) = links.last() else {
            break;
        };
        if cursor.is_none() && !console.json {
            console.line(format_args!(
                "{HEADING}{:<16}  {:>10}  {:<20}  TARGET{HEADING:#}",
                "CODE", "CLICKS", "MADE"
            ))?;
        }
        cursor = Some(LinkCursor::from(last));
        for link in &links {
            if console.json {
                console.json(&LinkRecord::new(link, shortener))?;
            } else {
                console.line(format_args!(
                    "{:<16}  {:>10}  {:<20}  {}",
                    link.code.spelling(),
                    link.clicks,
                    to_the_second(link.created_at),
                    link.target
                ))?;
            }
            left = left.saturating_sub(1);
        }
        console.flush()?;
    }
    if cursor.is_none() && !console.json {
        console.say("there are no links yet; `linkctl link add URL` makes one");
    }
    Ok(())
}

async fn show(code: &str, shortener: &Shortener, console: &mut Console<'_>) -> Result<(), Failure> {
    let link = find(code, shortener).await?;
    if console.json {
        return console.json(&LinkRecord::new(&link, shortener));
    }
    let fields = [
        ("code", link.code.to_string()),
        ("short URL", shortener.short_url(&link)),
        ("target", link.target.to_string()),
        ("clicks", link.clicks.to_string()),
        ("made", to_the_second(link.created_at)),
    ];
    fields.into_iter().try_for_each(|(name, value)| {
        console.line(format_args!("{HEADING}{name:<10}{HEADING:#} {value}"))
    })
}

#[derive(Serialize)]
struct DeletedRecord {
    deleted: LinkRecord,
}

async fn delete(
    code: &str,
    confirmation: Confirmation,
    shortener: &Shortener,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let link = find(code, shortener).await?;
    console.say(format_args!(
        "`{}` leads to {}; it will stop redirecting, and its {} and all of its statistics will be lost",
        link.code,
        link.target,
        counted(link.clicks, "click")
    ));
    console.confirm("Delete it?", confirmation)?;
    // By identity: should the code lead elsewhere by now, that is another link.
    if !shortener.store().delete_link(link.id).await? {
        return Err(Failure::NoLink(code.to_owned()));
    }
    if console.json {
        let deleted = LinkRecord::new(&link, shortener);
        return console.json(&DeletedRecord { deleted });
    }
    console.line(format_args!("deleted {}", link.code))
}

async fn find(code: &str, shortener: &Shortener) -> Result<Link, Failure> {
    let link = shortener.find(code).await?;
    link.ok_or_else(|| Failure::NoLink(code.to_owned()))
}

#[cfg(test)]
mod tests;
