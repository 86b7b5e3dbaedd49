//! `linkctl keyword`: words, also as host names, that pass on the rest of the path.

use waypost_api::KeywordRecord;
use waypost_core::{Actor, LinkDetails, ShortCode};
use waypost_service::{LinkError, Links, NewKeyword, Shortener};

use crate::cli::{self, Confirmation};
use crate::console::{Console, HEADING};
use crate::failure::{Failure, Status};

/// Number of keywords read at a time, which bounds the memory of a list.
const PAGE: u32 = 500;

pub(super) async fn run(
    command: cli::Keyword,
    shortener: &Shortener,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    match command {
        cli::Keyword::Add(new) => add(new, shortener, console).await?,
        cli::Keyword::List => list(shortener, console).await?,
        cli::Keyword::Remove {
            keyword,
            confirmation,
        } => remove(&keyword, confirmation, shortener, console).await?,
    }
    Ok(Status::Done)
}

async fn add(
    new: cli::NewKeyword,
    shortener: &Shortener,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let links = Links::new(shortener.clone());
    let keyword = NewKeyword {
        code: ShortCode::parse(&new.keyword).map_err(LinkError::from)?,
        target: links.keyword_target(&new.url).map_err(LinkError::from)?,
        details: LinkDetails {
            title: new.title.unwrap_or_default(),
            forward_query: !new.drop_query,
            ..LinkDetails::default()
        },
    };
    let made = links.add_keyword(&Actor::Operator, keyword).await?;
    if console.json {
        return console.json(&KeywordRecord::new(&made, shortener));
    }
    console.line(shortener.short_url(&made))
}

async fn list(shortener: &Shortener, console: &mut Console<'_>) -> Result<(), Failure> {
    let links = Links::new(shortener.clone());
    let mut after: Option<ShortCode> = None;
    loop {
        let keywords = links
            .keywords(&Actor::Operator, after.as_ref(), PAGE)
            .await?;
        let Some(last) = keywords.last() else {
            break;
        };
        if after.is_none() && !console.json {
            console.line(format_args!(
                "{HEADING}{:<16}  {:>10}  {:<7}  DESTINATION{HEADING:#}",
                "KEYWORD", "CLICKS", "QUERY"
            ))?;
        }
        after = Some(last.code.clone());
        for keyword in &keywords {
            if console.json {
                console.json(&KeywordRecord::new(keyword, shortener))?;
                continue;
            }
            let query = if keyword.details.forward_query {
                "added"
            } else {
                "dropped"
            };
            console.line(format_args!(
                "{:<16}  {:>10}  {query:<7}  {}",
                keyword.code.spelling(),
                keyword.clicks,
                keyword.target
            ))?;
        }
        console.flush()?;
    }
    if after.is_none() && !console.json {
        console.say("no keywords yet; `linkctl keyword add KEYWORD URL` creates one");
    }
    Ok(())
}

async fn remove(
    typed: &str,
    confirmation: Confirmation,
    shortener: &Shortener,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let missing = || Failure::NoKeyword(typed.to_owned());
    let found = shortener.find(typed).await?;
    let keyword = found.filter(|link| link.is_keyword).ok_or_else(missing)?;
    console.say(format_args!(
        "`{}` redirects to {} and will stop working; `linkctl keyword add` restores it",
        keyword.code, keyword.target
    ));
    console.confirm("Remove it?", confirmation)?;
    let links = Links::new(shortener.clone());
    let removed = links.remove_keyword(&Actor::Operator, typed).await;
    let removed = removed.map_err(|error| match error {
        LinkError::NotFound => missing(),
        error => error.into(),
    })?;
    if console.json {
        return console.json(&KeywordRecord::new(&removed, shortener));
    }
    console.line(format_args!("removed {}", removed.code))
}
