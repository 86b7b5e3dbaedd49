//! Loads: one per code, however many requests wait for it, and none restores what was forgotten.

use futures_util::future::join_all;
use waypost_store::StoreError;
use waypost_store_testkit::samples::code;

use super::doubles::{Mode, Setup, link_id};

#[tokio::test]
async fn a_hundred_requests_for_one_code_are_one_load() {
    let setup = Setup::new();
    let link = setup.link("wiki").await;
    setup.links.set(Mode::Held);
    let requests = join_all((0..100).map(|_| setup.resolve("wiki")));
    let open = async {
        setup.until_looked_up(1).await;
        setup.links.set(Mode::Open);
    };
    let (answers, ()) = tokio::join!(requests, open);
    assert_eq!(answers, [Some(link.id); 100]);
    assert_eq!(setup.links.lookups(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_load_it_is_also_on_several_threads() {
    for round in 0..50 {
        let setup = Setup::new();
        let link = setup.link("wiki").await;
        let requests = (0..32).map(|_| {
            let resolver = setup.resolver.clone();
            tokio::spawn(async move { link_id(resolver.resolve("wiki").await) })
        });
        for answer in join_all(requests).await {
            assert_eq!(answer.unwrap(), Some(link.id), "round {round}");
        }
        assert_eq!(setup.links.lookups(), 1, "round {round}");
    }
}

#[tokio::test]
async fn codes_do_not_wait_for_each_other() {
    let setup = Setup::new();
    setup.links.set(Mode::Held);
    let requests = join_all((0..3).map(|n| {
        let setup = &setup;
        async move { setup.resolve(&format!("code-{n}")).await }
    }));
    let open = async {
        setup.until_looked_up(3).await;
        setup.links.set(Mode::Open);
    };
    tokio::join!(requests, open);
}

#[tokio::test]
async fn a_visitor_who_leaves_takes_nothing_from_the_others() {
    let setup = Setup::new();
    let link = setup.link("wiki").await;
    setup.links.set(Mode::Held);
    let resolver = setup.resolver.clone();
    let impatient = tokio::spawn(async move { resolver.resolve("wiki").await });
    setup.until_looked_up(1).await;
    let resolver = setup.resolver.clone();
    let patient = tokio::spawn(async move { resolver.resolve("wiki").await });
    tokio::task::yield_now().await;
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    setup.links.set(Mode::Open);
    assert_eq!(link_id(patient.await.unwrap()), Some(link.id));
    assert_eq!(setup.links.lookups(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_an_error_soon_and_its_late_answer_is_kept() {
    let setup = Setup::new();
    let link = setup.link("wiki").await;
    setup.links.set(Mode::Held);
    let error = setup.resolver.resolve("wiki").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    setup.links.set(Mode::Open);
    assert_eq!(setup.resolve("wiki").await, Some(link.id));
    assert_eq!(setup.links.lookups(), 1);
}

#[tokio::test]
async fn what_was_loaded_for_a_visitor_who_left_is_kept() {
    let setup = Setup::new();
    let link = setup.link("wiki").await;
    setup.links.set(Mode::Held);
    let resolver = setup.resolver.clone();
    let impatient = tokio::spawn(async move { resolver.resolve("wiki").await });
    setup.until_looked_up(1).await;
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    setup.links.set(Mode::Open);
    assert_eq!(setup.resolve("wiki").await, Some(link.id));
    assert_eq!(setup.links.lookups(), 1);
}

#[tokio::test]
async fn a_load_that_fails_fails_for_all_who_wait_and_is_not_kept() {
    let setup = Setup::new();
    let link = setup.link("wiki").await;
    setup.links.set(Mode::Held);
    let requests = join_all((0..100).map(|_| setup.resolver.resolve("wiki")));
    let fail = async {
        setup.until_looked_up(1).await;
        setup.links.set(Mode::Down);
    };
    let (answers, ()) = tokio::join!(requests, fail);
    for answer in answers {
        assert!(matches!(answer, Err(StoreError::Unavailable { .. })));
    }
    assert_eq!(setup.links.lookups(), 1);
    setup.links.set(Mode::Open);
    assert_eq!(setup.resolve("wiki").await, Some(link.id));
    assert_eq!(setup.links.lookups(), 2);
}

#[tokio::test]
async fn a_load_that_breaks_off_is_an_error_and_the_next_one_succeeds() {
    let setup = Setup::new();
    let link = setup.link("wiki").await;
    setup.links.set(Mode::Broken);
    let answer = setup.resolver.resolve("wiki").await;
    assert!(matches!(answer, Err(StoreError::Unavailable { .. })));
    setup.links.set(Mode::Open);
    assert_eq!(setup.resolve("wiki").await, Some(link.id));
}

#[tokio::test]
async fn a_load_that_was_under_way_when_its_code_was_forgotten_keeps_nothing() {
    let setup = Setup::new();
    setup.links.set(Mode::Held);
    let resolver = setup.resolver.clone();
    let before = tokio::spawn(async move { resolver.resolve("wiki").await });
    setup.until_looked_up(1).await;
    // The load has already read that no link exists.
    let link = setup.link("wiki").await;
    setup.resolver.forget(&link.code);
    setup.links.set(Mode::Open);
    assert_eq!(link_id(before.await.unwrap()), Some(link.id));
    assert_eq!(setup.resolve("wiki").await, Some(link.id));
    assert_eq!(setup.links.lookups(), 2);
}

#[tokio::test]
async fn who_asks_after_a_change_does_not_get_the_load_from_before_it() {
    let setup = Setup::new();
    let old = setup.link("wiki").await;
    setup.links.set(Mode::Held);
    let resolve = || {
        let resolver = setup.resolver.clone();
        tokio::spawn(async move { link_id(resolver.resolve("wiki").await) })
    };
    let before = resolve();
    setup.until_looked_up(1).await;
    let new = setup.replace(&old).await;
    setup.resolver.forget(&new.code);
    let after = resolve();
    setup.until_looked_up(2).await;
    setup.links.set(Mode::Open);
    assert_eq!(after.await.unwrap(), Some(new.id));
    assert_eq!(before.await.unwrap(), Some(new.id));
    assert_eq!(setup.resolve("wiki").await, Some(new.id));
    assert_eq!(setup.links.lookups(), 2);
}

#[tokio::test]
async fn a_code_that_changes_all_the_time_is_answered_after_two_loads() {
    let setup = Setup::new();
    let link = setup.link("wiki").await;
    let resolver = setup.resolver.clone();
    setup.links.on_lookup(move |code| resolver.forget(code));
    for loads in [2, 4] {
        assert_eq!(setup.resolve("wiki").await, Some(link.id));
        assert_eq!(setup.links.lookups(), loads);
    }
    assert_eq!(setup.resolver.cache.len(), (0, 0));
}

#[tokio::test]
async fn forgetting_one_code_leaves_the_others() {
    let setup = Setup::new();
    for text in ["one", "two"] {
        setup.link(text).await;
        setup.resolve(text).await;
    }
    setup.resolver.forget(&code("ONE"));
    setup.resolve("two").await;
    assert_eq!(setup.links.lookups(), 2);
    setup.resolve("one").await;
    assert_eq!(setup.links.lookups(), 3);
}
