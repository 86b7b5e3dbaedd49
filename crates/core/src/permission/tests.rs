use time::macros::datetime;

use super::*;
use crate::SeededRandom;

fn user(role: Role, scopes: &str) -> Actor {
    Actor::User {
        id: UserId::new(datetime!(2026-03-01 12:00 UTC), &SeededRandom::new(1)),
        role,
        scopes: scopes.parse().unwrap(),
        credential: Credential::Token,
    }
}

fn with_session(role: Role) -> Actor {
    user(role, "read,write,admin").signed_in()
}

const STANDINGS: [Standing; 4] = [
    Standing::Stranger,
    Standing::Recipient,
    Standing::CoOwner,
    Standing::PrimaryOwner,
];

fn links() -> impl Iterator<Item = LinkStanding> {
    Visibility::ALL.into_iter().flat_map(|visibility| {
        STANDINGS.map(|standing| LinkStanding {
            visibility,
            standing,
        })
    })
}

fn allowed(actor: &Actor, link: LinkStanding) -> Vec<Action> {
    let actions = Action::ALL.into_iter();
    actions
        .filter(|action| allows(actor, *action, Some(link)))
        .collect()
}

/// What every user may do, independent of links.
const OWN: [Action; 5] = [
    Action::CreateLink,
    Action::AnswerOffers,
    Action::ListLinks,
    Action::ViewAccount,
    Action::EditAccount,
];

#[test]
fn an_anonymous_caller_follows_links_that_are_not_secure_and_does_nothing_else() {
    for link in links() {
        let expected: &[Action] = if link.visibility == Visibility::Secure {
            &[]
        } else {
            &[Action::FollowLink]
        };
        assert_eq!(allowed(&Actor::Anonymous, link), expected, "{link:?}");
    }
}

#[test]
fn a_member_may_what_their_standing_says() {
    use Action::{
        CreateBelow, DeleteLink, EditLink, FollowLink, ManageAccess, ManageOwners, ViewBelow,
        ViewClicks, ViewHistory, ViewLink,
    };
    let member = user(Role::Member, "read,write,admin");
    for link in links() {
        let of_link: &[Action] = match (link.standing, link.visibility) {
            (Standing::Stranger, Visibility::Public) | (Standing::Recipient, _) => {
                &[FollowLink, ViewLink]
            }
            (Standing::Stranger, Visibility::Private) => &[FollowLink],
            (Standing::Stranger, Visibility::Secure) => &[],
            (Standing::CoOwner, _) => &[
                FollowLink,
                ViewLink,
                ViewClicks,
                ViewHistory,
                EditLink,
                DeleteLink,
                ManageAccess,
                CreateBelow,
                ViewBelow,
            ],
            (Standing::PrimaryOwner, _) => &[
                FollowLink,
                ViewLink,
                ViewClicks,
                ViewHistory,
                EditLink,
                DeleteLink,
                ManageAccess,
                ManageOwners,
                CreateBelow,
                ViewBelow,
            ],
        };
        let expected = [of_link, &OWN].concat();
        assert_eq!(allowed(&member, link), expected, "{link:?}");
    }
}

#[test]
fn an_admin_may_everything_with_a_session_and_nearly_everything_with_all_scopes() {
    for link in links() {
        for actor in [with_session(Role::Admin), Actor::Operator] {
            assert_eq!(allowed(&actor, link), Action::ALL, "{actor:?} {link:?}");
        }
        let by_token = user(Role::Admin, "read,write,admin");
        let others = Action::ALL
            .into_iter()
            .filter(|action| !action.needs_session());
        assert_eq!(allowed(&by_token, link), others.collect::<Vec<_>>());
        assert!(allows(&by_token, Action::ViewLink, None));
    }
}

#[test]
fn what_users_sign_in_with_is_changed_with_a_session_only() {
    use Action::{EditCredentials, ManageCredentials};
    let decided = |actor: &Actor| {
        [EditCredentials, ManageCredentials].map(|action| decide(actor, action, None))
    };
    let (yes, no) = (Decision::Allowed, Decision::Forbidden);
    let session = Decision::SessionRequired;
    assert_eq!(decided(&with_session(Role::Member)), [yes, no]);
    assert_eq!(decided(&with_session(Role::Admin)), [yes, yes]);
    assert_eq!(decided(&Actor::Operator), [yes, yes]);
    assert_eq!(
        decided(&user(Role::Member, "read,write,admin")),
        [session, no]
    );
    for scopes in ["read", "write", "read,write", "read,write,admin"] {
        assert_eq!(decided(&user(Role::Admin, scopes)), [session, session]);
    }
    assert_eq!(decided(&Actor::Anonymous), [Decision::Unauthenticated; 2]);
}

