//! Cases of [`AccessStore`](waypost_store::AccessStore): invitations of email addresses to links.

use InvitedAs::{Owner, PrimaryOwner, Viewer};
use waypost_core::{Email, InvitedAs, Link, LinkId, Standing, User, UserId};
use waypost_store::{LinkEdit, LinkUpdate, Store, Updated, UserChange};

use super::owners::{owners_of, shares_of};
use super::users::insert_user;
use super::{StoreFactory, add_users, insert, update};
use crate::samples::{START, Samples};

fn email(name: &str) -> Email {
    Email::parse(&format!("{name}@example.com")).unwrap()
}

/// Changes a link as one of its owners.
async fn by(store: &dyn Store, user: UserId, link: &Link, edit: LinkEdit) -> Link {
    let update = LinkUpdate {
        link: link.id,
        version: link.version,
        by: Some(user),
        at: START,
        edit,
    };
    match store.update_link(&update).await.unwrap() {
        Updated::Done(link) => link,
        other => panic!("{other:?}"),
    }
}

/// Returns the invitations to a link: what for, the name, and whether a user has the address.
async fn invited(store: &dyn Store, id: LinkId) -> Vec<(InvitedAs, String, bool)> {
    let all = store.invitations_of_link(id).await.unwrap();
    let versions = store.link_versions(id, None, 1).await.unwrap();
    let keys: Vec<_> = all
        .iter()
        .map(|one| (one.role, one.email.clone()))
        .collect();
    assert_eq!(versions[0].after.invited, keys);
    let seen = all.into_iter().map(|one| {
        let name = one.email.as_str().split('@').next().unwrap().to_owned();
        (one.role, name, one.user.is_some())
    });
    seen.collect()
}

async fn standing(store: &dyn Store, link: &Link, user: UserId) -> Standing {
    store.standing(link.id, user).await.unwrap()
}

/// The link is shared at once with a user who has the address; the history looks the same as for an
/// address that nobody has.
pub async fn an_invitation_to_see_a_link_shares_it_at_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, bob] = add_users(&*store, &samples, ["ada", "bob"]).await;
    let link = samples.link("wiki");
    store.insert_link(&link, Some(ada)).await.unwrap();
    let link = by(&*store, ada, &link, LinkEdit::Invite(Viewer, email("bob"))).await;
    let link = by(&*store, ada, &link, LinkEdit::Invite(Viewer, email("new"))).await;
    assert_eq!(
        invited(&*store, link.id).await,
        [(Viewer, "bob".into(), true), (Viewer, "new".into(), false)]
    );
    assert_eq!(standing(&*store, &link, bob).await, Standing::Recipient);
    assert_eq!(shares_of(&*store, link.id).await, [bob]);
    let versions = store.link_versions(link.id, None, 2).await.unwrap();
    for version in &versions {
        assert_eq!(version.after.shares, []);
        assert_eq!(version.by.as_ref().map(|by| by.id), Some(ada));
    }
    let invitations = store.invitations_of_link(link.id).await.unwrap();
    assert_eq!(invitations[0].user, Some(bob));
    assert_eq!((invitations[0].from, invitations[0].at), (Some(ada), START));
    // The same invitation again is a version, and nothing more.
    let again = by(&*store, ada, &link, LinkEdit::Invite(Viewer, email("bob"))).await;
    assert_eq!(
        store.invitations_of_link(link.id).await.unwrap(),
        invitations
    );
    // An owner needs none.
    let link = by(&*store, ada, &again, LinkEdit::Invite(Viewer, email("ada"))).await;
    assert_eq!(invited(&*store, link.id).await.len(), 2);
    for (edit, left) in [
        (LinkEdit::Uninvite(Viewer, email("nobody")), 2),
        (LinkEdit::Uninvite(Owner, email("bob")), 2),
        (LinkEdit::Uninvite(Viewer, email("bob")), 1),
        (LinkEdit::Uninvite(Viewer, email("new")), 0),
    ] {
        let link = store.link(link.id).await.unwrap().unwrap();
        by(&*store, ada, &link, edit).await;
        assert_eq!(invited(&*store, link.id).await.len(), left);
    }
    assert_eq!(standing(&*store, &link, bob).await, Standing::Stranger);
    assert_eq!(store.invitations_to(bob, 10).await.unwrap(), []);
}

