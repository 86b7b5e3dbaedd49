//! Changes: those of this node at once, those of others by the feed, in whatever order it reports
//! them.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use waypost_core::SeededRandom;
use waypost_store::{MemoryStore, Store, StoreError};
use waypost_store_testkit::failing::{FailingStore, Failure, Operation, When};
use waypost_store_testkit::log::Log;
use waypost_store_testkit::samples::START;

use super::doubles::{Mode, Setup};
use crate::resolver::Resolver;
use crate::{CacheSettings, ShortenError, Shortener, ShortenerParts};

/// A node: its resolver, and a shortener that reports changes to it.
struct Node {
    resolver: Resolver,
    shortener: Shortener,
}

impl Node {
    fn new(store: Arc<dyn Store>, seed: u64) -> Self {
        let resolver = Resolver::new(store.clone(), &CacheSettings::default());
        let shortener = Shortener::new(ShortenerParts {
            store,
            clock: Arc::new(waypost_core::ManualClock::new(START)),
            random: Arc::new(SeededRandom::new(seed)),
            reserved: waypost_core::ReservedWords::default(),
            base_url: "https://go.example".parse().unwrap(),
            resolver: Some(resolver.clone()),
        });
        Self {
            resolver,
            shortener,
        }
    }

    async fn target(&self, typed: &str) -> Option<String> {
        let found = self.resolver.resolve(typed).await.unwrap();
        found.map(|destination| destination.target.to_string())
    }

    async fn shorten(&self, url: &str) {
        self.shortener.shorten(url, Some("Wiki")).await.unwrap();
    }
}

#[tokio::test]
async fn a_link_that_is_made_or_deleted_here_is_so_at_once() {
    let node = Node::new(Arc::new(MemoryStore::new()), 1);
    assert_eq!(node.target("wiki").await, None);
    node.shorten("https://example.com/1").await;
    assert_eq!(
        node.target("wiki").await.as_deref(),
        Some("https://example.com/1")
    );
    assert!(node.shortener.delete("WIKI").await.unwrap());
    assert_eq!(node.target("wiki").await, None);
    node.shorten("https://example.com/2").await;
    assert_eq!(
        node.target("wiki").await.as_deref(),
        Some("https://example.com/2")
    );
}

#[tokio::test]
async fn a_change_that_may_have_happened_is_not_hidden() {
    let store = FailingStore::<dyn Store>::new(Arc::new(MemoryStore::new()), 1)
        .fail(Operation::InsertLink, When::Nth(1), Failure::After)
        .fail(Operation::DeleteLink, When::Nth(1), Failure::After);
    let node = Node::new(Arc::new(store), 1);
    assert_eq!(node.target("wiki").await, None);
    let error = node
        .shortener
        .shorten("https://example.com/1", Some("wiki"));
    assert!(matches!(
        error.await,
        Err(ShortenError::Store(StoreError::Unavailable { .. }))
    ));
    assert_eq!(
        node.target("wiki").await.as_deref(),
        Some("https://example.com/1")
    );
    let error = node.shortener.delete("wiki").await;
    assert!(matches!(error, Err(StoreError::Unavailable { .. })));
    assert_eq!(node.target("wiki").await, None);
}

#[tokio::test]
async fn a_change_of_another_node_is_noticed_by_the_next_poll() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (here, there) = (Node::new(store.clone(), 1), Node::new(store, 2));
    assert_eq!(here.resolver.poll_once().await.unwrap(), 0);
    assert_eq!(here.target("wiki").await, None);

    there.shorten("https://example.com/1").await;
    assert_eq!(here.target("wiki").await, None, "from memory");
    assert_eq!(here.resolver.poll_once().await.unwrap(), 1);
    assert_eq!(
        here.target("wiki").await.as_deref(),
        Some("https://example.com/1")
    );

    there.shortener.delete("wiki").await.unwrap();
    there.shorten("https://example.com/2").await;
    assert_eq!(
        here.target("wiki").await.as_deref(),
        Some("https://example.com/1")
    );
    assert_eq!(here.resolver.poll_once().await.unwrap(), 2);
    assert_eq!(
        here.target("wiki").await.as_deref(),
        Some("https://example.com/2")
    );
    assert_eq!(here.resolver.poll_once().await.unwrap(), 0);
}

#[tokio::test]
async fn changes_that_commit_out_of_order_are_all_noticed() {
    let setup = Setup::new();
    setup.resolver.poll_once().await.unwrap();
    let (mut one, mut two) = (setup.link("one").await, setup.link("two").await);
    for (seq, text) in [(7, "one"), (5, "two"), (9, "one"), (6, "two"), (8, "one")] {
        setup.resolve("one").await;
        setup.resolve("two").await;
        let link = if text == "one" { &mut one } else { &mut two };
        *link = setup.replace(link).await;
        setup.changes.add(seq, text);
        assert_eq!(setup.resolver.poll_once().await.unwrap(), 1, "{seq}");
        assert_eq!(setup.resolve("one").await, Some(one.id), "{seq}");
        assert_eq!(setup.resolve("two").await, Some(two.id), "{seq}");
        assert_eq!(setup.resolver.poll_once().await.unwrap(), 0, "{seq}");
    }
}

#[tokio::test]
async fn a_change_that_drew_its_number_before_the_start_and_commits_after_it_is_noticed() {
    let setup = Setup::new();
    setup.changes.add(50_000, "other");
    setup.resolver.poll_once().await.unwrap();
    let old = setup.link("wiki").await;
    setup.resolve("wiki").await;
    let new = setup.replace(&old).await;
    setup.changes.add(49_000, "wiki");
    setup.resolver.poll_once().await.unwrap();
    assert_eq!(setup.resolve("wiki").await, Some(new.id));
}

