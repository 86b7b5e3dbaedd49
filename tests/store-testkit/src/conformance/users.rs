//! Cases of [`UserStore`](waypost_store::UserStore).

use time::{Duration, OffsetDateTime};
use waypost_core::{ApiToken, DisplayName, Email, PasswordHash, Role, User, UserCursor, micros};
use waypost_store::{PasswordChange, Store, StoreError, UserChange};

use super::links::MOMENTS;
use super::{StoreFactory, insert, record};
use crate::samples::{START, Samples};

pub(super) async fn insert_user(store: &dyn Store, user: &User) {
    store.insert_user(user, None).await.unwrap();
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

pub(super) fn password(salt: char) -> PasswordHash {
    let salt = salt.to_string().repeat(22);
    let hash = "A".repeat(43);
    let text = format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${hash}");
    PasswordHash::from_stored(&text).unwrap()
}

/// An inserted user is found by ID and email address, with all its fields.
pub async fn an_inserted_user_is_found_by_id_and_address(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let member = samples.user("ada@example.com");
    let admin = User {
        role: Role::Admin,
        display_name: DisplayName::parse("Grace Hopper – ‘Amazing’ 🧭").unwrap(),
        disabled_at: Some(START),
        ..samples.user("grace@example.com")
    };
    assert_eq!(store.user(member.id).await.unwrap(), None);
    for user in [&member, &admin] {
        insert_user(&*store, user).await;
        let by_id = store.user(user.id).await.unwrap();
        assert_eq!(by_id.as_ref(), Some(user));
        assert_eq!(store.user_by_email(&user.email).await.unwrap(), by_id);
    }
    let other = store.user_by_email(&email("eve@example.com")).await;
    assert_eq!(other.unwrap(), None);
    assert_eq!(store.counts().await.unwrap().users, 2);
}

/// No character of an email address is a wildcard, and none equals another.
pub async fn addresses_that_differ_in_one_character_are_different_users(
    factory: &dyn StoreFactory,
) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let addresses = [
        "a_b@example.com",
        "a-b@example.com",
        "a%b@example.com",
        "axb@example.com",
        "ä@example.com",
        "a@example.com",
        "ss@example.com",
        "ß@example.com",
    ];
    for address in addresses {
        insert_user(&*store, &samples.user(address)).await;
    }
    for address in addresses {
        let found = store.user_by_email(&email(address)).await.unwrap();
        assert_eq!(found.unwrap().email.as_str(), address);
    }
}