/// Stopping to share a link with a user ends their invitation.
pub async fn an_invitation_ends_with_the_sharing(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, bob] = add_users(&*store, &samples, ["ada", "bob"]).await;
    let link = samples.link("wiki");
    store.insert_link(&link, Some(ada)).await.unwrap();
    let link = update(&*store, &link, LinkEdit::Invite(Viewer, email("bob"))).await;
    let link = update(&*store, &link, LinkEdit::Unshare(bob)).await;
    assert_eq!(invited(&*store, link.id).await, []);
    assert_eq!(standing(&*store, &link, bob).await, Standing::Stranger);
    let link = update(&*store, &link, LinkEdit::Invite(Viewer, email("bob"))).await;
    // An owner needs no invitation.
    let link = update(&*store, &link, LinkEdit::AddOwner(bob)).await;
    assert_eq!(invited(&*store, link.id).await, []);
    let link = update(&*store, &link, LinkEdit::RemoveOwner(bob)).await;
    assert_eq!(standing(&*store, &link, bob).await, Standing::Stranger);
}

/// A user who is added, or who gets the address, gets what waits for it.
pub async fn an_invitation_waits_for_a_user_with_its_address(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, bob] = add_users(&*store, &samples, ["ada", "bob"]).await;
    let links = ["one", "two", "three"].map(|text| samples.link(text));
    for link in &links {
        store.insert_link(link, Some(ada)).await.unwrap();
        let link = by(&*store, ada, link, LinkEdit::Invite(Viewer, email("new"))).await;
        by(&*store, ada, &link, LinkEdit::Invite(Owner, email("new"))).await;
    }
    let new = samples.user("new@example.com");
    insert_user(&*store, &new).await;
    for link in &links {
        assert_eq!(standing(&*store, link, new.id).await, Standing::Recipient);
        let expected = [(Viewer, "new".into(), true), (Owner, "new".into(), true)];
        assert_eq!(invited(&*store, link.id).await, expected);
        assert_eq!(store.link(link.id).await.unwrap().unwrap().version, 3);
    }
    let to_accept = store.invitations_to(new.id, 10).await.unwrap();
    assert_eq!(to_accept.len(), 3);
    assert!(to_accept.iter().all(|(_, one)| one.role == Owner));
    assert_eq!(
        store.invitations_to(new.id, 2).await.unwrap(),
        to_accept[..2]
    );
    // Whoever gets the address later gets nothing of that user.
    for (user, name) in [(new.id, "renamed"), (bob, "new")] {
        let change = UserChange {
            email: Some(email(name)),
            ..UserChange::default()
        };
        store.change_user(user, &change).await.unwrap();
    }
    assert_eq!(standing(&*store, &links[0], bob).await, Standing::Stranger);
    assert_eq!(
        standing(&*store, &links[0], new.id).await,
        Standing::Recipient
    );
    // A changed address gets what waits for it.
    let link = store.link(links[0].id).await.unwrap().unwrap();
    let link = by(
        &*store,
        ada,
        &link,
        LinkEdit::Invite(Viewer, email("later")),
    )
    .await;
    let change = UserChange {
        email: Some(email("later")),
        ..UserChange::default()
    };
    store.change_user(bob, &change).await.unwrap();
    assert_eq!(standing(&*store, &link, bob).await, Standing::Recipient);
    // Deleting the user ends their invitations.
    store.delete_user(new.id).await.unwrap();
    let left = invited_without_history(&*store, link.id).await;
    assert_eq!(left, ["later"]);
}

async fn invited_without_history(store: &dyn Store, id: LinkId) -> Vec<String> {
    let all = store.invitations_of_link(id).await.unwrap();
    let names = all
        .iter()
        .map(|one| one.email.as_str().split('@').next().unwrap().to_owned());
    names.collect()
}

