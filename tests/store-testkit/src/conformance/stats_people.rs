//! Cases of [`StatsStore`](waypost_store::StatsStore) that involve users: lists of clicks with
//! their users, and the numbers of the links of an owner.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use time::Date;
use time::macros::date;
use waypost_core::{ClickId, DisplayName, Link, LinkId, User, UserId};
use waypost_store::rollup::Counted;
use waypost_store::{ClicksQuery, KeptClick, LinkEdit, Store};

use super::stats::plan;
use super::{StoreFactory, add_users, find_by_id, insert_all, record, update};
use crate::samples::Samples;
use crate::truth::{Truth, TruthPlan};

/// Creates members with names, one of whom has none.
async fn named(store: &dyn Store) -> Vec<User> {
    let samples = Samples::new(5);
    let mut users = Vec::new();
    for (email, name) in [
        ("ada@example.com", "Ada"),
        ("bob@example.com", "=cmd('\u{1F980}')"),
        ("cem@example.com", ""),
    ] {
        let user = User {
            display_name: DisplayName::parse(name).unwrap(),
            ..samples.user(email)
        };
        store.insert_user(&user, None).await.unwrap();
        users.push(user);
    }
    users
}

/// Returns all clicks of a link before `before`, `limit` at a time.
async fn walk(store: &dyn Store, link: LinkId, limit: u32) -> Vec<KeptClick> {
    let mut walked: Vec<KeptClick> = Vec::new();
    loop {
        let before: Option<ClickId> = walked.last().map(|click| click.id);
        let query = ClicksQuery {
            link,
            before,
            limit,
        };
        let clicks = store.clicks_of(&query).await.unwrap();
        assert!(clicks.len() <= usize::try_from(limit).unwrap());
        if clicks.is_empty() {
            return walked;
        }
        walked.extend(clicks);
    }
}

fn expected(truth: &Truth, link: LinkId, users: &[User]) -> Vec<KeptClick> {
    let clicks = truth.newest_first(link).into_iter();
    let kept = |click: &waypost_core::Click| {
        let user = users.iter().find(|user| Some(user.id) == click.user_id);
        let user = user.map(|user| (user.id, user.display_name.clone()));
        KeptClick::of(click, user)
    };
    clicks.map(kept).collect()
}

/// A walk through the clicks of a link finds each of them once, newest first, unchanged, with the
/// name of its user; clicks of deleted users have none.
pub async fn clicks_are_listed_newest_first_with_who_made_them(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let mut users = named(&*store).await;
    let truth = Truth::generate(TruthPlan {
        users: users.iter().map(|user| user.id).collect(),
        ..plan()
    });
    truth.insert_links(&*store, None).await;
    truth.record(&*store).await;
    let hot = truth.links[0].id;
    let all = expected(&truth, hot, &users);
    assert!(all.iter().any(|click| click.user.is_some()));
    for limit in [7, 50, 1_000] {
        assert_eq!(walk(&*store, hot, limit).await, all, "{limit}");
    }
    for link in &truth.links {
        let found = walk(&*store, link.id, 200).await;
        assert_eq!(found, expected(&truth, link.id, &users), "{}", link.code);
    }
    for (before, limit) in [(None, 0), (Some(all[3].id), 1), (Some(all[3].id), 5)] {
        let query = ClicksQuery {
            link: hot,
            before,
            limit,
        };
        let from = before.map_or(0, |_| 4);
        let to = from + usize::try_from(limit).unwrap();
        assert_eq!(store.clicks_of(&query).await.unwrap(), all[from..to]);
    }

    let gone = users.remove(1);
    assert!(store.delete_user(gone.id).await.unwrap());
    assert_eq!(walk(&*store, hot, 200).await, expected(&truth, hot, &users));
}

/// The expected numbers of the links of an owner.
struct Owned<'a> {
    truth: &'a Truth,
    links: Vec<&'a Link>,
}

