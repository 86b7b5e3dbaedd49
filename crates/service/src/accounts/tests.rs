//! Users and API tokens, over a store in memory.

use time::Duration;
use waypost_core::{Actor, ManualClock, SeededRandom, TokenName, TokenSecret};
use waypost_store::{MemoryStore, UserChange};
use waypost_store_testkit::failing::{FailingStore, Operation};
use waypost_store_testkit::samples::START;

use super::*;

const OPERATOR: &str = "0123456789abcdef0123456789abcdef";

pub(super) struct Rig {
    pub(super) accounts: Accounts,
    pub(super) store: Arc<FailingStore>,
    pub(super) clock: Arc<ManualClock>,
}

pub(super) fn rig() -> Rig {
    let store = Arc::new(FailingStore::<dyn Store>::new(
        Arc::new(MemoryStore::new()),
        1,
    ));
    let clock = Arc::new(ManualClock::new(START));
    let accounts = Accounts::new(AccountsParts {
        store: store.clone(),
        clock: clock.clone(),
        random: Arc::new(SeededRandom::new(1)),
        operator: Some(TokenHash::of(OPERATOR)),
        sessions: SessionLifetime::default(),
        resolver: None,
    });
    Rig {
        accounts,
        store,
        clock,
    }
}

pub(super) fn new_user(email: &str, role: Role) -> NewUser {
    NewUser {
        email: Email::parse(email).unwrap(),
        display_name: DisplayName::default(),
        role,
        password: None,
    }
}

fn new_token(scopes: &str) -> NewToken {
    NewToken {
        name: TokenName::parse("deploy").unwrap(),
        scopes: scopes.parse().unwrap(),
        expires_at: None,
    }
}

#[tokio::test]
async fn a_user_is_added_once_with_a_password_that_is_only_kept_as_a_hash() {
    let Rig { accounts, .. } = rig();
    let user = accounts
        .add_user(NewUser {
            password: Some(Password::parse("correct horse").unwrap()),
            ..new_user("Ada@example.com", Role::Member)
        })
        .await
        .unwrap();
    assert_eq!(user.created_at, START);
    let hash = accounts.store().password(user.id).await.unwrap().unwrap();
    assert!(hash.is_of("correct horse"));
    let again = accounts.add_user(new_user("ada@EXAMPLE.com", Role::Admin));
    let error = again.await.unwrap_err();
    assert!(
        matches!(&error, AccountError::EmailTaken(email) if *email == user.email),
        "{error:?}"
    );
    let other = Password::parse("battery staple").unwrap();
    let set = accounts.set_password(&Actor::Operator, user.id, other, false);
    assert!(set.await.unwrap().is_some());
    let hash = accounts.store().password(user.id).await.unwrap().unwrap();
    assert!(hash.is_of("battery staple") && !hash.is_of("correct horse"));
}

#[tokio::test]
async fn the_secret_of_a_token_speaks_for_its_user() {
    let Rig { accounts, .. } = rig();
    let user = accounts.add_user(new_user("ada@example.com", Role::Member));
    let user = user.await.unwrap();
    let made = accounts.create_token(&user, new_token("read")).await;
    let (token, secret) = made.unwrap();
    let found = accounts.authenticate(secret.reveal()).await.unwrap();
    let actor = Actor::User {
        id: user.id,
        role: Role::Member,
        scopes: "read".parse().unwrap(),
        credential: waypost_core::Credential::Token,
    };
    assert_eq!(found, Some(actor));

    // The time of use is written later.
    let last_used = async || {
        let tokens = accounts.store().tokens_after(user.id, None, 10).await;
        let tokens = tokens.unwrap();
        assert_eq!(tokens[0].id, token.id);
        tokens[0].last_used_at
    };
    assert_eq!(last_used().await, None);
    accounts.write_used().await.unwrap();
    assert_eq!(last_used().await, Some(START));
}

#[tokio::test]
async fn the_use_of_a_token_is_written_when_the_store_is_back() {
    let Rig {
        accounts,
        store,
        clock,
    } = rig();
    let user = accounts.add_user(new_user("ada@example.com", Role::Member));
    let user = user.await.unwrap();
    let made = accounts.create_token(&user, new_token("read")).await;
    let (_, secret) = made.unwrap();
    accounts.authenticate(secret.reveal()).await.unwrap();
    store.set_down(true);
    assert!(accounts.write_used().await.is_err());
    store.set_down(false);
    clock.advance(Duration::HOUR);
    accounts.write_used().await.unwrap();
    assert_eq!(store.calls(Operation::NoteTokensUsed), 2);
    let tokens = store.inner().tokens_after(user.id, None, 1).await.unwrap();
    assert_eq!(tokens[0].last_used_at, Some(START));
    // Nothing is left to write.
    accounts.write_used().await.unwrap();
    assert_eq!(store.calls(Operation::NoteTokensUsed), 2);
}

#[tokio::test]
async fn the_operators_token_is_the_operators_and_reaches_no_store() {
    let Rig {
        accounts, store, ..
    } = rig();
    let found = accounts.authenticate(OPERATOR).await.unwrap();
    assert_eq!(found, Some(Actor::Operator));
    assert_eq!(accounts.authenticate(&OPERATOR[1..]).await.unwrap(), None);
    assert_eq!(store.calls(Operation::TokenByHash), 0);
}

