//! `linkctl link`: creates, lists, shows, deletes and restores links.

use serde::Serialize;
use waypost_api::{ForeignCodeRecord, HolderRecord, LinkRecord};
use waypost_core::{
    Actor, Count, Email, Link, LinkDetails, LinkPlace, ShortCode, Template, UserId,
};
use waypost_service::{LinkError, Links, NewLink, Precondition, ShortenError, Shortener};
use waypost_store::{LinkQuery, LinkReader};

use crate::cli::{self, Confirmation};
use crate::console::{Console, HEADING, to_the_second};
use crate::failure::{Failure, Status};

/// A link as the simple API shows it, with its clicks by people.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    record: LinkRecord,
    humans: u64,
}

impl Shown {
    fn new(link: &Link, shortener: &Shortener) -> Self {
        Self {
            record: LinkRecord::new(link, shortener),
            humans: link.humans,
        }
    }
}

/// Number of links read at a time, which bounds the memory of a list.
const PAGE: u32 = 500;

pub(super) async fn run(
    command: cli::Link,
    shortener: &Shortener,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    match command {
        cli::Link::Add {
            url,
            code,
            owner,
            template,
        } => {
            let owner = owner_with(owner, shortener).await?;
            let details = LinkDetails {
                template,
                ..LinkDetails::default()
            };
            add(&url, code.as_deref(), details, owner, shortener, console).await?;
        }
        cli::Link::List {
            limit,
            all,
            deleted,
        } => {
            let limit = if all { u64::MAX } else { limit };
            list(limit, deleted, shortener, console).await?;
        }
        cli::Link::Show { code } => show(&code, shortener, console).await?,
        cli::Link::Delete {
            code,
            permanent,
            confirmation,
        } => delete(&code, permanent, confirmation, shortener, console).await?,
        cli::Link::Restore { code } => restore(&code, shortener, console).await?,
        cli::Link::Foreign => foreign(shortener, console).await?,
    }
    Ok(Status::Done)
}

async fn add(
    url: &str,
    code: Option<&str>,
    details: LinkDetails,
    owner: Option<UserId>,
    shortener: &Shortener,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let new = NewLink {
        target: shortener.target(url).map_err(ShortenError::from)?,
        code: code
            .map(ShortCode::parse)
            .transpose()
            .map_err(ShortenError::from)?,
        details,
    };
    let link = shortener.make(new, owner).await?;
    if console.json {
        return console.json(&Shown::new(&link, shortener));
    }
    let names = names_of(&link);
    if !names.is_empty() && !link.details.template {
        console.say(format_args!(
            "{names} in the destination is a part of the URL; `--template` fills it with the \
             visitor's path"
        ));
    }
    console.line(shortener.short_url(&link))
}

/// Returns the names that are, or could be, placeholders in the destination of a link.
fn names_of(link: &Link) -> String {
    let names = if link.is_keyword {
        Vec::new()
    } else {
        Template::names_in(&link.target)
    };
    let marked: Vec<String> = names.iter().map(|name| format!("${name}")).collect();
    marked.join(", ")
}

async fn owner_with(
    email: Option<Email>,
    shortener: &Shortener,
) -> Result<Option<UserId>, Failure> {
    let Some(email) = email else {
        return Ok(None);
    };
    let user = shortener.store().user_by_email(&email).await?;
    user.map(|user| Some(user.id)).ok_or(Failure::NoUser(email))
}

async fn list(
    limit: u64,
    deleted: bool,
    shortener: &Shortener,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let mut left = limit;
    let mut query = LinkQuery {
        deleted,
        ..LinkQuery::newest(LinkReader::All, PAGE)
    };
    while left > 0 {
        query.limit = u32::try_from(left).unwrap_or(PAGE).min(PAGE);
        let links = shortener.store().list_links(&query).await?;
        let Some(last) = links.last() else {
            break;
        };
        if query.after.is_none() && !console.json {
            console.line(format_args!(
                "{HEADING}{:<16}  {:>10}  {:>10}  {:<20}  DESTINATION{HEADING:#}",
                "CODE", "CLICKS", "PEOPLE", "CREATED"
            ))?;
        }
        query.after = Some(LinkPlace::behind(last, query.order));
        for link in &links {
            if console.json {
                console.json(&Shown::new(link, shortener))?;
            } else {
                console.line(format_args!(
                    "{:<16}  {:>10}  {:>10}  {:<20}  {}",
                    link.code.spelling(),
                    link.clicks,
                    link.humans,
                    to_the_second(link.created_at),
                    link.target
                ))?;
            }
            left = left.saturating_sub(1);
        }
        console.flush()?;
    }
    if query.after.is_none() && !console.json {
        console.say(if deleted {
            "no deleted links"
        } else {
            "no links yet; `linkctl link add URL` creates one"
        });
    }
    Ok(())
}

