//! `linkctl purge`: old clicks go, totals and daily numbers stay.

use serde::Serialize;
use time::OffsetDateTime;
use waypost_analytics::retention::{DEFAULT_PURGE_BATCH, purge};
use waypost_core::Clock;
use waypost_store::Store;

use crate::cli::Purge;
use crate::console::{Console, counted, to_the_second};
use crate::failure::{Failure, Status};
use crate::progress::Progress;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PurgeRecord {
    purged: u64,
    older_than: String,
    #[serde(with = "time::serde::rfc3339")]
    before: OffsetDateTime,
}

pub(super) async fn run(
    command: &Purge,
    store: &dyn Store,
    clock: &dyn Clock,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    let age = command.older_than;
    let before = age.cutoff(clock.now());
    let found = store.clicks_before(before).await?;
    let purged = if found == 0 {
        0
    } else {
        console.say(format_args!(
            "{} older than {age} (before {}) will be deleted for good; totals and daily \
             numbers stay",
            counted(found, "click"),
            to_the_second(before)
        ));
        console.confirm("Delete them?", command.confirmation)?;
        let progress = Progress::start(console, found, "clicks");
        let mut deleted = 0;
        purge(store, before, DEFAULT_PURGE_BATCH, |now_deleted| {
            deleted = now_deleted;
            progress.at(deleted);
        })
        .await
        .map_err(|source| Failure::PurgeStopped { deleted, source })?
    };
    if console.json {
        console.json(&PurgeRecord {
            purged,
            older_than: age.to_string(),
            before,
        })?;
    } else {
        let clicks = counted(purged, "click");
        console.line(format_args!("purged {clicks} older than {age}"))?;
    }
    Ok(Status::Done)
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;
    use waypost_core::{
        Click, ClickId, Link, LinkId, ManualClock, SeededRandom, ShortCode, TargetUrl,
    };
    use waypost_store::{ClickStore as _, LinkStore as _, MemoryStore};

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
            older_than: older_than.parse().unwrap(),
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
            "{\"purged\":8,\"olderThan\":\"1d\",\"before\":\"2026-02-28T12:00:00Z\"}\n"
        );
    }
}
