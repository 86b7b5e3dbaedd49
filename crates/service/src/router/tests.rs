//! The router as a unit: the table of requests, and its queries to the store.

use std::sync::Arc;

use waypost_core::{Link, LinkDetails, TargetUrl};
use waypost_store::{LinkStore, MemoryStore, Store};
use waypost_store_testkit::failing::{FailingStore, Failure, Operation, When};
use waypost_store_testkit::routing::{BASE_URL, CASES, Expected, LINKS};
use waypost_store_testkit::samples::{Samples, code};

use super::*;
use crate::CacheSettings;

async fn store_with_links() -> Arc<dyn Store> {
    let store = MemoryStore::new();
    let samples = Samples::new(1);
    for link in LINKS {
        let details = LinkDetails {
            forward_query: link.forward_query,
            template: link.template,
            ..LinkDetails::default()
        };
        let made = Link {
            target: TargetUrl::from_stored(link.target.to_owned()).unwrap(),
            is_keyword: link.is_keyword,
            ..samples.link_with(link.code, details)
        };
        store.insert_link(&made, None).await.unwrap();
    }
    Arc::new(store)
}

fn router(store: Arc<dyn Store>) -> Router {
    let resolver = Resolver::new(store, &CacheSettings::default());
    Router::new(resolver, &BASE_URL.parse().unwrap())
}

#[tokio::test]
async fn each_request_leads_where_the_table_says() {
    let router = router(store_with_links().await);
    // With an empty memory, and with a filled one.
    for _ in 0..2 {
        for case in CASES {
            let (path, query) = case.request.split_once('?').unwrap_or((case.request, ""));
            let routed = router.route(Some(case.host), path).await.unwrap();
            let found = match &routed {
                None => Ok(None),
                Some(routed) => routed.location(query).map(|url| Some((url, routed.rule))),
            };
            match (case.expected, found) {
                (Expected::To(url, rule), Ok(Some((found, by)))) => {
                    assert_eq!((&*found, by), (url, rule), "{case:?}");
                }
                (Expected::Unfilled(part), Err(error)) => {
                    assert!(error.to_string().contains(part), "{case:?}: {error}");
                }
                (Expected::Nothing | Expected::Reserved | Expected::Preview, Ok(None)) => {}
                (_, found) => panic!("{case:?}: {found:?}"),
            }
        }
    }
}

#[test]
fn the_table_is_large_enough() {
    assert!(CASES.len() >= 120, "{}", CASES.len());
}

#[tokio::test]
async fn what_stands_behind_a_code_is_answered_from_memory() {
    let store = FailingStore::<dyn Store>::new(store_with_links().await, 1);
    let store = Arc::new(store);
    let router = router(store.clone());
    for path in ["/jira/board", "/wiki", "/gh", "/docs/api"] {
        router.route(None, path).await.unwrap();
    }
    let calls = store.calls(Operation::CodeRoute);
    for number in 0..100 {
        for path in ["wiki/", "gh/", "gh/org/"] {
            let path = format!("/{path}{number}");
            assert!(router.route(None, &path).await.unwrap().is_some(), "{path}");
        }
    }
    assert_eq!(store.calls(Operation::CodeRoute), calls);
    // If longer codes exist, one look-up at a time tells whether this is one.
    router.route(None, "/jira/abc/d/e/f/g").await.unwrap();
    assert_eq!(store.calls(Operation::CodeRoute), calls + 1);
}

#[tokio::test]
async fn a_path_of_many_segments_is_one_look_up() {
    let store = FailingStore::<dyn Store>::new(store_with_links().await, 1);
    let store = Arc::new(store);
    let router = router(store.clone());
    let path = "/n".repeat(5_000);
    assert_eq!(router.route(None, &path).await.unwrap(), None);
    assert_eq!(store.calls(Operation::CodeRoute), 1);
}

#[tokio::test]
async fn while_the_store_is_away_what_is_in_memory_goes_on() {
    let store = store_with_links().await;
    let failing = FailingStore::<dyn Store>::new(store, 1).fail(
        Operation::CodeRoute,
        When::Nth(2),
        Failure::Before,
    );
    let router = router(Arc::new(failing));
    assert!(router.route(None, "/wiki/a").await.unwrap().is_some());
    assert!(router.route(None, "/docs").await.is_err());
    assert!(router.route(None, "/wiki/b").await.unwrap().is_some());
}

#[tokio::test]
async fn a_longer_code_is_found_as_soon_as_it_is_there() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let router = router(store.clone());
    router.resolver().poll_once().await.unwrap();
    let samples = Samples::new(1);
    let (short, long) = (samples.link("docs"), samples.link("docs/api/v1"));
    let found = async |path: &str| {
        let routed = router.route(None, path).await.unwrap();
        routed.map(|routed| routed.destination.link_id)
    };
    store.insert_link(&short, None).await.unwrap();
    assert_eq!(found("/docs/api/v1").await, Some(short.id));
    store.insert_link(&long, None).await.unwrap();
    router.resolver().forget(&long.code);
    assert_eq!(found("/docs/api/v1").await, Some(long.id));
    assert_eq!(found("/docs/api").await, Some(short.id));
    // Another node deletes it.
    store.delete_link(long.id).await.unwrap();
    assert_eq!(found("/docs/api/v1").await, Some(long.id));
    router.resolver().poll_once().await.unwrap();
    assert_eq!(found("/docs/api/v1").await, Some(short.id));
    assert_eq!(found("/docs").await, Some(short.id));
    let route = store.code_route(&code("docs")).await.unwrap();
    assert!(!route.has_longer);
}
