//! Cases of [`AccessStore`](waypost_store::AccessStore): the owners of links, and the users they
//! are shared with. Taking links from their owners is in `taking.rs`.

use waypost_core::{DisplayName, Email, Link, LinkId, Standing, User, UserId};
use waypost_store::{LinkEdit, Store, StoreError, Updated, UserChange};

use super::concurrency::at_once;
use super::{
    StoreFactory, add_users, assert_same, change, find_by_id, insert, insert_all, rename, update,
};
use crate::samples::Samples;

/// Returns the owners of a link, the primary one first. Asserts that only that one is marked.
pub(super) async fn owners_of(store: &dyn Store, id: LinkId) -> Vec<UserId> {
    let mut owners = store.owners_of_links(&[id]).await.unwrap();
    let owners = owners.remove(&id).unwrap_or_default();
    for (place, owner) in owners.iter().enumerate() {
        assert_eq!(owner.is_primary, place == 0, "{owners:?}");
    }
    owners.iter().map(|owner| owner.person.id).collect()
}

/// Returns the users a link is shared with.
pub(super) async fn shares_of(store: &dyn Store, id: LinkId) -> Vec<UserId> {
    let shares = store.shares_of_link(id).await.unwrap();
    shares.iter().map(|person| person.id).collect()
}

/// Asserts the owners and shares of a link, in every way in which a store reports them.
async fn assert_access(store: &dyn Store, link: &Link, owners: &[UserId], shares: &[UserId]) {
    let mut shares = shares.to_vec();
    shares.sort();
    assert_eq!(owners_of(store, link.id).await, owners);
    assert_eq!(shares_of(store, link.id).await, shares);
    for (place, owner) in owners.iter().enumerate() {
        let expected = match place {
            0 => Standing::PrimaryOwner,
            _ => Standing::CoOwner,
        };
        assert_eq!(store.standing(link.id, *owner).await.unwrap(), expected);
    }
    for user in &shares {
        let standing = store.standing(link.id, *user).await.unwrap();
        assert_eq!(standing, Standing::Recipient);
    }
    let versions = store.link_versions(link.id, None, 1).await.unwrap();
    assert_eq!(versions[0].after.owners, owners);
    assert_eq!(versions[0].after.shares, shares);
}

/// The creator of a link owns it; a link created without a user has no owner.
pub async fn a_link_belongs_to_who_made_it_or_to_nobody(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, eve] = add_users(&*store, &samples, ["ada", "eve"]).await;
    let [hers, nobodys] = ["hers", "nobodys"].map(|text| samples.link(text));
    store.insert_link(&hers, Some(ada)).await.unwrap();
    insert(&*store, &nobodys).await;
    assert_access(&*store, &hers, &[ada], &[]).await;
    assert_access(&*store, &nobodys, &[], &[]).await;
    for (link, user) in [(&hers, eve), (&nobodys, ada), (&nobodys, eve)] {
        let standing = store.standing(link.id, user).await.unwrap();
        assert_eq!(standing, Standing::Stranger);
    }
}

/// A link for a user who does not exist is not created.
pub async fn a_link_of_an_unknown_owner_is_not_inserted(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let nobody = samples.user("nobody@example.com").id;
    let link = samples.link("wiki");
    let answer = store.insert_link(&link, Some(nobody)).await;
    assert!(matches!(answer, Err(StoreError::NotFound)), "{answer:?}");
    assert_eq!(store.link(link.id).await.unwrap(), None);
    assert_eq!(store.counts().await.unwrap().links, 0);
    assert_eq!(store.last_change().await.unwrap(), 0);
    insert(&*store, &link).await;
}

/// Owners are added one after the other; the first one is the primary one.
pub async fn owners_are_added_behind_those_who_are_there(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    // Added in another order than that of their IDs.
    let [ada, bob, cem] = add_users(&*store, &samples, ["ada", "bob", "cem"]).await;
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let mut link = link;
    let steps: [(UserId, &[UserId]); 5] = [
        (cem, &[cem]),
        (ada, &[cem, ada]),
        (bob, &[cem, ada, bob]),
        // A user who is already an owner keeps their place.
        (ada, &[cem, ada, bob]),
        (cem, &[cem, ada, bob]),
    ];
    for (user, owners) in steps {
        link = update(&*store, &link, LinkEdit::AddOwner(user)).await;
        assert_access(&*store, &link, owners, &[]).await;
    }
}

