//! Cases of [`StatsStore`](waypost_store::StatsStore): the numbers of links and of their days.
//! Lists of clicks and the links of an owner are in `stats_people.rs`.

use std::collections::{BTreeMap, BTreeSet};

use time::macros::{date, datetime};
use time::{Date, Duration};
use waypost_core::{Click, IpHash, Link, VisitClass};
use waypost_store::rollup::{Counted, Dimension, FactsSum, Part};
use waypost_store::{ClicksQuery, Ingested, LinkDayFacts, LinkEdit, Recorded, Store};

use super::concurrency::at_once;
use super::journals::{batch, ingest, journal, registered, settled_before};
use super::{StoreFactory, assert_counted, insert, insert_all, record, update};
use crate::samples::{FAR_FUTURE, START, Samples, take_journal};
use crate::truth::{Truth, TruthPlan};

/// Two weeks in Berlin, one day of which has 23 hours.
pub(super) fn plan() -> TruthPlan {
    TruthPlan {
        seed: 1,
        links: 7,
        clicks: 900,
        first: datetime!(2026-03-20 07:00 UTC),
        last: datetime!(2026-04-02 19:00 UTC),
        instants: vec![
            datetime!(2026-03-29 00:59:59.999_999 UTC),
            datetime!(2026-03-29 01:00 UTC),
        ],
        zone: "Europe/Berlin".parse().unwrap(),
        referrers: 60,
        visitors: 40,
        users: Vec::new(),
    }
}

/// Records clicks with known numbers.
async fn recorded(store: &dyn Store) -> Truth {
    let truth = Truth::generate(plan());
    truth.insert_links(store, None).await;
    truth.record(store).await;
    truth
}

/// Asserts every number of every link and day.
async fn assert_numbers(store: &dyn Store, truth: &Truth) {
    let (first, last) = truth.range();
    for link in &truth.links {
        let found = store.link(link.id).await.unwrap().unwrap();
        let total = Counted {
            clicks: found.clicks,
            humans: found.humans,
        };
        assert_eq!(total, truth.total(link.id), "{}", link.code);
        let days = store.link_days(link.id, first, last).await.unwrap();
        assert_eq!(days, truth.days(link.id, first, last), "{}", link.code);
        let span = store.click_span(link.id).await.unwrap();
        assert_eq!(span, truth.span(link.id), "{}", link.code);
        assert_facts(store, truth, link, first, last).await;
    }
}

/// Asserts the counts by dimension of the days of a link.
async fn assert_facts(store: &dyn Store, truth: &Truth, link: &Link, from: Date, to: Date) {
    let days = store
        .link_day_facts(link.id, from, to, Part::All)
        .await
        .unwrap();
    let expected = truth.days(link.id, from, to);
    let expected = expected.iter().map(|day| (day.day, day.counted));
    let numbers = days.iter().map(|day| (day.day, day.counted));
    assert_eq!(
        numbers.collect::<Vec<_>>(),
        expected.collect::<Vec<_>>(),
        "{}",
        link.code
    );
    for day in &days {
        for by in Dimension::ALL {
            let stored = day.facts.of(by);
            let stored: BTreeMap<String, Counted> = stored
                .map(|(value, counted)| (value.to_owned(), counted))
                .collect();
            let expected = truth.values(link.id, by.as_str(), day.day);
            assert_eq!(stored, expected, "{} {} {by:?}", link.code, day.day);
        }
        for class in VisitClass::ALL {
            let expected = truth.of_class(link.id, class, day.day, day.day);
            assert_eq!(day.facts.of_class(class), expected, "{class}");
        }
    }
    let parts = Dimension::ALL.map(Part::Of);
    for part in parts.into_iter().chain([Part::Classes]) {
        let found = store.link_day_facts(link.id, from, to, part).await.unwrap();
        let expected = days.iter().map(|day| LinkDayFacts {
            facts: day.facts.clone().only(part),
            ..day.clone()
        });
        assert_eq!(found, expected.collect::<Vec<_>>(), "{part:?}");
    }
    for part in parts.into_iter().chain([Part::Classes, Part::All]) {
        let mut expected = FactsSum::default();
        for day in &days {
            expected.add(day.counted, &day.facts.clone().only(part));
        }
        let found = store.sum_of_facts(link.id, from, to, part).await.unwrap();
        assert_eq!(found, expected, "{part:?}");
    }
}

