//! Handing over a link, and invitations.

use waypost_core::Email;

use super::*;

fn email(name: &str) -> Email {
    Email::parse(&format!("{name}@example.com")).unwrap()
}

fn owners(owned: &OwnedLink) -> Vec<&str> {
    let emails = owned.owners.iter().map(|one| one.person.email.as_str());
    emails.collect()
}

#[tokio::test]
async fn a_link_is_handed_over_when_the_receiver_accepts() {
    let rig = Rig::new().await;
    let (ada, bob, eve) = (
        actor(&rig.ada),
        rig.user("bob").await,
        rig.user("eve").await,
    );
    let link = rig.link("wiki", Visibility::Secure).await;
    let (links, id) = (&rig.links, link.id);
    let offered = links.offer(&ada, id, &bob.email).await.unwrap();
    assert_eq!(
        (&offered.email, offered.from),
        (&bob.email, Some(rig.ada.id))
    );
    let still = links.get(&ada, id).await.unwrap();
    assert_eq!(owners(&still), ["ada@example.com"]);
    for stranger in [&actor(&eve), &Actor::Operator, &ada] {
        let refused = links.accept(stranger, id).await;
        assert!(matches!(refused, Err(LinkError::NotFound)), "{refused:?}");
    }
    let bob_acts = actor(&bob);
    let [offer] = &links.offers(&bob_acts).await.unwrap()[..] else {
        panic!("one offer");
    };
    assert_eq!(offer.link.id, id);
    assert_eq!(offer.from.as_ref().map(|from| from.id), Some(rig.ada.id));
    let owned = links.accept(&bob_acts, id).await.unwrap();
    assert_eq!(owners(&owned), ["bob@example.com", "ada@example.com"]);
    assert_eq!(links.offers(&bob_acts).await.unwrap(), []);
    let history = links.history(&bob_acts, id, None, 2).await.unwrap();
    let by: Vec<_> = history
        .iter()
        .map(|version| version.by.as_ref().unwrap().id)
        .collect();
    assert_eq!(by, [bob.id, rig.ada.id]);
    // The former primary owner can leave, but cannot hand over the link.
    let refused = links.offer(&ada, id, &eve.email).await;
    assert!(matches!(refused, Err(LinkError::NotPrimary)), "{refused:?}");
    links.remove_owner(&ada, id, rig.ada.id).await.unwrap();
}

#[tokio::test]
async fn a_transfer_that_makes_no_sense_is_refused() {
    let rig = Rig::new().await;
    let (ada, bob) = (actor(&rig.ada), rig.user("bob").await);
    let link = rig.link("wiki", Visibility::Public).await;
    let (links, id) = (&rig.links, link.id);
    let to_oneself = links.offer(&ada, id, &rig.ada.email).await;
    assert!(matches!(to_oneself, Err(LinkError::AlreadyPrimary)));
    let primary = links.add_owner(&ada, id, &bob.email, true).await;
    assert!(matches!(primary, Err(LinkError::OnlyByTransfer)));
    let nothing = links.take_back(&ada, id).await;
    assert!(matches!(nothing, Err(LinkError::NoTransfer)));
    // Only an admin learns that nobody has the address.
    links.offer(&ada, id, &email("nobody")).await.unwrap();
    let twice = links.offer(&ada, id, &bob.email).await;
    assert!(matches!(twice, Err(LinkError::TransferPending)));
    links.take_back(&ada, id).await.unwrap();
    let refused = links.offer(&Actor::Operator, id, &email("nobody")).await;
    assert!(matches!(refused, Err(LinkError::NoSuchUser)));
    let disable = waypost_store::UserChange {
        disabled_at: Some(Some(waypost_store_testkit::samples::START)),
        ..waypost_store::UserChange::default()
    };
    rig.store.0.change_user(bob.id, &disable).await.unwrap();
    let refused = links.offer(&Actor::Operator, id, &bob.email).await;
    assert!(matches!(refused, Err(LinkError::UserDisabled)));
    links.offer(&ada, id, &bob.email).await.unwrap();
    // A deletion ends the transfer.
    links.delete(&ada, id, ANY).await.unwrap();
    let gone = links.accept(&actor(&bob), id).await;
    assert!(matches!(gone, Err(LinkError::NotFound)), "{gone:?}");
    let deleted = links.offer(&ada, id, &bob.email).await;
    assert!(matches!(deleted, Err(LinkError::Deleted)), "{deleted:?}");
    links.restore(&ada, id, ANY, None).await.unwrap();
    assert_eq!(links.offers(&actor(&bob)).await.unwrap(), []);
}