impl Owned<'_> {
    fn days(&self, from: Date, to: Date) -> Vec<(Date, Counted)> {
        let mut days: BTreeMap<Date, Counted> = BTreeMap::new();
        for link in &self.links {
            for day in self.truth.days(link.id, from, to) {
                let sum = days.entry(day.day).or_default();
                *sum = sum.plus(day.counted);
            }
        }
        days.into_iter().collect()
    }

    fn total(&self) -> (u64, Counted) {
        let totals = self.links.iter().map(|link| self.truth.total(link.id));
        (
            u64::try_from(self.links.len()).unwrap(),
            totals.fold(Counted::default(), Counted::plus),
        )
    }

    fn top(&self, from: Date, to: Date) -> Vec<(LinkId, Counted)> {
        let of_link = |link: &&Link| (link.id, self.truth.counted(link.id, from, to));
        let mut top: Vec<_> = self.links.iter().map(of_link).collect();
        top.retain(|(_, counted)| counted.clicks > 0);
        top.sort_by_key(|(id, counted)| (Reverse(counted.clicks), *id));
        top
    }

    /// Asserts that a store reports the same for `owner`.
    async fn assert(&self, store: &dyn Store, owner: UserId) {
        let (first, last) = self.truth.range();
        assert_eq!(store.owned_total(owner).await.unwrap(), self.total());
        for (from, to) in [
            (first, last),
            (date!(2026 - 03 - 29), date!(2026 - 03 - 29)),
            (last, first),
        ] {
            let days = store.owned_days(owner, from, to).await.unwrap();
            assert_eq!(days, self.days(from, to));
            for limit in [0_u32, 1, 3, 100] {
                let top = store.owned_top(owner, from, to, limit).await.unwrap();
                let mut expected = self.top(from, to);
                expected.truncate(usize::try_from(limit).unwrap());
                let found = top.iter().map(|(link, counted)| (link.id, *counted));
                assert_eq!(found.collect::<Vec<_>>(), expected);
                for (link, _) in &top {
                    assert_eq!(*link, find_by_id(store, link.id).await);
                }
            }
        }
    }
}

/// The numbers of all links of an owner are added up, owned alone or with others; deleted links are
/// left out until they are restored.
pub async fn the_numbers_of_all_that_somebody_owns_add_up(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(5);
    let [ada, bob, eve] = add_users(&*store, &samples, ["ada", "bob", "eve"]).await;
    let truth = Truth::generate(plan());
    truth.insert_links(&*store, Some(ada)).await;
    // Before there are clicks, and for a user who owns nothing.
    let nothing = Owned {
        truth: &truth,
        links: Vec::new(),
    };
    assert_eq!(
        store.owned_total(ada).await.unwrap(),
        (7, Counted::default())
    );
    nothing.assert(&*store, bob).await;
    truth.record(&*store).await;

    let links: Vec<&Link> = truth.links.iter().collect();
    let of = |places: &[usize]| Owned {
        truth: &truth,
        links: places.iter().map(|place| links[*place]).collect(),
    };
    // Bob owns some of them, too, one of them as the primary owner; one is shared with Eve.
    for (place, edit) in [
        (0, LinkEdit::AddOwner(bob)),
        (1, LinkEdit::MakePrimary(bob)),
        (2, LinkEdit::Share(eve)),
        (3, LinkEdit::AddOwner(bob)),
    ] {
        update(&*store, links[place], edit).await;
    }
    of(&[0, 1, 2, 3, 4, 5, 6]).assert(&*store, ada).await;
    of(&[0, 1, 3]).assert(&*store, bob).await;
    nothing.assert(&*store, eve).await;

    let now = find_by_id(&*store, links[1].id).await;
    let deleted = update(&*store, &now, LinkEdit::Delete).await;
    of(&[0, 2, 3, 4, 5, 6]).assert(&*store, ada).await;
    of(&[0, 3]).assert(&*store, bob).await;
    update(&*store, &deleted, LinkEdit::Restore(deleted.content())).await;
    let now = find_by_id(&*store, links[0].id).await;
    update(&*store, &now, LinkEdit::RemoveOwner(ada)).await;
    of(&[1, 2, 3, 4, 5, 6]).assert(&*store, ada).await;
    of(&[0, 1, 3]).assert(&*store, bob).await;
}