/// Every number equals that of counting the clicks one by one.
pub async fn every_number_is_that_of_the_clicks(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let truth = recorded(&*store).await;
    assert_numbers(&*store, &truth).await;
    for link in &truth.links {
        assert_counted(&*store, link, truth.total(link.id).clicks, 0).await;
    }
}

/// A range includes both its ends, and nothing else.
pub async fn a_range_of_days_has_both_its_ends(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let truth = recorded(&*store).await;
    let samples = Samples::new(9);
    let quiet = samples.link("quiet");
    insert(&*store, &quiet).await;
    let link = &truth.links[0];
    let (first, last) = truth.range();
    let short_day = date!(2026 - 03 - 29);
    for (from, to) in [
        (short_day, short_day),
        (short_day, date!(2026 - 03 - 31)),
        (first, first),
        (last, last),
        (first - Duration::DAY, last + Duration::DAY),
        (first - Duration::WEEK, first - Duration::DAY),
        (last + Duration::DAY, last + Duration::WEEK),
        (last, first),
        (date!(1970 - 01 - 01), date!(9999 - 12 - 31)),
    ] {
        let days = store.link_days(link.id, from, to).await.unwrap();
        assert_eq!(days, truth.days(link.id, from, to), "{from} {to}");
        assert_facts(&*store, &truth, link, from, to).await;
        let of_nothing = store.link_days(quiet.id, from, to).await.unwrap();
        assert_eq!(of_nothing, []);
        let ids = truth.links.iter().map(|link| link.id).chain([quiet.id]);
        let ids: Vec<_> = ids.collect();
        let together = store.days_of_links(&ids, from, to).await.unwrap();
        let each = ids.iter().filter_map(|id| {
            let days = truth.days(*id, from, to).into_iter();
            let days: Vec<_> = days.map(|day| (day.day, day.counted)).collect();
            (!days.is_empty()).then_some((*id, days))
        });
        assert_eq!(together, each.collect(), "{from} {to}");
        let of_one = store.days_of_links(&[link.id], from, to).await.unwrap();
        assert!(of_one.keys().all(|id| *id == link.id));
    }
    let unknown = samples.link("unknown").id;
    let of_none = store.days_of_links(&[], first, last).await.unwrap();
    assert!(of_none.is_empty());
    for id in [quiet.id, unknown] {
        assert_eq!(store.click_span(id).await.unwrap(), None);
        assert_eq!(store.oldest_click(id).await.unwrap(), None);
        let facts = store
            .link_day_facts(id, first, last, Part::All)
            .await
            .unwrap();
        assert_eq!(facts, []);
    }
}

/// Years without clicks have no days. Year 0 is where the 30 days before one of year 1 may begin;
/// databases have none before.
pub async fn days_of_any_year_can_be_asked_for(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada] = super::add_users(&*store, &samples, ["ada"]).await;
    let link = samples.link("wiki");
    store.insert_link(&link, Some(ada)).await.unwrap();
    record(&*store, &samples.clicks(&link, 3)).await;
    for (from, to, found) in [
        (date!(0000 - 12 - 03), date!(0000 - 12 - 31), 0),
        (date!(0000 - 12 - 03), date!(0001 - 01 - 01), 0),
        (date!(0001 - 01 - 01), date!(0999 - 12 - 31), 0),
        (date!(0001 - 01 - 01), Date::MAX, 1),
        (date!(9999 - 12 - 31), Date::MAX, 0),
    ] {
        let range = format!("{from} {to}");
        let days = store.link_days(link.id, from, to).await.expect(&range);
        assert_eq!(days.len(), found, "{range}");
        let days = store
            .link_day_facts(link.id, from, to, Part::All)
            .await
            .unwrap();
        assert_eq!(days.len(), found, "{range}");
        let days = store.owned_days(ada, from, to).await.unwrap();
        assert_eq!(days.len(), found, "{range}");
        let top = store.owned_top(ada, from, to, 10).await.unwrap();
        assert_eq!(top.len(), found, "{range}");
        assert_eq!(store.purge_visitors(from, 0).await.unwrap(), 0, "{range}");
    }
}