#[tokio::test]
async fn a_co_owner_invites_and_leaves_and_removes_nobody_else() {
    let rig = Rig::new().await;
    let [bob, cem, eve] = [
        rig.user("bob").await,
        rig.user("cem").await,
        rig.user("eve").await,
    ];
    let (ada, bob_acts, eve_acts) = (actor(&rig.ada), actor(&bob), actor(&eve));
    let link = rig.link("wiki", Visibility::Private).await;
    let (links, id) = (&rig.links, link.id);
    for user in [&bob, &cem] {
        links
            .add_owner(&Actor::Operator, id, &user.email, false)
            .await
            .unwrap();
    }
    for other in [rig.ada.id, cem.id] {
        let refused = links.remove_owner(&bob_acts, id, other).await;
        assert!(matches!(refused, Err(LinkError::NotPrimary)), "{refused:?}");
    }
    // An address with an account and one without are answered alike, and neither owns the link.
    for name in ["eve", "nobody"] {
        let added = links
            .add_owner(&bob_acts, id, &email(name), false)
            .await
            .unwrap();
        let AddedOwner::Invited(invited) = added else {
            panic!("{added:?}");
        };
        assert_eq!((invited.from, invited.email), (Some(bob.id), email(name)));
    }
    let listed = links.owner_invitations(&actor(&cem), id).await.unwrap();
    assert_eq!(listed.len(), 2);
    let refused = links.withdraw(&actor(&cem), id, &eve.email).await;
    assert!(matches!(refused, Err(LinkError::NotPrimary)), "{refused:?}");
    links
        .withdraw(&bob_acts, id, &email("nobody"))
        .await
        .unwrap();
    let owned = links.accept(&eve_acts, id).await.unwrap();
    assert_eq!(owned.owners.len(), 4);
    links.remove_owner(&eve_acts, id, eve.id).await.unwrap();
    links.remove_owner(&ada, id, cem.id).await.unwrap();
    let refused = links.remove_owner(&ada, id, rig.ada.id).await;
    assert!(matches!(refused, Err(LinkError::PrimaryOwner)));
    // Declining leaves no trace but in the history.
    links.add_owner(&ada, id, &eve.email, false).await.unwrap();
    links.decline(&eve_acts, id).await.unwrap();
    let refused = links.accept(&eve_acts, id).await;
    assert!(matches!(refused, Err(LinkError::NotFound)), "{refused:?}");
}

#[tokio::test]
async fn an_offer_that_is_taken_back_while_it_is_accepted_is_not_accepted() {
    let rig = Rig::new().await;
    let (ada, bob) = (actor(&rig.ada), rig.user("bob").await);
    let link = rig.link("wiki", Visibility::Private).await;
    let (links, id, bob_acts) = (&rig.links, link.id, actor(&bob));
    for _ in 0..20 {
        links.offer(&ada, id, &bob.email).await.unwrap();
        let (taken, accepted) =
            tokio::join!(links.take_back(&ada, id), links.accept(&bob_acts, id));
        assert!(taken.is_ok() != accepted.is_ok(), "{taken:?} {accepted:?}");
        if accepted.is_ok() {
            links.offer(&bob_acts, id, &rig.ada.email).await.unwrap();
            links.accept(&ada, id).await.unwrap();
        }
    }
}

#[tokio::test]
async fn sharing_tells_nobody_but_admins_who_has_an_account() {
    let rig = Rig::new().await;
    let (ada, bob) = (actor(&rig.ada), rig.user("bob").await);
    let link = rig.link("wiki", Visibility::Secure).await;
    let (links, id) = (&rig.links, link.id);
    let mut versions = Vec::new();
    for name in ["bob", "nobody"] {
        let viewer = links.share(&ada, id, &email(name)).await.unwrap();
        assert_eq!((viewer.email, viewer.person), (email(name), None));
        assert!(viewer.invited_at.is_some());
        versions.push(links.get(&ada, id).await.unwrap().link.version);
    }
    assert_eq!(versions, [2, 3]);
    links.follow(&actor(&bob), id).await.unwrap();
    let listed = links.shares(&ada, id).await.unwrap();
    assert!(listed.iter().all(|viewer| viewer.person.is_none()));
    let to_admins = links.shares(&Actor::Operator, id).await.unwrap();
    let known: Vec<bool> = to_admins.iter().map(|one| one.person.is_some()).collect();
    assert_eq!(known, [true, false]);
    let by_id = links.unshare(&ada, id, &ViewerName::User(bob.id)).await;
    assert!(matches!(by_id, Err(LinkError::NotFound)), "{by_id:?}");
    for name in ["bob", "nobody"] {
        let name = ViewerName::Email(email(name));
        links.unshare(&ada, id, &name).await.unwrap();
        let again = links.unshare(&ada, id, &name).await;
        assert!(matches!(again, Err(LinkError::NotFound)), "{again:?}");
    }
    let refused = links.follow(&actor(&bob), id).await;
    assert!(matches!(refused, Err(LinkError::Forbidden)));
}
