//! REST API: filters, order and pages of lists; tags; bulk creation.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;

use crate::people::{LINKS, each, path_of, text};
use crate::setup::{OPERATOR, TestServer};

const TARGET: &str = "https://example.com/page";
const BULK: &str = "/api/v1/links/bulk";
const ALL: &str = "/api/v1/admin/links";

/// Returns the codes in a list, in its order.
async fn codes(server: &TestServer, token: &str, path: &str) -> Vec<String> {
    let list = server.read(token, path).await;
    assert_eq!(list.status, StatusCode::OK, "{path}: {list:?}");
    each(&list.json()["links"], "code")
}

#[tokio::test]
async fn a_list_has_visible_links_and_an_admin_finds_all() {
    let server = TestServer::closed().await;
    let (ada, eve) = (server.member("ada").await, server.member("eve").await);
    let admin = server.admin("grace").await;
    for (code, visibility) in [("a", "public"), ("b", "private"), ("c", "secure")] {
        let fields = json!({ "url": TARGET, "code": code, "visibility": visibility });
        let link = server.made(&ada.token, &fields).await;
        if code == "c" {
            let shares = format!("{}/shares", path_of(&link));
            let eve = json!({ "email": eve.email });
            server.tell(&ada.token, Method::POST, &shares, &eve).await;
        }
    }
    let sorted = format!("{LINKS}?sort=code");
    assert_eq!(codes(&server, &ada.token, &sorted).await, ["a", "b", "c"]);
    assert_eq!(codes(&server, &eve.token, &sorted).await, ["a", "c"]);
    // Here an admin sees what a user sees; the admin list shows everything.
    assert_eq!(codes(&server, &admin.token, &sorted).await, ["a"]);
    let all = format!("{ALL}?sort=code");
    for token in [admin.token.as_str(), OPERATOR] {
        assert_eq!(codes(&server, token, &all).await, ["a", "b", "c"]);
    }
    assert_eq!(codes(&server, OPERATOR, &sorted).await, ["a", "b", "c"]);
    let others = server.read(&eve.token, LINKS).await.json();
    assert_eq!(others["links"][0]["clicks"], Value::Null);
    let own = server.read(&ada.token, LINKS).await.json();
    assert_eq!(own["links"][0]["clicks"], 0);
}

#[tokio::test]
async fn links_are_found_by_the_words_of_their_fields() {
    let server = TestServer::closed().await;
    let (ada, eve) = (server.member("ada").await, server.member("eve").await);
    for fields in [
        json!({ "url": "https://docs.example.com/guide", "code": "guide", "tags": ["docs", "c++"] }),
        json!({ "url": TARGET, "code": "wiki", "title": "Team handbook", "visibility": "private" }),
        json!({ "url": TARGET, "code": "party", "description": "Größe zählt", "tags": ["fun"] }),
    ] {
        server.made(&ada.token, &fields).await;
    }
    server
        .made(
            &eve.token,
            &json!({ "url": TARGET, "code": "eves", "tags": ["docs"] }),
        )
        .await;
    let ada_id = ada.id.to_string();
    for (query, expected) in [
        ("", vec!["eves", "guide", "party", "wiki"]),
        ("q=", vec!["eves", "guide", "party", "wiki"]),
        ("q=%20", vec!["eves", "guide", "party", "wiki"]),
        ("q=hand", vec!["wiki"]),
        ("q=TEAM%20handbook", vec!["wiki"]),
        ("q=team%20docs", vec![]),
        ("q=gr%C3%B6%C3%9Fe", vec!["party"]),
        ("q=GRO%CC%88SSE", vec!["party"]),
        ("q=docs", vec!["eves", "guide"]),
        ("q=%25", vec![]),
        ("q=and", vec![]),
        ("tag=docs", vec!["eves", "guide"]),
        ("tag=DOCS&owner=me", vec!["guide"]),
        ("tag=c%2B%2B", vec!["guide"]),
        ("tag=none", vec![]),
        ("owner=me", vec!["guide", "party", "wiki"]),
        ("owner=ADA@example.com", vec!["guide", "party", "wiki"]),
        ("owner=eve@example.com", vec!["eves"]),
        ("owner=nobody@example.com", vec![]),
        ("owner=00000000-0000-0000-0000-000000000000", vec![]),
        (&format!("owner={ada_id}"), vec!["guide", "party", "wiki"]),
        (
            "url=https://example.com/page",
            vec!["eves", "party", "wiki"],
        ),
        (
            "url=https://EXAMPLE.com/page&owner=me",
            vec!["party", "wiki"],
        ),
        ("url=https://example.com/pag", vec![]),
        ("visibility=private", vec!["wiki"]),
        ("visibility=public&tag=fun", vec!["party"]),
        ("deleted=false", vec!["eves", "guide", "party", "wiki"]),
        ("deleted=true", vec![]),
    ] {
        let path = format!("{LINKS}?sort=code&{query}");
        let path = path.trim_end_matches('&');
        assert_eq!(codes(&server, &ada.token, path).await, expected, "{query}");
    }
    let of_me = codes(&server, OPERATOR, &format!("{LINKS}?owner=me")).await;
    assert_eq!(of_me, [""; 0]);
}

