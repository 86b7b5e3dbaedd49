//! `linkctl purge`: permanently deletes links that were deleted long ago, and old click records.
//! Totals and daily totals of the other links stay.

use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;
use waypost_analytics::Age;
use waypost_analytics::retention::{DEFAULT_PURGE_BATCH, purge, purge_deleted_batch};
use waypost_analytics::space::release;
use waypost_core::{AuditEvent, Clock, Count, Link, LinkId, ShortCode};
use waypost_service::{Audit, Note};
use waypost_store::{PurgeScope, Store};

use crate::cli::Purge;
use crate::console::{Console, to_the_second};
use crate::failure::{Failure, Status};
use crate::progress::Progress;

/// The result of a purge, in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PurgeRecord {
    /// Number of click records.
    purged: u64,
    older_than: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    before: Option<OffsetDateTime>,
    /// Code of the link, if only its click records were purged.
    link: Option<String>,
    /// Number of deleted links.
    links_purged: u64,
    /// Whether nothing was deleted and the numbers are those of a real run.
    dry_run: bool,
}

/// What a purge will delete.
struct Found {
    links: u64,
    links_before: OffsetDateTime,
    /// Days for which a deleted link can be restored.
    restorable_days: u32,
    clicks: Option<FoundClicks>,
}

struct FoundClicks {
    scope: PurgeScope,
    number: u64,
    /// Description of the records, such as `older than 3d`.
    which: String,
    link: Option<Link>,
}

pub(super) async fn run(
    command: &Purge,
    store: &dyn Store,
    restorable_days: u32,
    audit: &Audit,
    clock: &dyn Clock,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    let found = Found::by(command, store, restorable_days, clock.now()).await?;
    let clicks = found.clicks.as_ref();
    found.say(command.dry_run, console);
    let (links_purged, purged) = if command.dry_run {
        (found.links, clicks.map_or(0, |clicks| clicks.number))
    } else {
        let purged = found.purge(command, store, console).await?;
        found.note(purged, audit).await;
        if purged != (0, 0) {
            release_space(store, console).await?;
        }
        purged
    };
    if console.json {
        console.json(&PurgeRecord {
            purged,
            older_than: command.older_than.map(|age| age.to_string()),
            before: clicks.map(|clicks| clicks.scope.before),
            link: clicks.and_then(|clicks| Some(clicks.link.as_ref()?.code.to_string())),
            links_purged,
            dry_run: command.dry_run,
        })?;
        return Ok(Status::Done);
    }
    let done = if command.dry_run {
        "would purge"
    } else {
        "purged"
    };
    if links_purged > 0 || clicks.is_none() {
        let links = Count::of(links_purged, "deleted link");
        console.line(format_args!("{done} {links}"))?;
    }
    if let Some(clicks) = clicks {
        let number = Count::of(purged, "click record");
        console.line(format_args!("{done} {number} {}", clicks.which))?;
    }
    Ok(Status::Done)
}

impl Found {
    /// Counts what a command would delete. With `--link`, deleted links are left alone.
    async fn by(
        command: &Purge,
        store: &dyn Store,
        restorable_days: u32,
        now: OffsetDateTime,
    ) -> Result<Self, Failure> {
        let links_before = Age::days(restorable_days).cutoff(now);
        let link = match &command.link {
            Some(link) => Some(find(link, store).await?),
            None => None,
        };
        let links = match link {
            Some(_) => 0,
            None => store.deleted_links_before(links_before).await?,
        };
        let of_link = link.as_ref().map(|link| format!("of {}", link.code));
        let of_age = command.older_than.map(|age| format!("older than {age}"));
        let which: Vec<String> = of_link.into_iter().chain(of_age).collect();
        let clicks = if which.is_empty() {
            None
        } else {
            let scope = PurgeScope {
                // Clicks that arrive during the purge are kept: otherwise it might not end.
                before: command.older_than.map_or(now, |age| age.cutoff(now)),
                link: link.as_ref().map(|link| link.id),
            };
            Some(FoundClicks {
                scope,
                number: store.clicks_before(scope).await?,
                which: which.join(" "),
                link,
            })
        };
        Ok(Self {
            links,
            links_before,
            restorable_days,
            clicks,
        })
    }

    /// Records the numbers of deleted links and click records.
    async fn note(&self, (links, clicks): (u64, u64), audit: &Audit) {
        let of_link = self.clicks.as_ref().and_then(|clicks| clicks.link.as_ref());
        let subject = of_link.map_or("", |link| link.code.as_str());
        let which = self.clicks.as_ref().map_or("", |clicks| &clicks.which);
        let purged = [(links, "deleted link", ""), (clicks, "click record", which)];
        for (number, what, which) in purged.into_iter().filter(|(number, ..)| *number > 0) {
            let detail = format!("{} {which}", Count::of(number, what));
            let note = Note {
                event: AuditEvent::Purged,
                subject,
                detail: detail.trim_end().to_owned(),
            };
            audit.record(note).await;
        }
    }

