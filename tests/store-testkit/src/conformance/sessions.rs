//! Cases of [`SessionStore`](waypost_store::SessionStore).

use std::sync::Arc;

use time::Duration;
use waypost_core::{
    Click, SeededRandom, ServerKey, Session, SessionCursor, SessionHash, User, UserAgent,
};
use waypost_store::{
    ClickBatch, Dropped, Ingested, PasswordChange, PasswordSet, SignedIn, Store, StoreError,
    UserChange,
};

use super::concurrency::at_once;
use super::rows::assert_clicks;
use super::users::{at, insert_user, password};
use super::{StoreFactory, all_of, assert_counted, insert};
use crate::samples::{FAR_FUTURE, START, Samples, owner_of, take_journal};

async fn session(store: &dyn Store, hash: &SessionHash) -> Session {
    store.session_by_hash(hash).await.unwrap().unwrap().0
}

/// Creates a user with sessions, from the oldest to the newest.
async fn signed_in<const N: usize>(
    store: &dyn Store,
    samples: &Samples,
    email: &str,
) -> (User, [(Session, SessionHash); N]) {
    let user = samples.user(email);
    insert_user(store, &user).await;
    let sessions = std::array::from_fn(|_| {
        let (session, secret) = samples.session(&user);
        (session, secret.hash())
    });
    for (session, hash) in &sessions {
        store.insert_session(session, hash).await.unwrap();
    }
    (user, sessions)
}

/// Returns which of these sessions have ended.
async fn ended<const N: usize>(
    store: &dyn Store,
    sessions: &[(Session, SessionHash)],
) -> [bool; N] {
    let mut ended = [false; N];
    for (ended, (_, hash)) in ended.iter_mut().zip(sessions) {
        *ended = session(store, hash).await.ended_at.is_some();
    }
    ended
}

/// A session is found by its hash, with all its fields, and so is its user.
pub async fn a_session_is_found_by_its_hash_with_its_user(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (user, [(plain, hash)]) = signed_in(&*store, &samples, "ada@example.com").await;
    let found = store.session_by_hash(&hash).await.unwrap();
    assert_eq!(found, Some((plain, user.clone())));

    let (session, secret) = samples.session(&user);
    let full = Session {
        last_used_at: START + Duration::microseconds(1),
        expires_at: FAR_FUTURE,
        ended_at: Some(START + Duration::HOUR),
        user_agent: Some(UserAgent::from_stored("🧭".repeat(512))),
        ..session
    };
    store.insert_session(&full, &secret.hash()).await.unwrap();
    let found = store.session_by_hash(&secret.hash()).await.unwrap();
    assert_eq!(found, Some((full, user)));
    for other in [SessionHash::from_bytes([0; 32]), SessionHash::of("")] {
        assert_eq!(store.session_by_hash(&other).await.unwrap(), None);
    }
}

/// A hash and an ID are assigned once, and only to an existing user.
pub async fn a_taken_session_hash_or_a_missing_user_is_refused(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (user, [(first, hash)]) = signed_in(&*store, &samples, "ada@example.com").await;
    let (second, other) = samples.session(&user);
    let same_id = Session {
        id: first.id,
        ..second.clone()
    };
    for (session, hash) in [(&second, hash), (&same_id, other.hash())] {
        let answer = store.insert_session(session, &hash).await;
        assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
    }
    let (of_nobody, _) = samples.session(&samples.user("nobody@example.com"));
    let answer = store.insert_session(&of_nobody, &other.hash()).await;
    assert!(matches!(answer, Err(StoreError::NotFound)), "{answer:?}");
    let sessions = store.sessions_after(user.id, START, None, 10).await;
    assert_eq!(sessions.unwrap(), [first]);
}

/// The list of a user has only their valid sessions, newest first, and each once.
pub async fn valid_sessions_are_listed_newest_first_behind_a_cursor(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (ada, sessions) = signed_in::<6>(&*store, &samples, "ada@example.com").await;
    signed_in::<2>(&*store, &samples, "grace@example.com").await;
    let [(first, _), .., (last, _)] = &sessions;
    assert!(store.end_session(ada.id, last.id, START).await.unwrap());
    let at = first.expires_at;
    let mut expected: Vec<Session> = sessions[1..5].iter().map(|it| it.0.clone()).collect();
    expected.reverse();
    for limit in [1, 2, 4, 100] {
        let mut walked = Vec::new();
        let mut cursor = None;
        loop {
            let page = store.sessions_after(ada.id, at, cursor, limit).await;
            let page = page.unwrap();
            let Some(last) = page.last() else { break };
            cursor = Some(SessionCursor::from(last));
            walked.extend(page);
        }
        assert_eq!(walked, expected, "{limit} at a time");
    }
}

