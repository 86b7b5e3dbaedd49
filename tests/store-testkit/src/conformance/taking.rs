//! Cases of [`AccessStore`](waypost_store::AccessStore): links that are taken from an owner who
//! leaves.

use waypost_core::{Link, LinkAction, LinkId, UserId};
use waypost_store::{Heir, LinkEdit, LinkUpdate, Store, StoreError, Transfer};

use super::concurrency::at_once;
use super::owners::{owners_of, shares_of};
use super::{LATER, StoreFactory, add_users, assert_same, find_by_id, update};
use crate::samples::{FAR_FUTURE, START, Samples};

const BY_NOBODY: Transfer = Transfer {
    by: None,
    at: LATER,
};

/// The links of a user who leaves: [`ada`](Self::ada).
struct Estate {
    ada: UserId,
    bob: UserId,
    cem: UserId,
    eve: UserId,
    /// Owned by her alone, shared with Eve.
    alone: Link,
    /// Owned by her first, and then by Bob and Cem.
    first: Link,
    /// Owned by Bob first, and then by her and Cem.
    second: Link,
    /// Owned by her alone, deleted.
    deleted: Link,
    /// Owned by her first, and then by Bob; deleted.
    deleted_first: Link,
    /// Owned by Bob.
    bobs: Link,
    /// Without an owner.
    nobodys: Link,
}

impl Estate {
    async fn new(store: &dyn Store) -> Self {
        let samples = Samples::new(1);
        let [ada, bob, cem, eve] = add_users(store, &samples, ["ada", "bob", "cem", "eve"]).await;
        let made = async |code, owners: &[UserId], edits: Vec<LinkEdit>| {
            let link = samples.link(code);
            store
                .insert_link(&link, owners.first().copied())
                .await
                .unwrap();
            let others = owners.iter().skip(1);
            let mut link = link;
            for edit in others.map(|owner| LinkEdit::AddOwner(*owner)).chain(edits) {
                link = update(store, &link, edit).await;
            }
            link
        };
        Self {
            alone: made("alone", &[ada], vec![LinkEdit::Share(eve)]).await,
            first: made("first", &[ada, bob, cem], vec![]).await,
            second: made("second", &[bob, ada, cem], vec![]).await,
            deleted: made("deleted", &[ada], vec![LinkEdit::Delete]).await,
            deleted_first: made("deleted-first", &[ada, bob], vec![LinkEdit::Delete]).await,
            bobs: made("bobs", &[bob], vec![]).await,
            nobodys: made("nobodys", &[], vec![]).await,
            ada,
            bob,
            cem,
            eve,
        }
    }

    /// Asserts that the links that she does not own are unchanged.
    async fn assert_others_untouched(&self, store: &dyn Store) {
        for link in [&self.bobs, &self.nobodys] {
            assert_same(&find_by_id(store, link.id).await, link);
        }
        assert_eq!(owners_of(store, self.bobs.id).await, [self.bob]);
        assert_eq!(owners_of(store, self.nobodys.id).await, []);
    }

    /// Asserts that a link has new versions, all of this transfer, which lead from its former state
    /// to the present one.
    async fn assert_history(&self, store: &dyn Store, was: &Link, transfer: Transfer) -> Link {
        let link = find_by_id(store, was.id).await;
        assert!(link.version > was.version);
        assert_eq!(link.updated_at, transfer.at);
        let versions = store.link_versions(was.id, None, 100).await.unwrap();
        assert_eq!(versions[0].number, link.version);
        let newer = versions
            .iter()
            .filter(|version| version.number > was.version);
        for version in newer.clone() {
            assert_eq!(version.at, transfer.at);
            assert_eq!(version.by.as_ref().map(|by| by.id), transfer.by);
        }
        let deleted = newer
            .clone()
            .any(|version| version.action == LinkAction::Deleted);
        assert_eq!(deleted, link.is_deleted() && !was.is_deleted());
        for pair in versions.windows(2) {
            assert_eq!(pair[0].before.as_ref(), Some(&pair[1].after));
        }
        let now = &versions[0].after;
        assert_eq!(now.content, link.content());
        assert_eq!(now.owners, owners_of(store, was.id).await);
        assert_eq!(now.shares, shares_of(store, was.id).await);
        assert_eq!(now.deleted, link.is_deleted());
        link
    }

    /// Returns all links that she owns.
    const fn hers(&self) -> [&Link; 5] {
        let Self {
            alone,
            first,
            second,
            deleted,
            deleted_first,
            ..
        } = self;
        [alone, first, second, deleted, deleted_first]
    }
}

