//! Management of journals: `linkctl journal list`, `retry`, `drain` and `forget`.

use std::path::Path;

use serde_json::Value;
use waypost_e2e::{Kept, Visitor, on_each_database};
use waypost_test_harness::{
    Finished, Invocation, Kind, ServerProcess, TestDatabase, temporary_directory, wait_until,
};

use crate::refusals::times_told;
use crate::setup::{SOON, drained, durability, metric, server_with_links, verify};

/// Runs `linkctl` on the data directory of a server.
fn linkctl(database: &TestDatabase, server: &ServerProcess, args: &[&str]) -> Finished {
    linkctl_in(server.data_dir().path(), database, args)
}

fn linkctl_in(data_dir: &Path, database: &TestDatabase, args: &[&str]) -> Finished {
    tokio::task::block_in_place(|| {
        Invocation::of("linkctl")
            .args(args.iter().copied())
            .database(database)
            .env("WAYPOST_DATA_DIR", data_dir)
            .run()
    })
}

/// Returns the printed JSON documents, one per line.
fn documents(finished: &Finished) -> Vec<Value> {
    let lines = finished.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{finished:?}")))
        .collect()
}

fn journals(database: &TestDatabase, server: &ServerProcess) -> Vec<Value> {
    let listed = linkctl(database, server, &["journal", "list", "--json"]);
    assert!(listed.status.success(), "{listed:?}");
    documents(&listed)
}

async fn visits(server: &ServerProcess, code: &str, count: u32) {
    for _ in 0..count {
        Visitor::of(server).visit(code).await.unwrap();
    }
}

on_each_database!(
    what_was_set_aside_is_stored_when_it_is_tried_again,
    the_journal_of_a_dead_node_is_drained_and_forgotten
);

/// Rejects all clicks, as a value that violates a constraint.
fn refuse(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Sqlite => &[
            "create trigger refuse before insert on link_clicks \
             begin insert into leases (name, holder, expires_at) values (null, x'00', ''); end",
            "drop trigger refuse",
        ],
        Kind::Postgres => &[
            "alter table link_clicks add constraint refuse check (id is null) not valid",
            "alter table link_clicks drop constraint refuse",
        ],
        Kind::MariaDb => &[
            "create trigger refuse before insert on link_clicks for each row set new.id = null",
            "drop trigger refuse",
        ],
    }
}

async fn what_was_set_aside_is_stored_when_it_is_tried_again(kind: Kind) {
    let (database, server, codes) = server_with_links(kind, durability("journal"), 1).await;
    let code = codes[0].as_str();
    visits(&server, code, 2).await;
    drained(&server).await;
    let nothing = linkctl(&database, &server, &["journal", "retry"]);
    assert!(nothing.status.success(), "{nothing:?}");
    assert!(nothing.stderr.contains("no clicks are set aside"));
    database.execute(refuse(kind)[0]).await;
    visits(&server, code, 4).await;
    drained(&server).await;
    assert_eq!(Kept::of(&database, code).await, Kept::thrice(2));
    let retried = linkctl(&database, &server, &["journal", "retry"]);
    assert_eq!(retried.status.code(), Some(5), "{retried:?}");
    assert!(retried.stdout.contains("4 rejected"), "{retried:?}");
    assert_eq!(verify(&database, &server)["agrees"], false);

    // The server continues to run.
    database.execute(refuse(kind)[1]).await;
    let retried = linkctl(&database, &server, &["journal", "retry", "--json"]);
    assert!(retried.status.success(), "{retried:?}");
    let documents = documents(&retried);
    let stored: Option<u64> = documents.iter().map(|one| one["stored"].as_u64()).sum();
    assert_eq!(stored, Some(4), "{retried:?}");
    visits(&server, code, 1).await;
    drained(&server).await;
    assert_eq!(Kept::of(&database, code).await, Kept::thrice(7));
    let verified = verify(&database, &server);
    assert_eq!(verified["agrees"], true, "{verified}");
    let again = linkctl(&database, &server, &["journal", "retry"]);
    assert!(again.status.success(), "{again:?}");
    assert_eq!(Kept::of(&database, code).await, Kept::thrice(7));
}

async fn the_journal_of_a_dead_node_is_drained_and_forgotten(kind: Kind) {
    let (database, mut dead, codes) = server_with_links(kind, durability("journal"), 1).await;
    let code = codes[0].as_str();
    visits(&dead, code, 3).await;
    drained(&dead).await;
    let listed = journals(&database, &dead);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["ended"], false, "{listed:?}");
    assert!(listed[0]["lastSeenAgeS"].as_i64().unwrap() < 60);
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    let directory = dead.data_dir();
    let directory = directory.path().to_str().unwrap();
    let in_use = linkctl(&database, &dead, &["journal", "drain", directory, "--yes"]);
    assert_eq!(in_use.status.code(), Some(5), "{in_use:?}");
    assert!(
        in_use.stderr.contains("stop the server first"),
        "{in_use:?}"
    );

    // The server is killed with pending clicks.
    database
        .execute("alter table link_clicks rename to link_clicks_away")
        .await;
    visits(&dead, code, 5).await;
    wait_until("the database rejects clicks", SOON, async || {
        metric(&dead, "waypost_database_up").await < 0.5 && times_told(&dead) == 1
    })
    .await;
    tokio::task::block_in_place(|| dead.kill());
    database
        .execute("alter table link_clicks_away rename to link_clicks")
        .await;
    let unsure = linkctl(&database, &dead, &["journal", "drain", directory]);
    assert_eq!(unsure.status.code(), Some(4), "{unsure:?}");
    let drain = ["journal", "drain", directory, "--yes"];
    let stored = linkctl(&database, &dead, &drain);
    assert!(stored.status.success(), "{stored:?}");
    assert!(stored.stdout.contains("5 clicks stored"), "{stored:?}");
    assert_eq!(Kept::of(&database, code).await, Kept::thrice(8));
    assert_eq!(verify(&database, &dead)["agrees"], true);
    let again = linkctl(&database, &dead, &drain);
    assert!(again.stdout.contains("0 clicks stored"), "{again:?}");
    assert_eq!(journals(&database, &dead)[0]["ended"], true);

    let here = linkctl(&database, &dead, &["journal", "forget", &id, "--yes"]);
    assert_eq!(here.status.code(), Some(4), "{here:?}");
    let elsewhere = temporary_directory();
    let elsewhere = |args: &[&str]| linkctl_in(elsewhere.path(), &database, args);
    let unsure = elsewhere(&["journal", "forget", &id]);
    assert_eq!(unsure.status.code(), Some(4), "{unsure:?}");
    assert!(unsure.stderr.contains("0 clicks pending"), "{unsure:?}");
    let forgotten = elsewhere(&["journal", "forget", &id, "--yes"]);
    assert!(forgotten.status.success(), "{forgotten:?}");
    let listed = elsewhere(&["journal", "list", "--json"]);
    assert_eq!(listed.stdout, "", "{listed:?}");
    let unknown = elsewhere(&["journal", "forget", &id, "--yes"]);
    assert_eq!(unknown.status.code(), Some(3), "{unknown:?}");

    // Its directory is found again: it continues at its position.
    tokio::task::block_in_place(|| dead.restart());
    visits(&dead, code, 2).await;
    drained(&dead).await;
    assert_eq!(Kept::of(&database, code).await, Kept::thrice(10));
    let verified = verify(&database, &dead);
    assert_eq!(verified["agrees"], true, "{verified}");
    assert_eq!(journals(&database, &dead)[0]["id"], id);
}