/// The latest use and the latest end stay, in whatever order the notes arrive.
pub async fn the_latest_use_of_a_session_is_kept(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (ada, [(first, hash), (other, other_hash)]) =
        signed_in(&*store, &samples, "ada@example.com").await;
    let at = |hours| START + Duration::hours(hours);
    for (used, expires, expected) in [
        (at(2), at(50), (at(2), at(50))),
        (at(1), at(49), (at(2), at(50))),
        (at(3), at(48), (at(3), at(50))),
    ] {
        store.touch_session(first.id, used, expires).await.unwrap();
        let found = session(&*store, &hash).await;
        assert_eq!((found.last_used_at, found.expires_at), expected);
    }
    assert_eq!(session(&*store, &other_hash).await, other);
    let (unknown, _) = samples.session(&ada);
    let touched = store.touch_session(unknown.id, at(1), at(2)).await;
    touched.unwrap();
    store.end_session(ada.id, first.id, at(4)).await.unwrap();
    store.touch_session(first.id, at(5), at(60)).await.unwrap();
    assert_eq!(session(&*store, &hash).await.last_used_at, at(3));
}

/// A session is ended by its user, once; the first time stays.
pub async fn an_ended_session_stays_ended_since_then(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (ada, [(first, hash)]) = signed_in(&*store, &samples, "ada@example.com").await;
    let (grace, [_]) = signed_in(&*store, &samples, "grace@example.com").await;
    let later = START + Duration::HOUR;
    assert!(!store.end_session(grace.id, first.id, START).await.unwrap());
    assert_eq!(session(&*store, &hash).await.ended_at, None);
    for at in [START, later] {
        assert!(store.end_session(ada.id, first.id, at).await.unwrap());
        assert_eq!(session(&*store, &hash).await.ended_at, Some(START));
    }
    assert_eq!(store.end_sessions(ada.id, None, later).await.unwrap(), 0);
    assert_eq!(session(&*store, &hash).await.ended_at, Some(START));
    let (unknown, _) = samples.session(&ada);
    assert!(!store.end_session(ada.id, unknown.id, later).await.unwrap());
}

/// Signing out everywhere ends all sessions of the user; one may be kept.
pub async fn all_sessions_of_a_user_end_but_for_the_one_that_is_kept(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (ada, sessions) = signed_in::<3>(&*store, &samples, "ada@example.com").await;
    let (_, others) = signed_in::<1>(&*store, &samples, "grace@example.com").await;
    let kept = Some(sessions[1].0.id);
    assert_eq!(store.end_sessions(ada.id, kept, START).await.unwrap(), 2);
    assert_eq!(ended(&*store, &sessions).await, [true, false, true]);
    assert_eq!(store.end_sessions(ada.id, None, START).await.unwrap(), 1);
    assert_eq!(ended(&*store, &sessions).await, [true; 3]);
    assert_eq!(ended(&*store, &others).await, [false]);
}

/// A session that was opened with the old password ends.
pub async fn a_new_password_ends_the_sessions_of_its_user(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (ada, sessions) = signed_in::<3>(&*store, &samples, "ada@example.com").await;
    let (_, others) = signed_in::<1>(&*store, &samples, "grace@example.com").await;
    let (kept, later) = (Some(sessions[2].0.id), START + Duration::HOUR);
    let hash = password('A');
    let change = PasswordChange { kept, ..at(later) };
    let set = store.set_password(ada.id, Some(&hash), change).await;
    let expected = PasswordSet {
        sessions: 2,
        tokens: 0,
    };
    assert_eq!(set.unwrap(), Some(expected));
    assert_eq!(ended(&*store, &sessions).await, [true, true, false]);
    let first = session(&*store, &sessions[0].1).await;
    assert_eq!(first.ended_at, Some(later));
    // Removing the password does so, too.
    let set = store.set_password(ada.id, None, at(later)).await;
    assert_eq!(set.unwrap().unwrap().sessions, 1);
    assert_eq!(ended(&*store, &sessions).await, [true; 3]);
    assert_eq!(ended(&*store, &others).await, [false]);
}

/// A disabled user is signed out, and stays signed out when they are enabled again.
pub async fn disabling_a_user_ends_their_sessions(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (ada, sessions) = signed_in::<2>(&*store, &samples, "ada@example.com").await;
    let (_, others) = signed_in::<1>(&*store, &samples, "grace@example.com").await;
    for (disabled_at, expected) in [(None, false), (Some(START), true), (None, true)] {
        let change = UserChange {
            disabled_at: Some(disabled_at),
            ..UserChange::default()
        };
        store.change_user(ada.id, &change).await.unwrap();
        assert_eq!(ended(&*store, &sessions).await, [expected; 2]);
    }
    assert_eq!(ended(&*store, &others).await, [false]);
}

/// No session with which a deleted user could sign in is left.
pub async fn deleting_a_user_deletes_what_they_sign_in_with(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (ada, [(_, hash)]) = signed_in(&*store, &samples, "ada@example.com").await;
    let (_, [(_, other)]) = signed_in(&*store, &samples, "grace@example.com").await;
    let identity = super::identities::identity("1");
    let inserted = store.insert_identity(&identity, ada.id, false, START).await;
    inserted.unwrap();
    assert!(store.delete_user(ada.id).await.unwrap());
    assert_eq!(store.session_by_hash(&hash).await.unwrap(), None);
    assert_eq!(store.identity(&identity).await.unwrap(), None);
    let resolved = store.users_of_sessions(&[hash, other]).await.unwrap();
    assert_eq!(resolved.into_keys().collect::<Vec<_>>(), [other]);
}

