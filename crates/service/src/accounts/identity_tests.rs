//! Signing in with an account at an identity provider, over a store in memory.

use waypost_core::{Actor, ExternalIdentity};
use waypost_store::{IdentityStore as _, UserChange, UserStore as _};
use waypost_store_testkit::failing::Operation;
use waypost_store_testkit::samples::START;

use super::identities::{AllowedDomains, AllowedDomainsError, IdentityError, ProvenIdentity};
use super::tests::{Rig, new_user, rig};
use super::*;

fn identity(subject: &str) -> ExternalIdentity {
    ExternalIdentity::parse("https://id.example", subject).unwrap()
}

fn proven(subject: &str, email: &str) -> ProvenIdentity {
    ProvenIdentity {
        identity: identity(subject),
        email: Some(Email::parse(email)),
        email_verified: Some(true),
        display_name: DisplayName::parse("Ada").unwrap(),
        is_in_admin_group: None,
    }
}

async fn enter(accounts: &Accounts, proven: &ProvenIdentity) -> Result<User, IdentityError> {
    let domains = AllowedDomains::default();
    accounts.user_of_identity(proven, &domains).await
}

#[tokio::test]
async fn a_stranger_becomes_a_member_without_a_password_and_is_known_again() {
    let Rig { accounts, .. } = rig();
    let first = proven("1", "ada@example.com");
    let user = enter(&accounts, &first).await.unwrap();
    assert_eq!((user.role, user.created_at), (Role::Member, START));
    assert_eq!(user.display_name.as_str(), "Ada");
    assert_eq!(accounts.store().password(user.id).await.unwrap(), None);
    // Recognised by the account: the email address is another one now, and not verified.
    let later = ProvenIdentity {
        email_verified: Some(false),
        ..proven("1", "lovelace@example.com")
    };
    assert_eq!(enter(&accounts, &later).await.unwrap(), user);
    let without = ProvenIdentity {
        email: None,
        ..later
    };
    assert_eq!(enter(&accounts, &without).await.unwrap(), user);
}

#[tokio::test]
async fn a_verified_address_leads_to_the_user_who_has_it() {
    let Rig { accounts, .. } = rig();
    let ada = accounts.add_user(new_user("ada@example.com", Role::Admin));
    let ada = ada.await.unwrap();
    for _ in 0..2 {
        let user = enter(&accounts, &proven("1", "ADA@example.com")).await;
        assert_eq!(user.unwrap(), ada);
    }
}

#[tokio::test]
async fn a_second_account_at_the_issuer_is_never_linked_to_a_user() {
    let Rig {
        accounts, store, ..
    } = rig();
    let ada = accounts.add_user(new_user("ada@example.com", Role::Admin));
    let ada = ada.await.unwrap();
    let first = proven("1", "ada@example.com");
    enter(&accounts, &first).await.unwrap();
    let second = proven("2", "ada@example.com");
    for _ in 0..2 {
        let refused = enter(&accounts, &second).await;
        assert!(
            matches!(refused, Err(IdentityError::OtherAccount)),
            "{refused:?}"
        );
    }
    assert_eq!(store.identity(&second.identity).await.unwrap(), None);
    // An account at another issuer may be linked.
    let elsewhere = ProvenIdentity {
        identity: ExternalIdentity::parse("https://other.example", "2").unwrap(),
        ..second.clone()
    };
    assert_eq!(enter(&accounts, &elsewhere).await.unwrap(), ada);
    // The same person with a new account: an admin unlinks the old one.
    let unlink = async |id: &str| {
        let unlinked = accounts.unlink_identity(&Actor::Operator, ada.id, id);
        unlinked.await.unwrap()
    };
    assert!(!unlink("").await);
    assert!(!unlink(&second.identity.id()).await);
    assert!(unlink(&first.identity.id()).await);
    assert!(!unlink(&first.identity.id()).await);
    assert_eq!(enter(&accounts, &second).await.unwrap(), ada);
    let refused = enter(&accounts, &first).await;
    assert!(
        matches!(refused, Err(IdentityError::OtherAccount)),
        "{refused:?}"
    );
    // Another person: an admin changes the email address of the user.
    let moved = UserEdit {
        email: Some(Email::parse("ada@old.example").unwrap()),
        ..UserEdit::default()
    };
    let moved = accounts.change_user(&Actor::Operator, ada.id, moved).await;
    moved.unwrap().unwrap();
    let other = enter(&accounts, &first).await.unwrap();
    assert_ne!(other.id, ada.id);
    assert_eq!(other.email.as_str(), "ada@example.com");
}

#[tokio::test]
async fn an_email_address_that_could_be_taken_for_another_leads_to_nobody() {
    let Rig {
        accounts, store, ..
    } = rig();
    let kate = accounts.add_user(new_user("kate@example.com", Role::Admin));
    kate.await.unwrap();
    let kelvin = proven("1", "\u{212a}ate@example.com");
    let refused = enter(&accounts, &kelvin).await;
    assert!(
        matches!(refused, Err(IdentityError::InvalidEmail(_))),
        "{refused:?}"
    );
    assert_eq!(store.identity(&kelvin.identity).await.unwrap(), None);
    assert_eq!(store.calls(Operation::InsertUser), 1);
}