#[test]
fn an_admin_without_the_scope_is_a_member() {
    let (admin, member) = (Role::Admin, Role::Member);
    for scopes in ["read,write", "read", "write"] {
        for link in links() {
            assert_eq!(
                allowed(&user(admin, scopes), link),
                allowed(&user(member, scopes), link),
                "{scopes} {link:?}"
            );
        }
    }
}

#[test]
fn a_token_that_only_reads_changes_nothing() {
    use Action::{
        FollowLink, ListAllLinks, ListBlocklist, ListKeywords, ListLinks, ListOrphans, ListUsers,
        ViewAccount, ViewAudit, ViewBelow, ViewClicks, ViewHistory, ViewLink, ViewMetrics,
    };
    let owned = LinkStanding {
        visibility: Visibility::Secure,
        standing: Standing::PrimaryOwner,
    };
    let of_member = [
        FollowLink,
        ViewLink,
        ViewClicks,
        ViewHistory,
        ViewBelow,
        ListLinks,
        ViewAccount,
    ];
    assert_eq!(allowed(&user(Role::Member, "read"), owned), of_member);
    let admin = allowed(&user(Role::Admin, "read,admin"), owned);
    let expected = [
        FollowLink,
        ViewLink,
        ViewClicks,
        ViewHistory,
        ViewBelow,
        ListLinks,
        ListAllLinks,
        ViewAccount,
        ListUsers,
        ListKeywords,
        ListBlocklist,
        ListOrphans,
        ViewMetrics,
        ViewAudit,
    ];
    assert_eq!(admin, expected);
}

#[test]
fn what_is_about_a_link_takes_one() {
    let member = user(Role::Member, "read,write");
    assert!(!allows(&member, Action::ViewLink, None));
    assert!(!allows(&Actor::Anonymous, Action::FollowLink, None));
}

#[test]
fn a_hidden_link_is_answered_like_one_that_does_not_exist() {
    let actors = [
        Actor::Anonymous,
        user(Role::Member, "read,write"),
        user(Role::Member, "read"),
        user(Role::Member, "write"),
        user(Role::Admin, "read,write"),
    ];
    let about_links = Action::ALL.into_iter();
    for action in about_links.filter(|action| action.is_about_a_link()) {
        for actor in &actors {
            let missing = decide(actor, action, None);
            assert_ne!(missing, Decision::Allowed);
            assert_ne!(missing, Decision::Forbidden);
            for link in links().filter(|link| !is_shown(*link)) {
                let hidden = decide(actor, action, Some(link));
                let follows = action == Action::FollowLink && hidden == Decision::Allowed;
                assert!(
                    follows || hidden == missing,
                    "{action:?} {actor:?} {link:?}"
                );
            }
        }
    }
    assert_eq!(
        decide(&Actor::Operator, Action::EditLink, None),
        Decision::Hidden
    );
}

#[test]
fn who_may_not_do_something_is_told_why() {
    let seen = LinkStanding {
        visibility: Visibility::Public,
        standing: Standing::Stranger,
    };
    let edits = |actor: &Actor| decide(actor, Action::EditLink, Some(seen));
    assert_eq!(edits(&Actor::Anonymous), Decision::Unauthenticated);
    let member = user(Role::Member, "read,write");
    assert_eq!(edits(&member), Decision::Forbidden);
    assert_eq!(
        decide(&member, Action::ListUsers, None),
        Decision::Forbidden
    );
    let reader = user(Role::Member, "read");
    assert_eq!(edits(&reader), Decision::ScopeMissing(Scope::Write));
    let admin = user(Role::Admin, "read,write");
    assert_eq!(edits(&admin), Decision::ScopeMissing(Scope::Admin));
}

#[test]
fn every_action_is_listed_once() {
    let all: std::collections::BTreeSet<_> = Action::ALL.into_iter().collect();
    assert_eq!(all.len(), Action::ALL.len());
}
