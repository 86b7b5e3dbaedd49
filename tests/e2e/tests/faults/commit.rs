//! A commit that takes longer than its server lives.

use waypost_e2e::load::Load;
use waypost_test_harness::{Kind, wait_until};

use crate::setup::{
    CLIENTS, SOON, assert_exact, drained, dropped, durability, redirects, report,
    server_with_links, sums, verify,
};

/// Commits of stored clicks take a while, as they do when a disk is busy or a standby is waited for.
const SLOW_COMMITS: &str = "
    create function wait() returns trigger language plpgsql as
        'begin perform pg_sleep(3); return null; end';
    create constraint trigger wait after update on click_journals
        deferrable initially deferred for each row execute function wait()";
const COMMITTING: &str = "
    select count(*) from pg_stat_activity
    where datname = current_database() and state = 'active' and query = 'COMMIT'";
const STORED: &str = "select count(*) from link_clicks";

/// PostgreSQL goes on with a commit when whoever asked for it is gone, and so does MariaDB, which has
/// nothing that makes a commit last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_ends_when_its_server_was_started_again_is_not_repeated() {
    let (database, mut server, codes) =
        server_with_links(Kind::Postgres, durability("journal"), 5).await;
    database.execute(SLOW_COMMITS).await;
    let load = Load::start(&server, &codes, CLIENTS);
    // The first batch is a click or two; the second one is what came while that was committed.
    wait_until("the second batch is being committed", SOON, async || {
        database.number(STORED).await > 0 && database.number(COMMITTING).await > 0
    })
    .await;
    let before = database.number(STORED).await;
    tokio::task::block_in_place(|| {
        server.kill();
        server.restart();
    });
    assert_eq!(
        database.number(STORED).await,
        before,
        "the commit ended before the server was there again: this shows nothing"
    );
    load.go_to(&server);
    redirects(&load, 50).await;
    let expected = load.stop().await;
    drained(&server).await;
    assert_exact(&database, &server, &expected).await;
    assert!(
        dropped(&server, "rejected").await < 0.5,
        "{}",
        server.output()
    );
    let journals = verify(&database, &server)["journals"].clone();
    assert_eq!(journals.as_array().unwrap().len(), 1, "{journals}");
    report(format_args!(
        "a commit that outlived its server: {before} clicks stored when it was killed, {} redirects, \
         each counted once",
        sums(&expected).0
    ));
}