/// Numbers outlive the click records.
pub async fn numbers_stay_when_clicks_are_purged(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let truth = recorded(&*store).await;
    for link in &truth.links {
        let oldest = store.oldest_click(link.id).await.unwrap();
        assert_eq!(oldest, truth.oldest(link.id), "{}", link.code);
    }
    let before = datetime!(2026-03-27 12:34:56 UTC);
    let purged = store.purge_clicks(before.into(), u32::MAX).await.unwrap();
    let old = truth.clicks.iter().filter(|it| it.clicked_at < before);
    assert_eq!(purged, u64::try_from(old.count()).unwrap());
    for link in &truth.links {
        let kept = truth.newest_first(link.id);
        let mut kept = kept.iter().filter(|click| click.clicked_at >= before);
        let oldest = store.oldest_click(link.id).await.unwrap();
        assert_eq!(oldest, kept.next_back().map(|click| click.clicked_at));
    }
    store
        .purge_clicks(FAR_FUTURE.into(), u32::MAX)
        .await
        .unwrap();
    assert_numbers(&*store, &truth).await;
    let oldest = store.oldest_click(truth.links[0].id).await.unwrap();
    assert_eq!(oldest, None);
}

/// Clicks without records are counted like all others.
pub async fn clicks_without_rows_are_counted_all_the_same(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let truth = Truth::generate(plan());
    truth.insert_links(&*store, None).await;
    truth.record_without_rows(&*store).await;
    assert_numbers(&*store, &truth).await;
    for link in &truth.links {
        let total = truth.total(link.id).clicks;
        assert_counted(&*store, link, total, total).await;
        assert_eq!(store.oldest_click(link.id).await.unwrap(), None);
        let query = ClicksQuery {
            link: link.id,
            before: None,
            limit: 10,
        };
        assert_eq!(store.clicks_of(&query).await.unwrap(), []);
    }
    super::rows::assert_clicks(rows.as_deref(), []).await;
    super::rows::assert_days(rows.as_deref(), &truth.clicks).await;
    let record = journal(&*store, truth.journal()).await;
    let clicks = u64::try_from(truth.clicks.len()).unwrap();
    assert_eq!((record.committed, record.stored), (clicks, clicks));
    assert_eq!(store.clicks_before(FAR_FUTURE.into()).await.unwrap(), 0);
}

/// Two ingesters that add to the same days at the same time lose nothing: no click, no visitor, no
/// value.
pub async fn two_ingesters_on_the_same_links_lose_nothing(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    // Few days and links, so that they meet; no more values than are counted separately, so that
    // the order does not matter.
    let truth = Truth::generate(TruthPlan {
        links: 3,
        first: datetime!(2026-03-24 12:00 UTC),
        last: datetime!(2026-03-26 12:00 UTC),
        instants: Vec::new(),
        referrers: 50,
        ..plan()
    });
    truth.insert_links(&*store, None).await;
    let halves = truth.halves();
    at_once(2, |half| {
        let (store, half) = (store.clone(), halves[half].clone());
        async move { half.record(&*store).await }
    })
    .await;
    assert_numbers(&*store, &truth).await;
    for link in &truth.links {
        assert_counted(&*store, link, truth.total(link.id).clicks, 0).await;
    }
}