/// Sessions that expired long ago are deleted, ended or not; the others stay.
pub async fn purging_sessions_takes_the_oldest_within_its_limit(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (ada, sessions) = signed_in::<5>(&*store, &samples, "ada@example.com").await;
    let ended = store.end_session(ada.id, sessions[4].0.id, START).await;
    assert!(ended.unwrap());
    let before = sessions[3].0.expires_at;
    for (limit, purged) in [(0, 0), (2, 2), (10, 1), (10, 0)] {
        let answer = store.purge_sessions(before, limit).await;
        assert_eq!(answer.unwrap(), purged, "at most {limit}");
    }
    for (number, (_, hash)) in sessions.iter().enumerate() {
        let found = store.session_by_hash(hash).await.unwrap();
        assert_eq!(found.is_some(), number >= 3, "session {number}");
    }
}

/// A click of a user who was deleted meanwhile is rejected together with its batch, and then stored
/// without a user.
pub async fn a_click_of_a_deleted_user_can_be_stored_as_nobodys(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let (ada, []) = signed_in(&*store, &samples, "ada@example.com").await;
    let (gone, []) = signed_in(&*store, &samples, "gone@example.com").await;
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    assert!(store.delete_user(gone.id).await.unwrap());
    let mut clicks = samples.clicks(&link, 3);
    clicks[0].user_id = Some(ada.id);
    clicks[1].user_id = Some(gone.id);
    let id = samples.journal();
    take_journal(&*store, id, 0).await;
    let ingest = async |clicks: &[Click]| {
        let batch = ClickBatch {
            journal: id,
            owner: owner_of(id),
            start: 0,
            clicks: clicks.to_vec(),
            dropped: Dropped::default(),
            duplicates: 0,
            records: waypost_store::KeptRecords::All,
        };
        store.ingest(Arc::new(batch), START).await
    };
    let refused = ingest(&clicks).await;
    assert!(
        matches!(refused, Err(StoreError::Refused { .. })),
        "{refused:?}"
    );
    assert_counted(&*store, &link, 0, 0).await;
    clicks[1].user_id = None;
    let settled = ingest(&clicks).await.unwrap();
    assert_eq!(settled, Ingested::Settled(all_of(3)));
    assert_counted(&*store, &link, 3, 0).await;
    assert_clicks(rows.as_deref(), &clicks).await;
}

/// The ingester reads the user and the time span of any number of sessions in one look-up.
pub async fn many_sessions_are_resolved_at_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    assert!(store.users_of_sessions(&[]).await.unwrap().is_empty());
    let user = samples.user("ada@example.com");
    insert_user(&*store, &user).await;
    let sessions: Vec<_> = (0..1_100).map(|_| samples.session(&user)).collect();
    let shared = Arc::new(sessions.clone());
    at_once(11, |number| {
        let (store, sessions) = (store.clone(), shared.clone());
        async move {
            for (session, secret) in &sessions[number * 100..][..100] {
                let inserted = store.insert_session(session, &secret.hash()).await;
                inserted.unwrap();
            }
        }
    })
    .await;
    let ended_at = START + Duration::HOUR;
    let ended = store.end_session(user.id, sessions[0].0.id, ended_at).await;
    assert!(ended.unwrap());
    let mut hashes: Vec<_> = sessions.iter().map(|(_, secret)| secret.hash()).collect();
    hashes.push(SessionHash::of("nobody's"));
    let resolved = store.users_of_sessions(&hashes).await.unwrap();
    assert_eq!(resolved.len(), 1_100);
    for (number, (session, secret)) in sessions.iter().enumerate() {
        let ended_at = (number == 0).then_some(ended_at);
        let session = Session {
            ended_at,
            ..session.clone()
        };
        assert_eq!(resolved[&secret.hash()], SignedIn::of(&session));
    }
    let first = resolved[&hashes[0]];
    assert!(first.covers(sessions[0].0.created_at) && !first.covers(ended_at));
}

/// The first node to ask stores the key of browsers, and all get the same one.
pub async fn all_nodes_get_the_same_key_for_browsers(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let random = SeededRandom::new(1);
    let candidates: Vec<_> = (0..8).map(|_| ServerKey::generate(&random)).collect();
    let keys = at_once(8, |number| {
        let (store, candidate) = (store.clone(), candidates[number].clone());
        async move { store.browser_key(&candidate).await.unwrap() }
    })
    .await;
    assert!(candidates.contains(&keys[0]));
    assert!(keys.iter().all(|key| *key == keys[0]));
    let later = store.browser_key(&ServerKey::generate(&random)).await;
    assert_eq!(later.unwrap(), keys[0]);
}
