//! Search in the words and scripts that people use, also of links that an earlier release stored.

use serde_json::{Value, json};
use waypost_e2e::member::{Member, OPERATOR, closed, linkctl};
use waypost_e2e::on_each_database;
use waypost_test_harness::{Kind, PATIENCE, ServerProcess, TestDatabase, wait_until};

on_each_database!(
    links_are_found_as_people_write_and_read_them,
    links_of_an_earlier_release_are_indexed_by_the_server_and_by_linkctl,
);

/// Codes, titles, and searches that find them.
const LINKS: [(&str, &str, &[&str]); 8] = [
    ("handbook", "部署手册 内部", &["手册", "内部", "署"]),
    ("tokyo", "東京都庁の案内", &["案内", "東京", "案"]),
    ("cafe", "Cafe\u{301}", &["Café", "CAFÉ", "cafe"]),
    ("size", "Größe", &["GRÖSSE", "größe", "grosse"]),
    ("wide", "ＡＢＣ１２３", &["ABC123", "abc", "ＡＢＣ"]),
    ("launch", "🚀 launch", &["🚀", "launch", "🚀 LAUNCH"]),
    ("thai", "คู่มือการใช้งาน", &["การใช้งาน", "คู่มือ"]),
    ("korea", "사내위키", &["위키", "사내"]),
];

async fn create_all(operator: &Member) {
    for (code, title, _) in LINKS {
        let link = json!({ "code": code, "url": "https://example.org/", "title": title });
        operator.make(link).await;
    }
}

/// Returns the codes that a search finds.
async fn found(operator: &Member, text: &str) -> Vec<String> {
    let q: String = form_urlencoded(text);
    let listed = operator.get(&format!("/api/v1/admin/links?q={q}")).await;
    let links = listed["links"].as_array().expect("links");
    let codes = links
        .iter()
        .map(|link| link["code"].as_str().expect("a code").to_owned());
    codes.collect()
}

fn form_urlencoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn all_are_found(operator: &Member) {
    for (code, _, searches) in LINKS {
        for text in searches {
            assert_eq!(found(operator, text).await, [code], "{text}");
        }
    }
}

async fn links_are_found_as_people_write_and_read_them(kind: Kind) {
    let database = TestDatabase::new(kind);
    let server = ServerProcess::start(&database, closed());
    let operator = Member::with_token(&server, OPERATOR);
    create_all(&operator).await;
    all_are_found(&operator).await;
    for nothing in ["册手", "内東", "🔥", "bc123"] {
        assert_eq!(found(&operator, nothing).await, [""; 0], "{nothing}");
    }
}

/// Leaves the links as an earlier release stored them.
async fn forget_words(database: &TestDatabase) {
    database.execute("delete from link_words").await;
    database
        .execute("update links set search_version = 0")
        .await;
}

async fn links_of_an_earlier_release_are_indexed_by_the_server_and_by_linkctl(kind: Kind) {
    let database = TestDatabase::new(kind);
    let server = ServerProcess::start(&database, closed());
    let operator = Member::with_token(&server, OPERATOR);
    create_all(&operator).await;
    drop(server);

    forget_words(&database).await;
    let printed = linkctl(&database, &["reindex", "--dry-run"]).assert_success();
    assert_eq!(printed.stdout, "8 links to index\n");
    let printed = linkctl(&database, &["reindex", "--json"]).assert_success();
    let record: Value = serde_json::from_str(&printed.stdout).expect("JSON");
    assert_eq!(record, json!({ "dryRun": false, "indexed": 8, "left": 0 }));
    let printed = linkctl(&database, &["reindex"]).assert_success();
    assert_eq!(printed.stdout, "indexed 0 links\n");
    let server = ServerProcess::start(&database, closed());
    all_are_found(&Member::with_token(&server, OPERATOR)).await;
    drop(server);

    forget_words(&database).await;
    let server = ServerProcess::start(&database, closed());
    let operator = Member::with_token(&server, OPERATOR);
    wait_until("the links are indexed", PATIENCE, async || {
        found(&operator, "手册").await == ["handbook"]
    })
    .await;
    all_are_found(&operator).await;
}