/// The primary owner can be replaced, and still owns the link. The others stay in the order in
/// which they were added.
pub async fn the_primary_owner_is_who_is_made_it(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, bob, cem, eve] = add_users(&*store, &samples, ["ada", "bob", "cem", "eve"]).await;
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let mut link = link;
    let steps: [(LinkEdit, &[UserId]); 9] = [
        (LinkEdit::MakePrimary(ada), &[ada]),
        (LinkEdit::MakePrimary(ada), &[ada]),
        (LinkEdit::AddOwner(bob), &[ada, bob]),
        (LinkEdit::MakePrimary(cem), &[cem, ada, bob]),
        (LinkEdit::MakePrimary(bob), &[bob, ada, cem]),
        (LinkEdit::AddOwner(eve), &[bob, ada, cem, eve]),
        (LinkEdit::MakePrimary(eve), &[eve, ada, bob, cem]),
        (LinkEdit::MakePrimary(ada), &[ada, bob, cem, eve]),
        (LinkEdit::MakePrimary(cem), &[cem, ada, bob, eve]),
    ];
    for (edit, owners) in steps {
        link = update(&*store, &link, edit).await;
        assert_access(&*store, &link, owners, &[]).await;
    }
}

/// When the primary owner is removed, the owner who was added first follows; removing the last one
/// leaves a link without an owner.
pub async fn the_oldest_owner_follows_the_primary_one(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, bob, cem, eve] = add_users(&*store, &samples, ["ada", "bob", "cem", "eve"]).await;
    let link = samples.link("wiki");
    store.insert_link(&link, Some(eve)).await.unwrap();
    let mut link = link;
    let steps: [(LinkEdit, &[UserId]); 11] = [
        (LinkEdit::AddOwner(cem), &[eve, cem]),
        (LinkEdit::AddOwner(ada), &[eve, cem, ada]),
        (LinkEdit::MakePrimary(bob), &[bob, eve, cem, ada]),
        (LinkEdit::RemoveOwner(cem), &[bob, eve, ada]),
        (LinkEdit::RemoveOwner(cem), &[bob, eve, ada]),
        // A user who is added again comes last.
        (LinkEdit::AddOwner(cem), &[bob, eve, ada, cem]),
        (LinkEdit::RemoveOwner(bob), &[eve, ada, cem]),
        (LinkEdit::RemoveOwner(eve), &[ada, cem]),
        (LinkEdit::RemoveOwner(ada), &[cem]),
        (LinkEdit::RemoveOwner(cem), &[]),
        (LinkEdit::AddOwner(bob), &[bob]),
    ];
    for (edit, owners) in steps {
        link = update(&*store, &link, edit).await;
        assert_access(&*store, &link, owners, &[]).await;
    }
}

/// A link is shared with users who do not own it, once each, until the share is removed.
pub async fn a_link_is_shared_with_those_who_do_not_own_it(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, bob, cem, eve] = add_users(&*store, &samples, ["ada", "bob", "cem", "eve"]).await;
    let link = samples.link("wiki");
    store.insert_link(&link, Some(ada)).await.unwrap();
    let mut link = link;
    let steps: [(LinkEdit, &[UserId], &[UserId]); 12] = [
        (LinkEdit::Share(eve), &[ada], &[eve]),
        (LinkEdit::Share(bob), &[ada], &[bob, eve]),
        (LinkEdit::Share(bob), &[ada], &[bob, eve]),
        (LinkEdit::Share(ada), &[ada], &[bob, eve]),
        (LinkEdit::Unshare(ada), &[ada], &[bob, eve]),
        (LinkEdit::Unshare(cem), &[ada], &[bob, eve]),
        (LinkEdit::RemoveOwner(eve), &[ada], &[bob, eve]),
        // A user who becomes an owner loses the share, and does not get it back when they are
        // removed.
        (LinkEdit::AddOwner(eve), &[ada, eve], &[bob]),
        (LinkEdit::MakePrimary(bob), &[bob, ada, eve], &[]),
        (LinkEdit::Share(eve), &[bob, ada, eve], &[]),
        (LinkEdit::RemoveOwner(bob), &[ada, eve], &[]),
        (LinkEdit::Share(bob), &[ada, eve], &[bob]),
    ];
    for (edit, owners, shares) in steps {
        link = update(&*store, &link, edit).await;
        assert_access(&*store, &link, owners, shares).await;
    }
    let link = update(&*store, &link, LinkEdit::Unshare(bob)).await;
    assert_access(&*store, &link, &[ada, eve], &[]).await;
    let standing = store.standing(link.id, bob).await.unwrap();
    assert_eq!(standing, Standing::Stranger);
}

