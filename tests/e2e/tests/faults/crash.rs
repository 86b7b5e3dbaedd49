//! The server is killed under load and while it stores clicks.

use waypost_e2e::load::{Load, differences};
use waypost_e2e::{Visitor, on_each_database};
use waypost_test_harness::Kind;

use crate::setup::{
    CLIENTS, SOON, assert_exact, drained, dropped, durability, long_or_short, redirects, report,
    server_with_links, sums, verify,
};

on_each_database!(
    kill_minus_nine_loses_no_click_and_counts_none_twice,
    with_commit_a_redirect_that_was_answered_is_in_the_database,
    a_crash_at_each_step_of_storing_counts_each_click_once,
);

async fn kill_minus_nine_loses_no_click_and_counts_none_twice(kind: Kind) {
    killed_again_and_again(kind, "journal").await;
}

async fn with_commit_a_redirect_that_was_answered_is_in_the_database(kind: Kind) {
    killed_again_and_again(kind, "commit").await;
}

async fn killed_again_and_again(kind: Kind, mode: &str) {
    let rounds = long_or_short(20, 3);
    let (database, mut server, codes) = server_with_links(kind, durability(mode), 20).await;
    let load = Load::start(&server, &codes, CLIENTS);
    for round in 0..rounds {
        // At a different moment of a batch each time.
        redirects(&load, 200 + 37 * round).await;
        tokio::task::block_in_place(|| server.kill());
        if mode == "commit" {
            let wrong = differences(&database, &load.expected()).await;
            assert!(wrong.is_empty(), "round {round}: {wrong:#?}");
        }
        tokio::task::block_in_place(|| server.restart());
        load.go_to(&server);
    }
    redirects(&load, 200).await;
    assert_eq!(load.other(), 0);
    let expected = load.stop().await;
    drained(&server).await;
    assert_exact(&database, &server, &expected).await;
    let (least, most) = sums(&expected);
    report(format_args!(
        "kill -9, {kind:?}, {mode}: {rounds} rounds, {least} redirects (and {} of unknown fate), all \
         counted, none twice",
        most - least
    ));
}

async fn a_crash_at_each_step_of_storing_counts_each_click_once(kind: Kind) {
    for step in ["ingest.before", "ingest.inside", "ingest.after"] {
        for time in long_or_short(vec![1, 2, 5], vec![2]) {
            let held = durability("journal").env("HOLD_AT", format!("{step}:{time}"));
            let (database, mut server, codes) = server_with_links(kind, held, 5).await;
            let load = Load::start(&server, &codes, 2);
            tokio::task::block_in_place(|| {
                server.wait_for_output(&format!("held at {step}"), SOON);
            });
            // Redirects continue without it.
            redirects(&load, 100).await;
            tokio::task::block_in_place(|| {
                server.kill();
                server.restart_with(durability("journal"));
            });
            load.go_to(&server);
            redirects(&load, 50).await;
            let expected = load.stop().await;
            drained(&server).await;
            assert_exact(&database, &server, &expected).await;
            report(format_args!(
                "killed at {step}, time {time}, {kind:?}: {} redirects, each counted once",
                sums(&expected).0
            ));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_memory_the_clicks_that_a_killed_server_lost_are_reported() {
    let (database, mut server, codes) =
        server_with_links(Kind::Sqlite, durability("memory"), 5).await;
    let load = Load::start(&server, &codes, CLIENTS);
    redirects(&load, 1_000).await;
    // No click can be stored in the meantime.
    let lock = database.lock().await;
    redirects(&load, 2_000).await;
    tokio::task::block_in_place(|| server.kill());
    drop(lock);
    tokio::task::block_in_place(|| server.restart());
    let expected = load.stop().await;
    drained(&server).await;
    let lost = dropped(&server, "lost").await;
    let verified = verify(&database, &server);
    assert_eq!(
        verified["agrees"], false,
        "the loss has not been accepted: {verified}"
    );
    let journal = &verified["journals"][0];
    let (least, most) = sums(&expected);
    let accounted = journal["accepted"].as_i64().unwrap();
    report(format_args!(
        "kill -9, memory: {least} redirects (and {} of unknown fate), {} stored, {lost} reported as \
         lost",
        most - least,
        journal["stored"]
    ));
    assert!(lost > 1_000.0, "{lost}");
    // The number of accepted clicks is noted every 64 clicks: up to 64 lost clicks can be
    // unreported.
    assert!(accounted <= most, "{accounted} of {least} to {most}");
    assert!(least <= accounted + 64, "{accounted} of {least} to {most}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_visits_and_a_look_show_five_in_each_durability() {
    for mode in ["journal", "commit", "memory"] {
        let (_database, server, codes) = server_with_links(Kind::Sqlite, durability(mode), 1).await;
        let visitor = Visitor::of(&server);
        let mut complete = Vec::new();
        for clicks in 1..=5 {
            visitor.visit(&codes[0]).await.unwrap();
            let stats = visitor.json(&format!("/urls/{}/stats", codes[0])).await;
            assert_eq!(stats["clicks"], clicks, "{mode}");
            complete.push(stats["clicksCompleteUntil"].as_str().unwrap().to_owned());
        }
        assert!(complete.is_sorted(), "{mode}: {complete:?}");
    }
}