    /// Prints what will be deleted, or would be in a dry run.
    fn say(&self, dry_run: bool, console: &mut Console<'_>) {
        let will = if dry_run { "would" } else { "will" };
        if self.links > 0 {
            console.say(format_args!(
                "{} deleted before {} ({} ago) {will} be permanently deleted \
                 with their clicks and statistics",
                Count::of(self.links, "link"),
                to_the_second(self.links_before),
                Count::of(self.restorable_days.into(), "day")
            ));
        }
        if let Some(clicks) = &self.clicks
            && clicks.number > 0
        {
            console.say(format_args!(
                "{} {} (before {}) {will} be permanently deleted; totals and daily totals are kept",
                Count::of(clicks.number, "click record"),
                clicks.which,
                to_the_second(clicks.scope.before)
            ));
        }
    }

    /// Deletes it after confirmation. Returns the numbers of deleted links and click records.
    async fn purge(
        &self,
        command: &Purge,
        store: &dyn Store,
        console: &mut Console<'_>,
    ) -> Result<(u64, u64), Failure> {
        let clicks = self.clicks.as_ref().filter(|clicks| clicks.number > 0);
        if self.links == 0 && clicks.is_none() {
            return Ok((0, 0));
        }
        console.confirm("Delete them?", command.confirmation)?;
        let links_purged = purge_links(store, self.links, self.links_before, console).await?;
        let Some(clicks) = clicks else {
            return Ok((links_purged, 0));
        };
        let progress = Progress::start(console, clicks.number, "clicks");
        let mut deleted = 0;
        let purged = purge(store, clicks.scope, DEFAULT_PURGE_BATCH, |now_deleted| {
            deleted = now_deleted;
            progress.at(deleted);
        })
        .await
        .map_err(|source| Failure::PurgeStopped { deleted, source })?;
        Ok((links_purged, purged))
    }
}

/// Releases the disk space of what was deleted, if the database does not do so itself.
async fn release_space(store: &dyn Store, console: &Console<'_>) -> Result<(), Failure> {
    let Some(space) = store.space().await?.filter(|space| space.shrinks) else {
        return Ok(());
    };
    let progress = Progress::start(console, space.unused, "pages released");
    release(store, |released| progress.at(released)).await?;
    Ok(())
}

/// Finds a link by its code, or else by its ID, which also finds deleted links.
async fn find(text: &str, store: &dyn Store) -> Result<Link, Failure> {
    let mut found = None;
    if let Ok(code) = ShortCode::parse(text) {
        found = store.link_by_code(&code).await?;
    }
    if let (None, Ok(id)) = (&found, Uuid::parse_str(text)) {
        found = store.link(LinkId::from_uuid(id)).await?;
    }
    found.ok_or_else(|| Failure::NoLink(text.to_owned()))
}

