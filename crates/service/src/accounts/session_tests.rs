//! Signing in and set-up, over a store in memory.

use time::Duration;
use waypost_core::SessionSecret;
use waypost_store::{UserChange, UserStore as _};
use waypost_store_testkit::failing::Operation;
use waypost_store_testkit::samples::START;

use super::tests::{Rig, new_user, rig};
use super::*;

const PASSWORD: &str = "correct horse";

fn password(text: &str) -> Password {
    Password::parse(text).unwrap()
}

/// Adds the user Ada, with a password.
async fn ada(accounts: &Accounts) -> User {
    let new = NewUser {
        password: Some(password(PASSWORD)),
        ..new_user("ada@example.com", Role::Member)
    };
    accounts.add_user(new).await.unwrap()
}

async fn sign_in(accounts: &Accounts, email: &str, password: &str) -> Option<NewSession> {
    let signed_in = accounts.sign_in(email, password.to_owned(), None).await;
    signed_in.unwrap()
}

async fn is_accepted(accounts: &Accounts, secret: &SessionSecret) -> bool {
    let known = accounts.authenticate_session(secret.reveal()).await;
    known.unwrap().is_some()
}

#[tokio::test]
async fn a_password_opens_a_session_that_speaks_for_its_user() {
    let Rig { accounts, .. } = rig();
    let user = ada(&accounts).await;
    let opened = sign_in(&accounts, " ADA@example.com", PASSWORD).await;
    let opened = opened.unwrap();
    assert_eq!(opened.user, user);
    let known = accounts.authenticate_session(opened.secret.reveal()).await;
    let known = known.unwrap().unwrap();
    assert_eq!((&known.session, known.extended), (&opened.session, false));
    let actor = waypost_core::Actor::User {
        id: user.id,
        role: Role::Member,
        scopes: waypost_core::Scopes::all(),
        credential: waypost_core::Credential::Session,
    };
    assert_eq!(known.actor(), actor);
    let another = sign_in(&accounts, "ada@example.com", PASSWORD).await;
    assert_ne!(another.unwrap().secret.hash(), opened.secret.hash());
}

#[tokio::test]
async fn whoever_may_not_sign_in_costs_the_store_and_the_thread_the_same() {
    let Rig {
        accounts,
        store,
        clock,
    } = rig();
    ada(&accounts).await;
    let without = accounts.add_user(new_user("bob@example.com", Role::Member));
    without.await.unwrap();
    let disabled = NewUser {
        password: Some(password(PASSWORD)),
        ..new_user("eve@example.com", Role::Member)
    };
    let disabled = accounts.add_user(disabled).await.unwrap();
    let change = UserChange {
        disabled_at: Some(Some(clock.now())),
        ..UserChange::default()
    };
    store.change_user(disabled.id, &change).await.unwrap();
    for (email, password) in [
        ("ada@example.com", "wrong horse"),
        ("bob@example.com", PASSWORD),
        ("eve@example.com", PASSWORD),
        ("nobody@example.com", PASSWORD),
    ] {
        let calls = || {
            let operations = [Operation::UserByEmail, Operation::Password];
            operations.map(|operation| store.calls(operation))
        };
        let before = calls();
        assert!(sign_in(&accounts, email, password).await.is_none());
        assert_eq!(calls(), before.map(|calls| calls + 1), "{email}");
    }
    assert!(sign_in(&accounts, "no address", PASSWORD).await.is_none());
    assert_eq!(store.calls(Operation::InsertSession), 0);
}

#[tokio::test]
async fn use_makes_a_session_last_and_disuse_ends_it() {
    let Rig {
        accounts,
        store,
        clock,
    } = rig();
    ada(&accounts).await;
    let opened = sign_in(&accounts, "ada@example.com", PASSWORD).await;
    let secret = opened.unwrap().secret;
    let extended = async || {
        let known = accounts.authenticate_session(secret.reveal()).await;
        known.unwrap().map(|known| known.extended)
    };
    assert_eq!(extended().await, Some(false));
    clock.advance(Duration::minutes(5));
    // A check while a response is streamed is no use.
    let actor = accounts.actor_of_session(secret.reveal()).await.unwrap();
    assert!(actor.is_some());
    assert_eq!(store.calls(Operation::TouchSession), 0);
    assert_eq!(extended().await, Some(true));
    assert_eq!(extended().await, Some(false));
    assert_eq!(store.calls(Operation::TouchSession), 1);
    clock.advance(Duration::days(14) - Duration::SECOND);
    assert_eq!(extended().await, Some(true));
    clock.advance(Duration::days(14));
    assert_eq!(extended().await, None);
    let actor = accounts.actor_of_session(secret.reveal()).await.unwrap();
    assert_eq!(actor, None);
}

#[tokio::test]
async fn however_much_it_is_used_a_session_ends_after_three_months() {
    let Rig {
        accounts, clock, ..
    } = rig();
    ada(&accounts).await;
    let opened = sign_in(&accounts, "ada@example.com", PASSWORD).await;
    let secret = opened.unwrap().secret;
    for _ in 0..89 {
        clock.advance(Duration::DAY);
        assert!(is_accepted(&accounts, &secret).await);
    }
    clock.advance(Duration::DAY);
    assert!(!is_accepted(&accounts, &secret).await);
}

