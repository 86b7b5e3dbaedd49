//! `linkctl orphans`: paths that people requested and that match no link.

use waypost_api::{OrphanDays, OrphanRecord};
use waypost_core::{Clock, Zone};
use waypost_store::{Orphan, OrphanQuery, Store};

use crate::cli::Orphans;
use crate::console::{Console, HEADING, to_the_second};
use crate::failure::{Failure, Status};

/// Number of paths read at a time, which bounds the memory of a list.
const PAGE: u32 = 500;

pub(super) async fn run(
    command: &Orphans,
    store: &dyn Store,
    zone: &Zone,
    clock: &dyn Clock,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    let today = zone.day_of(clock.now());
    let days = OrphanDays::of(command.from, command.to, today).map_err(Failure::Days)?;
    let mut query = OrphanQuery {
        from: days.from,
        to: days.to,
        after: None,
        limit: PAGE.min(command.limit),
    };
    let mut left = command.limit;
    loop {
        let orphans = store.orphans(&query).await?;
        if query.after.is_none() && !orphans.is_empty() && !console.json {
            console.line(format_args!(
                "{HEADING}{:<40}  {:>10}  {:>4}  {:<20}  {:<20}{HEADING:#}",
                "PATH", "REQUESTS", "DAYS", "FIRST", "LAST"
            ))?;
        }
        for orphan in &orphans {
            print(orphan, console)?;
        }
        console.flush()?;
        let count = u32::try_from(orphans.len()).unwrap_or(u32::MAX);
        left = left.saturating_sub(count);
        let is_last = left == 0 || count < query.limit;
        let Some(last) = orphans.last().filter(|_| !is_last) else {
            break;
        };
        query.after = Some(last.cursor());
        query.limit = PAGE.min(left);
    }
    if left == command.limit && !console.json {
        console.say(format_args!(
            "no orphan paths from {} to {}",
            days.from, days.to
        ));
    }
    Ok(Status::Done)
}

fn print(orphan: &Orphan, console: &mut Console<'_>) -> Result<(), Failure> {
    if console.json {
        return console.json(&OrphanRecord::from(orphan));
    }
    console.line(format_args!(
        "{:<40}  {:>10}  {:>4}  {:<20}  {:<20}",
        orphan.path.as_str(),
        orphan.hits,
        orphan.days,
        to_the_second(orphan.first_at),
        to_the_second(orphan.last_at)
    ))
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};
    use waypost_core::{ManualClock, OrphanPath};
    use waypost_store::{MemoryStore, OrphanStore as _, OrphanTries};

    use super::*;
    use crate::console::Printed;

    async fn printed(
        json: bool,
        command: Orphans,
        store: &MemoryStore,
    ) -> (Result<Status, Failure>, Printed) {
        let clock = ManualClock::new(datetime!(2026-03-02 12:00 UTC));
        let zone = Zone::utc();
        Printed::by(json, None, async |console| {
            run(&command, store, &zone, &clock, console).await
        })
        .await
    }

    fn asked(limit: u32) -> Orphans {
        Orphans {
            from: None,
            to: None,
            limit,
        }
    }

    async fn some() -> MemoryStore {
        let store = MemoryStore::new();
        let tries = |path: &str, hits| OrphanTries {
            day: date!(2026 - 03 - 01),
            path: OrphanPath::parse(path).unwrap(),
            hits,
            first_at: datetime!(2026-03-01 12:00:00.25 UTC),
            last_at: datetime!(2026-03-01 13:00 UTC),
        };
        let mut all = vec![tries("docs/api", 7)];
        all.extend((0..600).map(|number| tries(&format!("word-{number:03}"), 1)));
        store.add_orphans(&all, 1_000).await.unwrap();
        store
    }

    #[tokio::test]
    async fn orphans_are_listed_as_a_table_or_as_json() {
        let store = some().await;
        let (ended, table) = printed(false, asked(2), &store).await;
        assert!(matches!(ended, Ok(Status::Done)), "{ended:?}");
        let lines: Vec<_> = table.output.lines().collect();
        assert!(lines[0].starts_with("PATH "), "{lines:?}");
        assert!(lines[1].starts_with("docs/api "), "{lines:?}");
        assert!(
            lines[1].contains("  7     1  2026-03-01T12:00:00Z  "),
            "{lines:?}"
        );
        assert_eq!(lines.len(), 3);
        let (_, json) = printed(true, asked(1), &store).await;
        let expected = "{\"path\":\"docs/api\",\"hits\":7,\"days\":1,\
                        \"first_at\":\"2026-03-01T12:00:00.25Z\",\
                        \"last_at\":\"2026-03-01T13:00:00Z\"}\n";
        assert_eq!(json.output, expected);
        for (limit, count) in [(501, 501), (1_000, 601)] {
            let (_, json) = printed(true, asked(limit), &store).await;
            assert_eq!(json.output.lines().count(), count);
        }
    }

    #[tokio::test]
    async fn an_empty_list_says_so_and_days_are_in_order() {
        let store = some().await;
        let later = Orphans {
            from: Some(date!(2026 - 03 - 02)),
            ..asked(9)
        };
        let (_, none) = printed(false, later.clone(), &store).await;
        assert_eq!(none.output, "");
        assert!(none.messages.contains("from 2026-03-02 to 2026-03-02"));
        let turned = Orphans {
            to: Some(date!(2026 - 03 - 01)),
            ..later
        };
        let (ended, _) = printed(false, turned, &store).await;
        assert!(matches!(ended, Err(Failure::Days(_))), "{ended:?}");
    }
}
