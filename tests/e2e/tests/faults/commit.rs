//! A commit that ends after its server was killed.

use reqwest::StatusCode;
use waypost_e2e::{Kept, Visitor};
use waypost_test_harness::{Kind, wait_until};

use crate::setup::{SOON, drained, dropped, durability, report, server_with_links, verify};

/// Slows down commits of clicks, as a busy disk or a synchronous standby does.
const SLOW_COMMITS: &str = "
    create function wait() returns trigger language plpgsql as
        'begin perform pg_sleep(3); return null; end';
    create constraint trigger wait after update of committed on click_journals
        deferrable initially deferred for each row execute function wait()";
const COMMITTING: &str = "
    select count(*) from pg_stat_activity
    where datname = current_database() and state = 'active' and query = 'COMMIT'";
const STORED: &str = "select count(*) from link_clicks";

/// PostgreSQL finishes a commit after its client has disconnected. MariaDB does so as well, but has
/// nothing that slows down a commit for a test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_ends_when_its_server_was_started_again_is_not_repeated() {
    let (database, mut server, codes) =
        server_with_links(Kind::Postgres, durability("journal"), 1).await;
    database.execute(SLOW_COMMITS).await;
    let visitor = Visitor::of(&server);
    let visit = async |times: usize| {
        for _ in 0..times {
            let (status, _) = visitor.visit(&codes[0]).await.unwrap();
            assert_eq!(status, StatusCode::FOUND);
        }
    };
    // While the first click is being committed, a second batch gathers, and then a third one: the
    // batch that the next process reads ends at another position than the batch being committed.
    visit(1).await;
    wait_until("the first batch is being committed", SOON, async || {
        database.number(COMMITTING).await > 0
    })
    .await;
    visit(20).await;
    wait_until("the second batch is being committed", SOON, async || {
        database.number(STORED).await > 0 && database.number(COMMITTING).await > 0
    })
    .await;
    let before = database.number(STORED).await;
    visit(20).await;
    tokio::task::block_in_place(|| {
        server.kill();
        server.restart();
    });
    assert!(
        database.number(STORED).await > before,
        "the next process takes the journal when that commit has ended"
    );
    drained(&server).await;
    assert_eq!(Kept::of(&database, &codes[0]).await, Kept::thrice(41));
    let output = server.output();
    assert!(dropped(&server, "rejected").await < 0.5, "{output}");
    let journals = verify(&database, &server)["journals"].clone();
    assert_eq!(
        journals.as_array().unwrap().len(),
        1,
        "{journals}\n{output}"
    );
    assert_eq!(journals[0]["stored"], 41, "{journals}");
    report(format_args!(
        "a commit that outlived its server: {before} of 41 clicks stored when it was killed, all of \
         them once in the end"
    ));
}
