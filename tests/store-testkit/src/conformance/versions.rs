//! Cases of [`LinkStore`](waypost_store::LinkStore): the history of a link, and concurrent changes.

use time::{Duration, OffsetDateTime};
use waypost_core::{
    DisplayName, Link, LinkAction, LinkContent, LinkSnapshot, LinkVersion, Person, User, UserId,
    micros,
};
use waypost_store::{LinkEdit, LinkUpdate, Store, Updated};

use super::concurrency::at_once;
use super::links::MOMENTS;
use super::{
    LATER, StoreFactory, add_user, add_users, assert_same, change, find_by_id, insert, recoded,
    rename, update, updated,
};
use crate::samples::{Samples, target};

/// Returns the whole history of a link, newest first.
async fn history(store: &dyn Store, link: &Link) -> Vec<LinkVersion> {
    store.link_versions(link.id, None, 1_000).await.unwrap()
}

fn numbers(versions: &[LinkVersion]) -> Vec<u32> {
    versions.iter().map(|version| version.number).collect()
}

fn snapshot(link: &Link, owners: &[UserId], shares: &[UserId]) -> LinkSnapshot {
    let mut shares = shares.to_vec();
    shares.sort();
    LinkSnapshot {
        content: link.content(),
        owners: owners.to_vec(),
        shares,
        invited: Vec::new(),
        deleted: link.is_deleted(),
    }
}

/// The first version of a link names its creator.
pub async fn a_new_link_has_the_version_that_made_it(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let ada = User {
        display_name: DisplayName::parse("Ada ‘Countess’ 🧭").unwrap(),
        ..samples.user("ada@example.com")
    };
    store.insert_user(&ada, None).await.unwrap();
    let person = Person {
        id: ada.id,
        email: ada.email.clone(),
        display_name: ada.display_name.clone(),
    };
    let (owned, nobodys) = (samples.link("Owned"), samples.link("nobodys"));
    store.insert_link(&owned, Some(ada.id)).await.unwrap();
    insert(&*store, &nobodys).await;
    for (link, by) in [(&owned, Some(person)), (&nobodys, None)] {
        let owners: Vec<UserId> = by.iter().map(|person| person.id).collect();
        let expected = LinkVersion {
            number: 1,
            action: LinkAction::Created,
            at: link.created_at,
            by,
            before: None,
            after: snapshot(link, &owners, &[]),
        };
        let history = history(&*store, link).await;
        assert_eq!(history, [expected]);
        assert!(history[0].after.content.is_same_as(&link.content()));
    }
    let never = samples.link("never");
    assert_eq!(history(&*store, &never).await, []);
}

/// Asserts that the newest version of a link is that of `change`, and returns it.
async fn assert_newest(
    store: &dyn Store,
    link: &Link,
    change: &LinkUpdate,
    [before, after]: [&LinkSnapshot; 2],
) -> LinkVersion {
    let mut newest = store.link_versions(link.id, None, 1).await.unwrap();
    let newest = newest.pop().unwrap();
    let at = micros(change.at);
    assert_eq!(newest.number, link.version);
    assert_eq!((newest.at, link.updated_at), (at, at));
    assert!(newest.at.offset().is_utc());
    assert_eq!(newest.by.as_ref().map(|person| person.id), change.by);
    let was = newest.before.as_ref().unwrap();
    assert_eq!((was, &newest.after), (before, after));
    assert!(was.content.is_same_as(&before.content));
    assert!(newest.after.content.is_same_as(&after.content));
    newest
}

