//! Cases of [`IdentityStore`](waypost_store::IdentityStore).

use time::Duration;
use waypost_core::{ExternalIdentity, Role, User};
use waypost_store::{IdentityOfUser, LinkedIdentity, StoreError, UserChange};

use super::StoreFactory;
use super::concurrency::at_once;
use super::users::insert_user;
use crate::samples::{START, Samples};

pub(super) fn identity(subject: &str) -> ExternalIdentity {
    ExternalIdentity::parse("https://id.example", subject).unwrap()
}

/// An account is found by issuer and subject, compared exactly; the role given by a group is kept
/// with it.
pub async fn an_account_elsewhere_is_that_of_its_user(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let user = samples.user("ada@example.com");
    insert_user(&*store, &user).await;
    let longest = ExternalIdentity::parse(&"x".repeat(2_048), &"1".repeat(255)).unwrap();
    for (identity, admin_by_group) in [(identity("Ada"), false), (longest, true)] {
        let inserted = store.insert_identity(&identity, user.id, admin_by_group, START);
        inserted.await.unwrap();
        let of_user = |admin_by_group| {
            Some(IdentityOfUser {
                user: user.clone(),
                admin_by_group,
            })
        };
        let found = store.identity(&identity).await.unwrap();
        assert_eq!(found, of_user(admin_by_group));
    }
    let elsewhere = ExternalIdentity::parse("https://other.example", "Ada").unwrap();
    for other in [identity("ada"), identity("Ada "), elsewhere] {
        assert_eq!(store.identity(&other).await.unwrap(), None);
        assert_eq!(store.follow_admin_group(&other, true).await.unwrap(), None);
    }
}

/// The group gives the role of admin, and takes it only from users to whom it gave it; a role set
/// by hand, before or after, stays.
pub async fn leaving_the_group_of_admins_takes_only_what_it_gave(factory: &dyn StoreFactory) {
    use Role::{Admin, Member};
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let user = samples.user("ada@example.com");
    let other = User {
        role: Role::Admin,
        ..samples.user("eve@example.com")
    };
    for (user, subject) in [(&user, "1"), (&other, "2")] {
        insert_user(&*store, user).await;
        let identity = identity(subject);
        let inserted = store.insert_identity(&identity, user.id, false, START);
        inserted.await.unwrap();
    }
    let follow = async |subject: &str, is_in_group| {
        let identity = identity(subject);
        let followed = store.follow_admin_group(&identity, is_in_group);
        let user = followed.await.unwrap().unwrap();
        assert_eq!(store.user(user.id).await.unwrap(), Some(user.clone()));
        user.role
    };
    let set = async |role| {
        let change = UserChange {
            role: Some(role),
            ..UserChange::default()
        };
        store.change_user(user.id, &change).await.unwrap();
    };
    for (is_in_group, role) in [
        (false, Member),
        (true, Admin),
        (true, Admin),
        (false, Member),
        (false, Member),
        (true, Admin),
    ] {
        assert_eq!(follow("1", is_in_group).await, role);
    }
    // By hand, the role that the group had given before.
    set(Admin).await;
    assert_eq!(follow("1", false).await, Admin);
    assert_eq!(follow("1", true).await, Admin);
    assert_eq!(follow("1", false).await, Admin);
    // By hand, against the group; then the group gives it once more.
    set(Member).await;
    assert_eq!(follow("1", false).await, Member);
    assert_eq!(follow("1", true).await, Admin);
    set(Member).await;
    set(Admin).await;
    assert_eq!(follow("1", false).await, Admin);
    // An admin by hand before any group.
    for is_in_group in [true, false] {
        assert_eq!(follow("2", is_in_group).await, Admin);
    }
}

/// Of many concurrent assignments of an account one succeeds; a user who does not exist gets none.
pub async fn an_account_elsewhere_is_given_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let nobody = samples.user("nobody@example.com");
    let first = identity("1");
    let answer = store.insert_identity(&first, nobody.id, false, START).await;
    assert!(matches!(answer, Err(StoreError::NotFound)), "{answer:?}");
    let users = ["ada@example.com", "eve@example.com"].map(|email| samples.user(email));
    for user in &users {
        insert_user(&*store, user).await;
    }
    let answers = at_once(8, |number| {
        let (store, user) = (store.clone(), users[number % 2].id);
        async move {
            let identity = identity("1");
            store.insert_identity(&identity, user, false, START).await
        }
    })
    .await;
    let mut given = Vec::new();
    for (number, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(()) => given.push(users[number % 2].id),
            Err(StoreError::Conflict) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    let found = store.identity(&identity("1")).await.unwrap().unwrap();
    assert_eq!(given, [found.user.id]);
}

