//! Links and their owners, for each kind of caller, above all while others change them at the same
//! time.

mod busy;
mod offers;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use waypost_core::{CodeError, LinkDetails, LinkOrder, Role, Scope, SeededRandom, Title, User};
use waypost_store::{LinkEdit, LinkStore as _, UserStore as _};
use waypost_store_testkit::samples::{Samples, code, target};

use self::busy::BusyStore;
use super::*;
use crate::ShortenerParts;
use crate::shortener::tests::shortener_over;

const ANY: &Precondition = &Precondition::None;

struct Rig {
    links: Links,
    store: Arc<BusyStore>,
    samples: Samples,
    ada: User,
}

fn actor(user: &User) -> Actor {
    Actor::User {
        id: user.id,
        role: Role::Member,
        scopes: "read,write".parse().unwrap(),
        credential: waypost_core::Credential::Token,
    }
}

fn titled(title: &str) -> LinkPatch {
    LinkPatch {
        title: Some(Title::parse(title).unwrap()),
        ..LinkPatch::default()
    }
}

fn renamed(text: &str) -> LinkPatch {
    LinkPatch {
        code: Some(code(text)),
        ..LinkPatch::default()
    }
}

/// A change that no other test change makes.
fn disabled() -> LinkPatch {
    LinkPatch {
        disabled: Some(true),
        ..LinkPatch::default()
    }
}

impl Rig {
    async fn new() -> Self {
        let store = Arc::new(BusyStore::default());
        let shortener = shortener_over(store.clone(), Arc::new(SeededRandom::new(1)));
        let shortener = Shortener::new(ShortenerParts {
            reserved: ["api"].into_iter().collect(),
            ..shortener.0
        });
        let samples = Samples::new(1);
        let ada = samples.user("ada@example.com");
        store.0.insert_user(&ada, None).await.unwrap();
        Self {
            links: Links::new(shortener),
            store,
            samples,
            ada,
        }
    }

    async fn user(&self, name: &str) -> User {
        let user = self.samples.user(&format!("{name}@example.com"));
        self.store.0.insert_user(&user, None).await.unwrap();
        user
    }

    /// Creates a link owned by Ada.
    async fn link(&self, text: &str, visibility: Visibility) -> Link {
        let new = NewLink {
            target: target("https://example.com/"),
            code: Some(code(text)),
            details: LinkDetails {
                visibility,
                ..LinkDetails::default()
            },
        };
        self.links
            .create(&actor(&self.ada), new)
            .await
            .unwrap()
            .link
    }

    async fn now(&self, link: &Link) -> Link {
        self.store.0.link(link.id).await.unwrap().unwrap()
    }

    /// Lets another change come first before each of the next `times` changes.
    fn be_quicker(&self, times: usize) {
        self.store.0.quicker.store(times, Ordering::SeqCst);
        self.store.0.updates.store(0, Ordering::SeqCst);
    }

