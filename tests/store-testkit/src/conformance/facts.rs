//! Cases of [`FactsStore`](waypost_store::FactsStore): the facts of stored clicks are changed, and
//! the rollups with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::Duration;
use time::macros::date;
use waypost_core::{Click, ClickFacts, ClickId, DeviceClass, Family, Link, Referrer, VisitClass};
use waypost_store::rollup::{Counted, DayFacts, Dimension, MAX_VALUES, OTHER, Part};
use waypost_store::{FactsChange, Ingested, LinkEdit, Store};

use super::concurrency::at_once;
use super::journals::{batch, ingest, registered};
use super::rows::{assert_clicks, assert_days};
use super::{
    StoreFactory, all_of, assert_counted, change, find, insert, insert_all, record, updated,
};
use crate::samples::{FAR_FUTURE, Samples};

fn facts(class: VisitClass, browser: Option<&str>) -> ClickFacts {
    ClickFacts {
        class: Some(class),
        browser: browser.and_then(Family::of),
        device: Some(DeviceClass::Mobile),
        ..ClickFacts::default()
    }
}

fn to(click: &Click, facts: ClickFacts) -> FactsChange {
    let click = click.clone();
    FactsChange { click, facts }
}

/// Returns changes that give the clicks other facts, not all the same.
fn changes(clicks: &[Click]) -> Vec<FactsChange> {
    let other = |(number, click): (usize, &Click)| {
        let is_human = click.facts.class == Some(VisitClass::Human);
        let class = if is_human {
            VisitClass::Bot
        } else {
            VisitClass::Human
        };
        let browsers = [Some("Safari"), None, Some("Opera")];
        to(click, facts(class, browsers[number % 3]))
    };
    clicks.iter().enumerate().map(other).collect()
}

fn changed(changes: &[FactsChange]) -> Vec<Click> {
    changes.iter().map(FactsChange::changed).collect()
}

async fn change_all(store: &dyn Store, changes: &[FactsChange]) {
    let expected = u64::try_from(changes.len()).unwrap();
    assert_eq!(store.change_facts(changes).await.unwrap(), expected);
}

/// Returns the parts of a document by name, without zero counts.
fn parts(facts: &DayFacts<'_>) -> BTreeMap<(String, String), Counted> {
    let mut parts = BTreeMap::new();
    for class in VisitClass::ALL {
        let clicks = facts.of_class(class);
        if clicks > 0 {
            let name = ("class".to_owned(), class.as_str().to_owned());
            parts.insert(name, Counted { clicks, humans: 0 });
        }
    }
    for dimension in Dimension::ALL {
        for (value, counted) in facts.of(dimension) {
            parts.insert((dimension.as_str().to_owned(), value.to_owned()), counted);
        }
    }
    parts
}