/// A link cannot be given to or shared with a user who does not exist.
pub async fn a_link_is_not_given_to_nor_shared_with_an_unknown_user(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada] = add_users(&*store, &samples, ["ada"]).await;
    let nobody = samples.user("nobody@example.com").id;
    let link = samples.link("wiki");
    store.insert_link(&link, Some(ada)).await.unwrap();
    let seq = store.last_change().await.unwrap();
    for edit in [
        LinkEdit::AddOwner(nobody),
        LinkEdit::MakePrimary(nobody),
        LinkEdit::Share(nobody),
    ] {
        let answer = store.update_link(&change(&link, edit)).await;
        assert!(matches!(answer, Err(StoreError::NotFound)), "{answer:?}");
        assert_same(&find_by_id(&*store, link.id).await, &link);
        assert_access(&*store, &link, &[ada], &[]).await;
    }
    let versions = store.link_versions(link.id, None, 9).await.unwrap();
    assert_eq!(versions.len(), 1);
    assert_eq!(store.last_change().await.unwrap(), seq);
}

/// Owners are returned for each of the requested links.
pub async fn owners_are_told_link_by_link(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let ada = samples.user("ada@example.com");
    let eve = User {
        display_name: DisplayName::parse("Eve ‘Größe’ 🧭").unwrap(),
        ..samples.user("eve@example.com")
    };
    for user in [&ada, &eve] {
        store.insert_user(user, None).await.unwrap();
    }
    let links = samples.links(100);
    for (number, link) in links.iter().enumerate() {
        let owner = [Some(ada.id), None, Some(eve.id), Some(eve.id)][number % 4];
        store.insert_link(link, owner).await.unwrap();
        if number % 4 == 3 {
            update(&*store, link, LinkEdit::AddOwner(ada.id)).await;
        }
    }
    let never = samples.link("never");
    let asked: Vec<LinkId> = links.iter().chain([&never]).map(|link| link.id).collect();
    let owners = store.owners_of_links(&asked).await.unwrap();
    assert_eq!(owners.len(), 75);
    for (number, id) in asked.iter().enumerate() {
        let of_link = owners.get(id).map_or(&[][..], Vec::as_slice);
        let told: Vec<_> = of_link
            .iter()
            .map(|owner| (owner.person.display_name.as_str(), owner.is_primary))
            .collect();
        let name = eve.display_name.as_str();
        let expected = match number % 4 {
            _ if *id == never.id => vec![],
            0 => vec![("", true)],
            1 => vec![],
            2 => vec![(name, true)],
            _ => vec![(name, true), ("", false)],
        };
        assert_eq!(told, expected, "{number}");
    }
    let few = store.owners_of_links(&asked[..4]).await.unwrap();
    assert_eq!(few.len(), 3);
    assert!(store.owners_of_links(&[]).await.unwrap().is_empty());
    // They are returned with their present names.
    let change = UserChange {
        email: Some(Email::parse("ada@example.org").unwrap()),
        ..UserChange::default()
    };
    store.change_user(ada.id, &change).await.unwrap();
    let owners = store.owners_of_links(&asked[..1]).await.unwrap();
    assert_eq!(
        owners[&asked[0]][0].person.email.as_str(),
        "ada@example.org"
    );
}

/// Access belongs to a link, whatever its code and whether it is deleted or not.
pub async fn renaming_and_deleting_a_link_leave_its_owners(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, bob, eve] = add_users(&*store, &samples, ["ada", "bob", "eve"]).await;
    let link = samples.link("wiki");
    store.insert_link(&link, Some(ada)).await.unwrap();
    let link = update(&*store, &link, LinkEdit::AddOwner(bob)).await;
    let link = update(&*store, &link, LinkEdit::Share(eve)).await;
    let link = rename(&*store, &link, "handbook").await;
    assert_access(&*store, &link, &[ada, bob], &[eve]).await;
    let link = update(&*store, &link, LinkEdit::Delete).await;
    assert_access(&*store, &link, &[ada, bob], &[eve]).await;
    let link = update(&*store, &link, LinkEdit::Restore(link.content())).await;
    assert_access(&*store, &link, &[ada, bob], &[eve]).await;
}

