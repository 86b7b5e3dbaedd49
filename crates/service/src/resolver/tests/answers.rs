//! Answers from memory: their content, their cost, and their limits.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusBuilder;
use proptest::prelude::*;
use waypost_core::{Random, SeededRandom};
use waypost_store::{LinkStore, MemoryStore, Store};
use waypost_store_testkit::failing::{FailingStore, Operation};
use waypost_store_testkit::samples::{Samples, code};

use super::doubles::{Setup, link_id};
use crate::CacheSettings;
use crate::resolver::Resolver;
use crate::resolver::cache::Answer;

#[tokio::test]
async fn a_link_in_memory_is_answered_without_the_store_in_any_case() {
    let setup = Setup::new();
    let link = setup.link("Wiki").await;
    for typed in ["Wiki", "wiki", "WIKI", "wIkI"] {
        let found = setup.resolver.resolve(typed).await.unwrap().unwrap();
        assert_eq!((found.link_id, &found.target), (link.id, &link.target));
    }
    assert_eq!(setup.links.lookups(), 1);
}

#[tokio::test]
async fn an_unknown_code_is_answered_without_the_store_too() {
    let setup = Setup::new();
    for typed in ["wiki", "Wiki", "WIKI"] {
        assert_eq!(setup.resolve(typed).await, None);
    }
    assert_eq!(setup.links.lookups(), 1);
}

#[tokio::test]
async fn what_cannot_be_a_code_has_no_link_and_reaches_neither_memory_nor_store() {
    let setup = Setup::new();
    for typed in [
        "",
        "-",
        "a b",
        "a//b",
        "favicon.ico",
        "\0",
        "ä",
        &"x".repeat(65),
    ] {
        assert_eq!(setup.resolve(typed).await, None, "{typed:?}");
    }
    assert_eq!(setup.links.lookups(), 0);
    assert_eq!(setup.resolver.cache.len(), (0, 0));
}

#[tokio::test]
async fn clones_share_their_memory() {
    let setup = Setup::new();
    let link = setup.link("wiki").await;
    setup.resolve("wiki").await;
    let clone = setup.resolver.clone();
    assert_eq!(link_id(clone.resolve("wiki").await), Some(link.id));
    assert_eq!(setup.links.lookups(), 1);
}

fn over_failing(capacity: usize) -> (Arc<FailingStore>, Resolver) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let store = Arc::new(FailingStore::new(store, 1));
    let resolver = Resolver::new(store.clone(), &CacheSettings { capacity });
    (store, resolver)
}

#[tokio::test]
async fn a_flood_of_unknown_codes_evicts_no_link_and_is_bounded() {
    let (store, resolver) = over_failing(4_000);
    let links = Samples::new(1).links(1_000);
    for link in &links {
        store.insert_link(link, None).await.unwrap();
        assert_eq!(
            link_id(resolver.resolve(link.code.as_str()).await),
            Some(link.id)
        );
    }
    // As resolving them would do, without a task for each of a million.
    let random = SeededRandom::new(7);
    let mut bytes = [0; 8];
    for _ in 0..1_000_000 {
        random.fill(&mut bytes);
        let code = code(&format!("z{:x}", u64::from_le_bytes(bytes)));
        if let crate::resolver::Start::Started(load, _) = resolver.cache.start(&code) {
            load.end(Ok(Answer::default()));
        }
    }
    let (kept, unknown) = resolver.cache.len();
    assert_eq!(kept, 1_000);
    assert!((900..=1_100).contains(&unknown), "{unknown}");
    let calls = store.calls(Operation::CodeRoute);
    for link in &links {
        assert_eq!(
            link_id(resolver.resolve(link.code.as_str()).await),
            Some(link.id)
        );
    }
    assert_eq!(store.calls(Operation::CodeRoute), calls);
}