#[tokio::test]
async fn deleted_links_are_listed_only_for_users_who_can_restore_them() {
    let server = TestServer::closed().await;
    let (ada, bob) = (server.member("ada").await, server.member("bob").await);
    let eve = server.member("eve").await;
    for code in ["mine", "ours", "shared", "kept"] {
        let link = server
            .made(&ada.token, &json!({ "url": TARGET, "code": code }))
            .await;
        let path = path_of(&link);
        let people = |what: &str| format!("{path}/{what}");
        match code {
            "ours" => {
                server.hand_over(&link, &bob).await;
            }
            "shared" => {
                let bob = json!({ "email": bob.email });
                server
                    .tell(&ada.token, Method::POST, &people("shares"), &bob)
                    .await;
            }
            _ => {}
        }
        if code != "kept" {
            let deleted = server.ask(&ada.token, Method::DELETE, &path).await;
            assert_eq!(deleted.status, StatusCode::NO_CONTENT);
        }
    }
    let deleted = format!("{LINKS}?deleted=true&sort=code");
    let own = codes(&server, &ada.token, &deleted).await;
    assert_eq!(own, ["mine", "ours", "shared"]);
    assert_eq!(codes(&server, &bob.token, &deleted).await, ["ours"]);
    assert_eq!(codes(&server, &eve.token, &deleted).await, [""; 0]);
    // The filter by owner also applies to deleted links.
    for (reader, owner, expected) in [
        (&ada, &ada, vec!["mine", "ours", "shared"]),
        (&ada, &bob, vec!["ours"]),
        (&bob, &ada, vec!["ours"]),
        (&eve, &ada, vec![]),
    ] {
        let path = format!("{deleted}&owner={}", owner.email);
        assert_eq!(codes(&server, &reader.token, &path).await, expected);
    }
    let path = format!("{deleted}&limit=1&owner={}", bob.email);
    let first = server.read(&ada.token, &path).await.json();
    assert_eq!(each(&first["links"], "code"), ["ours"]);
    assert_eq!(first["next_cursor"], Value::Null);
    let all = format!("{ALL}?deleted=true&sort=code");
    assert_eq!(
        codes(&server, OPERATOR, &all).await,
        ["mine", "ours", "shared"]
    );
}

/// Reads all pages of a list, and creates links in between.
async fn turned(
    server: &TestServer,
    token: &str,
    path: &str,
    key: &str,
    field: &str,
) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.read(token, &format!("{path}{cursor}")).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let page = page.json();
        let items = each(&page[key], field);
        assert!(items.len() <= 3, "{page}");
        found.extend(items);
        let Some(next) = page["next_cursor"].as_str() else {
            return found;
        };
        cursor = format!("&cursor={next}");
        server.clock.advance(Duration::seconds(1));
        server
            .made(OPERATOR, &json!({ "url": TARGET, "tags": ["docs"] }))
            .await;
    }
}

#[tokio::test]
async fn pages_show_each_link_once_while_links_are_created() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let mut expected = Vec::new();
    for number in 0..10 {
        // Some links are created in the same microsecond.
        server.clock.advance(Duration::seconds(number % 2));
        let code = format!("old-{}", (number * 7) % 10);
        server
            .made(
                &ada.token,
                &json!({ "url": TARGET, "code": code, "tags": ["docs"] }),
            )
            .await;
        expected.push(code);
    }
    let all: BTreeSet<&String> = expected.iter().collect();
    let tagged = "/api/v1/tags/docs/links";
    for path in [LINKS, ALL, tagged] {
        for sort in ["-created_at", "created_at", "code", "-code"] {
            let path = format!("{path}?limit=3&sort={sort}");
            let found = turned(&server, OPERATOR, &path, "links", "code").await;
            let old: Vec<_> = found
                .iter()
                .filter(|code| code.starts_with("old-"))
                .collect();
            assert_eq!(old.len(), 10, "{path}: {old:?}");
            assert_eq!(old.iter().copied().collect::<BTreeSet<_>>(), all, "{path}");
            let mut sorted = old.clone();
            sorted.sort();
            match sort {
                "code" => assert_eq!(old, sorted),
                "-code" => assert!(old.iter().rev().eq(sorted.iter())),
                _ => {}
            }
            let distinct: BTreeSet<_> = found.iter().collect();
            assert_eq!(distinct.len(), found.len(), "{path}");
        }
    }
    let newest = codes(&server, &ada.token, &format!("{LINKS}?owner=me&limit=1")).await;
    assert_eq!(newest, [expected[9].as_str()]);
    let oldest = codes(
        &server,
        &ada.token,
        &format!("{LINKS}?sort=created_at&limit=1"),
    )
    .await;
    assert_eq!(oldest, [expected[0].as_str()]);
}

