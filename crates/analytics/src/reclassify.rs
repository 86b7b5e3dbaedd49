//! Reclassification of stored clicks: after an update of the detection lists, and for clicks stored
//! by versions without classes.
//!
//! Click records are read in the order of IDs, in batches. Changed records of a batch are updated
//! with the daily totals in one transaction, while clicks are stored. Reclassification may be
//! interrupted at any time and continued after the last checked click. Repeating it changes
//! nothing.
//!
//! Classes that come from the request are kept: prefetches, previews that a browser announced,
//! clicks by owners, and clicks of visitors who asked not to be tracked. Records without a user agent also keep their class. If
//! they have none, they become bots, like every visit without a user agent.

use std::collections::BTreeSet;

use waypost_core::{Click, ClickFacts, ClickId, LinkId, UserAgent, UserId, VisitClass, Zone};
use waypost_store::{FactsChange, Store, StoreError};

use crate::UserAgents;
use crate::ingester::is_announced;

/// Number of records read at once and updated in one transaction.
const BATCH: u32 = 1_000;

/// The result of a reclassification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reclassified {
    /// Number of checked click records.
    pub seen: u64,
    /// Number of changed click records.
    pub changed: u64,
    /// The last checked click.
    pub last: Option<ClickId>,
}

/// Reclassifies all clicks after `after`. `zone` must be the time zone in which they were counted.
/// `progress` is called after each batch.
///
/// # Errors
/// [`StoreError`] of the first batch that failed. Batches before it, which were passed to
/// `progress`, stay changed.
pub async fn reclassify(
    store: &dyn Store,
    user_agents: &UserAgents,
    zone: &Zone,
    after: Option<ClickId>,
    mut progress: impl FnMut(&Reclassified),
) -> Result<Reclassified, StoreError> {
    let mut done = Reclassified {
        last: after,
        ..Reclassified::default()
    };
    loop {
        let clicks = store.clicks_after(done.last, BATCH).await?;
        let Some(last) = clicks.last() else {
            return Ok(done);
        };
        let last = last.id;
        let owners = owners(store, &clicks).await?;
        let mut changes = Vec::new();
        done.seen = done
            .seen
            .saturating_add(u64::try_from(clicks.len()).unwrap_or(u64::MAX));
        for click in clicks {
            let is_own = click
                .user_id
                .is_some_and(|user| owners.contains(&(click.link_id, user)));
            let facts = facts(&click, user_agents, is_own);
            if facts != click.facts {
                let day = zone.day_of(click.clicked_at);
                let click = Click { day, ..click };
                changes.push(FactsChange { click, facts });
            }
        }
        if !changes.is_empty() {
            let changed = store.change_facts(&changes).await?;
            done.changed = done.changed.saturating_add(changed);
        }
        done.last = Some(last);
        progress(&done);
        // Let other writers proceed.
        tokio::task::yield_now().await;
    }
}

/// Finds clicks without a class by owners of the link.
async fn owners(
    store: &dyn Store,
    clicks: &[Click],
) -> Result<BTreeSet<(LinkId, UserId)>, StoreError> {
    let pairs: BTreeSet<(LinkId, UserId)> = clicks
        .iter()
        .filter(|click| click.facts.class.is_none())
        .filter_map(|click| Some((click.link_id, click.user_id?)))
        .collect();
    if pairs.is_empty() {
        return Ok(pairs);
    }
    let pairs: Vec<(LinkId, UserId)> = pairs.into_iter().collect();
    Ok(store.filter_owned(&pairs).await?.into_iter().collect())
}