/// A transfer ends when its giver is no longer the primary owner, an invitation to own a link when
/// its giver no longer owns it, and both with the deletion of the link.
pub async fn an_invitation_ends_with_the_rights_of_its_giver(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, bob, cem] = add_users(&*store, &samples, ["ada", "bob", "cem"]).await;
    let link = samples.link("wiki");
    store.insert_link(&link, Some(ada)).await.unwrap();
    let mut link = by(&*store, ada, &link, LinkEdit::AddOwner(bob)).await;
    let all = [
        (bob, LinkEdit::Invite(Owner, email("cem"))),
        (ada, LinkEdit::Invite(Owner, email("eve"))),
        // Also if an admin offers it, the primary owner gives.
        (cem, LinkEdit::Invite(PrimaryOwner, email("cem"))),
        (ada, LinkEdit::Invite(Viewer, email("viewer"))),
    ];
    for (user, edit) in all {
        link = by(&*store, user, &link, edit).await;
    }
    let invitations = store.invitations_of_link(link.id).await.unwrap();
    let givers: Vec<_> = invitations.iter().map(|one| one.from).collect();
    assert_eq!(givers, [Some(ada), Some(bob), Some(ada), Some(ada)]);
    assert_eq!(store.invitations_to(cem, 10).await.unwrap().len(), 2);
    let named = async || invited_without_history(&*store, link.id).await;
    assert_eq!(named().await, ["viewer", "cem", "eve", "cem"]);
    let steps: [(LinkEdit, &[&str]); 4] = [
        (LinkEdit::RemoveOwner(bob), &["viewer", "eve", "cem"]),
        (LinkEdit::MakePrimary(cem), &["viewer", "eve"]),
        (
            LinkEdit::Invite(PrimaryOwner, email("eve")),
            &["viewer", "eve", "eve"],
        ),
        (LinkEdit::Delete, &["viewer"]),
    ];
    for (edit, expected) in steps {
        let present = store.link(link.id).await.unwrap().unwrap();
        update(&*store, &present, edit).await;
        assert_eq!(named().await, expected);
    }
    assert_eq!(owners_of(&*store, link.id).await, [cem, ada]);
}

/// A transfer of a link without an owner is given by nobody, and ends when it has one.
pub async fn a_link_without_an_owner_is_transferred(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, bob] = add_users(&*store, &samples, ["ada", "bob"]).await;
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let link = update(&*store, &link, LinkEdit::Invite(PrimaryOwner, email("ada"))).await;
    let [(of, offer)] = &store.invitations_to(ada, 10).await.unwrap()[..] else {
        panic!("one invitation");
    };
    assert_eq!((*of, offer.from), (link.id, None));
    let link = update(&*store, &link, LinkEdit::AddOwner(bob)).await;
    assert_eq!(invited(&*store, link.id).await, []);
    let link = update(&*store, &link, LinkEdit::Invite(PrimaryOwner, email("ada"))).await;
    let link = update(&*store, &link, LinkEdit::MakePrimary(ada)).await;
    assert_eq!(invited(&*store, link.id).await, []);
    assert_eq!(owners_of(&*store, link.id).await, [ada, bob]);
}

/// What was sent while a user was being added becomes theirs when they sign in.
pub async fn invitations_are_claimed_at_sign_in(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada] = add_users(&*store, &samples, ["ada"]).await;
    let link = samples.link("wiki");
    store.insert_link(&link, Some(ada)).await.unwrap();
    let link = by(&*store, ada, &link, LinkEdit::Invite(Viewer, email("bob"))).await;
    let bob: User = samples.user("bob@example.com");
    insert_user(&*store, &bob).await;
    let (session, secret) = samples.session(&bob);
    let inserted = store.insert_session(&session, &secret.hash()).await;
    inserted.unwrap();
    assert_eq!(standing(&*store, &link, bob.id).await, Standing::Recipient);
    store.delete_link(link.id).await.unwrap();
    assert_eq!(store.invitations_of_link(link.id).await.unwrap(), []);
}