#[tokio::test]
async fn an_invalid_query_is_rejected() {
    let server = TestServer::closed().await;
    let admin = server.admin("grace").await;
    for code in ["a", "b"] {
        let link = server
            .made(&admin.token, &json!({ "url": TARGET, "code": code }))
            .await;
        server
            .changed(&admin.token, &link, &json!({ "title": "New" }))
            .await;
    }
    let link = server.read(&admin.token, LINKS).await.json()["links"][0].clone();
    let below = |what: &str| format!("{}/{what}", path_of(&link));
    let lists = [
        LINKS.to_owned(),
        ALL.to_owned(),
        "/api/v1/tags".to_owned(),
        "/api/v1/tags/docs/links".to_owned(),
        "/api/v1/tokens".to_owned(),
        "/api/v1/admin/users".to_owned(),
        below("history"),
        below("owners"),
        below("shares"),
        below("invitations"),
        below("below"),
        "/api/v1/offers".to_owned(),
        "/api/v1/admin/foreign-codes".to_owned(),
    ];
    for path in &lists {
        for query in [
            "limit=0",
            "limit=201",
            "limit=abc",
            "limit=",
            "limit=-1",
            "limit=1.5",
            "cursor=",
            "cursor=no%20cursor",
            "page=1",
            "limit=1&limit=2",
        ] {
            let refused = server.read(&admin.token, &format!("{path}?{query}")).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}?{query}");
            refused.assert_error(400, "BAD_REQUEST");
        }
        let list = server
            .read(&admin.token, &format!("{path}?limit=200"))
            .await;
        assert_eq!(list.status, StatusCode::OK, "{path}");
    }
    for path in [LINKS, ALL] {
        let long = "x".repeat(201);
        for (query, code) in [
            ("sort=clicks", "BAD_REQUEST"),
            ("sort=", "BAD_REQUEST"),
            ("deleted=1", "BAD_REQUEST"),
            ("visibility=hidden", "BAD_REQUEST"),
            ("owner=somebody", "BAD_REQUEST"),
            ("tag=two%20words", "DETAIL_INVALID"),
            ("url=example.com", "URL_INVALID"),
            (&format!("q={long}"), "BAD_REQUEST"),
        ] {
            let refused = server.read(&admin.token, &format!("{path}?{query}")).await;
            refused.assert_error(400, code);
        }
        let longest = server
            .read(&admin.token, &format!("{path}?q={}", &long[1..]))
            .await;
        assert_eq!(longest.status, StatusCode::OK);
        // A cursor is only valid for the order of its list.
        let first = server
            .read(&admin.token, &format!("{path}?limit=1"))
            .await
            .json();
        let cursor = text(&first["next_cursor"]);
        for (sort, status) in [("-created_at", 200), ("created_at", 400), ("code", 400)] {
            let next = format!("{path}?cursor={cursor}&sort={sort}");
            let next = server.read(&admin.token, &next).await;
            assert_eq!(next.status.as_u16(), status, "{sort}");
        }
    }
}

#[tokio::test]
async fn tags_are_those_of_visible_links() {
    let server = TestServer::closed().await;
    let (ada, eve) = (server.member("ada").await, server.member("eve").await);
    for fields in [
        json!({ "url": TARGET, "code": "open", "tags": ["Docs", "c++", "c#", "größe"] }),
        json!({ "url": TARGET, "code": "own", "tags": ["docs", "hidden"], "visibility": "secure" }),
        json!({ "url": TARGET, "code": "gone", "tags": ["gone"] }),
    ] {
        let link = server.made(&ada.token, &fields).await;
        if link["code"] == "gone" {
            server
                .ask(&ada.token, Method::DELETE, &path_of(&link))
                .await;
        }
    }
    let names = async |token: &str| {
        let tags = server.read(token, "/api/v1/tags").await.json();
        each(&tags["tags"], "name")
    };
    let all = ["c#", "c++", "docs", "größe", "hidden"];
    assert_eq!(names(&ada.token).await, all);
    assert_eq!(names(OPERATOR).await, all);
    assert_eq!(names(&eve.token).await, ["c#", "c++", "docs", "größe"]);
    let page = server.read(&ada.token, "/api/v1/tags?limit=2").await.json();
    let cursor = text(&page["next_cursor"]).replace('+', "%2B");
    let rest = server
        .read(&ada.token, &format!("/api/v1/tags?cursor={cursor}"))
        .await
        .json();
    assert_eq!(each(&rest["tags"], "name"), ["docs", "größe", "hidden"]);
    for (tag, expected) in [
        ("docs", vec!["open", "own"]),
        ("DOCS", vec!["open", "own"]),
        ("c%2B%2B", vec!["open"]),
        ("c++", vec!["open"]),
        ("c%23", vec!["open"]),
        ("gr%C3%B6%C3%9Fe", vec!["open"]),
        ("gone", vec![]),
        ("unknown", vec![]),
    ] {
        let path = format!("/api/v1/tags/{tag}/links?sort=code");
        assert_eq!(codes(&server, &ada.token, &path).await, expected, "{tag}");
    }
    let hidden = codes(&server, &eve.token, "/api/v1/tags/hidden/links").await;
    assert_eq!(hidden, [""; 0]);
    for bad in ["two%20words", "a%2Fb", "%25"] {
        let refused = server
            .read(&ada.token, &format!("/api/v1/tags/{bad}/links"))
            .await;
        refused.assert_error(400, "DETAIL_INVALID");
    }
}

