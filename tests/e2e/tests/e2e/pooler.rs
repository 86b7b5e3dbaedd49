//! Poolers between Waypost and PostgreSQL, and locks that another process holds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use waypost_e2e::{Kept, Visitor};
use waypost_test_harness::{
    Invocation, Kind, PATIENCE, PgBouncer, PoolMode, ServerOptions, ServerProcess, TestDatabase,
    wait_until,
};

/// A migration waits at least this long: locks are held longer.
const TOLD_WITHIN: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_of_sessions_works() {
    let database = TestDatabase::new(Kind::Postgres);
    let pooler = tokio::task::block_in_place(|| PgBouncer::before(&database, PoolMode::Session));
    let options = ServerOptions::new().env("WAYPOST_DATABASE_URL", pooler.url());
    let mut server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    let visitor = Visitor::of(&server);
    let code = visitor.shorten("https://example.com/").await;
    for _ in 0..20 {
        visitor.visit(&code).await.unwrap();
    }
    assert_eq!(visitor.clicks(&code).await, 20);
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(20));
    let verified = tokio::task::block_in_place(|| {
        Invocation::of("linkctl")
            .arg("verify")
            .env("WAYPOST_DATABASE_URL", pooler.url())
            .env("WAYPOST_DATA_DIR", server.data_dir().path())
            .run()
    });
    verified.assert_success();
    tokio::task::block_in_place(|| server.terminate());
}

#[test]
fn a_pooler_of_transactions_or_statements_is_refused_with_the_reason() {
    let database = TestDatabase::new(Kind::Postgres);
    for mode in [PoolMode::Transaction, PoolMode::Statement] {
        let pooler = PgBouncer::before(&database, mode);
        let began = Instant::now();
        let server = Invocation::of("server")
            .env("WAYPOST_LISTEN", "127.0.0.1:0")
            .env("WAYPOST_LOG", "error")
            .env("WAYPOST_DATABASE_URL", pooler.url())
            .run();
        let migrated = Invocation::of("linkctl")
            .args(["migrate", "up"])
            .env("WAYPOST_DATABASE_URL", pooler.url())
            .run();
        assert_eq!(server.status.code(), Some(1), "{server:?}");
        assert_eq!(migrated.status.code(), Some(5), "{migrated:?}");
        for finished in [server, migrated] {
            let text = finished.stderr;
            assert!(text.contains("pool_mode = session"), "{mode:?}: {text}");
            assert_eq!(text.trim_end().lines().count(), 1, "{mode:?}: {text}");
        }
        assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    }
}

/// Starts a server while another process holds the lock of migrations for a while, and checks that
/// the log says so, with the holder.
async fn is_told(database: &TestDatabase, holder: &str) {
    let began = Instant::now();
    let started =
        tokio::task::block_in_place(|| ServerProcess::start(database, ServerOptions::new()));
    assert!(began.elapsed() >= TOLD_WITHIN, "{:?}", began.elapsed());
    let output = started.output();
    let told = output
        .find("waiting for a lock on the database")
        .unwrap_or_else(|| panic!("{output}"));
    let migrated = output
        .find("applied migration")
        .unwrap_or_else(|| panic!("{output}"));
    assert!(told < migrated, "{output}");
    assert!(output.contains(holder), "{holder}: {output}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_a_migration_of_sqlite_waits_for_is_told() {
    let database = TestDatabase::new(Kind::Sqlite);
    let lock = database.lock().await;
    let release = tokio::spawn(async move {
        tokio::time::sleep(2 * TOLD_WITHIN).await;
        drop(lock);
    });
    is_told(&database, &format!("(process {})", std::process::id())).await;
    release.await.unwrap();
}

/// `hold` takes the lock and keeps it for a while; `is_held` answers 1 as soon as it is taken.
async fn a_holder_of_the_lock_is_told(kind: Kind, hold: &str, is_held: &str, holder: &str) {
    let database = Arc::new(TestDatabase::new(kind));
    let (of_holder, hold) = (Arc::clone(&database), hold.to_owned());
    let holding = tokio::spawn(async move { of_holder.execute(&hold).await });
    wait_until("the lock is taken", PATIENCE, async || {
        database.number(is_held).await == 1
    })
    .await;
    is_told(&database, holder).await;
    holding.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_of_the_lock_of_migrations_of_postgres_is_told() {
    let hold = "select pg_advisory_lock(33621064574006132); select pg_sleep(6)";
    let is_held = "select count(*) from pg_locks where locktype = 'advisory' and granted \
                   and database = (select oid from pg_database where datname = current_database())";
    a_holder_of_the_lock_is_told(Kind::Postgres, hold, is_held, "PostgreSQL process ").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_of_the_lock_of_migrations_of_mariadb_is_told() {
    let hold = "do get_lock(concat('waypost.', md5(database())), 0); do sleep(6)";
    let is_held = "select is_used_lock(concat('waypost.', md5(database()))) is not null";
    a_holder_of_the_lock_is_told(Kind::MariaDb, hold, is_held, "connection ").await;
}