#[tokio::test]
async fn signing_out_ends_one_session_or_all_of_them() {
    let Rig { accounts, .. } = rig();
    let user = ada(&accounts).await;
    let mut opened = Vec::new();
    for _ in 0..3 {
        let one = sign_in(&accounts, "ada@example.com", PASSWORD).await;
        opened.push(one.unwrap());
    }
    let first = opened[0].session.id;
    assert!(accounts.sign_out(user.id, first).await.unwrap());
    assert!(!is_accepted(&accounts, &opened[0].secret).await);
    assert!(is_accepted(&accounts, &opened[1].secret).await);
    assert_eq!(accounts.sign_out_everywhere(user.id).await.unwrap(), 2);
    for one in &opened {
        assert!(!is_accepted(&accounts, &one.secret).await);
    }
}

#[tokio::test]
async fn a_new_password_signs_everybody_out_and_whoever_sets_it_in_anew() {
    let Rig { accounts, .. } = rig();
    let user = ada(&accounts).await;
    let own = sign_in(&accounts, "ada@example.com", PASSWORD).await;
    let own = own.unwrap();
    let other = sign_in(&accounts, "ada@example.com", PASSWORD).await;
    let other = other.unwrap();
    let change = async |current: &str| {
        let new = NewPassword {
            current: current.to_owned(),
            new: password("battery staple"),
            revoke_tokens: false,
        };
        accounts.change_password(user.id, new, None).await
    };
    let refused = change("wrong horse").await;
    assert!(matches!(refused, Err(AccountError::WrongPassword)));
    assert!(is_accepted(&accounts, &other.secret).await);
    let changed = change(PASSWORD).await.unwrap();
    assert!(is_accepted(&accounts, &changed.opened.secret).await);
    assert!(!is_accepted(&accounts, &own.secret).await);
    assert!(!is_accepted(&accounts, &other.secret).await);
    assert!(
        sign_in(&accounts, "ada@example.com", PASSWORD)
            .await
            .is_none()
    );
    let set = accounts.set_password(
        &waypost_core::Actor::Operator,
        user.id,
        password(PASSWORD),
        false,
    );
    assert!(set.await.unwrap().is_some());
    assert!(!is_accepted(&accounts, &changed.opened.secret).await);
}

#[tokio::test]
async fn a_new_password_revokes_tokens_where_asked() {
    let Rig { accounts, .. } = rig();
    let user = ada(&accounts).await;
    let token = async || {
        let new = NewToken {
            name: waypost_core::TokenName::parse("deploy").unwrap(),
            scopes: waypost_core::Scopes::default(),
            expires_at: None,
        };
        accounts.create_token(&user, new).await.unwrap().1
    };
    let is_accepted = async |secret: &waypost_core::TokenSecret| {
        let found = accounts.authenticate(secret.reveal()).await;
        found.unwrap().is_some()
    };
    let first = token().await;
    for (revoke_tokens, tokens) in [(false, 0), (true, 1)] {
        let new = NewPassword {
            current: PASSWORD.to_owned(),
            new: password(PASSWORD),
            revoke_tokens,
        };
        let changed = accounts.change_password(user.id, new, None).await;
        assert_eq!(changed.unwrap().ended.tokens, tokens);
        assert_eq!(is_accepted(&first).await, !revoke_tokens);
    }
    let second = token().await;
    for (revoke_tokens, tokens) in [(false, 0), (true, 1)] {
        let operator = &waypost_core::Actor::Operator;
        let set = accounts.set_password(operator, user.id, password(PASSWORD), revoke_tokens);
        assert_eq!(set.await.unwrap().unwrap().tokens, tokens);
        assert_eq!(is_accepted(&second).await, !revoke_tokens);
    }
}

#[tokio::test]
async fn disabling_a_user_ends_their_sessions_for_good() {
    let Rig {
        accounts, store, ..
    } = rig();
    let user = ada(&accounts).await;
    let opened = sign_in(&accounts, "ada@example.com", PASSWORD).await;
    let opened = opened.unwrap();
    for disabled_at in [Some(START), None] {
        let change = UserChange {
            disabled_at: Some(disabled_at),
            ..UserChange::default()
        };
        store.change_user(user.id, &change).await.unwrap();
        assert!(!is_accepted(&accounts, &opened.secret).await);
    }
    store.delete_user(user.id).await.unwrap();
    let refused = accounts.open_session(user, None).await;
    assert!(matches!(refused, Err(AccountError::NoUser)), "{refused:?}");
}

#[tokio::test]
async fn the_first_admin_sets_up_once_and_in_time() {
    let Rig {
        accounts, clock, ..
    } = rig();
    let set_up = async |secret: &str| {
        let email = Email::parse("ada@example.com").unwrap();
        let name = DisplayName::default();
        let admin = accounts.set_up(secret, email, name, password(PASSWORD));
        admin.await.unwrap()
    };
    let late = accounts.begin_set_up().await.unwrap().unwrap();
    assert!(accounts.may_set_up(late.reveal()).await.unwrap());
    clock.advance(Duration::HOUR);
    assert!(!accounts.may_set_up(late.reveal()).await.unwrap());
    assert_eq!(set_up(late.reveal()).await, None);
    assert_eq!(set_up("wpi_guess").await, None);
    let [first, other] = [(); 2].map(|()| accounts.begin_set_up());
    let (first, other) = (first.await.unwrap().unwrap(), other.await.unwrap().unwrap());
    let admin = set_up(first.reveal()).await.unwrap();
    assert_eq!(admin.role, Role::Admin);
    assert!(
        sign_in(&accounts, "ada@example.com", PASSWORD)
            .await
            .is_some()
    );
    for secret in [&first, &other] {
        assert!(!accounts.may_set_up(secret.reveal()).await.unwrap());
        assert_eq!(set_up(secret.reveal()).await, None);
    }
    assert!(accounts.begin_set_up().await.unwrap().is_none());
}
