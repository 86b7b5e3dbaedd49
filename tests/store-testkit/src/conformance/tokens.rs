//! Cases of [`TokenStore`](waypost_store::TokenStore).

use time::Duration;
use waypost_core::{ApiToken, Scopes, TokenCursor, TokenHash, TokenName, User};
use waypost_store::{Store, StoreError};

use super::StoreFactory;
use super::users::insert_user;
use crate::samples::{START, Samples};

/// More tokens than any case inserts.
const MANY: u32 = 1_000;

async fn token(store: &dyn Store, hash: &TokenHash) -> ApiToken {
    store.token_by_hash(hash).await.unwrap().unwrap().0
}

/// Creates a user with a token that is found by the hash.
async fn user_with_token(
    store: &dyn Store,
    samples: &Samples,
    email: &str,
) -> (User, ApiToken, TokenHash) {
    let user = samples.user(email);
    insert_user(store, &user).await;
    let (token, secret) = samples.token(&user);
    store
        .insert_token(&token, &secret.hash(), MANY)
        .await
        .unwrap();
    (user, token, secret.hash())
}

/// A token is found by its hash, with all its fields, and so is its user.
pub async fn a_token_is_found_by_its_hash_with_its_user(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (user, plain, hash) = user_with_token(&*store, &samples, "ada@example.com").await;
    let found = store.token_by_hash(&hash).await.unwrap();
    assert_eq!(found, Some((plain, user.clone())));

    let (token, secret) = samples.token(&user);
    let full = ApiToken {
        name: TokenName::parse("déploiement 🧭").unwrap(),
        scopes: Scopes::all(),
        expires_at: Some(START + Duration::DAY),
        last_used_at: Some(START + Duration::HOUR),
        revoked_at: Some(START + Duration::microseconds(1)),
        ..token
    };
    store
        .insert_token(&full, &secret.hash(), MANY)
        .await
        .unwrap();
    let found = store.token_by_hash(&secret.hash()).await.unwrap();
    assert_eq!(found, Some((full, user)));
    for other in [TokenHash::from_bytes([0; 32]), TokenHash::of("")] {
        assert_eq!(store.token_by_hash(&other).await.unwrap(), None);
    }
}

/// Hashes that differ in only one bit are different tokens; zeros and spaces at an end count.
pub async fn each_byte_of_a_hash_counts(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let user = samples.user("ada@example.com");
    insert_user(&*store, &user).await;
    let mut hashes = vec![[0; 32], [b' '; 32], [0xff; 32]];
    for byte in [0, 15, 31] {
        let mut hash = [0; 32];
        hash[byte] = 1;
        hashes.push(hash);
    }
    let mut tokens = Vec::new();
    for hash in &hashes {
        let (token, _) = samples.token(&user);
        let hash = TokenHash::from_bytes(*hash);
        store.insert_token(&token, &hash, MANY).await.unwrap();
        tokens.push((hash, token));
    }
    for (hash, expected) in tokens {
        assert_eq!(token(&*store, &hash).await, expected);
    }
}

/// A hash and an ID are assigned once, and only to an existing user.
pub async fn a_taken_hash_or_a_missing_user_is_refused(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (user, first, hash) = user_with_token(&*store, &samples, "ada@example.com").await;
    let (second, other) = samples.token(&user);
    let same_id = ApiToken {
        id: first.id,
        ..second.clone()
    };
    for (token, hash) in [(&second, hash), (&same_id, other.hash())] {
        let answer = store.insert_token(token, &hash, MANY).await;
        assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
    }
    let (of_nobody, _) = samples.token(&samples.user("nobody@example.com"));
    let answer = store.insert_token(&of_nobody, &other.hash(), MANY).await;
    assert!(matches!(answer, Err(StoreError::NotFound)), "{answer:?}");
    let tokens = store.tokens_after(user.id, None, 10).await.unwrap();
    assert_eq!(tokens, [first]);
}