    fn updates(&self) -> usize {
        self.store.0.updates.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn what_others_change_meanwhile_stays_and_the_change_is_made_to_it() {
    let rig = Rig::new().await;
    let link = rig.link("wiki", Visibility::Public).await;
    let ada = actor(&rig.ada);
    rig.be_quicker(TRIES - 1);
    let changed = rig
        .links
        .edit(&ada, link.id, ANY, &disabled())
        .await
        .unwrap();
    assert_eq!(rig.updates(), TRIES);
    let Link {
        version, details, ..
    } = &changed.link;
    assert_eq!(*version, u32::try_from(TRIES).unwrap() + 1);
    assert_eq!(
        (details.title.as_str(), details.disabled),
        ("Quicker 1", true)
    );
    assert_eq!(changed.link, rig.now(&link).await);

    // A link that already is as requested is not changed again.
    rig.be_quicker(1);
    let same = rig
        .links
        .edit(&ada, link.id, ANY, &titled("Quicker 1"))
        .await
        .unwrap();
    assert_eq!((same.link, rig.updates()), (changed.link, 0));

    let bob = rig.user("bob").await;
    let email = &bob.email;
    rig.be_quicker(2);
    rig.links
        .add_owner(&Actor::Operator, link.id, email, false)
        .await
        .unwrap();
    rig.be_quicker(2);
    rig.links.delete(&ada, link.id, ANY).await.unwrap();
    rig.be_quicker(2);
    let restored = rig.links.restore(&ada, link.id, ANY, None).await.unwrap();
    assert_eq!((restored.owners.len(), rig.updates()), (2, 3));
}

#[tokio::test]
async fn who_is_never_quick_enough_is_told_so() {
    let rig = Rig::new().await;
    let link = rig.link("wiki", Visibility::Public).await;
    let (ada, bob) = (actor(&rig.ada), rig.user("bob").await);
    let (links, id) = (&rig.links, link.id);
    let contended = |result: Result<(), LinkError>| {
        assert!(matches!(result, Err(LinkError::Contended)), "{result:?}");
        assert_eq!(rig.updates(), TRIES);
        rig.be_quicker(TRIES);
    };
    rig.be_quicker(TRIES);
    contended(links.edit(&ada, id, ANY, &disabled()).await.map(drop));
    contended(links.delete(&ada, id, ANY).await);
    contended(links.share(&ada, id, &bob.email).await.map(drop));
    contended(links.add_owner(&ada, id, &bob.email, false).await.map(drop));
    contended(links.offer(&ada, id, &bob.email).await.map(drop));
    contended(links.restore(&ada, id, ANY, Some(1)).await.map(drop));
    let now = rig.now(&link).await;
    assert!(!now.details.disabled && !now.is_deleted());
    assert_eq!(links.owners(&ada, id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_version_that_was_asked_for_is_changed_or_none() {
    let rig = Rig::new().await;
    let link = rig.link("wiki", Visibility::Public).await;
    let (ada, id) = (actor(&rig.ada), link.id);
    let first = &Precondition::OneOf(vec![9, 1]);
    let failed = |result: Result<(), LinkError>| {
        assert!(
            matches!(result, Err(LinkError::PreconditionFailed)),
            "{result:?}"
        );
    };
    // Another change comes after the link was read: it is read again.
    rig.be_quicker(1);
    failed(rig.links.edit(&ada, id, first, &disabled()).await.map(drop));
    assert_eq!(rig.updates(), 1);
    assert_eq!(rig.now(&link).await.details.title.as_str(), "Quicker 1");
    for none in [first, &Precondition::OneOf(Vec::new())] {
        failed(rig.links.edit(&ada, id, none, &disabled()).await.map(drop));
        failed(rig.links.delete(&ada, id, none).await);
        failed(rig.links.restore(&ada, id, none, Some(1)).await.map(drop));
        failed(rig.links.destroy(&Actor::Operator, id, none).await);
    }
    assert_eq!(rig.updates(), 1);
    // A caller who cannot see it does not learn its version.
    let stranger = actor(&rig.user("eve").await);
    let hidden = rig.link("own", Visibility::Private).await;
    let refused = rig
        .links
        .edit(&stranger, hidden.id, first, &disabled())
        .await;
    assert!(matches!(refused, Err(LinkError::NotFound)), "{refused:?}");
    let second = Precondition::OneOf(vec![2]);
    rig.links.delete(&ada, id, &second).await.unwrap();
    rig.links
        .restore(&ada, id, &Precondition::OneOf(vec![3]), None)
        .await
        .unwrap();
    rig.links
        .destroy(&Actor::Operator, id, &Precondition::OneOf(vec![4]))
        .await
        .unwrap();
    assert_eq!(rig.store.0.link(id).await.unwrap(), None);
}

#[tokio::test]
async fn the_first_version_of_a_link_that_is_older_than_its_history_is_known_from_the_second() {
    let rig = Rig::new().await;
    let link = rig.link("wiki", Visibility::Public).await;
    let (ada, id) = (actor(&rig.ada), link.id);
    rig.store
        .0
        .without_first_versions
        .store(true, Ordering::SeqCst);
    let restore = |version| rig.links.restore(&ada, id, ANY, Some(version));
    // Its history is not known yet.
    let unknown = restore(1).await;
    assert!(
        matches!(unknown, Err(LinkError::NoSuchVersion)),
        "{unknown:?}"
    );
    for title in ["Two", "Three"] {
        rig.links.edit(&ada, id, ANY, &titled(title)).await.unwrap();
    }
    for (version, title) in [(1, ""), (2, "Two"), (3, "Three"), (1, "")] {
        let restored = restore(version).await.unwrap();
        assert_eq!(restored.link.details.title.as_str(), title, "{version}");
    }
    for version in [0, 99, u32::MAX - 2, u32::MAX - 1, u32::MAX] {
        let unknown = restore(version).await;
        assert!(
            matches!(unknown, Err(LinkError::NoSuchVersion)),
            "{version}: {unknown:?}"
        );
    }
}

#[tokio::test]
async fn a_link_has_at_most_200_owners_and_is_shared_with_as_many() {
    let rig = Rig::new().await;
    let link = rig.link("wiki", Visibility::Private).await;
    let (ada, id) = (actor(&rig.ada), link.id);
    let (links, mut owners) = (&rig.links, Vec::new());
    for number in 0..200 {
        let sharing = rig.user(&format!("share-{number}")).await;
        links.share(&ada, id, &sharing.email).await.unwrap();
        if number > 0 {
            let owner = rig.user(&format!("owner-{number}")).await;
            // The operator adds owners at once, and Ada invites them.
            let by = [&Actor::Operator, &ada][number % 2];
            links.add_owner(by, id, &owner.email, false).await.unwrap();
            owners.push(owner);
        }
    }
    let one_more = rig.user("one-more").await.email;
    for refused in [
        links.share(&ada, id, &one_more).await.map(drop),
        links.add_owner(&ada, id, &one_more, false).await.map(drop),
        links
            .add_owner(&Actor::Operator, id, &one_more, false)
            .await
            .map(drop),
    ] {
        assert!(
            matches!(refused, Err(LinkError::TooManyPeople(200))),
            "{refused:?}"
        );
    }
    // Who is there already is not one more, and an owner who is removed makes room.
    for there in [&owners[0], &owners[1]] {
        links
            .add_owner(&ada, id, &there.email, false)
            .await
            .unwrap();
    }
    links.share(&ada, id, &owners[1].email).await.unwrap();
    links.remove_owner(&ada, id, owners[1].id).await.unwrap();
    links.add_owner(&ada, id, &one_more, false).await.unwrap();
    let rest = owners.iter().step_by(2).map(|invited| &invited.email);
    for email in rest.chain([&one_more]) {
        links.withdraw(&ada, id, email).await.unwrap();
    }
    let again = links.add_owner(&ada, id, &one_more, false).await.unwrap();
    assert!(matches!(again, AddedOwner::Invited(_)), "{again:?}");
}

#[tokio::test]
async fn a_link_is_not_renamed_to_a_reserved_word_or_the_code_of_another() {
    let rig = Rig::new().await;
    let link = rig.link("wiki", Visibility::Public).await;
    rig.link("other", Visibility::Public).await;
    let (ada, id) = (actor(&rig.ada), link.id);
    let rename = async |text: &str| {
        let renamed = rig.links.edit(&ada, id, ANY, &renamed(text)).await?;
        Ok::<_, LinkError>(renamed.link.code.spelling().to_owned())
    };
    for reserved in ["api", "API"] {
        let refused = rename(reserved).await;
        let is_reserved = matches!(refused, Err(LinkError::Code(CodeError::Reserved { .. })));
        assert!(is_reserved, "{refused:?}");
    }
    let taken = rename("OTHER").await;
    assert!(
        matches!(&taken, Err(LinkError::Taken(code)) if code.spelling() == "OTHER"),
        "{taken:?}"
    );
    assert_eq!(rig.updates(), 1);
    for spelling in ["Wiki", "handbook", "WIKI"] {
        assert_eq!(rename(spelling).await.unwrap(), spelling);
    }
    // A code that existed before the word was reserved keeps working, in any spelling.
    let old = rig.samples.link("api");
    rig.store
        .0
        .insert_link(&old, Some(rig.ada.id))
        .await
        .unwrap();
    let spelled = rig
        .links
        .edit(&ada, old.id, ANY, &renamed("Api"))
        .await
        .unwrap();
    assert_eq!(spelled.link.code.spelling(), "Api");
}

#[tokio::test]
async fn a_secure_link_is_followed_by_those_it_is_for_and_others_are_told_that_it_is_not() {
    let rig = Rig::new().await;
    let (bob, eve) = (rig.user("bob").await, rig.user("eve").await);
    let (ada, bob_acts, eve_acts) = (actor(&rig.ada), actor(&bob), actor(&eve));
    for visibility in [Visibility::Public, Visibility::Private] {
        let link = rig.link(visibility.as_str(), visibility).await;
        for who in [&Actor::Anonymous, &eve_acts, &ada, &Actor::Operator] {
            rig.links.follow(who, link.id).await.unwrap();
        }
    }
    let link = rig.link("plan", Visibility::Secure).await;
    let (links, id) = (&rig.links, link.id);
    let forbidden = async |who: &Actor, id: LinkId| {
        let refused = links.follow(who, id).await;
        assert!(
            matches!(refused, Err(LinkError::Forbidden)),
            "{who:?}: {refused:?}"
        );
    };
    let unknown = async |id: LinkId| {
        let refused = links.follow(&Actor::Anonymous, id).await;
        assert!(
            matches!(refused, Err(LinkError::Unauthenticated)),
            "{refused:?}"
        );
    };
    unknown(id).await;
    forbidden(&bob_acts, id).await;
    links.share(&ada, id, &bob.email).await.unwrap();
    for who in [&ada, &bob_acts, &Actor::Operator] {
        links.follow(who, id).await.unwrap();
    }
    forbidden(&eve_acts, id).await;
    let blind = Actor::User {
        id: rig.ada.id,
        role: Role::Member,
        scopes: "write".parse().unwrap(),
        credential: waypost_core::Credential::Token,
    };
    let refused = links.follow(&blind, id).await;
    assert!(
        matches!(refused, Err(LinkError::ScopeMissing(Scope::Read))),
        "{refused:?}"
    );
    let name = ViewerName::Email(bob.email.clone());
    links.unshare(&ada, id, &name).await.unwrap();
    forbidden(&bob_acts, id).await;
    // One that was deleted a moment ago, and one that never existed.
    links.delete(&ada, id, ANY).await.unwrap();
    for id in [id, rig.samples.link("nothing").id] {
        unknown(id).await;
        forbidden(&bob_acts, id).await;
    }
}

#[tokio::test]
async fn a_user_who_is_deleted_meanwhile_makes_no_link_and_gets_none() {
    let rig = Rig::new().await;
    let link = rig.link("wiki", Visibility::Public).await;
    let (ada, bob) = (actor(&rig.ada), rig.user("bob").await);
    assert!(rig.store.0.delete_user(bob.id).await.unwrap());
    let new = NewLink {
        target: target("https://example.com/"),
        code: None,
        details: LinkDetails::default(),
    };
    let refused = rig.links.create(&actor(&bob), new).await;
    assert!(
        matches!(refused, Err(LinkError::Unauthenticated)),
        "{refused:?}"
    );
    let edit = LinkEdit::AddOwner(bob.id);
    let refused = rig.links.update(&ada, &link, edit).await;
    assert!(matches!(refused, Err(LinkError::NoSuchUser)), "{refused:?}");
    // Nobody has this address now: it is invited like any other.
    let invited = rig.links.share(&ada, link.id, &bob.email).await.unwrap();
    assert_eq!((invited.email, invited.person), (bob.email, None));
}

#[tokio::test]
async fn deleted_links_of_two_owners_are_found_behind_those_of_one() {
    let rig = Rig::new().await;
    let (ada, bob) = (actor(&rig.ada), rig.user("bob").await);
    let mut ours = Vec::new();
    for number in 0..9 {
        let link = rig.link(&format!("n-{number}"), Visibility::Public).await;
        if number % 4 == 0 {
            rig.links
                .add_owner(&Actor::Operator, link.id, &bob.email, false)
                .await
                .unwrap();
            ours.push(link.code.clone());
        }
        rig.links.delete(&ada, link.id, ANY).await.unwrap();
    }
    let listed = async |owner: Option<UserId>, limit| {
        let query = LinkQuery {
            owner,
            deleted: true,
            order: LinkOrder::Code,
            ..LinkQuery::newest(LinkReader::All, limit)
        };
        let listed = rig.links.list(&ada, query).await.unwrap();
        listed
            .into_iter()
            .map(|owned| owned.link.code)
            .collect::<Vec<_>>()
    };
    for limit in 1..=10 {
        let most = usize::try_from(limit).unwrap();
        let found = listed(Some(bob.id), limit).await;
        assert_eq!(found, ours[..most.min(ours.len())], "{limit}");
        for owner in [None, Some(rig.ada.id)] {
            assert_eq!(listed(owner, limit).await.len(), most.min(9));
        }
    }
    assert_eq!(listed(Some(bob.id), 0).await, []);
}
