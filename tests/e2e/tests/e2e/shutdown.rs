//! Stopping a server under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::StatusCode;
use waypost_e2e::{Kept, Visitor, on_each_database};
use waypost_test_harness::{
    Invocation, Kind, PATIENCE, ServerOptions, ServerProcess, TestDatabase, wait_until,
};

on_each_database!(a_server_that_is_stopped_under_load_loses_nothing);

/// Every visit answered with 302 is counted, and no other.
async fn a_server_that_is_stopped_under_load_loses_nothing(kind: Kind) {
    let database = TestDatabase::new(kind);
    let mut server = ServerProcess::start(&database, ServerOptions::new());
    let code = Visitor::of(&server).shorten("https://example.com/").await;
    let redirected = Arc::new(AtomicI64::new(0));
    let visitors: Vec<_> = (0..8)
        .map(|_| {
            let (visitor, code) = (Visitor::of(&server), code.clone());
            let redirected = Arc::clone(&redirected);
            tokio::spawn(async move {
                // Until the server stops answering.
                while let Ok((status, _)) = visitor.visit(&code).await {
                    assert_eq!(status, StatusCode::FOUND);
                    redirected.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    wait_until("the load runs", PATIENCE, async || {
        redirected.load(Ordering::Relaxed) > 100
    })
    .await;
    let status = tokio::task::block_in_place(|| server.terminate());
    assert!(status.success(), "{status}\n{}", server.output());
    for visitor in visitors {
        visitor.await.unwrap();
    }
    let clicks = redirected.load(Ordering::Relaxed);
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(clicks));
    // The next start finds no pending clicks.
    let status = Invocation::of("linkctl")
        .args(["journal", "status"])
        .database(&database)
        .env("WAYPOST_DATA_DIR", server.data_dir().path())
        .run()
        .assert_success();
    assert!(status.stdout.contains("0 clicks pending"), "{status:?}");
}
