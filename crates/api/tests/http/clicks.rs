//! Click records of a link: lists in pages, and exports as CSV and NDJSON.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use waypost_analytics::Durability;
use waypost_core::{Click, ClickFacts, DisplayName, Family, Referrer, VisitClass};
use waypost_store::{ClickStore as _, LinkStore as _, UserChange, UserStore as _};
use waypost_store_testkit::samples::Samples;
use waypost_store_testkit::truth::Truth;

use crate::people::{Somebody, path_of, text};
use crate::setup::{Answer, OPERATOR, TestServer, settings};
use crate::statistics::{known, path, time};

async fn call(server: &TestServer, who: &Somebody, name: &str) {
    let change = UserChange {
        display_name: Some(DisplayName::parse(name).unwrap()),
        ..UserChange::default()
    };
    let store = server.store.memory();
    store.change_user(who.id, &change).await.unwrap();
}

async fn listed(server: &TestServer, token: &str, at: &str) -> (Vec<Value>, usize) {
    let (mut clicks, mut pages) = (Vec::new(), 0);
    let mut cursor = String::new();
    loop {
        let page = server.read(token, &format!("{at}{cursor}")).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let page = page.json();
        let fields: Vec<&String> = page.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["clicks", "next_cursor"]);
        clicks.extend(page["clicks"].as_array().unwrap().iter().cloned());
        pages += 1;
        match &page["next_cursor"] {
            Value::Null => return (clicks, pages),
            next => cursor = format!("&cursor={}", text(next)),
        }
        assert!(pages < 1_000, "the list does not end");
    }
}

#[tokio::test]
async fn clicks_are_listed_newest_first_page_by_page() {
    let server = TestServer::closed().await;
    let (ada, truth) = known(&server).await;
    call(&server, &ada, "Ada").await;
    let names = [(ada.id, "Ada")];
    let link = &truth.links[0];
    let all = truth.newest_first(link.id);
    assert!(all.iter().any(|click| click.user_id.is_some()));
    for limit in [1, 7, 200] {
        let at = path(link, &format!("clicks?limit={limit}"));
        let (clicks, pages) = listed(&server, &ada.token, &at).await;
        assert_eq!(clicks.len(), all.len());
        assert_eq!(pages, all.len().div_ceil(limit), "no empty page at the end");
        for (found, click) in clicks.iter().zip(&all) {
            assert_eq!(*found, Truth::click_json(click, &names));
        }
    }
    let first = server.read(&ada.token, &path(link, "clicks")).await.json();
    assert_eq!(first["clicks"].as_array().unwrap().len(), all.len().min(50));
    for class in VisitClass::ALL {
        let of_class = all.iter().filter(|it| it.facts.class == Some(class));
        let of_class: Vec<_> = of_class.copied().collect();
        let at = path(link, &format!("clicks?limit=3&class={class}"));
        let (clicks, _) = listed(&server, &ada.token, &at).await;
        assert_eq!(clicks.len(), of_class.len(), "{class}");
        for (found, click) in clicks.iter().zip(&of_class) {
            assert_eq!(*found, Truth::click_json(click, &names));
        }
    }
}

