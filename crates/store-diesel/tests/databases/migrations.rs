//! The migrations of each database: complete, reversible, safe when several processes run them.

use std::collections::BTreeSet;
use std::path::Path;

use time::macros::datetime;
use waypost_core::{LinkDetails, PageRequest, SearchWord};
use waypost_store::{LinkEdit, LinkQuery, LinkReader, LinkUpdate, PageOf};
use waypost_store_diesel::{Database, DatabaseError, DatabaseSettings};
use waypost_store_testkit::samples::code;
use waypost_test_harness::{Kind, TestDatabase};

async fn empty(kind: Kind) -> (TestDatabase, DatabaseSettings) {
    let database = tokio::task::spawn_blocking(move || TestDatabase::new(kind))
        .await
        .unwrap();
    let settings = DatabaseSettings::for_url(database.url()).unwrap();
    (database, settings)
}

/// Returns every column, index and constraint as the database itself describes them.
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
    let version = opened.version().await.unwrap();
    assert!(
        version.starts_with(|first: char| first.is_ascii_digit()),
        "{version}"
    );
    let before = opened.migration_status().await.unwrap();
    assert!(before.iter().all(|state| state.known && !state.applied));
    // Reporting the state creates nothing.
    assert!(schema(&database).await.is_empty());

    let applied = opened.migrate_up().await.unwrap();
    assert_eq!(applied.len(), before.len());
    let first = schema(&database).await;
    assert_eq!(opened.migrate_up().await.unwrap(), Vec::<String>::new());

    for name in applied.iter().rev() {
        assert_eq!(opened.migrate_down().await.unwrap().as_ref(), Some(name));
    }
    assert_eq!(opened.migrate_down().await.unwrap(), None);
    let left = schema(&database).await;
    let of_migrations = |row: &Vec<Option<String>>| {
        let mut values = row.iter().flatten();
        values.any(|value| value == "__diesel_schema_migrations")
    };
    assert!(left.iter().all(of_migrations), "{left:?}");

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

/// Migrates back to before links had owners and a history, and creates a link as it was created
/// then.
async fn links_from_before_there_were_details_are_kept_and_found(kind: Kind) {
    let (database, settings) = empty(kind).await;
    let opened = Database::connect(&settings).await.unwrap();
    opened.prepare_schema(true).await.unwrap();
    while opened.migrate_down().await.unwrap().as_deref() != Some("0004_links_of_people") {}
    let (id, at) = match kind {
        Kind::Sqlite => (
            "x'019ca9450a00750696fdef78fff6f013'",
            "'2026-03-01 12:00:00.25+00:00'",
        ),
        Kind::Postgres => (
            "'019ca9450a00750696fdef78fff6f013'",
            "'2026-03-01 12:00:00.25Z'",
        ),
        Kind::MariaDb => (
            "x'019ca9450a00750696fdef78fff6f013'",
            "'2026-03-01 12:00:00.25'",
        ),
    };
    let insert = format!(
        "insert into links (id, code, code_spelling, target_url, clicks, created_at) \
         values ({id}, 'team-wiki', 'Team-Wiki', 'https://example.com/wiki', 7, {at})"
    );
    database.execute(&insert).await;

    opened.migrate_up().await.unwrap();
    let store = opened.store();
    let link = store.link_by_code(&code("team-wiki")).await.unwrap();
    let link = link.unwrap();
    assert_eq!(link.code.spelling(), "Team-Wiki");
    assert_eq!((link.clicks, link.version), (7, 1));
    assert_eq!(link.details, LinkDetails::default());
    assert_eq!(link.created_at, datetime!(2026-03-01 12:00:00.25 UTC));
    assert_eq!(link.updated_at, link.created_at);
    assert_eq!(store.link_versions(link.id, None, 9).await.unwrap(), []);
    let page = PageRequest::new(1, 9).unwrap();
    let nobodys = store.links_page(PageOf::Nobody, page).await.unwrap();
    assert_eq!(nobodys.items, std::slice::from_ref(&link));

    let by_word = LinkQuery {
        words: SearchWord::of_search("exam"),
        ..LinkQuery::newest(LinkReader::All, 9)
    };
    let by_target = LinkQuery {
        target: Some(link.target.clone()),
        ..LinkQuery::newest(LinkReader::All, 9)
    };
    assert_eq!(store.list_links(&by_word).await.unwrap(), []);
    assert_eq!(store.index_links(9).await.unwrap(), 1);
    assert_eq!(store.index_links(9).await.unwrap(), 0);
    for query in [by_word, by_target] {
        let found = store.list_links(&query).await.unwrap();
        assert_eq!(found, std::slice::from_ref(&link));
    }
    opened.close();
}

