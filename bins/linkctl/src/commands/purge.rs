//! `linkctl purge`: links that were deleted long ago go, and old clicks; totals and daily numbers stay.

use serde::Serialize;
use time::OffsetDateTime;
use waypost_analytics::Age;
use waypost_analytics::retention::{DEFAULT_PURGE_BATCH, purge};
use waypost_core::Clock;
use waypost_store::Store;

use crate::cli::Purge;
use crate::console::{Console, counted, to_the_second};
use crate::failure::{Failure, Status};
use crate::progress::Progress;

/// How long a deleted link can be restored.
const RESTORABLE_DAYS: u32 = 30;
/// Links that one transaction deletes: each may take many clicks along.
const LINK_BATCH: u32 = 10;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PurgeRecord {
    /// Clicks.
    purged: u64,
    older_than: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    before: Option<OffsetDateTime>,
    /// Deleted links.
    links_purged: u64,
}

pub(super) async fn run(
    command: &Purge,
    store: &dyn Store,
    clock: &dyn Clock,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    let now = clock.now();
    let links_before = Age::days(RESTORABLE_DAYS).cutoff(now);
    let links = store.deleted_links_before(links_before).await?;
    let age = command.older_than;
    let before = age.map(|age| age.cutoff(now));
    let clicks = match before {
        Some(before) => store.clicks_before(before).await?,
        None => 0,
    };
    if links > 0 {
        console.say(format_args!(
            "{} deleted more than {RESTORABLE_DAYS} days ago (before {}) will be deleted for good, with \
             all clicks and statistics",
            counted(links, "link"),
            to_the_second(links_before)
        ));
    }
    if let (Some(age), Some(before)) = (age, before)
        && clicks > 0
    {
        console.say(format_args!(
            "{} older than {age} (before {}) will be deleted for good; totals and daily \
             numbers stay",
            counted(clicks, "click"),
            to_the_second(before)
        ));
    }
    let mut links_purged = 0;
    let mut purged = 0;
    if links + clicks > 0 {
        console.confirm("Delete them?", command.confirmation)?;
        links_purged = purge_links(store, links, links_before, console).await?;
        if let Some(before) = before
            && clicks > 0
        {
            let progress = Progress::start(console, clicks, "clicks");
            let mut deleted = 0;
            purged = purge(store, before, DEFAULT_PURGE_BATCH, |now_deleted| {
                deleted = now_deleted;
                progress.at(deleted);
            })
            .await
            .map_err(|source| Failure::PurgeStopped { deleted, source })?;
        }
    }
    if console.json {
        console.json(&PurgeRecord {
            purged,
            older_than: age.map(|age| age.to_string()),
            before,
            links_purged,
        })?;
        return Ok(Status::Done);
    }
    if links_purged > 0 || age.is_none() {
        let links = counted(links_purged, "deleted link");
        console.line(format_args!("purged {links}"))?;
    }
    if let Some(age) = age {
        let clicks = counted(purged, "click");
        console.line(format_args!("purged {clicks} older than {age}"))?;
    }
    Ok(Status::Done)
}