#[tokio::test]
async fn what_is_not_verified_leads_to_nobody_and_makes_nobody() {
    let Rig {
        accounts, store, ..
    } = rig();
    let ada = accounts.add_user(new_user("ada@example.com", Role::Member));
    ada.await.unwrap();
    for email in ["ada@example.com", "eve@example.com"] {
        let unverified = ProvenIdentity {
            email_verified: Some(false),
            ..proven("1", email)
        };
        let refused = enter(&accounts, &unverified).await;
        assert!(matches!(refused, Err(IdentityError::EmailNotVerified)));
        let unsaid = ProvenIdentity {
            email_verified: None,
            ..proven("1", email)
        };
        let refused = enter(&accounts, &unsaid).await;
        assert!(matches!(
            refused,
            Err(IdentityError::EmailVerificationUnknown)
        ));
    }
    let nameless = ProvenIdentity {
        email: None,
        ..proven("1", "eve@example.com")
    };
    let refused = enter(&accounts, &nameless).await;
    assert!(matches!(refused, Err(IdentityError::NoEmail)));
    assert_eq!(store.identity(&identity("1")).await.unwrap(), None);
    assert_eq!(store.calls(Operation::InsertUser), 1);
}

#[tokio::test]
async fn domains_decide_for_strangers_and_for_those_who_are_known() {
    let Rig {
        accounts, store, ..
    } = rig();
    enter(&accounts, &proven("1", "ada@example.com"))
        .await
        .unwrap();
    let domains = "Example.org, example.net".parse().unwrap();
    for (subject, email) in [
        ("1", "ada@example.com"),
        ("2", "eve@sub.example.org"),
        ("3", "eve@notexample.org"),
    ] {
        let somebody = proven(subject, email);
        let refused = accounts.user_of_identity(&somebody, &domains).await;
        assert!(
            matches!(refused, Err(IdentityError::DomainNotAllowed)),
            "{email}"
        );
    }
    let unverified = ProvenIdentity {
        email_verified: Some(false),
        ..proven("1", "ada@example.org")
    };
    let refused = accounts.user_of_identity(&unverified, &domains).await;
    assert!(matches!(refused, Err(IdentityError::EmailNotVerified)));
    assert_eq!(store.identity(&identity("2")).await.unwrap(), None);
    let member = proven("4", "eve@EXAMPLE.net");
    assert!(accounts.user_of_identity(&member, &domains).await.is_ok());
}

#[tokio::test]
async fn whoever_is_disabled_is_refused_and_gets_no_account() {
    let Rig {
        accounts, store, ..
    } = rig();
    let change = UserChange {
        disabled_at: Some(Some(START)),
        ..UserChange::default()
    };
    let user = accounts.add_user(new_user("ada@example.com", Role::Member));
    store
        .change_user(user.await.unwrap().id, &change)
        .await
        .unwrap();
    let refused = enter(&accounts, &proven("1", "ada@example.com")).await;
    assert!(matches!(refused, Err(IdentityError::Disabled)));
    assert_eq!(store.identity(&identity("1")).await.unwrap(), None);
    let known = proven("2", "eve@example.com");
    let user = enter(&accounts, &known).await.unwrap();
    store.change_user(user.id, &change).await.unwrap();
    let in_group = ProvenIdentity {
        is_in_admin_group: Some(true),
        ..known
    };
    let refused = enter(&accounts, &in_group).await;
    assert!(matches!(refused, Err(IdentityError::Disabled)));
    let kept = store.user(user.id).await.unwrap().unwrap();
    assert_eq!(kept.role, Role::Member);
}

#[tokio::test]
async fn a_group_gives_and_takes_the_role_of_an_admin_but_not_what_was_given_by_hand() {
    let Rig {
        accounts, store, ..
    } = rig();
    let role = async |is_in_admin_group| {
        let proven = ProvenIdentity {
            is_in_admin_group,
            ..proven("1", "ada@example.com")
        };
        enter(&accounts, &proven).await.unwrap().role
    };
    assert_eq!(role(Some(true)).await, Role::Admin);
    assert_eq!(role(None).await, Role::Admin);
    assert_eq!(role(Some(false)).await, Role::Member);
    let id = store.identity(&identity("1")).await.unwrap().unwrap();
    let by_hand = UserChange {
        role: Some(Role::Admin),
        ..UserChange::default()
    };
    store.change_user(id.user.id, &by_hand).await.unwrap();
    for is_in_group in [Some(false), Some(true), Some(false), None] {
        assert_eq!(role(is_in_group).await, Role::Admin);
    }
}

#[tokio::test]
async fn many_who_come_for_the_first_time_at_once_are_one_user() {
    let Rig { accounts, .. } = rig();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let accounts = accounts.clone();
        tasks.spawn(async move { enter(&accounts, &proven("1", "ada@example.com")).await });
    }
    let users: Vec<_> = tasks
        .join_all()
        .await
        .into_iter()
        .map(|user| user.unwrap().id)
        .collect();
    assert!(users.iter().all(|user| *user == users[0]), "{users:?}");
}

#[test]
fn domains_are_a_list() {
    let domains: AllowedDomains = " Example.COM,example.org".parse().unwrap();
    assert_eq!(domains.to_string(), "example.com,example.org");
    for text in [
        "",
        ",",
        "example.com,",
        "@example.com",
        "a@example.com",
        "exa mple.com",
    ] {
        let parsed = text.parse::<AllowedDomains>();
        assert_eq!(parsed, Err(AllowedDomainsError), "{text:?}");
    }
}