#[tokio::test]
async fn what_is_no_secret_is_nobody_and_does_not_reach_the_store() {
    let Rig {
        accounts, store, ..
    } = rig();
    for presented in ["", "secret", "WP_secret", "Bearer wp_secret"] {
        assert_eq!(accounts.authenticate(presented).await.unwrap(), None);
    }
    assert_eq!(store.calls(Operation::TokenByHash), 0);
    assert_eq!(accounts.authenticate("wp_secret").await.unwrap(), None);
    assert_eq!(store.calls(Operation::TokenByHash), 1);
}

#[tokio::test]
async fn a_token_ends_when_it_expires_is_revoked_or_its_user_is_disabled() {
    let Rig {
        accounts, clock, ..
    } = rig();
    let user = accounts.add_user(new_user("ada@example.com", Role::Member));
    let user = user.await.unwrap();
    let expires = NewToken {
        expires_at: Some(START + Duration::DAY),
        ..new_token("read,write")
    };
    let (_, expiring) = accounts.create_token(&user, expires).await.unwrap();
    let (revoked, secret) = accounts
        .create_token(&user, new_token("read"))
        .await
        .unwrap();
    let (_, lasting) = accounts
        .create_token(&user, new_token("read"))
        .await
        .unwrap();
    let store = accounts.store();
    let is_accepted = async |secret: &TokenSecret| {
        let found = accounts.authenticate(secret.reveal()).await.unwrap();
        found.is_some()
    };
    assert!(is_accepted(&expiring).await);
    clock.advance(Duration::DAY);
    assert!(!is_accepted(&expiring).await);

    assert!(is_accepted(&secret).await);
    let at = clock.now();
    assert!(store.revoke_token(user.id, revoked.id, at).await.unwrap());
    assert!(!is_accepted(&secret).await);

    for (disabled_at, accepted) in [(Some(at), false), (None, true)] {
        let change = UserChange {
            disabled_at: Some(disabled_at),
            ..UserChange::default()
        };
        store.change_user(user.id, &change).await.unwrap();
        assert_eq!(is_accepted(&lasting).await, accepted);
    }
    assert!(store.delete_user(user.id).await.unwrap());
    assert!(!is_accepted(&lasting).await);
}

#[tokio::test]
async fn a_token_that_could_not_be_used_is_refused() {
    let Rig { accounts, .. } = rig();
    let member = accounts.add_user(new_user("ada@example.com", Role::Member));
    let member = member.await.unwrap();
    let admin = accounts.add_user(new_user("grace@example.com", Role::Admin));
    let admin = admin.await.unwrap();
    let scopes = "read,write,admin";
    let refused = accounts.create_token(&member, new_token(scopes)).await;
    assert!(matches!(refused, Err(AccountError::NotAnAdmin)));
    let made = accounts.create_token(&admin, new_token(scopes)).await;
    assert!(made.is_ok());
    let expired = NewToken {
        expires_at: Some(START),
        ..new_token("read")
    };
    let refused = accounts.create_token(&member, expired).await;
    assert!(matches!(refused, Err(AccountError::ExpiresInThePast)));
    assert!(accounts.store().delete_user(member.id).await.unwrap());
    let refused = accounts.create_token(&member, new_token("read")).await;
    assert!(matches!(refused, Err(AccountError::NoUser)));
}

#[tokio::test]
async fn a_user_has_at_most_a_hundred_valid_tokens() {
    let Rig { accounts, .. } = rig();
    let user = accounts.add_user(new_user("ada@example.com", Role::Member));
    let user = user.await.unwrap();
    let mut first = None;
    for _ in 0..100 {
        let made = accounts.create_token(&user, new_token("read")).await;
        first.get_or_insert(made.unwrap().0.id);
    }
    let refused = accounts.create_token(&user, new_token("read")).await;
    assert!(
        matches!(refused, Err(AccountError::TooManyTokens)),
        "{refused:?}"
    );
    accounts
        .revoke_token(user.id, first.unwrap())
        .await
        .unwrap();
    let made = accounts.create_token(&user, new_token("read")).await;
    assert!(made.is_ok());
}

#[tokio::test]
async fn a_token_creates_no_other() {
    let Rig { accounts, .. } = rig();
    let user = accounts.add_user(new_user("ada@example.com", Role::Member));
    let user = user.await.unwrap();
    let (_, secret) = accounts
        .create_token(&user, new_token("read,write"))
        .await
        .unwrap();
    let actor = accounts
        .authenticate(secret.reveal())
        .await
        .unwrap()
        .unwrap();
    let refused = accounts.create_own_token(&actor, new_token("read")).await;
    assert!(
        matches!(refused, Err(AccountError::SessionRequired)),
        "{refused:?}"
    );
    let refused = accounts
        .create_own_token(&Actor::Operator, new_token("read"))
        .await;
    assert!(
        matches!(refused, Err(AccountError::ActorGone)),
        "{refused:?}"
    );
}