async fn show(code: &str, shortener: &Shortener, console: &mut Console<'_>) -> Result<(), Failure> {
    let link = find(code, shortener).await?;
    if console.json {
        return console.json(&Shown::new(&link, shortener));
    }
    let template = match (link.details.template, names_of(&link).as_str()) {
        (true, names) => format!("yes: the path fills {names}"),
        (false, "") => "no".to_owned(),
        (false, names) => format!("no: {names} is a part of the URL"),
    };
    let fields = [
        ("code", link.code.to_string()),
        ("short link", shortener.short_url(&link)),
        ("destination", link.target.to_string()),
        ("template", template),
        ("clicks", link.clicks.to_string()),
        ("people", link.humans.to_string()),
        ("created", to_the_second(link.created_at)),
    ];
    fields.into_iter().try_for_each(|(name, value)| {
        console.line(format_args!("{HEADING}{name:<11}{HEADING:#} {value}"))
    })
}

#[derive(Serialize)]
struct DeletedRecord {
    deleted: Shown,
}

async fn delete(
    code: &str,
    permanent: bool,
    confirmation: Confirmation,
    shortener: &Shortener,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let link = find(code, shortener).await?;
    let fate = if permanent {
        let clicks = Count::of(link.clicks, "click");
        format!("its {clicks}, its history and its statistics will be lost")
    } else {
        "`linkctl link restore` restores it, until it is purged after WAYPOST_DELETED_LINK_DAYS"
            .to_owned()
    };
    console.say(format_args!(
        "`{}` redirects to {} and will stop working; {fate}",
        link.code, link.target,
    ));
    console.confirm("Delete it?", confirmation)?;
    // Delete by ID: the code may belong to another link by now.
    let (links, any) = (Links::new(shortener.clone()), Precondition::None);
    let done = if permanent {
        links.destroy(&Actor::Operator, link.id, &any).await
    } else {
        links.delete(&Actor::Operator, link.id, &any).await
    };
    done.map_err(|error| match error {
        LinkError::NotFound => Failure::NoLink(code.to_owned()),
        error => error.into(),
    })?;
    if console.json {
        let deleted = Shown::new(&link, shortener);
        return console.json(&DeletedRecord { deleted });
    }
    console.line(format_args!("deleted {}", link.code))
}

/// Restores a deleted link. Searches all deleted links, of which there are few.
async fn restore(
    code: &str,
    shortener: &Shortener,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let not_deleted = || Failure::NotDeleted(code.to_owned());
    let wanted = ShortCode::parse(code).map_err(|_| not_deleted())?;
    let mut query = LinkQuery {
        deleted: true,
        ..LinkQuery::newest(LinkReader::All, PAGE)
    };
    let id = loop {
        let links = shortener.store().list_links(&query).await?;
        if let Some(found) = links.iter().find(|link| link.code == wanted) {
            break found.id;
        }
        let last = links.last().ok_or_else(not_deleted)?;
        query.after = Some(LinkPlace::behind(last, query.order));
    };
    let (links, any) = (Links::new(shortener.clone()), Precondition::None);
    let restored = links.restore(&Actor::Operator, id, &any, None).await?;
    if console.json {
        return console.json(&Shown::new(&restored.link, shortener));
    }
    console.line(shortener.short_url(&restored.link))
}

/// Lists codes below links of other owners.
async fn foreign(shortener: &Shortener, console: &mut Console<'_>) -> Result<(), Failure> {
    let links = Links::new(shortener.clone());
    let mut after: Option<ShortCode> = None;
    loop {
        let codes = links
            .foreign_codes(&Actor::Operator, after.as_ref(), PAGE)
            .await?;
        let Some(last) = codes.last() else {
            break;
        };
        if after.is_none() && !console.json {
            console.line(format_args!(
                "{HEADING}{:<24}  {:<24}  {:<16}  {:<24}  DESTINATION{HEADING:#}",
                "CODE", "OWNER", "UPPER", "ITS OWNER"
            ))?;
        }
        after = Some(last.code.clone());
        for code in &codes {
            let record = ForeignCodeRecord::from(code);
            if console.json {
                console.json(&record)?;
                continue;
            }
            let owner = |link: &HolderRecord| link.primary().unwrap_or("-").to_owned();
            console.line(format_args!(
                "{:<24}  {:<24}  {:<16}  {:<24}  {}",
                code.code.spelling(),
                owner(record.link()),
                code.above.spelling(),
                owner(record.link_above()),
                code.link.link.target
            ))?;
        }
        console.flush()?;
    }
    if after.is_none() && !console.json {
        console.say("no codes below links of other owners");
    }
    Ok(())
}

async fn find(code: &str, shortener: &Shortener) -> Result<Link, Failure> {
    let link = shortener.find(code).await?;
    link.ok_or_else(|| Failure::NoLink(code.to_owned()))
}

#[cfg(test)]
mod tests;
