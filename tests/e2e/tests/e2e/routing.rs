//! Routing on a real server: the table of requests, written to the socket byte by byte, and changes
//! that other servers notice.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use waypost_core::RoutingRule;
use waypost_e2e::member::{Member, OPERATOR, closed, linkctl};
use waypost_e2e::{FRESH_WITHIN, Visitor, on_each_database};
use waypost_store_testkit::routing::{BASE_URL, CASES, Expected, LINKS};
use waypost_test_harness::{Kind, ServerProcess, TestDatabase, wait_until};

on_each_database!(another_node_follows_the_changes);

/// Returns status line, headers and body of the response to `GET` with this path.
async fn asked(server: &ServerProcess, host: &str, request: &str) -> String {
    let address = server.url("");
    let address = address.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let text = format!("GET {request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).await.expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8(answer).expect("text")
}

fn location(answer: &str) -> Option<&str> {
    let mut lines = answer.lines();
    lines.find_map(|line| line.strip_prefix("location: "))
}

async fn make_links(operator: &Member) {
    for link in LINKS {
        let (path, name) = if link.is_keyword {
            ("/api/v1/keywords", "keyword")
        } else {
            ("/api/v1/links", "code")
        };
        let mut body = json!({
            name: link.code,
            "url": link.target,
            "forward_query": link.forward_query,
        });
        if link.template {
            body["template"] = true.into();
        }
        let made = operator.call(Method::POST, path, body, StatusCode::CREATED);
        assert_eq!(made.await["url"], link.target, "{}", link.code);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_request_leads_where_the_table_says_and_is_counted() {
    let database = TestDatabase::sqlite();
    let options = closed().env("WAYPOST_BASE_URL", BASE_URL);
    let server = ServerProcess::start(&database, options);
    let operator = Member::with_token(&server, OPERATOR);
    make_links(&operator).await;

    let mut truth: BTreeMap<&str, u64> = BTreeMap::new();
    for case in CASES {
        let answer = asked(&server, case.host, case.request).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        match case.expected {
            Expected::To(url, _) => {
                assert_eq!(status, "302", "{case:?}: {answer}");
                assert_eq!(location(&answer), Some(url), "{case:?}");
                assert!(
                    answer.contains("cache-control: private, no-store"),
                    "{answer}"
                );
                let host = url.split('/').nth(2).expect("a host");
                *truth.entry(host).or_default() += 1;
            }
            Expected::Nothing => {
                assert_eq!(status, "404", "{case:?}: {answer}");
                assert_eq!(location(&answer), None, "{case:?}");
            }
            Expected::Unfilled(part) => {
                assert_eq!(status, "404", "{case:?}: {answer}");
                assert!(answer.contains(part), "{case:?}: {answer}");
            }
            Expected::Preview => {
                assert_eq!(status, "200", "{case:?}: {answer}");
                assert_eq!(location(&answer), None, "{case:?}");
            }
            Expected::Reserved => {
                assert_ne!(status, "302", "{case:?}: {answer}");
                assert_ne!(status, "404", "{case:?}: {answer}");
            }
        }
    }

    // Each is counted once, whatever other requests came in between.
    let listed = operator.get("/api/v1/admin/links?limit=200").await;
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    for link in listed["links"].as_array().expect("a list") {
        let url = link["url"].as_str().expect("a URL");
        let host = url.split('/').nth(2).expect("a host").to_owned();
        *counted.entry(host).or_default() += link["clicks"].as_u64().expect("a number");
    }
    for (host, clicks) in &truth {
        assert_eq!(counted.get(*host), Some(clicks), "{host}");
    }
    let (all, expected): (u64, u64) = (counted.values().sum(), truth.values().sum());
    assert_eq!(all, expected);
    let by_host = |rule| matches!(rule, Expected::To(_, RoutingRule::KeywordByHost));
    assert!(CASES.iter().any(|case| by_host(case.expected)));
    linkctl(&database, &["verify"]).assert_success();
}

/// Another server learns of changes to keywords and longer codes as of changes to links.
async fn another_node_follows_the_changes(kind: Kind) {
    let database = TestDatabase::new(kind);
    let here = ServerProcess::start(&database, closed());
    let there = ServerProcess::start(&database, closed());
    let operator = Member::with_token(&here, OPERATOR);
    let visitor = Visitor::of(&there);
    let leads = async |path: &str, expected: Option<&str>| {
        let is_so = async || {
            let (_, location) = visitor.visit(path).await.expect("an answer");
            location.as_deref() == expected
        };
        wait_until(path, FRESH_WITHIN, is_so).await;
    };
    for path in ["gh/org/repo", "docs/api/v1"] {
        leads(path, None).await;
    }
    operator
        .make(json!({ "code": "docs", "url": "https://docs.example/" }))
        .await;
    leads("docs/api/v1", Some("https://docs.example/")).await;
    let long =
        json!({ "code": "docs/api", "url": "https://docs.example/$version", "template": true });
    let long = operator.make(long).await;
    leads("docs/api/v1", Some("https://docs.example/v1")).await;

    // A changed switch is noticed like any other change.
    let id = long["id"].as_str().expect("an id");
    for (template, location) in [
        (false, "https://docs.example/$version"),
        (true, "https://docs.example/v1"),
    ] {
        operator
            .call(
                Method::PATCH,
                &format!("/api/v1/links/{id}"),
                json!({ "template": template }),
                StatusCode::OK,
            )
            .await;
        leads("docs/api/v1", Some(location)).await;
    }

    let add = ["keyword", "add", "gh", "https://github.example/{slug}"];
    linkctl(&database, &add).assert_success();
    leads("gh/org/repo", Some("https://github.example/org/repo")).await;
    linkctl(&database, &["keyword", "remove", "gh", "--yes"]).assert_success();
    leads("gh/org/repo", None).await;
    let add = ["keyword", "add", "gh", "https://forge.example/{slug}"];
    linkctl(&database, &add).assert_success();
    leads("gh/org/repo", Some("https://forge.example/org/repo")).await;
    let listed = linkctl(&database, &["keyword", "list", "--json"]).assert_success();
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
    assert_eq!(listed["keyword"], "gh");

    operator.delete(&format!("/api/v1/links/{id}")).await;
    leads("docs/api/v1", Some("https://docs.example/")).await;
}
