//! Cases of [`ClickStore`](waypost_store::ClickStore): recounting, link by link.

use waypost_core::{Link, LinkId, VisitClass};
use waypost_store::{LinkLedger, Store};

use super::{StoreFactory, insert_all, record};
use crate::samples::{START, Samples};

fn by_id(mut links: Vec<Link>) -> Vec<Link> {
    links.sort_by_key(|link| link.id);
    links
}

fn ids(entries: &[LinkLedger]) -> Vec<LinkId> {
    entries.iter().map(|entry| entry.link_id).collect()
}

async fn ledger(store: &dyn Store, after: Option<&Link>, limit: u32) -> Vec<LinkId> {
    let after = after.map(|link| link.id);
    ids(&store.ledger(after, limit).await.unwrap())
}

/// Each link has an entry, even without clicks, in the order of the IDs and in steps of any size.
pub async fn the_ledger_lists_all_links_in_the_order_of_their_ids(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    assert_eq!(store.ledger(None, 10).await.unwrap(), vec![]);
    let samples = Samples::new(1);
    // IDs of one millisecond are in no order, others are in that of their time.
    let mut links: Vec<Link> = (0..6)
        .map(|number| samples.link_at(&format!("tie-{number}"), START))
        .collect();
    links.extend(samples.links(5));
    links.rotate_left(4);
    insert_all(&*store, &links).await;
    let links = by_id(links);
    let expected: Vec<LinkId> = links.iter().map(|link| link.id).collect();

    assert_eq!(ledger(&*store, None, 100).await, expected);
    assert_eq!(ledger(&*store, None, u32::MAX).await, expected);
    assert_eq!(ledger(&*store, None, 0).await, vec![]);
    assert_eq!(ledger(&*store, Some(&links[3]), 4).await, expected[4..8]);
    assert_eq!(ledger(&*store, Some(&links[10]), 4).await, vec![]);

    let mut walked = Vec::new();
    loop {
        let step = store.ledger(walked.last().copied(), 3).await.unwrap();
        if step.is_empty() {
            break;
        }
        walked.extend(ids(&step));
        assert!(walked.len() <= 100, "the walk does not end");
    }
    assert_eq!(walked, expected);
}

/// An entry counts the clicks of its own link, and names it.
pub async fn each_entry_counts_its_own_link(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = by_id(samples.links(5));
    insert_all(&*store, &links).await;
    let mut clicks = Vec::new();
    for (count, link) in links.iter().enumerate() {
        clicks.extend(samples.clicks(link, count));
    }
    record(&*store, &clicks).await;
    let humans_of = |link: &Link| {
        let of_link = clicks.iter().filter(|click| click.link_id == link.id);
        let class = of_link.filter_map(|click| click.facts.class);
        u64::try_from(class.filter(|class| *class == VisitClass::Human).count()).unwrap()
    };
    let entries = store.ledger(None, 10).await.unwrap();
    let expected: Vec<LinkLedger> = (0..)
        .zip(&links)
        .map(|(count, link)| LinkLedger {
            link_id: link.id,
            code: link.code.clone(),
            total: count,
            rollup: count,
            humans: humans_of(link),
            rollup_humans: humans_of(link),
            rows: count,
            purged: 0,
        })
        .collect();
    assert_eq!(entries, expected);
}

/// A walk through the ledger continues after a link that is deleted meanwhile.
pub async fn the_ledger_goes_on_behind_a_deleted_link(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let links = by_id(Samples::new(1).links(5));
    insert_all(&*store, &links).await;
    store.delete_link(links[1].id).await.unwrap();
    store.delete_link(links[3].id).await.unwrap();
    let expected = [links[2].id, links[4].id];
    assert_eq!(ledger(&*store, Some(&links[1]), 10).await, expected);
}