/// Visits a link 40 times, each visit after the response to the one before, from another site, and
/// returns how the list, the page and the export name the sites.
async fn sites_of_40_visits(durability: Durability) -> [Vec<String>; 3] {
    // Its clock stands still.
    let server = TestServer::try_with(&settings(), durability).await.unwrap();
    let made = server.shorten("https://example.com/", "wiki").await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    for number in 10..50 {
        // Each has its own connection, so that several workers answer.
        let visit = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let visit = visit.build().unwrap().get(server.url("/wiki"));
        let visit = visit.header("Referer", format!("https://site-{number}.example/"));
        assert_eq!(visit.send().await.unwrap().status(), StatusCode::FOUND);
    }
    assert_eq!(server.clicks("wiki").await, 40);
    let store = server.store.memory();
    let code = waypost_core::ShortCode::parse("wiki").unwrap();
    let link = store.link_by_code(&code).await.unwrap().unwrap();
    let (listed, _) = listed(&server, OPERATOR, &path(&link, "clicks?limit=7")).await;
    let listed = listed
        .iter()
        .map(|click| text(&click["referrer"]).to_owned());
    let lines = server
        .read(OPERATOR, &path(&link, "clicks.ndjson"))
        .await
        .body;
    let csv = server.read(OPERATOR, &path(&link, "clicks.csv")).await.body;
    let sites = |text: &str| {
        let parts = text.split("site-").skip(1);
        parts
            .map(|part| format!("site-{}.example", &part[..2]))
            .collect::<Vec<_>>()
    };
    let listed: Vec<_> = listed.collect();
    [sites(&listed.join(" ")), sites(&lines), sites(&csv)]
}

#[tokio::test]
async fn visits_in_sequence_are_listed_newest_first_even_within_an_instant() {
    let expected: Vec<_> = (10..50)
        .rev()
        .map(|number| format!("site-{number}.example"))
        .collect();
    for durability in [Durability::Journal, Durability::Memory, Durability::Commit] {
        for sites in sites_of_40_visits(durability).await {
            assert_eq!(sites, expected, "{durability:?}");
        }
    }
}

#[tokio::test]
async fn a_list_continues_at_its_cursor_while_clicks_are_added_and_purged() {
    let server = TestServer::closed().await;
    let (ada, truth) = known(&server).await;
    let link = &truth.links[0];
    let all = truth.newest_first(link.id);
    let at = path(link, "clicks?limit=5");
    let first = server.read(&ada.token, &at).await.json();
    let store = server.store.memory();
    let newer = Samples::new(3).click(link);
    store.record_clicks(&[newer]).await.unwrap();
    let cursor = text(&first["next_cursor"]).to_owned();
    let next = format!("{at}&cursor={cursor}");
    let second = server.read(&ada.token, &next).await.json();
    for (found, click) in second["clicks"].as_array().unwrap().iter().zip(&all[5..]) {
        assert_eq!(time(&found["clicked_at"]), click.clicked_at);
    }
    // The click that the cursor names is purged as well.
    store
        .purge_clicks(all[2].clicked_at.into(), u32::MAX)
        .await
        .unwrap();
    let rest = server.read(&ada.token, &next).await.json();
    assert_eq!(rest, json!({ "clicks": [], "next_cursor": null }));
}

fn records(answer: &Answer) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(answer.body.as_bytes());
    let record = |record: csv::Result<csv::StringRecord>| {
        record.unwrap().iter().map(str::to_owned).collect()
    };
    reader.records().map(record).collect()
}

/// Asserts the headers of an export, for `GET` and `HEAD`.
async fn assert_export(server: &TestServer, token: &str, at: &str, kind: &str, name: &str) {
    let head = server.ask(token, Method::HEAD, at).await;
    let full = server.read(token, at).await;
    assert_eq!(head.body, "");
    for answer in [&head, &full] {
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.header("content-type"), kind);
        assert_eq!(
            answer.header("content-disposition"),
            format!("attachment; filename=\"{name}\"")
        );
        assert_eq!(answer.header("cache-control"), "private, no-store");
    }
}