/// Asserts that the numbers of a link are those of these clicks, as if they had always been like
/// this.
async fn assert_facts(store: &dyn Store, link: &Link, clicks: &[Click]) {
    let (from, to) = (date!(2000 - 01 - 01), date!(2100 - 01 - 01));
    let mut days: BTreeMap<_, (Counted, DayFacts<'_>)> = BTreeMap::new();
    let mut all = Counted::default();
    for click in clicks.iter().filter(|click| click.link_id == link.id) {
        let one = Counted {
            clicks: 1,
            humans: u64::from(click.facts.class == Some(VisitClass::Human)),
        };
        all = all.plus(one);
        let (counted, facts) = days.entry(click.day).or_default();
        *counted = counted.plus(one);
        facts.count(click);
    }
    let stored = store
        .link_day_facts(link.id, from, to, Part::All)
        .await
        .unwrap();
    let stored: Vec<_> = stored
        .iter()
        .map(|it| (it.day, it.counted, parts(&it.facts)))
        .collect();
    let expected: Vec<_> = days
        .into_iter()
        .map(|(day, (counted, facts))| (day, counted, parts(&facts)))
        .collect();
    assert_eq!(stored, expected, "{}", link.code);
    assert_eq!(find(store, &link.code).await.humans, all.humans);
    let purged = all.clicks - rows_of(store, link).await;
    assert_counted(store, link, all.clicks, purged).await;
}

async fn rows_of(store: &dyn Store, link: &Link) -> u64 {
    let clicks = store.clicks_after(None, u32::MAX).await.unwrap();
    let of_link = clicks.iter().filter(|click| click.link_id == link.id);
    u64::try_from(of_link.count()).unwrap()
}

/// Clicks are read in the order of their IDs, each once, complete except for what click records do
/// not keep.
pub async fn clicks_are_read_in_the_order_of_their_ids(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(2);
    insert_all(&*store, &links).await;
    assert_eq!(store.clicks_after(None, 10).await.unwrap(), []);
    let user = super::add_user(&*store, &samples, "ada").await;
    let mut clicks: Vec<Click> = (0..11).map(|n| samples.click(&links[n % 2])).collect();
    clicks[3].user_id = Some(user);
    clicks[4].facts = ClickFacts::default();
    clicks[5].user_agent = None;
    clicks[6].referrer = None;
    // They are stored in another order than that of their IDs, and counted under other days.
    let mut stored = clicks.clone();
    stored.reverse();
    stored.rotate_left(4);
    for click in &mut stored {
        click.day = date!(2026 - 12 - 31);
    }
    record(&*store, &stored).await;
    let expected: Vec<Click> = clicks
        .iter()
        .map(|click| Click {
            ip_hash: None,
            ..click.clone()
        })
        .collect();
    for limit in [1, 3, 11, 100] {
        let (mut read, mut after): (Vec<Click>, Option<ClickId>) = (Vec::new(), None);
        loop {
            let page = store.clicks_after(after, limit).await.unwrap();
            assert!(page.len() <= usize::try_from(limit).unwrap());
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            read.extend(page);
        }
        assert_eq!(read, expected, "in pages of {limit}");
    }
    // The place of a missing click is a valid place, too.
    let between = Samples::new(2).click_at(&links[0], clicks[6].clicked_at);
    let rest = store.clicks_after(Some(between.id), 100).await.unwrap();
    let behind = expected.iter().filter(|click| click.id > between.id);
    assert!(rest.iter().eq(behind));
}

/// The hosts of referrers count in lower case and without a dot at their end, also those that an
/// earlier version stored in another form.
pub async fn hosts_of_referrers_count_in_one_form(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let pages = [
        "https://www.a.example./x",
        "https://www.a.example/",
        "https://WWW.A.example./",
    ];
    let mut clicks: Vec<Click> = pages.iter().map(|_| samples.click(&link)).collect();
    for (click, page) in clicks.iter_mut().zip(pages) {
        click.referrer = Some(Referrer::from_stored(page.to_owned()));
        click.facts = facts(VisitClass::Human, None);
        click.day = date!(2026 - 03 - 01);
    }
    record(&*store, &clicks).await;
    let of_host = async || {
        let (day, part) = (date!(2026 - 03 - 01), Part::Of(Dimension::Referrer));
        let days = store.link_day_facts(link.id, day, day, part).await.unwrap();
        let hosts = days[0].facts.of(Dimension::Referrer);
        let hosts = hosts.map(|(host, counted)| (host.to_owned(), counted.clicks, counted.humans));
        hosts.collect::<Vec<_>>()
    };
    assert_eq!(of_host().await, [("www.a.example".to_owned(), 3, 3)]);
    change_all(&*store, &[to(&clicks[2], facts(VisitClass::Bot, None))]).await;
    assert_eq!(of_host().await, [("www.a.example".to_owned(), 3, 2)]);
}

/// Changed facts are counted everywhere instead of the old ones, and nothing else changes.
pub async fn changed_facts_are_counted_instead_of_the_old_ones(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let links = samples.links(3);
    insert_all(&*store, &links).await;
    let days = [date!(2026 - 02 - 28), date!(2026 - 03 - 01)];
    let mut clicks: Vec<Click> = (0..40)
        .map(|number| Click {
            day: days[number / 7 % 2],
            ..samples.click(&links[number % 3])
        })
        .collect();
    // One visitor comes twice, and some clicks have no known facts.
    clicks[3].ip_hash = clicks[0].ip_hash;
    for click in &mut clicks[20..26] {
        click.facts = ClickFacts::default();
    }
    record(&*store, &clicks).await;
    assert_eq!(store.change_facts(&[]).await.unwrap(), 0);
    let mut some = changes(&clicks[5..30]);
    some.reverse();
    change_all(&*store, &some).await;
    for changed in changed(&some) {
        let click = clicks.iter_mut().find(|click| click.id == changed.id);
        *click.unwrap() = changed;
    }
    for link in &links {
        assert_facts(&*store, link, &clicks).await;
    }
    assert_clicks(rows.as_deref(), &clicks).await;
    assert_days(rows.as_deref(), &clicks).await;

    // And back again.
    let back: Vec<FactsChange> = some
        .iter()
        .map(|change| to(&change.changed(), change.click.facts.clone()))
        .collect();
    change_all(&*store, &back).await;
    for change in &some {
        let click = clicks.iter_mut().find(|click| click.id == change.click.id);
        *click.unwrap() = change.click.clone();
    }
    for link in &links {
        assert_facts(&*store, link, &clicks).await;
    }
    assert_clicks(rows.as_deref(), &clicks).await;
    assert_days(rows.as_deref(), &clicks).await;
}

/// A change based on outdated facts changes nothing.
pub async fn a_click_that_is_not_as_given_is_left_alone(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let mut clicks = samples.clicks(&link, 4);
    record(&*store, &clicks).await;
    let first = changes(&clicks[..2]);
    change_all(&*store, &first).await;
    clicks.splice(..2, changed(&first));

    // The same change again, a click that was never stored, and one with its present facts.
    let mut again = first.clone();
    again.push(to(
        &samples.click(&link),
        facts(VisitClass::Human, Some("Safari")),
    ));
    again.extend(changes(&clicks[2..3]));
    assert_eq!(store.change_facts(&again).await.unwrap(), 1);
    clicks[2] = again[3].changed();
    assert_facts(&*store, &link, &clicks).await;

    // Of two changes of the same click, the second one is too late; one that continues from the
    // first is not.
    let [human, bot] = [VisitClass::Human, VisitClass::Bot];
    let one = to(&clicks[3], facts(human, Some("Safari")));
    let two = to(&clicks[3], facts(bot, Some("Opera")));
    let three = to(&one.changed(), facts(human, Some("Opera")));
    let both = [one, two, three];
    assert_eq!(store.change_facts(&both).await.unwrap(), 2);
    clicks[3] = both[2].changed();
    assert_facts(&*store, &link, &clicks).await;
    assert_clicks(rows.as_deref(), &clicks).await;
    assert_days(rows.as_deref(), &clicks).await;
}

/// A click that was counted under another day than given changes its record, but no numbers.
pub async fn a_day_that_was_never_counted_is_not_begun(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let clicks = samples.clicks(&link, 3);
    record(&*store, &clicks).await;
    let mut some = changes(&clicks);
    for change in &mut some {
        change.click.day += Duration::days(7);
    }
    change_all(&*store, &some).await;
    assert_clicks(rows.as_deref(), &changed(&some)).await;
    assert_days(rows.as_deref(), &clicks).await;
    assert_facts(&*store, &link, &clicks).await;
}

/// A deleted link that can be restored still has its clicks; a permanently deleted one has none.
pub async fn clicks_of_deleted_links_are_changed_as_long_as_there_are_any(
    factory: &dyn StoreFactory,
) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [binned, gone] = ["binned", "gone"].map(|code| samples.link(code));
    insert(&*store, &binned).await;
    insert(&*store, &gone).await;
    let clicks = [samples.clicks(&binned, 5), samples.clicks(&gone, 5)].concat();
    record(&*store, &clicks).await;
    let deleted = updated(&*store, &change(&binned, LinkEdit::Delete)).await;
    assert!(store.delete_link(gone.id).await.unwrap());
    let left = store.clicks_after(None, 100).await.unwrap();
    assert!(left.iter().all(|click| click.link_id == binned.id));
    assert_eq!(left.len(), 5);

    let all = changes(&clicks);
    assert_eq!(store.change_facts(&all).await.unwrap(), 5);
    updated(
        &*store,
        &change(&deleted, LinkEdit::Restore(deleted.content())),
    )
    .await;
    assert_facts(&*store, &binned, &changed(&all[..5])).await;
}