/// Links with equal clicks are in the order of their IDs.
pub async fn links_clicked_as_often_stand_in_the_order_of_their_ids(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada] = add_users(&*store, &samples, ["ada"]).await;
    let mut links = samples.links(6);
    links.reverse();
    for link in &links {
        store.insert_link(link, Some(ada)).await.unwrap();
    }
    let mut clicks = Vec::new();
    for (link, times) in links.iter().zip([2, 3, 2, 3, 2, 0]) {
        clicks.extend(samples.clicks(link, times));
    }
    record(&*store, &clicks).await;
    let day = clicks[0].day;
    for limit in [2_u32, 4, 9] {
        let top = store.owned_top(ada, day, day, limit).await.unwrap();
        let found: Vec<LinkId> = top.iter().map(|(link, _)| link.id).collect();
        let mut expected: Vec<LinkId> = [3, 1, 4, 2, 0].map(|place: usize| links[place].id).into();
        expected.truncate(usize::try_from(limit).unwrap());
        assert_eq!(found, expected);
    }
}

/// Of any number of pairs, those whose user owns the link are found.
pub async fn pairs_of_links_and_their_owners_are_found(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, bob, eve] = add_users(&*store, &samples, ["ada", "bob", "eve"]).await;
    let links = samples.links(4);
    let [of_ada, of_both, shared, nobodys] = [0, 1, 2, 3].map(|place: usize| &links[place]);
    for link in [of_ada, of_both, shared] {
        store.insert_link(link, Some(ada)).await.unwrap();
    }
    insert_all(&*store, std::slice::from_ref(nobodys)).await;
    update(&*store, of_both, LinkEdit::AddOwner(bob)).await;
    update(&*store, shared, LinkEdit::Share(eve)).await;
    let unknown = samples.link("unknown").id;
    let somebody = samples.user("unknown@example.com").id;
    let owns = [
        (of_ada.id, ada),
        (of_both.id, bob),
        (of_both.id, ada),
        (shared.id, ada),
    ];
    let does_not = [
        (of_ada.id, bob),
        (shared.id, eve),
        (nobodys.id, ada),
        (unknown, ada),
        (of_ada.id, somebody),
    ];
    assert_eq!(store.filter_owned(&[]).await.unwrap(), []);
    assert_eq!(store.filter_owned(&does_not).await.unwrap(), []);
    let mut all = does_not.to_vec();
    all.extend(owns);
    assert_eq!(store.filter_owned(&all).await.unwrap(), owns);
    // More than fit into one statement.
    let many = all.repeat(150);
    assert_eq!(store.filter_owned(&many).await.unwrap(), owns.repeat(150));
    // A deleted link still has its owner.
    let now = find_by_id(&*store, of_both.id).await;
    update(&*store, &now, LinkEdit::Delete).await;
    assert_eq!(store.filter_owned(&all).await.unwrap(), owns);
}

/// The totals of many links are found at once; links that do not exist are left out.
pub async fn the_totals_of_many_links_are_found_at_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(3);
    for link in &links[..2] {
        store.insert_link(link, None).await.unwrap();
    }
    let clicks = samples.clicks(&links[0], 3);
    store.record_clicks(&clicks).await.unwrap();
    let ids: Vec<LinkId> = links.iter().map(|link| link.id).collect();
    let totals = store.link_totals(&ids).await.unwrap();
    let found: BTreeMap<LinkId, u64> = totals.iter().map(|it| (*it.0, it.1.clicks)).collect();
    assert_eq!(found, BTreeMap::from([(ids[0], 3), (ids[1], 0)]));
    assert!(store.link_totals(&[]).await.unwrap().is_empty());
}