#[tokio::test]
async fn what_was_loaded_before_the_feed_was_followed_is_forgotten() {
    let setup = Setup::new();
    let old = setup.link("wiki").await;
    setup.resolve("wiki").await;
    let new = setup.replace(&old).await;
    setup.resolver.poll_once().await.unwrap();
    assert_eq!(setup.resolve("wiki").await, Some(new.id));
}

#[tokio::test]
async fn after_the_database_was_set_back_everything_is_forgotten_and_new_changes_are_noticed() {
    let setup = Setup::new();
    for seq in 1..=9 {
        setup.changes.add(seq, "other");
    }
    setup.resolver.poll_once().await.unwrap();
    let old = setup.link("wiki").await;
    setup.resolve("wiki").await;
    setup.changes.set_back(4);
    let new = setup.replace(&old).await;
    setup.resolver.poll_once().await.unwrap();
    assert_eq!(setup.resolve("wiki").await, Some(new.id));
    // The number of a change that was lost.
    let newest = setup.replace(&new).await;
    setup.changes.add(5, "wiki");
    assert_eq!(setup.resolver.poll_once().await.unwrap(), 1);
    assert_eq!(setup.resolve("wiki").await, Some(newest.id));
}

#[tokio::test]
async fn more_changes_than_one_page_holds_are_read_at_once_and_only_once() {
    let setup = Setup::new();
    setup.resolver.poll_once().await.unwrap();
    for seq in 1..=2_500 {
        setup.changes.add(seq, "wiki");
    }
    let reads = setup.changes.reads();
    assert_eq!(setup.resolver.poll_once().await.unwrap(), 2_500);
    assert_eq!(setup.changes.reads() - reads, 3);
    assert_eq!(setup.resolver.poll_once().await.unwrap(), 0);
    assert_eq!(setup.changes.reads() - reads, 4, "nothing is read again");
}

#[tokio::test(start_paused = true)]
async fn after_half_an_hour_without_the_feed_everything_is_forgotten_but_not_before_it_is_back() {
    for (minutes, kept) in [(29, true), (31, false)] {
        let setup = Setup::new();
        setup.resolver.poll_once().await.unwrap();
        let old = setup.link("wiki").await;
        setup.resolve("wiki").await;
        // Its change has been purged.
        let new = setup.replace(&old).await;
        setup.changes.set(Mode::Down);
        tokio::time::advance(Duration::from_secs(minutes * 60)).await;
        setup.resolver.poll_once().await.unwrap_err();
        assert_eq!(setup.resolve("wiki").await, Some(old.id));
        setup.changes.set(Mode::Open);
        setup.resolver.poll_once().await.unwrap();
        assert_eq!(setup.resolver.cache.len(), (usize::from(kept), 0));
        assert_eq!(setup.resolve("wiki").await, Some(new.id));
    }
}

#[tokio::test(start_paused = true)]
async fn the_feed_is_followed_once_a_second_until_the_stop() {
    let setup = Setup::new();
    assert_eq!(setup.clock.skew(), None);
    let stop = CancellationToken::new();
    let follow = tokio::spawn(setup.follow(stop.clone()));
    let link = setup.link("wiki").await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(setup.resolver.is_following());
    assert!(setup.clock.skew().is_some(), "the time is measured, too");
    assert_eq!(setup.resolve("wiki").await, Some(link.id));
    setup.links.delete(&link).await;
    setup.changes.add(1, "wiki");
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(setup.resolve("wiki").await, Some(link.id));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(setup.resolve("wiki").await, None);
    let reads = setup.changes.reads();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(setup.changes.reads() - reads, 60);
    stop.cancel();
    follow.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_stop_does_not_wait_for_an_answer_of_the_feed() {
    let setup = Setup::new();
    setup.changes.set(Mode::Held);
    let stop = CancellationToken::new();
    let follow = tokio::spawn(setup.follow(stop.clone()));
    tokio::task::yield_now().await;
    let asked = tokio::time::Instant::now();
    stop.cancel();
    follow.await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_does_not_answer_counts_as_away_after_two_seconds() {
    let setup = Setup::new();
    setup.resolver.poll_once().await.unwrap();
    setup.changes.set(Mode::Held);
    let asked = tokio::time::Instant::now();
    let error = setup.resolver.poll_once().await;
    assert!(matches!(error, Err(StoreError::Unavailable { .. })));
    assert_eq!(asked.elapsed().as_secs(), 2);
    assert!(!setup.resolver.is_following());
    setup.changes.set(Mode::Open);
    setup.resolver.poll_once().await.unwrap();
    assert!(setup.resolver.is_following());
}

#[tokio::test]
async fn an_outage_of_the_feed_is_a_line_in_the_log_when_it_begins_and_one_when_it_ends() {
    let log = Log::default();
    let _guard = log.install();
    let setup = Setup::new();
    setup.resolver.poll_once().await.unwrap();
    for outage in 1..=2 {
        setup.changes.set(Mode::Down);
        for _ in 0..5 {
            setup.resolver.poll_once().await.unwrap_err();
        }
        assert_eq!(log.count("WARN"), outage, "{}", log.text());
        assert_eq!(log.count("INFO"), outage - 1, "{}", log.text());
        setup.changes.set(Mode::Open);
        for _ in 0..5 {
            setup.resolver.poll_once().await.unwrap();
        }
        assert_eq!(log.count("WARN"), outage, "{}", log.text());
        assert_eq!(log.count("INFO"), outage, "{}", log.text());
    }
}