/// Of a purged click only numbers are left, which cannot be changed.
pub async fn a_purged_click_cannot_be_changed(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let mut clicks = samples.clicks(&link, 8);
    record(&*store, &clicks).await;
    let all = changes(&clicks);
    let boundary = clicks[5].clicked_at;
    assert_eq!(store.purge_clicks(boundary.into(), 100).await.unwrap(), 5);
    assert_eq!(store.change_facts(&all).await.unwrap(), 3);
    clicks.splice(5.., changed(&all[5..]));
    assert_facts(&*store, &link, &clicks).await;
    assert_clicks(rows.as_deref(), &clicks[5..]).await;
    assert_eq!(store.purge_clicks(FAR_FUTURE.into(), 100).await.unwrap(), 3);
    assert_eq!(store.change_facts(&all).await.unwrap(), 0);
    assert_facts(&*store, &link, &clicks).await;
}

/// A value that was counted under `other` is subtracted there.
pub async fn values_counted_as_others_are_taken_back(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let named = |n: usize| facts(VisitClass::Human, Some(&format!("Browser {n}")));
    let clicks: Vec<Click> = (0..MAX_VALUES + 10)
        .map(|number| Click {
            facts: named(number),
            ..samples.click(&link)
        })
        .collect();
    record(&*store, &clicks).await;
    let day = clicks[0].day;
    let browsers = async || {
        let days = store
            .link_day_facts(link.id, day, day, Part::All)
            .await
            .unwrap();
        let values = days[0].facts.of(Dimension::Browser);
        values
            .map(|(name, counted)| (name.to_owned(), counted))
            .collect::<BTreeMap<_, _>>()
    };
    let counted = |clicks, humans| Some(Counted { clicks, humans });
    let before = browsers().await;
    assert_eq!(before.len(), MAX_VALUES + 1);
    assert_eq!(before.get(OTHER).copied(), counted(10, 10));

    // Four of these stay under `other`, as bots; six lose their known facts.
    let (bots, unknown) = clicks[MAX_VALUES..].split_at(4);
    let mut some: Vec<FactsChange> = bots
        .iter()
        .map(|click| to(click, facts(VisitClass::Bot, Some("curl"))))
        .collect();
    some.extend(
        unknown
            .iter()
            .map(|click| to(click, facts(VisitClass::Human, None))),
    );
    change_all(&*store, &some).await;
    let after = browsers().await;
    assert_eq!(after.len(), MAX_VALUES + 1);
    assert_eq!(after.get(OTHER).copied(), counted(4, 0));

    // When one of the values moves away, there is room for the next one.
    let first = to(&clicks[0], facts(VisitClass::Human, None));
    change_all(&*store, &[first]).await;
    let second = to(&clicks[1], facts(VisitClass::Human, Some("Safari")));
    change_all(&*store, &[second]).await;
    let after = browsers().await;
    assert_eq!(after.get("Safari").copied(), counted(1, 1));
    assert_eq!(after.get("Browser 0"), None);
    assert_eq!(after.get("Browser 1"), None);
    let sum = after
        .values()
        .copied()
        .fold(Counted::default(), Counted::plus);
    assert_eq!(Some(sum), counted(53, 49));
    assert_eq!(find(&*store, &link.code).await.humans, 56);
}