async fn purge_links(
    store: &dyn Store,
    found: u64,
    before: OffsetDateTime,
    console: &Console<'_>,
) -> Result<u64, Failure> {
    let progress = Progress::start(console, found, "links");
    let mut purged = 0;
    loop {
        let now_purged = store.purge_deleted_links(before, LINK_BATCH).await?;
        if now_purged == 0 {
            return Ok(purged);
        }
        purged += now_purged;
        progress.at(purged);
        // Others write, too.
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;
    use waypost_core::{
        Click, ClickId, Link, LinkId, ManualClock, SeededRandom, ShortCode, TargetUrl,
    };
    use waypost_store::{ClickStore as _, LinkEdit, LinkStore as _, LinkUpdate, MemoryStore};

    use super::*;
    use crate::cli::Confirmation;
    use crate::console::Printed;

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    /// A link with a click on each of the last ten days.
    async fn store() -> MemoryStore {
        let store = MemoryStore::new();
        let random = SeededRandom::new(1);
        let link = Link::new(
            LinkId::new(NOW, &random),
            ShortCode::parse("wiki").unwrap(),
            TargetUrl::from_stored("https://example.com".to_owned()).unwrap(),
            NOW,
        );
        store.insert_link(&link, None).await.unwrap();
        for day in 0..10 {
            let clicked_at = NOW - Duration::days(day);
            let click = Click {
                id: ClickId::new(clicked_at, &random),
                link_id: link.id,
                user_id: None,
                ip_hash: None,
                user_agent: None,
                referrer: None,
                clicked_at,
                day: clicked_at.date(),
                facts: waypost_core::ClickFacts::default(),
            };
            store.record_clicks(&[click]).await.unwrap();
        }
        store
    }

    async fn purge(
        store: &MemoryStore,
        older_than: &str,
        yes: bool,
        json: bool,
        answers: Option<&str>,
    ) -> (Result<Status, Failure>, Printed) {
        let command = Purge {
            older_than: Some(older_than.parse().unwrap()),
            confirmation: Confirmation { yes },
        };
        let clock = ManualClock::new(NOW);
        Printed::by(json, answers, async |c| {
            run(&command, store, &clock, c).await
        })
        .await
    }

    async fn rows(store: &MemoryStore) -> u64 {
        store.clicks_before(NOW + Duration::DAY).await.unwrap()
    }

    #[tokio::test]
    async fn what_will_be_deleted_is_told_before_it_is_confirmed() {
        let store = store().await;
        for answers in [None, Some("no\n")] {
            let (ended, printed) = purge(&store, "3d", false, false, answers).await;
            assert_eq!(ended.unwrap_err().status(), Status::Refused);
            assert!(printed.messages.starts_with("6 clicks older than 3d"));
            assert_eq!(printed.output, "");
            assert_eq!(rows(&store).await, 10);
        }
        let (ended, printed) = purge(&store, "3d", false, false, Some("y\n")).await;
        assert_eq!(ended.unwrap(), Status::Done);
        assert_eq!(printed.output, "purged 6 clicks older than 3d\n");
        assert_eq!(rows(&store).await, 4);
        let ledger = store.ledger(None, 1).await.unwrap();
        assert_eq!((ledger[0].total, ledger[0].rollup), (10, 10));
    }

    #[tokio::test]
    async fn where_nothing_is_old_enough_nobody_is_asked() {
        let store = store().await;
        let (ended, printed) = purge(&store, "2w", false, false, None).await;
        assert_eq!(ended.unwrap(), Status::Done);
        assert_eq!(printed.output, "purged 0 clicks older than 14d\n");
    }

    #[tokio::test]
    async fn the_result_is_one_json_document() {
        let store = store().await;
        let (ended, printed) = purge(&store, "24h", true, true, None).await;
        ended.unwrap();
        assert_eq!(
            printed.output,
            "{\"purged\":8,\"olderThan\":\"1d\",\"before\":\"2026-02-28T12:00:00Z\",\"linksPurged\":0}\n"
        );
    }

    #[tokio::test]
    async fn links_that_were_deleted_30_days_ago_go_with_their_clicks() {
        let store = store().await;
        let wiki = ShortCode::parse("wiki").unwrap();
        let link = store.link_by_code(&wiki).await.unwrap().unwrap();
        let update = LinkUpdate {
            link: link.id,
            version: link.version,
            by: None,
            at: NOW,
            edit: LinkEdit::Delete,
        };
        store.update_link(&update).await.unwrap();
        let command = Purge {
            older_than: None,
            confirmation: Confirmation { yes: true },
        };
        for (days, purged) in [(30, "0 deleted links"), (31, "1 deleted link")] {
            let clock = ManualClock::new(NOW + Duration::days(days));
            let (ended, printed) = Printed::by(false, None, async |c| {
                run(&command, &store, &clock, c).await
            })
            .await;
            ended.unwrap();
            assert_eq!(printed.output, format!("purged {purged}\n"));
        }
        assert_eq!(store.link(link.id).await.unwrap(), None);
        assert_eq!(rows(&store).await, 0);
    }
}
