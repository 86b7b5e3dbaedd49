//! Cases of [`SetupStore`](waypost_store::SetupStore).

use time::Duration;
use waypost_core::{Role, User};
use waypost_store::SetUp;

use super::StoreFactory;
use super::concurrency::at_once;
use super::users::{insert_user, password};
use crate::samples::{START, Samples};

const HOUR: Duration = Duration::HOUR;

fn admin(samples: &Samples, email: &str) -> User {
    User {
        role: Role::Admin,
        ..samples.user(email)
    }
}

/// A secret exists until others are added after it expired.
pub async fn a_set_up_secret_is_known_until_it_expires(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let hashes = [0, 1, 2].map(|_| samples.setup_secret().hash());
    let insert = async |number: usize, now| {
        let hash = &hashes[number];
        let inserted = store.insert_setup_token(hash, now + HOUR, now).await;
        inserted.unwrap();
    };
    let known = async |number: usize| store.setup_token(&hashes[number]).await.unwrap();
    insert(0, START).await;
    insert(1, START + HOUR / 2).await;
    assert_eq!(known(0).await, Some(START + HOUR));
    assert_eq!(known(1).await, Some(START + HOUR / 2 + HOUR));
    insert(2, START + HOUR).await;
    assert_eq!(known(0).await, None);
    assert!(known(1).await.is_some() && known(2).await.is_some());
}

/// The holder of a secret creates the first admin; then all secrets are used up.
pub async fn the_first_admin_is_made_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let hashes = [0, 1].map(|_| samples.setup_secret().hash());
    for hash in &hashes {
        let inserted = store.insert_setup_token(hash, START + HOUR, START).await;
        inserted.unwrap();
    }
    let (ada, eve) = (
        admin(&samples, "ada@example.com"),
        admin(&samples, "eve@example.com"),
    );
    let hash = password('A');
    let done = store.set_up(&hashes[0], &ada, &hash, START).await.unwrap();
    assert_eq!(done, SetUp::Done);
    assert_eq!(store.user(ada.id).await.unwrap(), Some(ada.clone()));
    assert_eq!(store.password(ada.id).await.unwrap(), Some(hash.clone()));
    for token in &hashes {
        let again = store.set_up(token, &eve, &hash, START).await.unwrap();
        assert_eq!(again, SetUp::NoToken);
        assert_eq!(store.setup_token(token).await.unwrap(), None);
    }
    assert_eq!(store.counts().await.unwrap().users, 1);
}

/// An invalid secret changes nothing, and leaves the others as they are.
pub async fn an_expired_or_unknown_set_up_secret_makes_nobody(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (known, unknown) = (samples.setup_secret().hash(), samples.setup_secret().hash());
    let inserted = store.insert_setup_token(&known, START + HOUR, START).await;
    inserted.unwrap();
    let (ada, hash) = (admin(&samples, "ada@example.com"), password('A'));
    for (token, now) in [(&unknown, START), (&known, START + HOUR)] {
        let answer = store.set_up(token, &ada, &hash, now).await.unwrap();
        assert_eq!(answer, SetUp::NoToken);
        assert_eq!(store.counts().await.unwrap().users, 0);
    }
    let in_time = START + HOUR - Duration::microseconds(1);
    let done = store.set_up(&known, &ada, &hash, in_time).await.unwrap();
    assert_eq!(done, SetUp::Done);
}

/// A secret that was printed before users were added by hand is no longer accepted.
pub async fn nobody_is_set_up_where_there_are_users(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let token = samples.setup_secret().hash();
    let inserted = store.insert_setup_token(&token, START + HOUR, START).await;
    inserted.unwrap();
    insert_user(&*store, &samples.user("ada@example.com")).await;
    let (eve, hash) = (admin(&samples, "eve@example.com"), password('A'));
    let refused = store.set_up(&token, &eve, &hash, START).await.unwrap();
    assert_eq!(refused, SetUp::UsersExist);
    assert_eq!(store.setup_token(&token).await.unwrap(), None);
    assert_eq!(store.counts().await.unwrap().users, 1);
}

/// With the same secret or with those of several nodes, there is one first admin.
pub async fn of_many_who_set_up_at_once_one_succeeds(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let tokens: Vec<_> = (0..4).map(|_| samples.setup_secret().hash()).collect();
    for token in &tokens {
        let inserted = store.insert_setup_token(token, START + HOUR, START).await;
        inserted.unwrap();
    }
    let users: Vec<User> = (0..12)
        .map(|number| admin(&samples, &format!("admin{number}@example.com")))
        .collect();
    let answers = at_once(12, |number| {
        let (store, token) = (store.clone(), tokens[number % 4]);
        let user = users[number].clone();
        async move {
            let answer = store.set_up(&token, &user, &password('A'), START).await;
            answer.unwrap()
        }
    })
    .await;
    let done = answers.iter().filter(|answer| **answer == SetUp::Done);
    assert_eq!(done.count(), 1, "{answers:?}");
    assert_eq!(store.counts().await.unwrap().users, 1);
    for token in &tokens {
        assert_eq!(store.setup_token(token).await.unwrap(), None);
    }
}