fn by_visitor(samples: &Samples, link: &Link, visitor: u8) -> Click {
    Click {
        ip_hash: Some(IpHash::from_bytes([visitor; 32])),
        ..samples.click(link)
    }
}

async fn visitors(store: &dyn Store, link: &Link) -> Vec<u64> {
    let days = store.link_days(link.id, date!(2000 - 01 - 01), date!(2100 - 01 - 01));
    let days = days.await.unwrap();
    days.iter().map(|day| day.visitors).collect()
}

/// A returning visitor is the same one, in the same batch or later; on another link or another day
/// they count again. A click without an address hash has no visitor.
pub async fn a_visitor_is_counted_once_for_each_link_and_day(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [wiki, other] = ["wiki", "other"].map(|code| samples.link(code));
    insert_all(&*store, &[wiki.clone(), other.clone()]).await;
    let id = registered(&*store, &samples).await;
    let visit = |link, visitor| by_visitor(&samples, link, visitor);
    let nobody = Click {
        ip_hash: None,
        ..samples.click(&wiki)
    };
    let tomorrow = {
        let mut click = visit(&wiki, 1);
        click.day = click.day.next_day().unwrap();
        click
    };
    let mut start = 0;
    let steps: [(Vec<Click>, &[u64], &[u64]); 4] = [
        (vec![visit(&wiki, 1), visit(&wiki, 1)], &[1], &[]),
        (vec![visit(&wiki, 1), visit(&other, 1), nobody], &[1], &[1]),
        (
            vec![visit(&wiki, 2), tomorrow, visit(&wiki, 1)],
            &[2, 1],
            &[1],
        ),
        (vec![visit(&other, 2), visit(&other, 1)], &[2, 1], &[2]),
    ];
    for (clicks, of_wiki, of_other) in steps {
        let batch = batch(id, start, &clicks);
        start = batch.end();
        ingest(&*store, &batch).await.unwrap();
        assert_eq!(visitors(&*store, &wiki).await, of_wiki);
        assert_eq!(visitors(&*store, &other).await, of_other);
        // The second time the journal is at its end.
        let again = ingest(&*store, &batch).await.unwrap();
        assert_eq!(again, settled_before(&batch));
    }
    assert_eq!(visitors(&*store, &wiki).await, [2, 1]);
}

/// When visitors can no longer be distinguished, the numbers stay. A click that arrives that late
/// counts a new visitor.
pub async fn purging_visitors_keeps_their_numbers(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let truth = recorded(&*store).await;
    let today = date!(2026 - 03 - 29);
    let old = truth.clicks.iter().filter(|click| click.day < today);
    let old: BTreeSet<_> = old
        .filter_map(|click| Some((click.link_id, click.day, click.ip_hash?)))
        .collect();
    let old = u64::try_from(old.len()).unwrap();
    assert!(old > 150, "{old}");

    let (first, _) = truth.range();
    assert_eq!(store.purge_visitors(first, u32::MAX).await.unwrap(), 0);
    assert_eq!(store.purge_visitors(today, 0).await.unwrap(), 0);
    let mut purged = 0;
    for limit in [1, 7, 100] {
        assert_eq!(
            store.purge_visitors(today, limit).await.unwrap(),
            u64::from(limit)
        );
        purged += u64::from(limit);
    }
    let rest = store.purge_visitors(today, u32::MAX).await.unwrap();
    assert_eq!(purged + rest, old);
    assert_eq!(store.purge_visitors(today, u32::MAX).await.unwrap(), 0);
    assert_numbers(&*store, &truth).await;

    // The same visitor once more: known today, but not for the day before.
    let link = truth.links[0].id;
    let yesterday = date!(2026 - 03 - 28);
    for (day, more) in [(yesterday, 1), (today, 0)] {
        let mut clicks = truth.between(link, day, day);
        let known = clicks.find(|click| click.ip_hash.is_some()).unwrap();
        let late = Click {
            ip_hash: known.ip_hash,
            day,
            link_id: link,
            ..Samples::new(7 + more).click(&truth.links[0])
        };
        let before = truth.days(link, day, day)[0].visitors;
        record(&*store, &[late]).await;
        let after = store.link_days(link, day, day).await.unwrap();
        assert_eq!(after[0].visitors, before + more, "{day}");
    }
}