/// The history of a link records each change, its user, its time, and the state before and after.
pub async fn each_change_of_a_link_adds_to_its_history(factory: &dyn StoreFactory) {
    use LinkAction::{AccessChanged, Changed, Deleted, Restored};
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, bob, cem, eve] = add_users(&*store, &samples, ["ada", "bob", "cem", "eve"]).await;
    let mut link = samples.link("Wiki");
    store.insert_link(&link, Some(ada)).await.unwrap();
    let content = LinkContent {
        target: target("https://example.com/elsewhere"),
        ..recoded(&link, "wIKI")
    };
    let restored = recoded(&link, "Handbook");
    let steps: [(LinkEdit, LinkAction, &[UserId], &[UserId]); 10] = [
        (LinkEdit::Content(content), Changed, &[ada], &[]),
        (LinkEdit::Share(eve), AccessChanged, &[ada], &[eve]),
        (LinkEdit::Share(cem), AccessChanged, &[ada], &[cem, eve]),
        (
            LinkEdit::AddOwner(bob),
            AccessChanged,
            &[ada, bob],
            &[cem, eve],
        ),
        (
            LinkEdit::AddOwner(eve),
            AccessChanged,
            &[ada, bob, eve],
            &[cem],
        ),
        (
            LinkEdit::MakePrimary(bob),
            AccessChanged,
            &[bob, ada, eve],
            &[cem],
        ),
        (LinkEdit::Delete, Deleted, &[bob, ada, eve], &[cem]),
        (
            LinkEdit::Restore(restored),
            Restored,
            &[bob, ada, eve],
            &[cem],
        ),
        (
            LinkEdit::RemoveOwner(bob),
            AccessChanged,
            &[ada, eve],
            &[cem],
        ),
        (LinkEdit::Unshare(cem), AccessChanged, &[ada, eve], &[]),
    ];
    let mut before = snapshot(&link, &[ada], &[]);
    let who = [Some(eve), None, Some(ada)];
    for (step, (edit, action, owners, shares)) in steps.into_iter().enumerate() {
        let by = who[step % who.len()];
        let at = MOMENTS[step];
        let step = LinkUpdate {
            by,
            at: at + Duration::nanoseconds(999),
            ..change(&link, edit)
        };
        link = updated(&*store, &step).await;
        assert_same(&find_by_id(&*store, link.id).await, &link);
        let after = snapshot(&link, owners, shares);
        let newest = assert_newest(&*store, &link, &step, [&before, &after]).await;
        assert_eq!(newest.action, action);
        before = after;
    }
    // Earlier entries are unchanged: each version begins where the one before it ended.
    let history = history(&*store, &link).await;
    assert_eq!(numbers(&history), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    for pair in history.windows(2) {
        assert_eq!(pair[0].before.as_ref(), Some(&pair[1].after));
    }
}

/// A no-op update still creates a version, and changes nothing else.
pub async fn a_change_to_what_is_there_already_is_a_version(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, eve] = add_users(&*store, &samples, ["ada", "eve"]).await;
    let link = samples.link("wiki");
    store.insert_link(&link, Some(ada)).await.unwrap();
    let mut link = update(&*store, &link, LinkEdit::Share(eve)).await;
    let expected = snapshot(&link, &[ada], &[eve]);
    let stranger = samples.user("stranger@example.com").id;
    for edit in [
        LinkEdit::Content(link.content()),
        LinkEdit::AddOwner(ada),
        LinkEdit::MakePrimary(ada),
        LinkEdit::Share(ada),
        LinkEdit::Share(eve),
        LinkEdit::RemoveOwner(eve),
        LinkEdit::RemoveOwner(stranger),
        LinkEdit::Unshare(ada),
        LinkEdit::Unshare(stranger),
    ] {
        let number = link.version + 1;
        link = update(&*store, &link, edit.clone()).await;
        assert_eq!(link.version, number, "{edit:?}");
        let newest = store.link_versions(link.id, None, 1).await.unwrap();
        assert_eq!(numbers(&newest), [number], "{edit:?}");
        assert_eq!(newest[0].before.as_ref(), Some(&expected), "{edit:?}");
        assert_eq!(newest[0].after, expected, "{edit:?}");
    }
}