#[tokio::test]
async fn links_are_bounded_and_those_that_are_asked_for_stay() {
    let (store, resolver) = over_failing(1_000);
    let links = Samples::new(1).links(10_000);
    for link in &links {
        store.insert_link(link, None).await.unwrap();
    }
    let (hot, cold) = links.split_at(100);
    for _ in 0..3 {
        for link in hot {
            resolver.resolve(link.code.as_str()).await.unwrap();
        }
    }
    for link in cold {
        resolver.resolve(link.code.as_str()).await.unwrap();
    }
    let (kept, _) = resolver.cache.len();
    assert!((900..=1_100).contains(&kept), "{kept}");
    let calls = store.calls(Operation::CodeRoute);
    for link in hot {
        resolver.resolve(link.code.as_str()).await.unwrap();
    }
    assert_eq!(store.calls(Operation::CodeRoute), calls);
}

#[tokio::test]
async fn the_least_memory_there_is_holds_one_link() {
    let (store, resolver) = over_failing(1);
    let links = Samples::new(1).links(3);
    for link in &links {
        store.insert_link(link, None).await.unwrap();
        for _ in 0..2 {
            assert_eq!(
                link_id(resolver.resolve(link.code.as_str()).await),
                Some(link.id)
            );
        }
        assert_eq!(resolver.cache.len(), (1, 0));
    }
    assert_eq!(store.calls(Operation::CodeRoute), 3);
}

#[test]
fn look_ups_and_entries_are_counted_by_what_became_of_them() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let setup = metrics::with_local_recorder(&recorder, Setup::new);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        setup.resolver.poll_once().await.unwrap();
        setup.link("wiki").await;
        for typed in ["wiki", "nothing", "wiki", "wiki", "nothing", "not a code"] {
            setup.resolve(typed).await;
        }
        tokio::time::advance(std::time::Duration::from_secs(300)).await;
        setup.resolver.poll_once().await.unwrap();
        setup.resolve("wiki").await;
    });
    let text = recorder.handle().render();
    for line in [
        "waypost_cache_lookups_total{result=\"hit\"} 2",
        "waypost_cache_lookups_total{result=\"negative_hit\"} 1",
        "waypost_cache_lookups_total{result=\"miss\"} 2",
        "waypost_cache_lookups_total{result=\"stale\"} 1",
        "waypost_cache_entries{kind=\"link\"} 1",
        "waypost_cache_entries{kind=\"unknown\"} 1",
    ] {
        assert!(text.lines().any(|given| given == line), "{line} in\n{text}");
    }
}

/// An event for the links of two nodes.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A visitor resolves a code.
    Resolve(u8),
    /// A link is created, or deleted if it exists, and this node is told.
    ChangeHere(u8),
    /// The same, and this node is not told.
    ChangeElsewhere(u8),
    Poll,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u8..4).prop_map(Step::Resolve),
        2 => (0_u8..4).prop_map(Step::ChangeHere),
        2 => (0_u8..4).prop_map(Step::ChangeElsewhere),
        1 => Just(Step::Poll),
    ]
}

proptest! {
    /// Only a code that another node changed since the last poll may be answered as it was.
    #[test]
    fn whatever_happens_an_answer_is_as_new_as_what_this_node_was_told(
        steps in proptest::collection::vec(step(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let store = Arc::new(MemoryStore::new());
            let resolver = Resolver::new(store.clone(), &CacheSettings { capacity: 2 });
            let samples = Samples::new(1);
            let mut untold = [false; 4];
            resolver.poll_once().await.unwrap();
            for step in steps {
                match step {
                    Step::Resolve(which) => {
                        let code = code(&format!("code-{which}"));
                        let found = link_id(resolver.resolve(code.as_str()).await);
                        let link = store.link_by_code(&code).await.unwrap();
                        let right = found == link.map(|link| link.id);
                        prop_assert!(right || untold[usize::from(which)]);
                    }
                    Step::ChangeHere(which) | Step::ChangeElsewhere(which) => {
                        let code = code(&format!("code-{which}"));
                        match store.link_by_code(&code).await.unwrap() {
                            Some(link) => {
                                store.delete_link(link.id).await.unwrap();
                            }
                            None => store.insert_link(&samples.link(code.as_str()), None).await.unwrap(),
                        }
                        if matches!(step, Step::ChangeHere(_)) {
                            resolver.forget(&code);
                        }
                        untold[usize::from(which)] = !matches!(step, Step::ChangeHere(_));
                    }
                    Step::Poll => {
                        resolver.poll_once().await.unwrap();
                        untold = [false; 4];
                    }
                }
            }
            Ok(())
        })?;
    }
}