/// Any number of clicks can be changed at once, whatever a database limits in the parameters of a
/// statement.
pub async fn a_thousand_clicks_are_changed_at_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(2);
    insert_all(&*store, &links).await;
    let clicks: Vec<Click> = (0..1_000).map(|n| samples.click(&links[n % 2])).collect();
    record(&*store, &clicks).await;
    let all = changes(&clicks);
    change_all(&*store, &all).await;
    for link in &links {
        assert_facts(&*store, link, &changed(&all)).await;
    }
}

/// Changing facts while clicks of the same link are stored loses nothing.
pub async fn facts_are_changed_while_clicks_are_stored(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let links = samples.links(3);
    insert_all(&*store, &links).await;
    let journal = registered(&*store, &samples).await;
    let of_each = |count: usize| -> Vec<Vec<Click>> {
        let all = || links.iter().map(|link| samples.click(link)).collect();
        (0..count).map(|_| all()).collect()
    };
    let old = of_each(20);
    record(&*store, &old.concat()).await;
    // The changes come in another order than the stored clicks.
    let changing: Vec<Vec<FactsChange>> = old
        .iter()
        .map(|clicks| changes(clicks).into_iter().rev().collect())
        .collect();
    let (ingested, recorded) = (of_each(20), of_each(20));
    let work = Arc::new((changing.clone(), ingested.clone(), recorded.clone()));
    at_once(4, |number| {
        let (store, work) = (store.clone(), Arc::clone(&work));
        async move {
            let (changing, ingested, recorded) = &*work;
            match number {
                0 => {
                    let mut position = 0;
                    for clicks in ingested {
                        let batch = batch(journal, position, clicks);
                        position = batch.end();
                        let settled = ingest(&*store, &batch).await.unwrap();
                        assert_eq!(settled, Ingested::Settled(all_of(3)));
                    }
                }
                1 => {
                    for clicks in recorded {
                        record(&*store, clicks).await;
                    }
                }
                half => {
                    for changes in changing.iter().skip(half % 2).step_by(2) {
                        change_all(&*store, changes).await;
                    }
                }
            }
        }
    })
    .await;
    let mut all = changed(&changing.concat());
    all.extend([ingested, recorded].concat().concat());
    for link in &links {
        assert_facts(&*store, link, &all).await;
    }
    assert_clicks(rows.as_deref(), &all).await;
    assert_days(rows.as_deref(), &all).await;
}

/// Of many identical concurrent changes, each click is changed by one and counted once.
pub async fn the_same_change_of_many_at_once_is_made_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(2);
    insert_all(&*store, &links).await;
    let clicks: Vec<Click> = (0..20).map(|n| samples.click(&links[n % 2])).collect();
    record(&*store, &clicks).await;
    let all = changes(&clicks);
    let made = at_once(6, |_| {
        let (store, all) = (store.clone(), all.clone());
        async move { store.change_facts(&all).await.unwrap() }
    });
    assert_eq!(made.await.iter().sum::<u64>(), 20);
    for link in &links {
        assert_facts(&*store, link, &changed(&all)).await;
    }
}