fn facts(click: &Click, user_agents: &UserAgents, is_own: bool) -> ClickFacts {
    let before = &click.facts;
    if click.user_agent.is_none() && before.class.is_some() {
        return before.clone();
    }
    let told = user_agents.facts(click.user_agent.as_ref().map(UserAgent::as_str));
    let class = match before.class {
        Some(class @ (VisitClass::Prefetch | VisitClass::Own)) => class,
        Some(VisitClass::Preview) if is_announced(before) && told.class == VisitClass::Human => {
            VisitClass::Preview
        }
        None if is_own => VisitClass::Own,
        _ => told.class,
    };
    ClickFacts {
        class: Some(class),
        browser: told.browser,
        os: told.os,
        device: told.device,
        country: before.country,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use waypost_store::rollup::{Dimension, Part};
    use waypost_store::{
        ClickStore as _, FactsStore as _, LinkStore as _, MemoryStore, StatsStore as _,
        UserStore as _,
    };
    use waypost_store_testkit::samples::Samples;

    use super::*;

    const FIREFOX: &str =
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0";

    fn click(samples: &Samples, link: &waypost_core::Link, agent: Option<&str>) -> Click {
        Click {
            user_agent: agent.map(|agent| UserAgent::from_stored(agent.to_owned())),
            facts: ClickFacts::default(),
            ..samples.click(link)
        }
    }

    #[tokio::test]
    async fn clicks_of_before_there_were_classes_get_theirs_and_the_rollup_with_them() {
        let store = Arc::new(MemoryStore::new());
        let samples = Samples::new(1);
        let link = samples.link("wiki");
        let ada = samples.user("ada@example.com");
        store.insert_user(&ada, None).await.unwrap();
        store.insert_link(&link, Some(ada.id)).await.unwrap();
        let mut clicks = vec![
            click(&samples, &link, Some(FIREFOX)),
            click(&samples, &link, Some("curl/8.5.0")),
            click(&samples, &link, None),
            click(&samples, &link, Some(FIREFOX)),
            click(&samples, &link, Some(FIREFOX)),
        ];
        clicks[3].user_id = Some(ada.id);
        clicks[4].facts.class = Some(VisitClass::Prefetch);
        store.record_clicks(&clicks).await.unwrap();
        let (agents, zone) = (UserAgents::new(), Zone::utc());
        let again = async || {
            reclassify(&*store, &agents, &zone, None, |_| ())
                .await
                .unwrap()
        };
        let done = again().await;
        assert_eq!((done.seen, done.changed), (5, 5));
        let rows = store.clicks_after(None, 10).await.unwrap();
        let classes: Vec<_> = rows
            .iter()
            .map(|click| click.facts.class.unwrap())
            .collect();
        let [human, bot] = [VisitClass::Human, VisitClass::Bot];
        let own = [VisitClass::Own, VisitClass::Prefetch];
        assert_eq!(classes, [human, bot, bot, own[0], own[1]]);
        let day = clicks[0].day;
        let days = store
            .link_day_facts(link.id, day, day, Part::All)
            .await
            .unwrap();
        let browsers: Vec<_> = days[0].facts.of(Dimension::Browser).collect();
        assert_eq!(browsers.len(), 1);
        assert_eq!((browsers[0].0, browsers[0].1.clicks), ("Firefox", 3));
        assert_eq!(days[0].counted.humans, 1);
        assert_eq!(days[0].facts.of_class(bot), 2);
        assert!(store.ledger(None, 10).await.unwrap()[0].agrees());
        let done = again().await;
        assert_eq!((done.seen, done.changed), (5, 0));
    }

    #[tokio::test]
    async fn classes_that_come_from_the_request_stay_and_those_of_an_older_rule_do_not() {
        let store = Arc::new(MemoryStore::new());
        let samples = Samples::new(1);
        let link = samples.link("wiki");
        store.insert_link(&link, None).await.unwrap();
        let of = |class, browser: Option<&str>, agent: Option<&str>| {
            let mut click = click(&samples, &link, agent);
            click.facts.class = Some(class);
            click.facts.browser = browser.and_then(waypost_core::Family::of);
            click
        };
        let phone = "Mozilla/5.0 (Linux; Android 6.0; B BOT 550 Build/MRA58K) AppleWebKit/537.36 \
                     (KHTML, like Gecko) Chrome/53.0.2785.124 Mobile Safari/537.36";
        let [human, bot, preview] = [VisitClass::Human, VisitClass::Bot, VisitClass::Preview];
        let clicks = [
            // Of visitors who asked not to be tracked.
            of(human, None, None),
            of(bot, None, None),
            of(preview, None, None),
            // A browser announced it.
            of(preview, Some("Firefox"), Some(FIREFOX)),
            // An older rule told these.
            of(preview, None, Some(FIREFOX)),
            of(bot, None, Some(phone)),
            of(human, None, Some("CloudflareObservatory/1.0")),
        ];
        let wanted = [human, bot, preview, preview, human, human, bot];
        store.record_clicks(&clicks).await.unwrap();
        let (agents, zone) = (UserAgents::new(), Zone::utc());
        for _ in 0..2 {
            let done = reclassify(&*store, &agents, &zone, None, |_| ()).await;
            assert_eq!(done.unwrap().seen, 7);
            let rows = store.clicks_after(None, 10).await.unwrap();
            let classes: Vec<_> = rows.iter().map(|it| it.facts.class.unwrap()).collect();
            assert_eq!(classes, wanted);
        }
        let done = reclassify(&*store, &agents, &zone, None, |_| ()).await;
        assert_eq!(done.unwrap().changed, 0);
        let day = clicks[0].day;
        let days = store.link_day_facts(link.id, day, day, Part::All).await;
        let days = days.unwrap();
        assert_eq!(days[0].counted.humans, 3);
        let counts = [human, bot, preview].map(|class| days[0].facts.of_class(class));
        assert_eq!(counts, [3, 2, 2]);
    }

    #[tokio::test]
    async fn it_continues_after_the_last_checked_click() {
        let store = MemoryStore::new();
        let samples = Samples::new(1);
        let link = samples.link("wiki");
        store.insert_link(&link, None).await.unwrap();
        let clicks: Vec<Click> = (0..2_500)
            .map(|_| click(&samples, &link, Some(FIREFOX)))
            .collect();
        store.record_clicks(&clicks).await.unwrap();
        let (agents, zone) = (UserAgents::new(), Zone::utc());
        let mut told = Vec::new();
        let tell = |done: &Reclassified| told.push((done.seen, done.last.unwrap()));
        reclassify(&store, &agents, &zone, None, tell)
            .await
            .unwrap();
        let seen: Vec<u64> = told.iter().map(|(seen, _)| *seen).collect();
        assert_eq!(seen, [1_000, 2_000, 2_500]);
        let rest = reclassify(&store, &agents, &zone, Some(told[1].1), |_| ()).await;
        assert_eq!(rest.unwrap().seen, 500);
        assert_eq!(store.link(link.id).await.unwrap().unwrap().humans, 2_500);
    }
}