async fn purge_links(
    store: &dyn Store,
    found: u64,
    before: OffsetDateTime,
    console: &Console<'_>,
) -> Result<u64, Failure> {
    let mut purged = 0;
    if found == 0 {
        return Ok(purged);
    }
    let progress = Progress::start(console, found, "links");
    loop {
        let batch = purge_deleted_batch(store, before, DEFAULT_PURGE_BATCH).await?;
        if batch.is_empty() {
            return Ok(purged);
        }
        purged += batch.links;
        progress.at(purged);
        // Let other writers proceed.
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use time::Duration;
    use time::macros::datetime;
    use waypost_core::{Click, ClickId, ManualClock, SeededRandom, TargetUrl};
    use waypost_store::{ClickStore as _, LinkEdit, LinkStore as _, LinkUpdate, MemoryStore};

    use super::*;
    use crate::cli::Confirmation;
    use crate::console::Printed;

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    /// Returns a store with one link that has a click on each of the last ten days.
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
            ..Purge::default()
        };
        ended(store, &command, json, answers).await
    }

    async fn ended(
        store: &MemoryStore,
        command: &Purge,
        json: bool,
        answers: Option<&str>,
    ) -> (Result<Status, Failure>, Printed) {
        let clock = ManualClock::new(NOW);
        Printed::by(json, answers, async |c| {
            run(command, store, 30, &audit(), &clock, c).await
        })
        .await
    }

    /// An audit trail in another store.
    fn audit() -> Audit {
        let (clock, random) = (ManualClock::new(NOW), SeededRandom::new(1));
        let store = Arc::new(MemoryStore::new());
        Audit::new(store, Arc::new(clock), Arc::new(random))
    }

    async fn rows(store: &MemoryStore) -> u64 {
        store
            .clicks_before((NOW + Duration::DAY).into())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn what_will_be_deleted_is_told_before_it_is_confirmed() {
        let store = store().await;
        for answers in [None, Some("no\n")] {
            let (ended, printed) = purge(&store, "3d", false, false, answers).await;
            assert_eq!(ended.unwrap_err().status(), Status::Refused);
            assert!(
                printed
                    .messages
                    .starts_with("6 click records older than 3d")
            );
            assert_eq!(printed.output, "");
            assert_eq!(rows(&store).await, 10);
        }
        let (ended, printed) = purge(&store, "3d", false, false, Some("y\n")).await;
        assert_eq!(ended.unwrap(), Status::Done);
        assert_eq!(printed.output, "purged 6 click records older than 3d\n");
        assert_eq!(rows(&store).await, 4);
        let ledger = store.ledger(None, 1).await.unwrap();
        assert_eq!((ledger[0].total, ledger[0].rollup), (10, 10));
    }

    #[tokio::test]
    async fn if_nothing_is_old_enough_no_question_is_asked() {
        let store = store().await;
        let (ended, printed) = purge(&store, "2w", false, false, None).await;
        assert_eq!(ended.unwrap(), Status::Done);
        assert_eq!(printed.output, "purged 0 click records older than 14d\n");
    }

    #[tokio::test]
    async fn the_result_is_one_json_document() {
        let store = store().await;
        let (ended, printed) = purge(&store, "24h", true, true, None).await;
        ended.unwrap();
        assert_eq!(
            printed.output,
            "{\"purged\":8,\"olderThan\":\"1d\",\"before\":\"2026-02-28T12:00:00Z\",\"link\":null,\"linksPurged\":0,\"dryRun\":false}\n"
        );
    }

    #[tokio::test]
    async fn a_dry_run_tells_what_would_go_and_deletes_nothing() {
        let store = store().await;
        let command = Purge {
            older_than: Some("3d".parse().unwrap()),
            dry_run: true,
            ..Purge::default()
        };
        let (done, printed) = ended(&store, &command, false, None).await;
        assert_eq!(done.unwrap(), Status::Done);
        assert_eq!(
            printed.output,
            "would purge 6 click records older than 3d\n"
        );
        let told = "6 click records older than 3d (before 2026-02-26T12:00:00Z) would be \
            permanently deleted";
        assert!(printed.messages.starts_with(told), "{}", printed.messages);
        let (_, printed) = ended(&store, &command, true, None).await;
        assert_eq!(
            printed.output,
            "{\"purged\":6,\"olderThan\":\"3d\",\"before\":\"2026-02-26T12:00:00Z\",\"link\":null,\"linksPurged\":0,\"dryRun\":true}\n"
        );
        assert_eq!(rows(&store).await, 10);
    }

    #[tokio::test]
    async fn clicks_of_one_link_go_by_its_code_or_its_id() {
        let store = store().await;
        let wiki = ShortCode::parse("wiki").unwrap();
        let id = store.link_by_code(&wiki).await.unwrap().unwrap().id;
        let other = Link::new(
            LinkId::new(NOW, &SeededRandom::new(2)),
            ShortCode::parse("other").unwrap(),
            TargetUrl::from_stored("https://example.com".to_owned()).unwrap(),
            NOW,
        );
        store.insert_link(&other, None).await.unwrap();
        let of = |link: &str, older_than: Option<&str>| Purge {
            link: Some(link.to_owned()),
            older_than: older_than.map(|age| age.parse().unwrap()),
            confirmation: Confirmation { yes: true },
            ..Purge::default()
        };
        for (command, told, left) in [
            (of("other", None), "0 click records of other", 10),
            (
                of("WIKI", Some("5d")),
                "4 click records of wiki older than 5d",
                6,
            ),
            // A click at this very moment is not before it.
            (of(&id.to_string(), None), "5 click records of wiki", 1),
        ] {
            let (done, printed) = ended(&store, &command, false, None).await;
            assert_eq!(done.unwrap(), Status::Done);
            assert_eq!(printed.output, format!("purged {told}\n"));
            assert_eq!(rows(&store).await, left);
        }
        let (_, printed) = ended(&store, &of("wiki", None), true, None).await;
        assert!(
            printed.output.contains("\"link\":\"wiki\""),
            "{}",
            printed.output
        );
        for missing in ["wik", "018f0000-0000-7000-8000-000000000000", "no code"] {
            let (done, _) = ended(&store, &of(missing, None), false, None).await;
            assert_eq!(done.unwrap_err().status(), Status::NotFound, "{missing}");
        }
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
            confirmation: Confirmation { yes: true },
            ..Purge::default()
        };
        for (days, purged) in [(30, "0 deleted links"), (31, "1 deleted link")] {
            let clock = ManualClock::new(NOW + Duration::days(days));
            let (ended, printed) = Printed::by(false, None, async |c| {
                run(&command, &store, 30, &audit(), &clock, c).await
            })
            .await;
            ended.unwrap();
            assert_eq!(printed.output, format!("purged {purged}\n"));
        }
        assert_eq!(store.link(link.id).await.unwrap(), None);
        assert_eq!(rows(&store).await, 0);
    }
}