/// Migrates back to before links had a switch for templates, and creates links as they were created
/// then; the last of them after the switch is there, as a server of that release does which still
/// runs.
async fn links_from_before_the_switch_for_templates_are_read_as_they_were(kind: Kind) {
    let (database, settings) = empty(kind).await;
    let opened = Database::connect(&settings).await.unwrap();
    opened.prepare_schema(true).await.unwrap();
    while opened.migrate_down().await.unwrap().as_deref() != Some("0018_template_switch") {}
    let targets = [
        ("https://example.com/wiki", false),
        ("https://example.com/browse/$ticket", true),
        ("https://example.com/?q=$_q&x=%24y", true),
        ("https://example.com/a$$b#$c1", true),
        ("https://example.com/$Name", true),
        ("https://example.com/$", false),
        ("https://example.com/$5/$-x/$$/$.", false),
        ("https://example.com/%24name", false),
        ("https://example.com/{slug}", false),
        ("https://example.com/_$_", true),
    ];
    for (number, (target, _)) in targets.iter().enumerate() {
        let (id, at) = match kind {
            Kind::Sqlite => ("x'0{}'", "'2026-03-01 12:00:00.25+00:00'"),
            Kind::Postgres => ("'0{}'", "'2026-03-01 12:00:00.25Z'"),
            Kind::MariaDb => ("x'0{}'", "'2026-03-01 12:00:00.25'"),
        };
        let id = id.replace("{}", &format!("19ca9450a00750696fdef78fff6f0{number:02}"));
        if number + 1 == targets.len() {
            opened.migrate_up().await.unwrap();
        }
        for insert in [
            format!(
                "insert into links (id, code, code_spelling, target_url, created_at, updated_at) \
                 values ({id}, 'l{number}', 'l{number}', '{target}', {at}, {at})"
            ),
            format!(
                "insert into link_codes (code, spelling, link_id, created_at) \
                 values ('l{number}', 'l{number}', {id}, {at})"
            ),
        ] {
            database.execute(&insert).await;
        }
    }

    let store = opened.store();
    for (number, (target, is_template)) in targets.iter().enumerate() {
        let link = store.link_by_code(&code(&format!("l{number}"))).await;
        let link = link.unwrap().unwrap();
        assert_eq!(link.target.as_str(), *target);
        assert_eq!(link.details.template, *is_template, "{target}");

        // A change by this release says so, and it stays.
        let mut content = link.content();
        content.details.template = false;
        let edit = LinkUpdate {
            link: link.id,
            version: link.version,
            by: None,
            at: link.created_at,
            edit: LinkEdit::Content(content),
        };
        store.update_link(&edit).await.unwrap();
        let link = store.link(link.id).await.unwrap().unwrap();
        assert!(!link.details.template, "{target}");
        let versions = store.link_versions(link.id, None, 9).await.unwrap();
        assert_eq!(versions.len(), 1, "{versions:?}");
        let version = versions.first().unwrap();
        let before = version.before.as_ref().unwrap();
        assert_eq!(before.content.details.template, *is_template, "{target}");
        assert!(!version.after.content.details.template, "{target}");
    }
    opened.close();
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
    links_from_before_there_were_details_are_kept_and_found,
    links_from_before_the_switch_for_templates_are_read_as_they_were,
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