/// A history is read from its end, in steps of any size, separately for each link.
pub async fn versions_are_read_newest_first_below_a_number(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (link, other) = (samples.link("wiki"), samples.link("other"));
    for link in [&link, &other] {
        insert(&*store, link).await;
    }
    let mut changed = link.clone();
    let mut others = other.clone();
    for _ in 0..6 {
        changed = update(&*store, &changed, LinkEdit::Content(link.content())).await;
        others = update(&*store, &others, LinkEdit::Content(other.content())).await;
    }
    let read = async |before, limit| {
        let versions = store.link_versions(link.id, before, limit).await.unwrap();
        let own = |version: &LinkVersion| version.after.content == link.content();
        assert!(versions.iter().all(own));
        numbers(&versions)
    };
    assert_eq!(read(None, 100).await, [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(read(None, u32::MAX).await, [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(read(None, 3).await, [7, 6, 5]);
    assert_eq!(read(Some(5), 3).await, [4, 3, 2]);
    assert_eq!(read(Some(2), 3).await, [1]);
    assert_eq!(read(Some(100), 2).await, [7, 6]);
    assert_eq!(read(Some(u32::MAX), 2).await, [7, 6]);
    for nothing in [read(Some(1), 3), read(Some(0), 3), read(None, 0)] {
        assert_eq!(nothing.await, [0; 0]);
    }
}

/// Of a link that is changed all the time, the newest hundred versions are kept, the first, and the
/// last of each day before. Other links keep theirs.
pub async fn of_old_versions_one_a_day_is_kept(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (link, other) = (samples.link("wiki"), samples.link("other"));
    for link in [&link, &other] {
        insert(&*store, link).await;
    }
    update(&*store, &other, LinkEdit::Content(other.content())).await;
    let mut changed = link.clone();
    // Version 1 is of the day of the link; versions 2 to 11 of the day of `LATER`, 12 to 21 of the
    // next one, and so on.
    for number in 2..=125_u32 {
        let days = i64::from((number - 2) / 10);
        let step = LinkUpdate {
            at: LATER + Duration::days(days) + Duration::minutes(i64::from(number)),
            ..change(&changed, LinkEdit::Content(link.content()))
        };
        changed = updated(&*store, &step).await;
    }
    let versions = history(&*store, &link).await;
    let mut expected: Vec<u32> = (26..=125).rev().collect();
    // Version 25 is not the last of its day.
    expected.extend([21, 11, 1]);
    assert_eq!(numbers(&versions), expected);
    assert_eq!(numbers(&history(&*store, &other).await), [2, 1]);
    // A list goes on below a gap.
    let below = store.link_versions(link.id, Some(26), 2).await.unwrap();
    assert_eq!(numbers(&below), [21, 11]);
    assert_eq!(find_by_id(&*store, link.id).await.version, 125);
}

/// A change of an outdated version is reported and changes nothing.
pub async fn a_change_of_another_version_or_of_no_link_changes_nothing(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, eve] = add_users(&*store, &samples, ["ada", "eve"]).await;
    let link = samples.link("wiki");
    store.insert_link(&link, Some(ada)).await.unwrap();
    let link = rename(&*store, &link, "handbook").await;
    let link = update(&*store, &link, LinkEdit::Content(link.content())).await;
    let seq = store.last_change().await.unwrap();
    let kept = history(&*store, &link).await;
    let missing = samples.link("missing");
    for edit in [
        LinkEdit::Content(recoded(&link, "new")),
        LinkEdit::Delete,
        LinkEdit::Restore(recoded(&link, "new")),
        LinkEdit::AddOwner(eve),
        LinkEdit::MakePrimary(eve),
        LinkEdit::RemoveOwner(ada),
        LinkEdit::Share(eve),
        LinkEdit::Unshare(eve),
    ] {
        for version in [0, 1, 2, 4, u32::MAX] {
            let stale = LinkUpdate {
                version,
                ..change(&link, edit.clone())
            };
            let ended = store.update_link(&stale).await.unwrap();
            assert_eq!(ended, Updated::Stale, "{stale:?}");
        }
        let gone = change(&missing, edit.clone());
        let ended = store.update_link(&gone).await.unwrap();
        assert_eq!(ended, Updated::Missing, "{gone:?}");
    }
    assert_same(&find_by_id(&*store, link.id).await, &link);
    assert_eq!(history(&*store, &link).await, kept);
    assert_eq!(store.last_change().await.unwrap(), seq);
    assert_eq!(store.codes_of_link(link.id).await.unwrap().len(), 2);
    assert_eq!(store.shares_of_link(link.id).await.unwrap(), []);
    // The requested code is still available.
    insert(&*store, &samples.link("new")).await;
}

/// The changes of a deleted user stay in the history, without the user. Other users are shown with
/// their present names.
pub async fn the_history_forgets_who_a_deleted_user_was(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, eve] = add_users(&*store, &samples, ["ada", "eve"]).await;
    let link = samples.link("wiki");
    store.insert_link(&link, Some(ada)).await.unwrap();
    let by = |by: UserId, link: &Link, edit| LinkUpdate {
        by: Some(by),
        ..change(link, edit)
    };
    let link = updated(&*store, &by(eve, &link, LinkEdit::Share(eve))).await;
    let link = updated(&*store, &by(ada, &link, LinkEdit::MakePrimary(eve))).await;
    let link = updated(&*store, &by(eve, &link, LinkEdit::RemoveOwner(ada))).await;
    let before = history(&*store, &link).await;
    assert!(store.delete_user(ada).await.unwrap());
    let renamed = waypost_store::UserChange {
        display_name: Some(DisplayName::parse("Eve").unwrap()),
        ..waypost_store::UserChange::default()
    };
    store.change_user(eve, &renamed).await.unwrap();
    let history = history(&*store, &link).await;
    let name = |version: &LinkVersion| {
        let by = version.by.as_ref();
        by.map(|by| by.display_name.as_str().to_owned())
    };
    let names: Vec<_> = history.iter().map(name).collect();
    let eve = Some("Eve".to_owned());
    assert_eq!(names, [eve.clone(), None, eve, None]);
    for (version, before) in history.into_iter().zip(before) {
        let expected = LinkVersion {
            by: version.by.clone(),
            ..before
        };
        assert_eq!(version, expected);
    }
}

/// The history of a permanently deleted link does not belong to the next link with its ID.
pub async fn the_history_of_a_link_goes_with_it(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let link = Samples::new(1).link("wiki");
    insert(&*store, &link).await;
    rename(&*store, &link, "handbook").await;
    assert!(store.delete_link(link.id).await.unwrap());
    assert_eq!(history(&*store, &link).await, []);
    insert(&*store, &link).await;
    assert_eq!(numbers(&history(&*store, &link).await), [1]);
}

/// Of many concurrent changes of the same version one succeeds, and the others learn that they are
/// late.
pub async fn one_of_many_concurrent_changes_of_a_version_wins(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let eve = add_user(&*store, &samples, "eve").await;
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let answers = at_once(16, |number| {
        let (store, link) = (store.clone(), link.clone());
        let edit = match number % 4 {
            0 => LinkEdit::Content(recoded(&link, &format!("code-{number}"))),
            1 => LinkEdit::Share(eve),
            2 => LinkEdit::MakePrimary(eve),
            _ => LinkEdit::Delete,
        };
        async move { store.update_link(&change(&link, edit)).await.unwrap() }
    })
    .await;
    let mut winners = Vec::new();
    for answer in answers {
        match answer {
            Updated::Done(link) => winners.push(link),
            Updated::Stale => {}
            Updated::Missing => panic!("it is there"),
        }
    }
    let [winner] = &winners[..] else {
        panic!("{} of 16 changes were made", winners.len());
    };
    assert_eq!(winner.version, 2);
    assert_same(&find_by_id(&*store, link.id).await, winner);
    assert_eq!(numbers(&history(&*store, &link).await), [2, 1]);
}

/// Late changes that are tried again on the new version all succeed in the end: none is lost.
pub async fn changes_that_are_tried_again_are_all_made(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let link = Samples::new(1).link("wiki");
    insert(&*store, &link).await;
    at_once(8, |number| {
        let (store, id) = (store.clone(), link.id);
        async move {
            loop {
                let link = find_by_id(&*store, id).await;
                let step = LinkUpdate {
                    at: at(number),
                    ..change(&link, LinkEdit::Content(link.content()))
                };
                match store.update_link(&step).await.unwrap() {
                    Updated::Done(_) => break,
                    Updated::Stale => {}
                    Updated::Missing => panic!("it is there"),
                }
            }
        }
    })
    .await;
    let history = history(&*store, &link).await;
    assert_eq!(numbers(&history), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    let mut times: Vec<_> = history.iter().map(|version| version.at).collect();
    assert_eq!(find_by_id(&*store, link.id).await.updated_at, times[0]);
    times.pop();
    times.sort();
    let expected: Vec<_> = (0..8).map(at).collect();
    assert_eq!(times, expected);
}

/// The time at which the task of a number changes a link.
fn at(number: usize) -> OffsetDateTime {
    LATER + Duration::seconds(i64::try_from(number).unwrap())
}
