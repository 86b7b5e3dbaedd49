use std::time::Instant;

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use waypost_test_harness::{Kind, TestDatabase};

use super::*;

/// Long enough that a look at the holder of a lock comes first.
const SHORT: Duration = Duration::from_secs(4);

fn sqlite_url(directory: &tempfile::TempDir) -> DatabaseUrl {
    DatabaseUrl::sqlite(directory.path().join("waypost.db"))
}

async fn run_shortly(url: &DatabaseUrl, task: Task) -> Result<Outcome, DatabaseError> {
    let url = url.clone();
    let run = tokio::task::spawn_blocking(move || run_blocking(&url, task, SHORT));
    run.await.unwrap()
}

async fn empty(kind: Kind) -> (TestDatabase, DatabaseUrl) {
    let database = tokio::task::spawn_blocking(move || TestDatabase::new(kind));
    let database = database.await.unwrap();
    let url = database.url().parse().unwrap();
    (database, url)
}

/// Asserts that a migration does not wait longer, and names who holds the lock.
async fn assert_locked(url: &DatabaseUrl, holder: &str) {
    let began = Instant::now();
    let Err(error) = run_shortly(url, Task::Up).await else {
        panic!("it did not wait for {holder}");
    };
    assert!(began.elapsed() < SHORT * 4, "{:?}", began.elapsed());
    assert!(matches!(&error, DatabaseError::Locked { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(holder), "{text}");
    assert!(text.contains("start again"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_the_state_is_told_while_somebody_writes() {
    let directory = tempfile::tempdir().unwrap();
    let url = sqlite_url(&directory);
    run(&url, Task::Up).await.unwrap();
    let mut writer = sqlite::connect_blocking(url.servers().first()).unwrap();
    sqlite::try_to_begin(&mut writer, UNTOLD).unwrap().unwrap();
    let told = run(&url, Task::Status).await.unwrap();
    assert!(told.states.iter().all(|state| state.applied && state.known));
    assert_eq!(told.changed, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_migration_waits_for_a_writer_only_for_a_limited_time() {
    let directory = tempfile::tempdir().unwrap();
    let url = sqlite_url(&directory);
    let mut writer = sqlite::connect_blocking(url.servers().first()).unwrap();
    sqlite::try_to_begin(&mut writer, UNTOLD).unwrap().unwrap();
    assert_locked(&url, "waypost.db open").await;
    drop(writer);
    run_shortly(&url, Task::Up).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_the_first_connection_waits_for_a_writer_only_for_a_limited_time() {
    let directory = tempfile::tempdir().unwrap();
    let url = sqlite_url(&directory);
    let mut writer = SqliteConnection::establish(url.servers().first()).unwrap();
    writer
        .batch_execute("PRAGMA journal_mode = DELETE; BEGIN IMMEDIATE; CREATE TABLE t (n INTEGER)")
        .unwrap();
    assert_locked(&url, "waypost.db open").await;
    drop(writer);
    run_shortly(&url, Task::Up).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_the_holder_of_the_lock_of_migrations_is_named() {
    let (_database, url) = empty(Kind::Postgres).await;
    let held = url.clone();
    let holder = tokio::task::spawn_blocking(move || {
        let mut holder = postgres::connect_blocking(&held.servers()).unwrap();
        holder.batch_execute("BEGIN").unwrap();
        diesel::sql_query(POSTGRES_LOCK)
            .execute(&mut holder)
            .unwrap();
        let pid = diesel::select(sql::<Integer>("pg_backend_pid()"));
        (pid.get_result::<i32>(&mut holder).unwrap(), holder)
    });
    let (pid, holder) = holder.await.unwrap();
    assert_locked(&url, &format!("PostgreSQL process {pid} (waypost")).await;
    drop(holder);
    run_shortly(&url, Task::Up).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_locked_table_does_not_stop_a_migration_forever() {
    let (_database, url) = empty(Kind::Postgres).await;
    run(&url, Task::Up).await.unwrap();
    let held = url.clone();
    let holder = tokio::task::spawn_blocking(move || {
        let mut holder = postgres::connect_blocking(&held.servers()).unwrap();
        holder
            .batch_execute("BEGIN; LOCK TABLE __diesel_schema_migrations")
            .unwrap();
        holder
    });
    let holder = holder.await.unwrap();
    assert_locked(&url, "idle in transaction").await;
    drop(holder);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mariadb_the_holder_of_the_lock_of_migrations_is_named() {
    let (_database, url) = empty(Kind::MariaDb).await;
    let held = url.clone();
    let holder = tokio::task::spawn_blocking(move || {
        let mut holder = mysql::connect_blocking(&held.servers()).unwrap();
        diesel::sql_query(format!("DO GET_LOCK({MYSQL_LOCK}, 0)"))
            .execute(&mut holder)
            .unwrap();
        let id = diesel::select(sql::<Unsigned<BigInt>>("CONNECTION_ID()"));
        (id.get_result::<u64>(&mut holder).unwrap(), holder)
    });
    let (id, holder) = holder.await.unwrap();
    assert_locked(&url, &format!("connection {id} (waypost@")).await;
    drop(holder);
    run_shortly(&url, Task::Up).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mariadb_a_locked_table_does_not_stop_a_migration_forever() {
    let (_database, url) = empty(Kind::MariaDb).await;
    run(&url, Task::Up).await.unwrap();
    run(&url, Task::Down).await.unwrap();
    let held = url.clone();
    let holder = tokio::task::spawn_blocking(move || {
        let mut holder = mysql::connect_blocking(&held.servers()).unwrap();
        holder
            .batch_execute("LOCK TABLES __diesel_schema_migrations READ")
            .unwrap();
        holder
    });
    let holder = holder.await.unwrap();
    assert_locked(&url, "connection ").await;
    drop(holder);
    run_shortly(&url, Task::Up).await.unwrap();
}
