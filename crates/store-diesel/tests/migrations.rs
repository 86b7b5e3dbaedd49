//! The migrations of each database: complete, reversible, safe when several processes run them.

#![expect(clippy::unwrap_used, reason = "test code: it fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use waypost_store_diesel::{Database, DatabaseError, DatabaseSettings};
use waypost_test_harness::{Kind, TestDatabase};

async fn empty(kind: Kind) -> (TestDatabase, DatabaseSettings) {
    let database = tokio::task::spawn_blocking(move || TestDatabase::new(kind))
        .await
        .unwrap();
    let settings = DatabaseSettings::for_url(database.url()).unwrap();
    (database, settings)
}

/// Every column, index and constraint as the database itself describes them.
async fn schema(database: &TestDatabase) -> Vec<Vec<Option<String>>> {
    let queries: &[&str] = match database.kind() {
        Kind::Sqlite => {
            &["select type, name, tbl_name, sql from sqlite_schema order by type, name"]
        }
        Kind::Postgres => &[
            "select table_name, column_name, data_type, character_maximum_length::text, \
             is_nullable, column_default, collation_name \
             from information_schema.columns where table_schema = 'public' order by 1, 2",
            "select tablename, indexname, indexdef from pg_indexes where schemaname = 'public' \
             order by 1, 2",
            "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) \
             from pg_constraint where connamespace = 'public'::regnamespace order by 1, 2",
        ],
        Kind::MariaDb => &[
            "select table_name, column_name, column_type, is_nullable, column_default, \
             collation_name from information_schema.columns \
             where table_schema = database() order by 1, 2",
            "select table_name, index_name, seq_in_index, column_name, non_unique \
             from information_schema.statistics where table_schema = database() order by 1, 2, 3",
            "select table_name, constraint_name, delete_rule \
             from information_schema.referential_constraints \
             where constraint_schema = database() order by 1, 2",
        ],
    };
    let mut all = Vec::new();
    for query in queries {
        all.extend(database.rows(query).await);
    }
    all
}

async fn up_down_up_gives_the_same_schema(kind: Kind) {
    let (database, settings) = empty(kind).await;
    let opened = Database::connect(&settings).await.unwrap();
    let before = opened.migration_status().await.unwrap();
    assert!(before.iter().all(|state| state.known && !state.applied));
    let empty = schema(&database).await;

    let applied = opened.migrate_up().await.unwrap();
    assert_eq!(applied.len(), before.len());
    let first = schema(&database).await;
    assert!(first.len() > empty.len());
    assert_eq!(opened.migrate_up().await.unwrap(), Vec::<String>::new());

    for name in applied.iter().rev() {
        assert_eq!(opened.migrate_down().await.unwrap().as_ref(), Some(name));
    }
    assert_eq!(opened.migrate_down().await.unwrap(), None);
    assert_eq!(schema(&database).await, empty);

    assert_eq!(opened.migrate_up().await.unwrap(), applied);
    assert_eq!(schema(&database).await, first);
    opened.close();
}

async fn a_newer_schema_is_refused_by_name(kind: Kind) {
    let (database, settings) = empty(kind).await;
    let opened = Database::connect(&settings).await.unwrap();
    opened.prepare_schema(true).await.unwrap();
    database
        .execute("insert into __diesel_schema_migrations (version) values ('9999')")
        .await;
    for migrate in [true, false] {
        let error = opened.prepare_schema(migrate).await.unwrap_err();
        assert!(matches!(&error, DatabaseError::SchemaNewer { migration } if migration == "9999"));
        assert!(
            error.to_string().contains("newer version of Waypost"),
            "{error}"
        );
    }
    let status = opened.migration_status().await.unwrap();
    let newest = status.last().unwrap();
    assert!(newest.applied && !newest.known);
    opened.close();
}

async fn an_older_schema_is_refused_unless_migrating_is_allowed(kind: Kind) {
    let (_database, settings) = empty(kind).await;
    let opened = Database::connect(&settings).await.unwrap();
    let error = opened.prepare_schema(false).await.unwrap_err();
    assert!(matches!(error, DatabaseError::SchemaOlder { count: 1.. }));
    assert!(error.to_string().contains("linkctl migrate up"), "{error}");
    opened.prepare_schema(true).await.unwrap();
    opened.prepare_schema(false).await.unwrap();
    opened.close();
}

async fn several_nodes_may_migrate_at_once(kind: Kind) {
    let (database, settings) = empty(kind).await;
    let nodes = (0..4).map(|_| {
        let settings = settings.clone();
        tokio::spawn(async move {
            let opened = Database::connect(&settings).await.unwrap();
            let applied = opened.prepare_schema(true).await.unwrap();
            let links = opened.store().counts().await.unwrap().links;
            opened.close();
            (applied.len(), links)
        })
    });
    let mut applied = 0;
    for node in nodes.collect::<Vec<_>>() {
        let (by_this_node, links) = node.await.unwrap();
        applied += by_this_node;
        assert_eq!(links, 0);
    }
    let rows = database
        .number("select count(*) from __diesel_schema_migrations")
        .await;
    assert_eq!(i64::try_from(applied).unwrap(), rows);
}

macro_rules! on_each_database {
    ($($case:ident),* $(,)?) => {
        mod sqlite { $(#[tokio::test(flavor = "multi_thread")] async fn $case() { super::$case(super::Kind::Sqlite).await; })* }
        mod postgres { $(#[tokio::test(flavor = "multi_thread")] async fn $case() { super::$case(super::Kind::Postgres).await; })* }
        mod mariadb { $(#[tokio::test(flavor = "multi_thread")] async fn $case() { super::$case(super::Kind::MariaDb).await; })* }
    };
}

on_each_database!(
    up_down_up_gives_the_same_schema,
    a_newer_schema_is_refused_by_name,
    an_older_schema_is_refused_unless_migrating_is_allowed,
    several_nodes_may_migrate_at_once,
);

#[test]
fn each_database_has_the_same_migrations_with_both_directions() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let names = |database: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(root.join(database)).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let sqlite = names("sqlite");
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, names("postgres"));
    assert_eq!(sqlite, names("mysql"));
    for database in ["sqlite", "postgres", "mysql"] {
        for name in &sqlite {
            for direction in ["up.sql", "down.sql"] {
                let file = root.join(database).join(name).join(direction);
                assert!(
                    !std::fs::read_to_string(&file).unwrap().trim().is_empty(),
                    "{}",
                    file.display()
                );
            }
        }
    }
}
