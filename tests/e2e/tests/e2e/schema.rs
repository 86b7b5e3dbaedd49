//! Starting on databases that are empty, older or newer.

use waypost_e2e::{Visitor, on_each_database};
use waypost_test_harness::{Invocation, Kind, ServerOptions, ServerProcess, TestDatabase};

on_each_database!(
    two_servers_may_start_at_once_on_an_empty_database,
    an_older_schema_is_refused_when_migrating_is_off,
    a_newer_schema_is_refused,
);

async fn two_servers_may_start_at_once_on_an_empty_database(kind: Kind) {
    let database = TestDatabase::new(kind);
    let servers = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| ServerProcess::start(&database, ServerOptions::new())))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect::<Vec<_>>()
    });
    let code = Visitor::of(&servers[0])
        .shorten("https://example.com/")
        .await;
    assert_eq!(Visitor::of(&servers[1]).clicks(&code).await, 0);
}

async fn an_older_schema_is_refused_when_migrating_is_off(kind: Kind) {
    let database = TestDatabase::new(kind);
    let options = ServerOptions::new().env("WAYPOST_MIGRATE", "false");
    let refused = ServerProcess::try_start(&database, options.clone())
        .err()
        .unwrap();
    assert!(refused.contains("linkctl migrate up"), "{refused}");
    let migrated = Invocation::of("linkctl")
        .args(["migrate", "up"])
        .database(&database)
        .run();
    migrated.assert_success();
    ServerProcess::start(&database, options);
}

async fn a_newer_schema_is_refused(kind: Kind) {
    let database = TestDatabase::new(kind);
    let mut server = ServerProcess::start(&database, ServerOptions::new());
    server.terminate();
    database
        .execute("insert into __diesel_schema_migrations (version) values ('9999')")
        .await;
    let refused = ServerProcess::try_start(&database, ServerOptions::new())
        .err()
        .unwrap();
    assert!(refused.contains("newer version of Waypost"), "{refused}");
    assert!(!refused.contains("panicked"), "{refused}");
}