/// The list of a user has only their tokens, newest first, and each once.
pub async fn tokens_are_listed_newest_first_behind_a_cursor(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (ada, first, _) = user_with_token(&*store, &samples, "ada@example.com").await;
    let (grace, of_grace, _) = user_with_token(&*store, &samples, "grace@example.com").await;
    let mut tokens = vec![first];
    for seconds in [50, 50, 50, 60] {
        let (token, secret) = samples.token(&ada);
        let token = ApiToken {
            created_at: START + Duration::seconds(seconds),
            ..token
        };
        store
            .insert_token(&token, &secret.hash(), MANY)
            .await
            .unwrap();
        tokens.push(token);
    }
    tokens.sort_by_key(|token| std::cmp::Reverse((token.created_at, token.id)));
    for limit in [1, 2, 5, 100] {
        let mut walked = Vec::new();
        let mut cursor = None;
        loop {
            let page = store.tokens_after(ada.id, cursor, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            cursor = Some(TokenCursor::from(last));
            walked.extend(page);
        }
        assert_eq!(walked, tokens, "{limit} at a time");
    }
    let tokens = store.tokens_after(grace.id, None, 10).await.unwrap();
    assert_eq!(tokens, [of_grace]);
}

/// A token is revoked by its user, once; the first time stays.
pub async fn a_revoked_token_stays_revoked_since_then(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (ada, of_ada, hash) = user_with_token(&*store, &samples, "ada@example.com").await;
    let (grace, _, hash_of_grace) = user_with_token(&*store, &samples, "grace@example.com").await;
    let later = START + Duration::HOUR;
    assert!(
        !store
            .revoke_token(grace.id, of_ada.id, START)
            .await
            .unwrap()
    );
    assert_eq!(token(&*store, &hash).await.revoked_at, None);
    for at in [START, later] {
        assert!(store.revoke_token(ada.id, of_ada.id, at).await.unwrap());
        assert_eq!(token(&*store, &hash).await.revoked_at, Some(START));
    }
    assert_eq!(token(&*store, &hash_of_grace).await.revoked_at, None);
    let (unknown, _) = samples.token(&ada);
    assert!(!store.revoke_token(ada.id, unknown.id, later).await.unwrap());
}

/// The latest use stays, in whatever order the notes arrive.
pub async fn the_latest_use_of_a_token_is_kept(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (ada, first, hash) = user_with_token(&*store, &samples, "ada@example.com").await;
    let (second, secret) = samples.token(&ada);
    store
        .insert_token(&second, &secret.hash(), MANY)
        .await
        .unwrap();
    let (unknown, _) = samples.token(&ada);
    let at = |seconds| START + Duration::seconds(seconds);
    store.note_tokens_used(&[]).await.unwrap();
    for (used, expected) in [
        (vec![(first.id, at(5))], (Some(at(5)), None)),
        (
            vec![(second.id, at(3)), (unknown.id, at(9)), (first.id, at(4))],
            (Some(at(5)), Some(at(3))),
        ),
        (
            vec![(first.id, at(8)), (first.id, at(7))],
            (Some(at(8)), Some(at(3))),
        ),
    ] {
        store.note_tokens_used(&used).await.unwrap();
        let last_used = (
            token(&*store, &hash).await.last_used_at,
            token(&*store, &secret.hash()).await.last_used_at,
        );
        assert_eq!(last_used, expected, "{used:?}");
    }
}

/// Only so many tokens of a user are valid at a time; those of others, expired and revoked ones do
/// not count.
pub async fn a_user_has_a_limited_number_of_valid_tokens(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (ada, first, _) = user_with_token(&*store, &samples, "ada@example.com").await;
    let (grace, _, _) = user_with_token(&*store, &samples, "grace@example.com").await;
    let insert = async |user: &User, at, expires_at| {
        let (token, secret) = samples.token(user);
        let token = ApiToken {
            created_at: at,
            expires_at,
            ..token
        };
        store.insert_token(&token, &secret.hash(), 2).await.unwrap()
    };
    let later = START + Duration::HOUR;
    assert!(insert(&ada, START, Some(later)).await);
    let before = later - Duration::microseconds(1);
    assert!(!insert(&ada, before, None).await);
    assert!(insert(&grace, before, None).await);
    // The other one has expired.
    assert!(insert(&ada, later, None).await);
    assert!(!insert(&ada, later, None).await);
    assert!(store.revoke_token(ada.id, first.id, later).await.unwrap());
    assert!(insert(&ada, later, None).await);
    assert!(!insert(&ada, later, None).await);
    let tokens = store.tokens_after(ada.id, None, 10).await.unwrap();
    assert_eq!(tokens.len(), 4);
}

/// Of several insertions at once, only as many succeed as are allowed.
pub async fn concurrent_insertions_of_tokens_keep_to_the_limit(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let user = samples.user("ada@example.com");
    insert_user(&*store, &user).await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = std::sync::Arc::clone(&store);
            let (token, secret) = samples.token(&user);
            tokio::spawn(async move { store.insert_token(&token, &secret.hash(), 3).await })
        })
        .collect();
    let mut inserted = 0;
    for task in tasks {
        inserted += u32::from(task.await.unwrap().unwrap());
    }
    assert_eq!(inserted, 3);
    let tokens = store.tokens_after(user.id, None, 10).await.unwrap();
    assert_eq!(tokens.len(), 3);
}