#[tokio::test]
async fn exports_have_every_click_newest_first() {
    let server = TestServer::closed().await;
    let (ada, truth) = known(&server).await;
    call(&server, &ada, "Ada \"the first\", L.").await;
    let names = [(ada.id, "Ada \"the first\", L.")];
    for link in &truth.links {
        let all = truth.newest_first(link.id);
        let (csv, ndjson) = (path(link, "clicks.csv"), path(link, "clicks.ndjson"));
        let csv_type = "text/csv; charset=utf-8; header=present";
        let file = |format: &str| format!("{}-clicks.{format}", link.code);
        assert_export(&server, &ada.token, &csv, csv_type, &file("csv")).await;
        let ndjson_type = "application/x-ndjson";
        assert_export(&server, &ada.token, &ndjson, ndjson_type, &file("ndjson")).await;

        let lines = server.read(&ada.token, &ndjson).await;
        assert!(lines.body.ends_with('\n'));
        let lines = lines.body.lines().map(serde_json::from_str);
        let lines: Vec<Value> = lines.collect::<Result<_, _>>().unwrap();
        assert_eq!(lines.len(), all.len());
        for (line, click) in lines.iter().zip(&all) {
            assert_eq!(*line, Truth::click_json(click, &names));
        }

        let answer = server.read(&ada.token, &csv).await;
        // RFC 4180 §2.1. No cell contains a line ending.
        let (lines, ends) = (
            answer.body.lines().count(),
            answer.body.matches("\r\n").count(),
        );
        assert_eq!(lines, ends);
        let rows = records(&answer);
        let (head, rows) = rows.split_first().unwrap();
        let columns = "clicked_at class referrer browser os device country user_id user";
        assert_eq!(head.join(" "), columns);
        assert_eq!(rows.len(), all.len());
        for (row, click) in rows.iter().zip(&all) {
            assert_eq!(*row, Truth::click_cells(&Truth::click_json(click, &names)));
        }
    }
}

#[tokio::test]
async fn an_export_of_a_class_finds_clicks_that_are_far_apart() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    let store = server.store.memory();
    store.insert_link(&link, Some(ada.id)).await.unwrap();
    let classed = |class| {
        let facts = ClickFacts {
            class: Some(class),
            ..ClickFacts::default()
        };
        let click = samples.click(&link);
        Click { facts, ..click }
    };
    // Between the two are more clicks than one query reads; after the last one there are none.
    let bots = || (0..2_100).map(|_| classed(VisitClass::Bot));
    let human = || [classed(VisitClass::Human)].into_iter();
    let clicks: Vec<Click> = human().chain(bots()).chain(human()).chain(bots()).collect();
    store.record_clicks(&clicks).await.unwrap();
    for (class, expected) in [("human", 2), ("bot", 4_200), ("preview", 0)] {
        let at = path(&link, &format!("clicks.csv?class={class}"));
        let csv = server.read(&ada.token, &at).await;
        let rows = records(&csv);
        assert_eq!(rows.len() - 1, expected, "{class}");
        assert!(rows[1..].iter().all(|row| row[1] == class));
        let at = path(&link, &format!("clicks.ndjson?class={class}"));
        let lines = server.read(&ada.token, &at).await;
        assert_eq!(lines.status, StatusCode::OK);
        assert_eq!(lines.body.lines().count(), expected, "{class}");
    }
    for bad in ["class=ghost", "clas=human"] {
        let at = path(&link, &format!("clicks.csv?{bad}"));
        let answer = server.read(&ada.token, &at).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn an_export_of_many_clicks_is_complete() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    let store = server.store.memory();
    store.insert_link(&link, Some(ada.id)).await.unwrap();
    for clicks in [1_000, 1, 1_500] {
        store
            .record_clicks(&samples.clicks(&link, clicks))
            .await
            .unwrap();
        let total = store.link(link.id).await.unwrap().unwrap().clicks;
        let csv = server.read(&ada.token, &path(&link, "clicks.csv")).await;
        let rows = records(&csv).len() - 1;
        assert_eq!(u64::try_from(rows).unwrap(), total);
        let lines = server.read(&ada.token, &path(&link, "clicks.ndjson")).await;
        let lines = lines.body.lines().count();
        assert_eq!(u64::try_from(lines).unwrap(), total);
    }
}

