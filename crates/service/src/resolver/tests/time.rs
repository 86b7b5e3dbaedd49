//! Time, and unavailable databases: entries are reloaded without ever delaying a redirect.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use waypost_store::{LinkStore, MemoryStore, Store, StoreError};
use waypost_store_testkit::failing::{FailingStore, Operation};
use waypost_store_testkit::samples::Samples;

use super::doubles::{Mode, Setup, link_id};
use crate::CacheSettings;
use crate::resolver::Resolver;

/// Lets time pass, with a poll at the end.
async fn pass(setup: &Setup, seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
    // An outage is part of some tests.
    let _ = setup.resolver.poll_once().await;
}

/// Creates a resolver whose memory has a link that is no longer that of the store.
async fn with_old_link() -> (Setup, crate::resolver::LinkId, crate::resolver::LinkId) {
    let setup = Setup::new();
    setup.resolver.poll_once().await.unwrap();
    let old = setup.link("wiki").await;
    assert_eq!(setup.resolve("wiki").await, Some(old.id));
    let new = setup.replace(&old).await;
    (setup, old.id, new.id)
}

#[tokio::test(start_paused = true)]
async fn after_five_minutes_a_link_is_loaded_again() {
    let (setup, old, new) = with_old_link().await;
    pass(&setup, 299).await;
    assert_eq!(setup.resolve("wiki").await, Some(old));
    pass(&setup, 1).await;
    assert_eq!(setup.resolve("wiki").await, Some(new));
    assert_eq!(setup.resolve("wiki").await, Some(new));
    assert_eq!(setup.links.lookups(), 2);
}

#[tokio::test(start_paused = true)]
async fn after_five_minutes_an_unknown_code_is_asked_for_again_and_a_link_may_have_become_one() {
    let setup = Setup::new();
    setup.resolver.poll_once().await.unwrap();
    assert_eq!(setup.resolve("wiki").await, None);
    let link = setup.link("wiki").await;
    pass(&setup, 300).await;
    assert_eq!(setup.resolve("wiki").await, Some(link.id));
    assert_eq!(setup.resolver.cache.len(), (1, 0));
    setup.links.delete(&link).await;
    pass(&setup, 300).await;
    assert_eq!(setup.resolve("wiki").await, None);
    assert_eq!(setup.resolver.cache.len(), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_polls_nothing_expires() {
    let (setup, old, _) = with_old_link().await;
    tokio::time::advance(Duration::from_secs(1_000_000)).await;
    assert_eq!(setup.resolve("wiki").await, Some(old));
    assert_eq!(setup.links.lookups(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_request_loads_an_expired_link_and_the_others_do_not_wait_for_it() {
    let (setup, old, new) = with_old_link().await;
    pass(&setup, 300).await;
    setup.links.set(Mode::Held);
    let resolver = setup.resolver.clone();
    let first = tokio::spawn(async move { link_id(resolver.resolve("wiki").await) });
    setup.until_looked_up(2).await;
    let asked = Instant::now();
    for _ in 0..100 {
        assert_eq!(setup.resolve("wiki").await, Some(old));
    }
    assert_eq!(asked.elapsed(), Duration::ZERO);
    setup.links.set(Mode::Open);
    assert_eq!(first.await.unwrap(), Some(new));
    assert_eq!(setup.resolve("wiki").await, Some(new));
    assert_eq!(setup.links.lookups(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_does_not_answer_holds_one_request_for_a_quarter_of_a_second() {
    let (setup, old, new) = with_old_link().await;
    pass(&setup, 300).await;
    setup.links.set(Mode::Held);
    let asked = Instant::now();
    for _ in 0..10 {
        assert_eq!(setup.resolve("wiki").await, Some(old));
    }
    let waited = asked.elapsed().as_millis();
    assert!((250..260).contains(&waited), "{waited} ms");
    // Its last answer is kept.
    setup.links.set(Mode::Open);
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    assert_eq!(setup.resolve("wiki").await, Some(new));
    assert_eq!(setup.links.lookups(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_expired_link_whose_load_fails_goes_on_and_is_tried_again_after_ten_seconds() {
    let (setup, old, new) = with_old_link().await;
    pass(&setup, 300).await;
    setup.links.set(Mode::Down);
    for _ in 0..10 {
        assert_eq!(setup.resolve("wiki").await, Some(old));
    }
    assert_eq!(setup.links.lookups(), 2);
    setup.links.set(Mode::Open);
    pass(&setup, 9).await;
    assert_eq!(setup.resolve("wiki").await, Some(old));
    pass(&setup, 1).await;
    assert_eq!(setup.resolve("wiki").await, Some(new));
    assert_eq!(setup.links.lookups(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_expired_link_that_is_forgotten_while_it_is_loaded_stays_forgotten() {
    let (setup, _, new) = with_old_link().await;
    pass(&setup, 300).await;
    for end in [Mode::Open, Mode::Down] {
        setup.links.set(Mode::Held);
        let resolver = setup.resolver.clone();
        let first = tokio::spawn(async move { resolver.resolve("wiki").await });
        let looked_up = setup.links.lookups();
        setup.until_looked_up(looked_up + 1).await;
        setup
            .resolver
            .forget(&waypost_store_testkit::samples::code("wiki"));
        setup.links.set(end);
        first.await.unwrap().unwrap();
        setup.links.set(Mode::Open);
        assert_eq!(setup.resolve("wiki").await, Some(new));
        pass(&setup, 300).await;
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_feed_is_away_expired_links_are_answered_without_the_store() {
    let (setup, old, new) = with_old_link().await;
    setup.changes.set(Mode::Down);
    pass(&setup, 300).await;
    for _ in 0..10 {
        assert_eq!(setup.resolve("wiki").await, Some(old));
        pass(&setup, 60).await;
    }
    assert_eq!(setup.links.lookups(), 1);
    setup.changes.set(Mode::Open);
    pass(&setup, 1).await;
    assert_eq!(setup.resolve("wiki").await, Some(new));
}

#[tokio::test(start_paused = true)]
async fn while_the_database_is_away_what_is_in_memory_goes_on_and_the_rest_is_an_error() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let store = Arc::new(FailingStore::new(store, 1));
    let resolver = Resolver::new(store.clone(), &CacheSettings::default());
    let links = Samples::new(1).links(3);
    for link in &links {
        store.insert_link(link, None).await.unwrap();
    }
    let [one, two, three] = [0, 1, 2].map(|index| links[index].code.as_str());
    resolver.poll_once().await.unwrap();
    resolver.resolve(one).await.unwrap().unwrap();
    resolver.resolve("nothing").await.unwrap();

    store.set_down(true);
    for _ in 0..20 {
        resolver.poll_once().await.unwrap_err();
        let calls = store.calls(Operation::CodeRoute);
        assert_eq!(link_id(resolver.resolve(one).await), Some(links[0].id));
        assert_eq!(link_id(resolver.resolve("nothing").await), None);
        assert_eq!(store.calls(Operation::CodeRoute), calls);
        let error = resolver.resolve(two).await;
        assert!(matches!(error, Err(StoreError::Unavailable { .. })));
        tokio::time::advance(Duration::from_secs(60)).await;
    }

    store.set_down(false);
    resolver.poll_once().await.unwrap();
    for (link, code) in links.iter().zip([one, two, three]) {
        assert_eq!(link_id(resolver.resolve(code).await), Some(link.id));
    }
}
