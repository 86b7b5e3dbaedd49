//! The search index beside an earlier release: links that it stored or changed are indexed again.

use std::sync::Arc;

use waypost_core::{LinkDetails, LinkId, Title};
use waypost_store::{LinkEdit, LinkQuery, LinkReader, LinkUpdate, Store, Updated};
use waypost_store_diesel::{Database, DatabaseSettings};
use waypost_store_testkit::samples::{START, Samples, target, words};
use waypost_test_harness::{Kind, TestDatabase};

struct Rig {
    database: TestDatabase,
    settings: DatabaseSettings,
    opened: Database,
    store: Arc<dyn Store>,
}

impl Rig {
    async fn new(kind: Kind) -> Self {
        let database = tokio::task::spawn_blocking(move || TestDatabase::new(kind))
            .await
            .unwrap();
        let settings = DatabaseSettings::for_url(database.url()).unwrap();
        let opened = Database::connect(&settings).await.unwrap();
        opened.prepare_schema(true).await.unwrap();
        let store = opened.store();
        Self {
            database,
            settings,
            opened,
            store,
        }
    }

    /// Stores links with these titles as the release before did: it knows no version of the search,
    /// and its words are the runs of letters in lower case.
    async fn write_as_before(&self, titles: &[&str]) -> Vec<LinkId> {
        let samples = Samples::new(1);
        let mut ids = Vec::new();
        for (place, title) in titles.iter().enumerate() {
            let details = LinkDetails {
                title: Title::parse(title).unwrap(),
                ..LinkDetails::default()
            };
            let mut link = samples.link_with(&format!("x{place}"), details);
            link.target = target("https://example.org/");
            self.store.insert_link(&link, None).await.unwrap();
            ids.push(link.id);
        }
        self.database
            .execute("update links set search_version = 0")
            .await;
        self.database.execute("delete from link_words").await;
        for (place, title) in titles.iter().enumerate() {
            for word in title.split(' ') {
                self.insert_word(place, &word.to_lowercase()).await;
            }
        }
        ids
    }

    async fn insert_word(&self, place: usize, word: &str) {
        let insert = format!(
            "insert into link_words (link_id, word) select id, '{word}' from links where code = 'x{place}'"
        );
        self.database.execute(&insert).await;
    }

    async fn found(&self, text: &str) -> Vec<String> {
        let query = LinkQuery {
            words: words(text),
            ..LinkQuery::newest(LinkReader::All, 100)
        };
        let links = self.store.list_links(&query).await.unwrap();
        let codes = links.iter().map(|link| link.code.as_str().to_owned());
        let mut codes: Vec<String> = codes.collect();
        codes.sort();
        codes
    }

    async fn to_index(&self) -> u64 {
        self.store.links_to_index().await.unwrap()
    }
}

/// What is interrupted goes on, and what is indexed is not indexed again.
async fn links_of_an_earlier_release_are_indexed_again(kind: Kind) {
    let rig = Rig::new(kind).await;
    let titles = [
        "部署手册 内部",
        "Größe und Maße",
        "plain words",
        "🚀 launch",
        "ＡＢＣ１２３",
    ];
    rig.write_as_before(&titles).await;
    assert_eq!(rig.to_index().await, 5);
    // Until then, words that both releases write alike are found.
    assert_eq!(rig.found("plain").await, ["x2"]);
    assert_eq!(rig.found("手册").await, [""; 0]);
    assert_eq!(rig.store.index_links(2).await.unwrap(), 2);
    assert_eq!(rig.to_index().await, 3);
    let again = Database::connect(&rig.settings).await.unwrap();
    assert_eq!(again.store().index_links(2).await.unwrap(), 2);
    assert_eq!(again.store().index_links(2).await.unwrap(), 1);
    assert_eq!(again.store().index_links(2).await.unwrap(), 0);
    again.close();
    assert_eq!(rig.to_index().await, 0);
    for (text, code) in [
        ("手册", "x0"),
        ("GRÖSSE", "x1"),
        ("plain", "x2"),
        ("🚀", "x3"),
        ("ABC123", "x4"),
    ] {
        assert_eq!(rig.found(text).await, [code], "{text}");
    }
    let old = "select count(*) from link_words where word = 'größe'";
    assert_eq!(rig.database.number(old).await, 0);
    rig.opened.close();
}