/// The heir gets the links of which the user was the primary owner, deleted ones too; other links
/// stay with their other owners.
pub async fn links_are_given_to_who_follows_their_owner(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let estate = Estate::new(&*store).await;
    let Estate {
        ada, bob, cem, eve, ..
    } = estate;
    let transfer = Transfer {
        by: Some(cem),
        at: START,
    };
    let to = Heir::User(eve);
    let taken = store.take_links(ada, to, 100, transfer).await;
    assert_eq!(taken.unwrap(), 5);
    let expected: [&[UserId]; 5] = [&[eve], &[eve, bob, cem], &[bob, cem], &[eve], &[eve, bob]];
    for (was, owners) in estate.hers().into_iter().zip(expected) {
        let link = estate.assert_history(&*store, was, transfer).await;
        assert_eq!(owners_of(&*store, was.id).await, owners, "{}", was.code);
        let expected = Link {
            version: link.version,
            updated_at: START,
            ..was.clone()
        };
        assert_same(&link, &expected);
    }
    // An owner needs no share.
    assert_eq!(shares_of(&*store, estate.alone.id).await, []);
    estate.assert_others_untouched(&*store).await;
    assert_eq!(store.take_links(ada, to, 100, transfer).await.unwrap(), 0);
    assert!(store.delete_user(ada).await.unwrap());
}

/// The heir may already own some of the links.
pub async fn a_co_owner_becomes_the_primary_one_when_links_are_given_to_them(
    factory: &dyn StoreFactory,
) {
    let store = factory.empty_store().await;
    let estate = Estate::new(&*store).await;
    let Estate { ada, bob, cem, .. } = estate;
    let taken = store.take_links(ada, Heir::User(cem), 100, BY_NOBODY);
    assert_eq!(taken.await.unwrap(), 5);
    let expected: [&[UserId]; 5] = [&[cem], &[cem, bob], &[bob, cem], &[cem], &[cem, bob]];
    for (was, owners) in estate.hers().into_iter().zip(expected) {
        estate.assert_history(&*store, was, BY_NOBODY).await;
        assert_eq!(owners_of(&*store, was.id).await, owners, "{}", was.code);
    }
    estate.assert_others_untouched(&*store).await;
}

/// Links without an heir are deleted and can be restored; those with other owners stay with them.
pub async fn links_that_nobody_gets_are_deleted_unless_others_own_them(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let estate = Estate::new(&*store).await;
    let Estate {
        ada, bob, cem, eve, ..
    } = estate;
    let transfer = Transfer {
        by: Some(bob),
        at: FAR_FUTURE,
    };
    let taken = store.take_links(ada, Heir::Nobody, 100, transfer).await;
    assert_eq!(taken.unwrap(), 5);
    let expected: [&[UserId]; 5] = [&[], &[bob, cem], &[bob, cem], &[], &[bob]];
    for (was, owners) in estate.hers().into_iter().zip(expected) {
        let link = estate.assert_history(&*store, was, transfer).await;
        assert_eq!(owners_of(&*store, was.id).await, owners, "{}", was.code);
        // A link that was deleted before keeps its time of deletion, so it is not kept longer.
        let deleted_at = if was.id == estate.alone.id {
            Some(FAR_FUTURE)
        } else {
            was.deleted_at
        };
        assert_eq!(link.deleted_at, deleted_at, "{}", was.code);
    }
    estate.assert_others_untouched(&*store).await;
    assert!(store.delete_user(ada).await.unwrap());
    assert_eq!(shares_of(&*store, estate.alone.id).await, [eve]);
    let alone = find_by_id(&*store, estate.alone.id).await;
    let restored = update(&*store, &alone, LinkEdit::Restore(alone.content())).await;
    assert_eq!(owners_of(&*store, restored.id).await, []);
    let purged = store.purge_deleted_links(FAR_FUTURE, 100).await;
    assert_eq!(purged.unwrap(), 2);
}