#[tokio::test]
async fn bulk_links_are_created_independently_and_answered_in_order() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    server
        .made(&ada.token, &json!({ "url": TARGET, "code": "taken" }))
        .await;
    let items = json!([
        { "url": TARGET, "code": "first", "title": "First" },
        { "url": "nonsense" },
        { "url": TARGET, "code": "TAKEN" },
        { "url": TARGET, "code": "api" },
        { "url": TARGET, "code": "-" },
        { "url": TARGET, "tags": ["two words"] },
        { "url": TARGET, "clicks": 1 },
        { "code": "no-target" },
        "https://example.com/",
        null,
        ["https://example.com/"],
        { "url": TARGET },
    ]);
    let made = server
        .tell(&ada.token, Method::POST, BULK, &json!({ "links": items }))
        .await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    let made = made.json();
    let results = made["results"].as_array().unwrap();
    let codes: Vec<_> = results
        .iter()
        .map(|result| {
            let is_made = result["status"] == 201;
            assert_eq!(is_made, result.get("link").is_some(), "{result}");
            assert_eq!(is_made, result.get("error").is_none(), "{result}");
            if is_made {
                "made"
            } else {
                text(&result["error"]["code"])
            }
        })
        .collect();
    let bad = "BAD_REQUEST";
    let expected = [
        "made",
        "URL_INVALID",
        "CODE_TAKEN",
        "CODE_RESERVED",
        "CODE_INVALID",
        "DETAIL_INVALID",
        bad,
        bad,
        bad,
        bad,
        bad,
        "made",
    ];
    assert_eq!(codes, expected);
    let first = &results[0]["link"];
    assert_eq!(
        server.read(&ada.token, &path_of(first)).await.json(),
        *first
    );
    assert_eq!(results[2]["status"], 409);
    assert_eq!(server.stored_links().await, 3);
    // A duplicate field is an error in a list as well.
    let request = server.by(&ada.token, Method::POST, BULK);
    let twice = r#"{"links":[{"url":"https://a.example","url":"https://b.example"}]}"#;
    let request = request
        .header("Content-Type", "application/json")
        .body(twice);
    let refused = crate::setup::send(request).await.json();
    assert_eq!(refused["results"][0]["error"]["code"], bad, "{refused}");
}

#[tokio::test]
async fn a_thousand_links_are_created_in_order_and_one_more_is_too_many() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let items = |count: u32| {
        let items =
            (0..count).map(|number| json!({ "url": TARGET, "code": format!("n-{number}") }));
        json!({ "links": items.collect::<Vec<_>>() })
    };
    let refused = server
        .tell(&ada.token, Method::POST, BULK, &items(1_001))
        .await;
    refused.assert_error(400, "BAD_REQUEST");
    assert_eq!(server.stored_links().await, 0);
    let made = server
        .tell(&ada.token, Method::POST, BULK, &items(1_000))
        .await
        .json();
    let results = made["results"].as_array().unwrap();
    assert_eq!(results.len(), 1_000);
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result["link"]["code"], format!("n-{number}"), "{result}");
    }
    assert_eq!(server.stored_links().await, 1_000);
    let none = server
        .tell(&ada.token, Method::POST, BULK, &json!({ "links": [] }))
        .await;
    assert_eq!(none.json(), json!({ "results": [] }));
    for body in [
        json!({}),
        json!({ "links": {} }),
        json!({ "links": [], "more": 1 }),
    ] {
        let refused = server.tell(&ada.token, Method::POST, BULK, &body).await;
        refused.assert_error(400, "BAD_REQUEST");
    }
    server.store.go_away();
    let away = server.tell(&ada.token, Method::POST, BULK, &items(1)).await;
    away.assert_error(503, "UNAVAILABLE");
}