#[tokio::test]
async fn no_cell_of_an_export_is_a_formula() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    let store = server.store.memory();
    store.insert_link(&link, Some(ada.id)).await.unwrap();
    for formula in ["=cmd()", "+1", "-2+3", "@SUM(A1)", "=1,\"2\""] {
        call(&server, &ada, formula).await;
        let click = Click {
            user_id: Some(ada.id),
            referrer: Referrer::from_header(b"https://example.com/=cmd()"),
            facts: ClickFacts {
                browser: Family::of(formula),
                os: Family::of(formula),
                ..ClickFacts::default()
            },
            ..samples.click(&link)
        };
        store.record_clicks(&[click]).await.unwrap();
        let csv = server.read(&ada.token, &path(&link, "clicks.csv")).await;
        let rows = records(&csv);
        let newest = &rows[1];
        let defused = format!("'{formula}");
        assert_eq!(newest[3..=4], [defused.as_str(), defused.as_str()]);
        assert_eq!(newest[8], defused);
        assert_eq!(newest[2], "https://example.com/=cmd()");
        for cell in rows.iter().flatten() {
            assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
        }
        // NDJSON is not read by spreadsheets and keeps the text.
        let lines = server.read(&ada.token, &path(&link, "clicks.ndjson")).await;
        let line: Value = serde_json::from_str(lines.body.lines().next().unwrap()).unwrap();
        assert_eq!(line["browser"], formula);
        assert_eq!(line["user"]["display_name"], formula);
    }
}

#[tokio::test]
async fn a_csv_export_has_a_byte_order_mark_if_it_is_wanted() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let fields = json!({ "url": "https://example.com/", "code": "wiki" });
    let at = path_of(&server.made(&ada.token, &fields).await);
    for (query, mark) in [("", ""), ("?bom=false", ""), ("?bom=true", "\u{feff}")] {
        let csv = server
            .read(&ada.token, &format!("{at}/clicks.csv{query}"))
            .await;
        assert_eq!(csv.status, 200, "{query}");
        let begin = format!("{mark}clicked_at,class,");
        assert!(csv.body.starts_with(&begin), "{query}: {:?}", csv.body);
    }
    for bad in ["clicks.csv?bom=1", "clicks.ndjson?bom=true"] {
        let answer = server.read(&ada.token, &format!("{at}/{bad}")).await;
        assert_eq!(answer.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_link_without_clicks_has_an_empty_list_and_empty_exports() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let fields = json!({ "url": "https://example.com/", "code": "wiki" });
    let at = path_of(&server.made(&ada.token, &fields).await);
    let list = server.read(&ada.token, &format!("{at}/clicks")).await;
    assert_eq!(list.json(), json!({ "clicks": [], "next_cursor": null }));
    let csv = server.read(&ada.token, &format!("{at}/clicks.csv")).await;
    assert_eq!(records(&csv).len(), 1);
    let lines = server
        .read(&ada.token, &format!("{at}/clicks.ndjson"))
        .await;
    assert_eq!((lines.status, lines.body.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn clicks_of_a_deleted_user_have_no_user() {
    let server = TestServer::closed().await;
    let (ada, bob) = (server.member("ada").await, server.member("bob").await);
    let mut truth = Truth::generate(crate::statistics::plan(vec![bob.id]));
    let store = server.store.memory();
    truth.insert_links(store, Some(ada.id)).await;
    truth.record(store).await;
    let link = truth.links[0].clone();
    let at = path(&link, "clicks?limit=200");
    let (before, _) = listed(&server, &ada.token, &at).await;
    assert!(before.iter().any(|click| !click["user"].is_null()));
    assert!(store.delete_user(bob.id).await.unwrap());
    for click in &mut truth.clicks {
        click.user_id = None;
    }
    let (after, _) = listed(&server, &ada.token, &at).await;
    for (found, click) in after.iter().zip(truth.newest_first(link.id)) {
        assert_eq!(*found, Truth::click_json(click, &[]));
    }
}