/// A server of the release before runs at the same time: what it changes is found again, too.
async fn what_an_earlier_release_changes_is_indexed_again(kind: Kind) {
    let rig = Rig::new(kind).await;
    rig.write_as_before(&["first", "other"]).await;
    assert_eq!(rig.store.index_links(9).await.unwrap(), 2);
    let change = "update links set title = 'Übersicht', version = version + 1 where code = 'x0'";
    rig.database.execute(change).await;
    rig.insert_word(0, "übersicht").await;
    assert_eq!(rig.to_index().await, 1);
    assert_eq!(rig.store.index_links(9).await.unwrap(), 1);
    assert_eq!(rig.found("UBERSICHT").await, ["x0"]);
    assert_eq!(rig.found("first").await, [""; 0]);
    assert_eq!(rig.to_index().await, 0);
    rig.opened.close();
}

/// A change that leaves the words alone does not make them those of this release.
async fn a_change_of_something_else_indexes_nothing(kind: Kind) {
    let rig = Rig::new(kind).await;
    let ids = rig.write_as_before(&["Größe", "手册"]).await;
    let (first, second) = (*ids.first().unwrap(), *ids.last().unwrap());
    let edit = async |id: LinkId, edit: LinkEdit| {
        let link = rig.store.link(id).await.unwrap().unwrap();
        let update = LinkUpdate {
            link: id,
            version: link.version,
            at: START,
            by: None,
            edit,
        };
        let updated = rig.store.update_link(&update).await.unwrap();
        assert!(matches!(updated, Updated::Done(_)));
    };
    edit(first, LinkEdit::Delete).await;
    assert_eq!(rig.to_index().await, 2);
    let content = rig.store.link(first).await.unwrap().unwrap().content();
    edit(first, LinkEdit::Restore(content)).await;
    assert_eq!(rig.to_index().await, 1);
    assert_eq!(rig.found("GRÖSSE").await, ["x0"]);
    assert_eq!(rig.store.index_links(9).await.unwrap(), 1);
    edit(second, LinkEdit::Delete).await;
    assert_eq!(rig.to_index().await, 0);
    rig.opened.close();
}

/// A row that cannot be read is passed over, and does not stop the others.
async fn a_corrupt_link_is_passed_over(kind: Kind) {
    let rig = Rig::new(kind).await;
    rig.write_as_before(&["Größe", "手册"]).await;
    let spoil = "update links set code_spelling = 'other' where code = 'x0'";
    rig.database.execute(spoil).await;
    assert_eq!(rig.store.index_links(9).await.unwrap(), 2);
    assert_eq!(rig.store.index_links(9).await.unwrap(), 0);
    assert_eq!(rig.found("手册").await, ["x1"]);
    rig.opened.close();
}

async fn several_servers_index_at_once(kind: Kind) {
    let rig = Rig::new(kind).await;
    let titles = ["索引手册"; 60];
    rig.write_as_before(&titles).await;
    let servers = (0..4).map(|_| {
        let settings = rig.settings.clone();
        tokio::spawn(async move {
            let opened = Database::connect(&settings).await.unwrap();
            let store = opened.store();
            let mut total = 0;
            loop {
                match store.index_links(7).await.unwrap() {
                    0 => break,
                    indexed => total += indexed,
                }
            }
            opened.close();
            total
        })
    });
    let mut total = 0;
    for server in servers.collect::<Vec<_>>() {
        total += server.await.unwrap();
    }
    assert!(total >= 60, "{total}");
    assert_eq!(rig.to_index().await, 0);
    assert_eq!(rig.found("手册").await.len(), 60);
    rig.opened.close();
}

macro_rules! on_each_database {
    ($($case:ident),* $(,)?) => {
        mod sqlite { $(#[tokio::test(flavor = "multi_thread")] async fn $case() { super::$case(super::Kind::Sqlite).await; })* }
        mod postgres { $(#[tokio::test(flavor = "multi_thread")] async fn $case() { super::$case(super::Kind::Postgres).await; })* }
        mod mariadb { $(#[tokio::test(flavor = "multi_thread")] async fn $case() { super::$case(super::Kind::MariaDb).await; })* }
    };
}

on_each_database!(
    links_of_an_earlier_release_are_indexed_again,
    what_an_earlier_release_changes_is_indexed_again,
    a_change_of_something_else_indexes_nothing,
    a_corrupt_link_is_passed_over,
    several_servers_index_at_once,
);