/// Strangers are all others: to a link of others, to a missing link, and users who do not exist.
pub async fn who_has_nothing_to_do_with_a_link_is_a_stranger(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, eve] = add_users(&*store, &samples, ["ada", "eve"]).await;
    let [link, other] = ["wiki", "other"].map(|text| samples.link(text));
    store.insert_link(&link, Some(ada)).await.unwrap();
    store.insert_link(&other, Some(eve)).await.unwrap();
    let nobody = samples.user("nobody@example.com").id;
    let never = samples.link("never").id;
    for (link, user) in [
        (link.id, eve),
        (other.id, ada),
        (link.id, nobody),
        (never, ada),
        (never, nobody),
    ] {
        let standing = store.standing(link, user).await.unwrap();
        assert_eq!(standing, Standing::Stranger);
    }
    assert_eq!(store.shares_of_link(never).await.unwrap(), []);
    assert!(store.delete_link(link.id).await.unwrap());
    let standing = store.standing(link.id, ada).await.unwrap();
    assert_eq!(standing, Standing::Stranger);
}

/// A user who owns links cannot be deleted, even if the links have other owners or are deleted; a
/// user with shares can, and the shares are removed.
pub async fn a_user_is_deleted_when_they_own_nothing(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, bob, eve] = add_users(&*store, &samples, ["ada", "bob", "eve"]).await;
    let link = samples.link("wiki");
    store.insert_link(&link, Some(ada)).await.unwrap();
    let mut link = link;
    for edit in [
        LinkEdit::AddOwner(bob),
        LinkEdit::Share(eve),
        LinkEdit::Delete,
    ] {
        link = update(&*store, &link, edit).await;
        for owner in [ada, bob] {
            if owners_of(&*store, link.id).await.contains(&owner) {
                let answer = store.delete_user(owner).await;
                assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
                assert!(store.user(owner).await.unwrap().is_some());
            }
        }
    }
    assert_access(&*store, &link, &[ada, bob], &[eve]).await;
    assert!(store.delete_user(eve).await.unwrap());
    assert_eq!(shares_of(&*store, link.id).await, []);
    assert_eq!(owners_of(&*store, link.id).await, [ada, bob]);
    assert_same(&find_by_id(&*store, link.id).await, &link);

    let link = update(&*store, &link, LinkEdit::RemoveOwner(bob)).await;
    assert!(store.delete_user(bob).await.unwrap());
    assert!(store.delete_link(link.id).await.unwrap());
    assert!(store.delete_user(ada).await.unwrap());
    assert_eq!(store.counts().await.unwrap().users, 0);
}

/// A user who is deleted while a link is given to them owns it and stays, or is gone and does not
/// own it.
pub async fn nobody_is_deleted_while_they_become_an_owner(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let users = add_users(&*store, &samples, names).await;
    let links = samples.links(8);
    insert_all(&*store, &links).await;
    let done = at_once(16, |number| {
        let (store, user, link) = (store.clone(), users[number / 2], links[number / 2].clone());
        async move {
            if number % 2 == 0 {
                return match store.delete_user(user).await {
                    Ok(deleted) => deleted,
                    Err(StoreError::Conflict) => false,
                    Err(error) => panic!("{error:?}"),
                };
            }
            let give = change(&link, LinkEdit::MakePrimary(user));
            match store.update_link(&give).await {
                Ok(Updated::Done(_)) => true,
                Err(StoreError::NotFound) => false,
                ended => panic!("{ended:?}"),
            }
        }
    })
    .await;
    for (number, pair) in done.chunks(2).enumerate() {
        let (user, link) = (users[number], &links[number]);
        assert_ne!(pair[0], pair[1], "one of the two happened");
        let exists = store.user(user).await.unwrap().is_some();
        assert_eq!(exists, pair[1]);
        let owners = owners_of(&*store, link.id).await;
        assert_eq!(owners.contains(&user), exists);
        let version = find_by_id(&*store, link.id).await.version;
        assert_eq!(version, if exists { 2 } else { 1 });
    }
}