/// Clicks on deleted links leave nothing, and those beside them are counted completely.
pub async fn clicks_on_a_deleted_link_leave_no_numbers(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let mut truth = Truth::generate(plan());
    truth.insert_links(&*store, None).await;
    let gone = truth.links[1].clone();
    take_journal(&*store, truth.journal(), 0).await;
    let batches = truth.batches(0, waypost_store::KeptRecords::All);
    let (before, after) = batches.split_at(batches.len() / 2);
    for batch in before {
        store.ingest(batch.clone(), START).await.unwrap();
    }
    assert!(store.delete_link(gone.id).await.unwrap());
    for batch in after {
        let on_gone = batch.clicks.iter().filter(|it| it.link_id == gone.id);
        let link_gone = u64::try_from(on_gone.count()).unwrap();
        let stored = u64::try_from(batch.clicks.len()).unwrap() - link_gone;
        let answer = store.ingest(batch.clone(), START).await.unwrap();
        assert_eq!(
            answer,
            Ingested::Settled(Recorded {
                stored,
                link_gone,
                ..Recorded::default()
            })
        );
    }
    let (first, last) = truth.range();
    assert_eq!(store.link_days(gone.id, first, last).await.unwrap(), []);
    assert_eq!(store.click_span(gone.id).await.unwrap(), None);
    assert_eq!(store.oldest_click(gone.id).await.unwrap(), None);
    truth.links.retain(|link| link.id != gone.id);
    assert_numbers(&*store, &truth).await;
}

/// A deleted link still counts its clicks, and has all of them when it is restored.
pub async fn a_link_in_the_bin_keeps_its_numbers(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let truth = Truth::generate(plan());
    truth.insert_links(&*store, None).await;
    let deleted = update(&*store, &truth.links[1], LinkEdit::Delete).await;
    truth.record(&*store).await;
    assert_numbers(&*store, &truth).await;
    update(&*store, &deleted, LinkEdit::Restore(deleted.content())).await;
    assert_numbers(&*store, &truth).await;
}

/// A day has room for as many of the longest referrers as it counts separately.
pub async fn the_longest_referrers_are_counted(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(3);
    insert_all(&*store, &links).await;
    let id = registered(&*store, &samples).await;
    let host = |number: usize| format!("{}{number}.example", "x".repeat(240));
    let mut clicks = Vec::new();
    for link in &links {
        for number in 0..52 {
            let page = format!("https://{}/", host(number));
            clicks.push(Click {
                referrer: waypost_core::Referrer::from_header(page.as_bytes()),
                ..samples.click(link)
            });
        }
    }
    let mut start = 0;
    // Each link separately, and then all of them once more, as clicks without records.
    for part in clicks.chunks(52).chain([clicks.as_slice()]) {
        let mut batch = waypost_store::ClickBatch::clone(&batch(id, start, part));
        batch.records = waypost_store::KeptRecords::None;
        start = batch.end();
        let answer = store.ingest(std::sync::Arc::new(batch), START).await;
        let stored = u64::try_from(part.len()).unwrap();
        let link_gone = 0;
        let settled = Ingested::Settled(Recorded {
            stored,
            link_gone,
            ..Recorded::default()
        });
        assert_eq!(answer.unwrap(), settled);
    }
    for link in &links {
        let day = clicks[0].day;
        let days = store
            .link_day_facts(link.id, day, day, Part::All)
            .await
            .unwrap();
        let counted = days[0].facts.of(Dimension::Referrer);
        let counted = counted.fold(0, |sum, (_, counted)| sum + counted.clicks);
        assert_eq!(counted, 104);
    }
}
