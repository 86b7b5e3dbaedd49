//! `linkctl transfer`: hands over links. The receiver accepts on their dashboard or by the API.

use waypost_api::{OfferRecord, TransferRecord};
use waypost_core::{Actor, Email, Invitation, Link};
use waypost_service::{LinkError, Links, Shortener};

use crate::cli;
use crate::console::{Console, HEADING, to_the_second};
use crate::failure::{Failure, Status};

pub(super) async fn run(
    command: cli::Transfer,
    shortener: &Shortener,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    let links = Links::new(shortener.clone());
    match command {
        cli::Transfer::Offer { code, email } => {
            let link = find(&code, shortener).await?;
            let offered = links.offer(&Actor::Operator, link.id, &email).await;
            let pending = offered.map_err(|error| match error {
                LinkError::NoSuchUser => Failure::NoUser(email),
                error => error.into(),
            })?;
            show(&link, &pending, console)?;
        }
        cli::Transfer::List { user } => list(user, shortener, &links, console).await?,
        cli::Transfer::Show { code } => {
            let link = find(&code, shortener).await?;
            let pending = links.transfer(&Actor::Operator, link.id).await?;
            show(&link, &pending, console)?;
        }
        cli::Transfer::Cancel { code } => {
            let link = find(&code, shortener).await?;
            let pending = links.transfer(&Actor::Operator, link.id).await?;
            links.take_back(&Actor::Operator, link.id).await?;
            if console.json {
                console.json(&TransferRecord::new(link.id, &pending))?;
            } else {
                let (code, email) = (&link.code, &pending.email);
                console.line(format_args!("took back {code} from {email}"))?;
            }
        }
    }
    Ok(Status::Done)
}

fn show(link: &Link, pending: &Invitation, console: &mut Console<'_>) -> Result<(), Failure> {
    if console.json {
        return console.json(&TransferRecord::new(link.id, pending));
    }
    console.line(format_args!(
        "offered {} to {} on {}",
        link.code,
        pending.email,
        to_the_second(pending.at)
    ))
}

async fn list(
    email: Email,
    shortener: &Shortener,
    links: &Links,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let user = shortener.store().user_by_email(&email).await?;
    let user = user.ok_or_else(|| Failure::NoUser(email.clone()))?;
    let offers = links.offers_to(user.id).await?;
    if offers.is_empty() && !console.json {
        console.say(format_args!("no links are offered to {email}"));
        return Ok(());
    }
    if !console.json {
        console.line(format_args!(
            "{HEADING}{:<24}  {:<13}  {:<24}  {:<20}{HEADING:#}",
            "CODE", "AS", "FROM", "OFFERED"
        ))?;
    }
    for offer in &offers {
        if console.json {
            console.json(&OfferRecord::new(offer, shortener))?;
            continue;
        }
        let from = offer.from.as_ref();
        console.line(format_args!(
            "{:<24}  {:<13}  {:<24}  {:<20}",
            offer.link.code.spelling(),
            offer.role.as_str(),
            from.map_or("-", |from| from.email.as_str()),
            to_the_second(offer.at)
        ))?;
    }
    Ok(())
}

async fn find(code: &str, shortener: &Shortener) -> Result<Link, Failure> {
    let link = shortener.find(code).await?;
    link.ok_or_else(|| Failure::NoLink(code.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use time::macros::datetime;
    use waypost_core::{DisplayName, ManualClock, Role, SeededRandom, User, UserId};
    use waypost_service::ShortenerParts;
    use waypost_store::{MemoryStore, UserStore as _};

    use super::*;
    use crate::console::Printed;

    async fn printed(shortener: &Shortener, command: cli::Transfer) -> (Option<Status>, Printed) {
        let (ended, printed) =
            Printed::by(false, None, async |c| run(command, shortener, c).await).await;
        let failed = ended.err().map(|failure: Failure| failure.status());
        (failed, printed)
    }

    #[tokio::test]
    async fn a_transfer_is_offered_shown_listed_and_taken_back() {
        let now = datetime!(2026-03-01 12:00:00.5 UTC);
        let (store, random) = (Arc::new(MemoryStore::new()), Arc::new(SeededRandom::new(1)));
        let ada = User {
            id: UserId::new(now, &*random),
            email: Email::parse("ada@example.com").unwrap(),
            display_name: DisplayName::default(),
            role: Role::Member,
            disabled_at: None,
            created_at: now,
        };
        store.insert_user(&ada, None).await.unwrap();
        let shortener = Shortener::new(ShortenerParts {
            store,
            clock: Arc::new(ManualClock::new(now)),
            random,
            reserved: ["health"].into_iter().collect(),
            base_url: "https://go.example".parse().unwrap(),
            resolver: None,
        });
        let made = shortener.shorten("https://example.com/wiki", Some("Wiki"));
        made.await.unwrap();
        let code = || "WIKI".to_owned();
        let offer = |email: &str| cli::Transfer::Offer {
            code: code(),
            email: Email::parse(email).unwrap(),
        };
        let (failed, _) = printed(&shortener, offer("nobody@example.com")).await;
        assert_eq!(failed, Some(Status::NotFound));
        let (failed, _) = printed(&shortener, cli::Transfer::Show { code: code() }).await;
        assert_eq!(failed, Some(Status::NotFound));
        let said = "offered Wiki to ada@example.com on 2026-03-01T12:00:00Z\n";
        let (_, offered) = printed(&shortener, offer("ada@example.com")).await;
        assert_eq!(offered.output, said);
        let (failed, _) = printed(&shortener, offer("ada@example.com")).await;
        assert_eq!(failed, Some(Status::Refused));
        let (_, shown) = printed(&shortener, cli::Transfer::Show { code: code() }).await;
        assert_eq!(shown.output, said);
        let list = || cli::Transfer::List {
            user: ada.email.clone(),
        };
        let (_, listed) = printed(&shortener, list()).await;
        let words: Vec<&str> = listed
            .output
            .lines()
            .last()
            .unwrap()
            .split_whitespace()
            .collect();
        assert_eq!(
            words,
            ["Wiki", "primary_owner", "-", "2026-03-01T12:00:00Z"]
        );
        let (_, ended) = printed(&shortener, cli::Transfer::Cancel { code: code() }).await;
        assert_eq!(ended.output, "took back Wiki from ada@example.com\n");
        let (_, listed) = printed(&shortener, list()).await;
        assert_eq!(
            (listed.output.as_str(), listed.messages.trim()),
            ("", "no links are offered to ada@example.com")
        );
    }
}