/// Many links are taken in steps, each of which returns how many it took.
pub async fn links_are_taken_within_a_limit_until_none_is_left(factory: &dyn StoreFactory) {
    for give in [true, false] {
        let store = factory.empty_store().await;
        let samples = Samples::new(1);
        let [ada, bob] = add_users(&*store, &samples, ["ada", "bob"]).await;
        let to = if give { Heir::User(bob) } else { Heir::Nobody };
        let links = samples.links(7);
        for link in &links {
            store.insert_link(link, Some(ada)).await.unwrap();
        }
        let take = async |limit| store.take_links(ada, to, limit, BY_NOBODY).await.unwrap();
        let hers = async || {
            let ids: Vec<LinkId> = links.iter().map(|link| link.id).collect();
            let owners = store.owners_of_links(&ids).await.unwrap();
            let all = owners.values().flatten();
            all.filter(|owner| owner.person.id == ada).count()
        };
        assert_eq!((take(0).await, hers().await), (0, 7));
        assert_eq!((take(3).await, hers().await), (3, 4));
        assert_eq!((take(1).await, hers().await), (1, 3));
        let answer = store.delete_user(ada).await;
        assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
        assert_eq!((take(u32::MAX).await, hers().await), (3, 0));
        assert_eq!(take(3).await, 0);
        let left = if give { 7 } else { 0 };
        assert_eq!(store.counts().await.unwrap().links, left);
        let deleted = store.deleted_links_before(FAR_FUTURE).await;
        assert_eq!(deleted.unwrap(), 7 - left);
    }
}

/// Nothing is taken from a user without links, nor given to a user who does not exist.
pub async fn links_are_not_given_to_an_unknown_user(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let estate = Estate::new(&*store).await;
    let Estate { ada, cem, eve, .. } = estate;
    let nobody = Samples::new(2).user("nobody@example.com").id;
    for from in [ada, eve, nobody] {
        let to = Heir::User(nobody);
        let answer = store.take_links(from, to, 100, BY_NOBODY).await;
        assert!(matches!(answer, Err(StoreError::NotFound)), "{answer:?}");
    }
    for from in [eve, nobody] {
        for to in [Heir::User(cem), Heir::Nobody] {
            let taken = store.take_links(from, to, 100, BY_NOBODY).await;
            assert_eq!(taken.unwrap(), 0);
        }
    }
    for link in estate.hers() {
        assert_same(&find_by_id(&*store, link.id).await, link);
        assert!(owners_of(&*store, link.id).await.contains(&ada));
    }
    estate.assert_others_untouched(&*store).await;
}

/// A transfer is a change of the link, for caches by any of its codes.
pub async fn taken_links_are_in_the_change_feed(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let estate = Estate::new(&*store).await;
    let seq = store.last_change().await.unwrap();
    let taken = store.take_links(estate.ada, Heir::Nobody, 100, BY_NOBODY);
    assert_eq!(taken.await.unwrap(), 5);
    let changes = store.changes_after(seq, 100).await.unwrap();
    let mut codes: Vec<&str> = changes
        .iter()
        .filter_map(|change| change.code.as_ref())
        .map(waypost_core::ShortCode::as_str)
        .collect();
    codes.sort_unstable();
    codes.dedup();
    let mut expected = estate.hers().map(|link| link.code.as_str());
    expected.sort_unstable();
    assert_eq!(codes, expected);
}

/// Concurrent calls take each link of a user once, while the owners change meanwhile.
pub async fn links_taken_by_many_at_once_are_taken_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, bob, eve] = add_users(&*store, &samples, ["ada", "bob", "eve"]).await;
    let links = samples.links(12);
    for link in &links {
        store.insert_link(link, Some(ada)).await.unwrap();
    }
    at_once(8, |number| {
        let (store, links) = (store.clone(), links.clone());
        async move {
            if number < 2 {
                // A concurrent change of the links comes before or after.
                for link in links {
                    loop {
                        let link = find_by_id(&*store, link.id).await;
                        let share = LinkUpdate {
                            at: START,
                            ..super::change(&link, LinkEdit::Share(eve))
                        };
                        match store.update_link(&share).await.unwrap() {
                            waypost_store::Updated::Stale => {}
                            _ => break,
                        }
                    }
                }
                return;
            }
            while store
                .take_links(ada, Heir::User(bob), 3, BY_NOBODY)
                .await
                .unwrap()
                > 0
            {}
        }
    })
    .await;
    for link in &links {
        assert_eq!(owners_of(&*store, link.id).await, [bob]);
        assert_eq!(shares_of(&*store, link.id).await, [eve]);
        let versions = store.link_versions(link.id, None, 100).await.unwrap();
        assert_eq!(
            versions[0].number,
            find_by_id(&*store, link.id).await.version
        );
        let took = versions.iter().filter(|version| {
            let before = version.before.as_ref();
            before.is_some_and(|before| before.owners.contains(&ada))
                && !version.after.owners.contains(&ada)
        });
        assert_eq!(took.count(), 1);
    }
}