/// An email address and an ID are assigned once; the existing user is unchanged.
pub async fn a_taken_address_or_id_is_a_conflict_and_nothing_changes(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let first = samples.user("ada@example.com");
    insert_user(&*store, &first).await;
    let same_id = User {
        id: first.id,
        ..samples.user("grace@example.com")
    };
    for user in [samples.user("ADA@example.com"), same_id] {
        let answer = store.insert_user(&user, Some(&password('Q'))).await;
        assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
    }
    assert_eq!(store.user(first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(store.password(first.id).await.unwrap(), None);
    assert_eq!(store.counts().await.unwrap().users, 1);
}

/// Times of users are kept to the microsecond, in UTC.
pub async fn times_of_a_user_are_the_same_instants_in_utc(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    for (number, moment) in MOMENTS.into_iter().enumerate() {
        let user = User {
            created_at: moment,
            disabled_at: Some(moment + Duration::nanoseconds(999)),
            ..samples.user(&format!("user{number}@example.com"))
        };
        insert_user(&*store, &user).await;
        let found = store.user(user.id).await.unwrap().unwrap();
        let times = [found.created_at, found.disabled_at.unwrap()];
        assert_eq!(times, [micros(moment); 2]);
        assert!(times.iter().all(|time| time.offset().is_utc()));
    }
}

/// The effect of a change on a user.
type Apply = fn(&mut User);

/// Only the given fields change.
pub async fn changing_a_user_changes_what_is_named(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let mut user = samples.user("ada@example.com");
    insert_user(&*store, &user).await;
    let other = samples.user("grace@example.com");
    insert_user(&*store, &other).await;
    let nothing = UserChange::default();
    let changes: [(UserChange, Apply); 6] = [
        (nothing.clone(), |_| {}),
        (
            UserChange {
                email: Some(email("lovelace@example.com")),
                ..nothing.clone()
            },
            |user| user.email = email("lovelace@example.com"),
        ),
        (
            UserChange {
                display_name: Some(DisplayName::parse("Ada").unwrap()),
                ..nothing.clone()
            },
            |user| user.display_name = DisplayName::parse("Ada").unwrap(),
        ),
        (
            UserChange {
                role: Some(Role::Admin),
                ..nothing.clone()
            },
            |user| user.role = Role::Admin,
        ),
        (
            UserChange {
                disabled_at: Some(Some(START)),
                ..nothing.clone()
            },
            |user| user.disabled_at = Some(START),
        ),
        (
            UserChange {
                disabled_at: Some(None),
                ..nothing.clone()
            },
            |user| user.disabled_at = None,
        ),
    ];
    for (change, apply) in changes {
        apply(&mut user);
        // The second time nothing changes.
        for _ in 0..2 {
            let changed = store.change_user(user.id, &change).await.unwrap();
            assert_eq!(changed.as_ref(), Some(&user), "{change:?}");
        }
        assert_eq!(store.user(user.id).await.unwrap(), Some(user.clone()));
    }
    assert_eq!(store.user(other.id).await.unwrap(), Some(other.clone()));

    let taken = UserChange {
        email: Some(other.email.clone()),
        role: Some(Role::Member),
        ..nothing.clone()
    };
    let answer = store.change_user(user.id, &taken).await;
    assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
    assert_eq!(store.user(user.id).await.unwrap(), Some(user));
    let nobody = samples.user("nobody@example.com").id;
    for change in [nothing, taken] {
        assert_eq!(store.change_user(nobody, &change).await.unwrap(), None);
    }
}

/// A password is set, replaced and removed.
pub async fn a_password_belongs_to_its_user(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (ada, grace) = (
        samples.user("ada@example.com"),
        samples.user("grace@example.com"),
    );
    let (first, second) = (password('Q'), password('g'));
    store.insert_user(&ada, Some(&first)).await.unwrap();
    insert_user(&*store, &grace).await;
    assert_eq!(store.password(ada.id).await.unwrap(), Some(first));
    assert_eq!(store.password(grace.id).await.unwrap(), None);
    for password in [Some(second.clone()), Some(second), None, None] {
        let set = store
            .set_password(ada.id, password.as_ref(), at(START))
            .await;
        assert!(set.unwrap().is_some());
        assert_eq!(store.password(ada.id).await.unwrap(), password);
    }
    let nobody = samples.user("nobody@example.com").id;
    let set = store.set_password(nobody, None, at(START)).await;
    assert_eq!(set.unwrap(), None);
    assert_eq!(store.password(nobody).await.unwrap(), None);
}

/// A walk by cursor shows each user once, newest first, however many were created at once.
pub async fn users_are_listed_newest_first_behind_a_cursor(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let at = |seconds| -> OffsetDateTime { START + Duration::seconds(seconds) };
    let mut users: Vec<User> = [0, 0, 0, 1, 5, 5, 3]
        .into_iter()
        .enumerate()
        .map(|(number, seconds)| User {
            created_at: at(seconds),
            ..samples.user(&format!("user{number}@example.com"))
        })
        .collect();
    for user in &users {
        insert_user(&*store, user).await;
    }
    users.sort_by_key(|user| std::cmp::Reverse((user.created_at, user.id)));
    for limit in [1, 2, 3, 7, 100] {
        let mut walked = Vec::new();
        let mut cursor = None;
        loop {
            let page = store.users_after(cursor, limit).await.unwrap();
            assert!(page.len() <= usize::try_from(limit).unwrap());
            let Some(last) = page.last() else { break };
            cursor = Some(UserCursor::from(last));
            walked.extend(page);
        }
        assert_eq!(walked, users, "{limit} at a time");
    }
    assert_eq!(store.users_after(None, 0).await.unwrap(), []);
}

/// Deleting a user deletes their tokens; their clicks stay.
pub async fn deleting_a_user_leaves_their_clicks(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let (ada, grace) = (
        samples.user("ada@example.com"),
        samples.user("grace@example.com"),
    );
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    for user in [&ada, &grace] {
        insert_user(&*store, user).await;
        let mut click = samples.click(&link);
        click.user_id = Some(user.id);
        record(&*store, &[click]).await;
    }
    let (token, secret) = samples.token(&ada);
    store.insert_token(&token, &secret.hash(), 1).await.unwrap();
    assert!(store.delete_user(ada.id).await.unwrap());
    assert!(!store.delete_user(ada.id).await.unwrap());
    assert_eq!(store.user(ada.id).await.unwrap(), None);
    assert_eq!(store.token_by_hash(&secret.hash()).await.unwrap(), None);
    assert_eq!(store.user(grace.id).await.unwrap(), Some(grace.clone()));
    assert_eq!(store.counts().await.unwrap().users, 1);
    if let Some(rows) = rows {
        let clicks = rows.clicks().await;
        let mut users: Vec<_> = clicks.iter().map(|row| row.user_id).collect();
        users.sort_unstable();
        assert_eq!(users, [None, Some(grace.id)]);
    }
    // The email address is available again.
    insert_user(&*store, &samples.user("ada@example.com")).await;
}

/// The unique index decides which of many concurrent users gets an email address.
pub async fn one_of_many_concurrent_inserts_of_an_address_wins(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let users: Vec<User> = (0..16).map(|_| samples.user("ada@example.com")).collect();
    let tasks: Vec<_> = users
        .into_iter()
        .map(|user| {
            let store = std::sync::Arc::clone(&store);
            tokio::spawn(async move { store.insert_user(&user, None).await })
        })
        .collect();
    let mut inserted = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => inserted += 1,
            Err(StoreError::Conflict) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(inserted, 1);
    assert_eq!(store.counts().await.unwrap().users, 1);
}

/// Sets a password at `at`, and ends all sessions.
pub(super) const fn at(at: OffsetDateTime) -> PasswordChange {
    PasswordChange {
        at,
        kept: None,
        revoke_tokens: false,
    }
}

/// A new password revokes the tokens of its user if asked to, and counts the valid ones.
pub async fn a_new_password_revokes_tokens_if_asked_to(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let users = ["ada@example.com", "eve@example.com"].map(|email| samples.user(email));
    let later = START + Duration::HOUR;
    for user in &users {
        insert_user(&*store, user).await;
        for (expires_at, revoked_at) in [
            (None, None),
            (Some(later + Duration::HOUR), None),
            (Some(later), None),
            (None, Some(START)),
        ] {
            let (token, secret) = samples.token(user);
            let token = ApiToken {
                expires_at,
                revoked_at,
                ..token
            };
            let inserted = store.insert_token(&token, &secret.hash(), 10).await;
            assert!(inserted.unwrap());
        }
    }
    let revoked = async |user: &User| {
        let tokens = store.tokens_after(user.id, None, 10).await.unwrap();
        let mut times: Vec<_> = tokens.iter().map(|token| token.revoked_at).collect();
        times.sort_unstable();
        times
    };
    let change = at(later);
    for (revoke_tokens, expected) in [(false, 0), (true, 2), (true, 0)] {
        let change = PasswordChange {
            revoke_tokens,
            ..change
        };
        let set = store.set_password(users[0].id, None, change).await;
        assert_eq!(set.unwrap().unwrap().tokens, expected);
    }
    let (before, now) = (Some(START), Some(later));
    assert_eq!(revoked(&users[0]).await, [before, now, now, now]);
    assert_eq!(revoked(&users[1]).await, [None, None, None, before]);
}