/// A user has one account at an issuer, also if two are assigned at the same time, and may have
/// others at other issuers.
pub async fn a_user_has_one_account_at_an_issuer(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let user = Samples::new(1).user("ada@example.com");
    insert_user(&*store, &user).await;
    let answers = at_once(8, |number| {
        let (store, user) = (store.clone(), user.id);
        async move {
            let identity = identity(&number.to_string());
            store.insert_identity(&identity, user, false, START).await
        }
    })
    .await;
    let mut given = 0;
    for answer in answers {
        match answer {
            Ok(()) => given += 1,
            Err(StoreError::Conflict) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(given, 1);
    let elsewhere = ExternalIdentity::parse("https://other.example", "1").unwrap();
    let later = START + Duration::HOUR;
    let inserted = store.insert_identity(&elsewhere, user.id, false, later);
    inserted.await.unwrap();
    let linked = store.identities_of_user(user.id).await.unwrap();
    assert_eq!(linked.len(), 2);
    assert_eq!(linked[0].identity.issuer(), "https://id.example");
    let expected = LinkedIdentity {
        identity: elsewhere,
        created_at: later,
    };
    assert_eq!(linked[1], expected);
}

/// A user whose account is taken away is signed out, and no longer an admin if a group of that
/// account gave the role. The account can be assigned again.
pub async fn an_account_that_is_taken_away_leaves_nothing_behind(factory: &dyn StoreFactory) {
    use Role::{Admin, Member};
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let other = samples.user("other@example.com");
    insert_user(&*store, &other).await;
    for (number, (by_group, by_hand, expected)) in [
        (false, false, Member),
        (true, false, Member),
        (true, true, Admin),
        (false, true, Admin),
    ]
    .into_iter()
    .enumerate()
    {
        let user = samples.user(&format!("{number}@example.com"));
        insert_user(&*store, &user).await;
        let identity = identity(&number.to_string());
        let inserted = store.insert_identity(&identity, user.id, false, START);
        inserted.await.unwrap();
        if by_group {
            store.follow_admin_group(&identity, true).await.unwrap();
        }
        if by_hand {
            let change = UserChange {
                role: Some(Admin),
                ..UserChange::default()
            };
            store.change_user(user.id, &change).await.unwrap();
        }
        let (session, secret) = samples.session(&user);
        store
            .insert_session(&session, &secret.hash())
            .await
            .unwrap();
        let delete = async |user| store.delete_identity(user, &identity, START).await.unwrap();
        assert!(!delete(other.id).await);
        assert!(delete(user.id).await);
        assert!(!delete(user.id).await);
        let (session, user) = store
            .session_by_hash(&secret.hash())
            .await
            .unwrap()
            .unwrap();
        assert_eq!((session.ended_at, user.role), (Some(START), expected));
        assert_eq!(store.identity(&identity).await.unwrap(), None);
        assert_eq!(store.identities_of_user(user.id).await.unwrap(), []);
        let again = store.insert_identity(&identity, user.id, false, START);
        again.await.unwrap();
    }
}

/// A sign-in is answered once, on whatever node, until it expires by itself.
pub async fn a_sign_in_is_answered_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let expires_at = START + Duration::minutes(10);
    let answers = at_once(8, |_| {
        let store = store.clone();
        async move {
            store
                .use_sign_in(&[1; 32], expires_at, START)
                .await
                .unwrap()
        }
    })
    .await;
    assert_eq!(answers.iter().filter(|is_first| **is_first).count(), 1);
    let before = expires_at - Duration::microseconds(1);
    for (state, now, is_first) in [
        ([2; 32], START, true),
        ([1; 32], before, false),
        ([2; 32], before, false),
        ([1; 32], expires_at, true),
    ] {
        let used = store.use_sign_in(&state, now + Duration::HOUR, now).await;
        assert_eq!(used.unwrap(), is_first);
    }
}
