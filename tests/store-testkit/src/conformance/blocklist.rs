//! Cases of [`BlocklistStore`](waypost_store::BlocklistStore).

use time::Duration;
use waypost_core::{HostPattern, Title, UserId, micros};
use waypost_store::{BlockedHost, Store, StoreError};

use super::{StoreFactory, add_user, insert};
use crate::samples::{START, Samples, code, target};

fn blocked(pattern: &str, by: Option<UserId>) -> BlockedHost {
    BlockedHost {
        pattern: pattern.parse().unwrap(),
        reason: Title::parse("phishing").unwrap(),
        created_by: by,
        created_at: START + Duration::nanoseconds(1_234),
    }
}

async fn block(store: &dyn Store, pattern: &str) {
    store.block_host(&blocked(pattern, None)).await.unwrap();
}

async fn blocking(store: &dyn Store, host: &str) -> Option<String> {
    let entry = store.blocking(host).await.unwrap();
    entry.map(|entry| entry.pattern.as_str().to_owned())
}

async fn listed(store: &dyn Store, after: Option<&str>, limit: u32) -> Vec<String> {
    let after = after.map(|after| HostPattern::parse(after).unwrap());
    let entries = store.blocked_hosts(after.as_ref(), limit).await.unwrap();
    let patterns = entries
        .iter()
        .map(|entry| entry.pattern.as_str().to_owned());
    patterns.collect()
}

/// A blocked host is found by each of its patterns, and no other host is.
pub async fn a_blocked_host_is_found_by_each_of_its_patterns(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    assert_eq!(blocking(&*store, "evil.example").await, None);
    for pattern in [
        "evil.example",
        "*.worse.example",
        "192.0.2.1",
        "[2001:db8::1]",
    ] {
        block(&*store, pattern).await;
    }
    for (host, pattern) in [
        ("evil.example", Some("evil.example")),
        ("EVIL.example.", Some("evil.example")),
        ("www.evil.example", None),
        ("www.worse.example", Some("*.worse.example")),
        ("a.b.worse.example", Some("*.worse.example")),
        ("worse.example", None),
        ("192.0.2.1", Some("192.0.2.1")),
        ("192.0.2.2", None),
        ("[2001:db8::1]", Some("[2001:db8::1]")),
        ("", None),
    ] {
        assert_eq!(blocking(&*store, host).await.as_deref(), pattern, "{host}");
    }
}

/// A blocked address and a blocked network are found by each form of an address.
pub async fn a_blocked_network_is_found_by_each_form_of_an_address(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    for pattern in ["203.0.113.0/24", "198.51.100.7", "2001:db8::/32"] {
        block(&*store, pattern).await;
    }
    for (host, pattern) in [
        ("203.0.113.9", Some("203.0.113.0/24")),
        ("[::ffff:203.0.113.9]", Some("203.0.113.0/24")),
        ("[64:ff9b::cb00:7109]", Some("203.0.113.0/24")),
        ("[2002:cb00:7109::]", Some("203.0.113.0/24")),
        ("203.0.114.9", None),
        ("[::ffff:198.51.100.7]", Some("198.51.100.7")),
        ("[::ffff:198.51.100.8]", None),
        ("[2001:db8:ffff::1]", Some("2001:db8::/32")),
        ("[2001:db9::1]", None),
    ] {
        assert_eq!(blocking(&*store, host).await.as_deref(), pattern, "{host}");
    }
    // The smallest pattern in the order of the list is found of several.
    block(&*store, "203.0.0.0/16").await;
    let found = blocking(&*store, "203.0.113.9").await;
    assert_eq!(found.as_deref(), Some("203.0.0.0/16"));
    let all = [
        "198.51.100.7",
        "2001:db8::/32",
        "203.0.0.0/16",
        "203.0.113.0/24",
    ];
    assert_eq!(listed(&*store, None, 9).await, all);
    assert_eq!(listed(&*store, Some("203.0.0.0/16"), 9).await, all[3..]);
    assert!(
        store
            .unblock_host(&"203.0.0.0/16".parse().unwrap())
            .await
            .unwrap()
    );
    assert!(
        store
            .unblock_host(&"203.0.113.0/24".parse().unwrap())
            .await
            .unwrap()
    );
    assert_eq!(blocking(&*store, "203.0.113.9").await, None);
}

/// An entry exists once, as it was given, until it is removed.
pub async fn an_entry_of_the_blocklist_is_kept_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let user = add_user(&*store, &samples, "ada").await;
    let entry = blocked("evil.example", Some(user));
    store.block_host(&entry).await.unwrap();
    let again = store.block_host(&blocked("EVIL.example", None)).await;
    assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    let kept = store.blocking("evil.example").await.unwrap().unwrap();
    let expected = BlockedHost {
        created_at: micros(entry.created_at),
        ..entry.clone()
    };
    assert_eq!(kept, expected);
    let nobody = samples.user("nobody@example.com").id;
    let by_nobody = store
        .block_host(&blocked("other.example", Some(nobody)))
        .await;
    assert!(
        matches!(by_nobody, Err(StoreError::NotFound)),
        "{by_nobody:?}"
    );
    assert!(store.delete_user(user).await.unwrap());
    let kept = store.blocking("evil.example").await.unwrap().unwrap();
    assert_eq!(kept.created_by, None);
    assert!(store.unblock_host(&entry.pattern).await.unwrap());
    assert!(!store.unblock_host(&entry.pattern).await.unwrap());
    assert_eq!(blocking(&*store, "evil.example").await, None);
}

/// The blocklist is listed in pages, in the order of its patterns.
pub async fn the_blocklist_is_listed_in_order(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    for pattern in ["b.example", "*.b.example", "a.example", "z.example"] {
        block(&*store, pattern).await;
    }
    let all = ["*.b.example", "a.example", "b.example", "z.example"];
    assert_eq!(listed(&*store, None, 9).await, all);
    assert_eq!(listed(&*store, None, 2).await, all[..2]);
    assert_eq!(listed(&*store, Some("a.example"), 9).await, all[2..]);
    assert_eq!(listed(&*store, Some("z.example"), 9).await, [""; 0]);
}

/// A link to a blocked host exists, and is known as blocked as soon as the change feed says that
/// all links may have changed.
pub async fn a_link_to_a_blocked_host_is_known_as_such(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    for (text, url) in [
        ("bad", "https://www.evil.example:8443/x"),
        ("good", "https://good.example/"),
    ] {
        let mut link = samples.link(text);
        link.target = target(url);
        insert(&*store, &link).await;
    }
    let is_blocked = async |text: &str| store.code_route(&code(text)).await.unwrap().is_blocked;
    assert!(!is_blocked("bad").await);
    let before = store.last_change().await.unwrap();
    block(&*store, "*.evil.example").await;
    assert!(is_blocked("bad").await);
    assert!(!is_blocked("good").await);
    assert!(!is_blocked("missing").await);
    let pattern = "*.evil.example".parse().unwrap();
    assert!(store.unblock_host(&pattern).await.unwrap());
    assert!(!store.unblock_host(&pattern).await.unwrap());
    assert!(!is_blocked("bad").await);
    let changes = store.changes_after(before, 9).await.unwrap();
    let everything = changes.iter().map(|change| change.code.clone());
    assert_eq!(everything.collect::<Vec<_>>(), [None, None]);
}
