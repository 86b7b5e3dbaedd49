//! Cases of [`IdentityStore`](crate::IdentityStore).

use waypost_core::ExternalIdentity;

use super::StoreFactory;
use super::concurrency::at_once;
use super::users::insert_user;
use crate::testkit::samples::{START, Samples};
use crate::{IdentityOfUser, StoreError};

pub(super) fn identity(subject: &str) -> ExternalIdentity {
    ExternalIdentity::parse("https://id.example", subject).unwrap()
}

/// An account is found by issuer and subject, each to the letter; what a group says is kept with it.
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
        for admin_by_group in [true, true, false] {
            let set = store.set_admin_by_group(&identity, admin_by_group).await;
            assert!(set.unwrap());
            let found = store.identity(&identity).await.unwrap();
            assert_eq!(found, of_user(admin_by_group));
        }
    }
    let elsewhere = ExternalIdentity::parse("https://other.example", "Ada").unwrap();
    for other in [identity("ada"), identity("Ada "), elsewhere] {
        assert_eq!(store.identity(&other).await.unwrap(), None);
        assert!(!store.set_admin_by_group(&other, true).await.unwrap());
    }
}

/// Of many who want an account at once one gets it; somebody who does not exist gets none.
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
