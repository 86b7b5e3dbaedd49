//! Abuse: hosts blocked on every server, and clients that exceed their share.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use waypost_e2e::member::{Member, OPERATOR, closed, linkctl};
use waypost_e2e::{FRESH_WITHIN, Visitor, on_each_database};
use waypost_test_harness::{Kind, PATIENCE, ServerProcess, TestDatabase, wait_until};

on_each_database!(a_blocked_host_stops_links_on_every_node);

async fn a_blocked_host_stops_links_on_every_node(kind: Kind) {
    let database = TestDatabase::new(kind);
    let here = ServerProcess::start(&database, closed());
    let there = ServerProcess::start(&database, closed());
    let operator = Member::with_token(&here, OPERATOR);
    let link = |code: &str, url: &str| json!({ "code": code, "url": url });
    operator
        .make(link("bad", "https://www.evil.example/x"))
        .await;
    operator.make(link("good", "https://good.example/")).await;
    let visitors = [Visitor::of(&here), Visitor::of(&there)];
    let answered = async |code: &str, status: StatusCode| {
        for visitor in &visitors {
            wait_until(code, FRESH_WITHIN, async || {
                visitor.visit(code).await.expect("an answer").0 == status
            })
            .await;
        }
    };
    answered("bad", StatusCode::FOUND).await;
    let clicks = async || {
        let found = operator.get("/api/v1/admin/links?q=bad").await;
        found["links"][0]["clicks"].as_u64().expect("a number")
    };

    let block = ["block", "add", "*.evil.example", "--reason", "phishing"];
    linkctl(&database, &block).assert_success();
    answered("bad", StatusCode::GONE).await;
    answered("good", StatusCode::FOUND).await;
    let before = clicks().await;
    for visitor in &visitors {
        let (status, location) = visitor.visit("bad").await.expect("an answer");
        assert_eq!((status, location), (StatusCode::GONE, None));
    }
    assert_eq!(
        clicks().await,
        before,
        "what is not redirected is not counted"
    );
    // A link to it can neither be created nor result from a change.
    let refused = link("worse", "https://a.b.evil.example/");
    let path = "/api/v1/links";
    let refused = operator
        .call(Method::POST, path, refused, StatusCode::BAD_REQUEST)
        .await;
    assert_eq!(refused["code"], "TARGET_BLOCKED");
    let add = linkctl(&database, &["link", "add", "https://x.evil.example/"]);
    assert_eq!(add.status.code(), Some(4), "{add:?}");
    let listed = operator.get("/api/v1/admin/blocklist").await;
    assert_eq!(listed["blocklist"][0]["pattern"], "*.evil.example");
    assert_eq!(listed["blocklist"][0]["reason"], "phishing");

    operator
        .delete("/api/v1/admin/blocklist/*.evil.example")
        .await;
    answered("bad", StatusCode::FOUND).await;
    linkctl(&database, &["verify"]).assert_success();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_back_to_the_server_are_refused_by_each_of_its_names() {
    let database = TestDatabase::sqlite();
    let names = "go, *.corp.example";
    let options = closed()
        .env("WAYPOST_BASE_URL", "https://go.example")
        .env("WAYPOST_HOST_NAMES", names);
    let server = ServerProcess::start(&database, options);
    let operator = Member::with_token(&server, OPERATOR);
    let keyword = json!({ "keyword": "gh", "url": "https://github.example/{slug}" });
    let path = "/api/v1/keywords";
    operator
        .call(Method::POST, path, keyword, StatusCode::CREATED)
        .await;
    for url in [
        "https://go.example/x",
        "http://go/x",
        "https://a.corp.example/",
        "http://gh/org",
        "https://gh.go.example/org",
    ] {
        let path = "/api/v1/links";
        let body = json!({ "url": url });
        let refused = operator
            .call(Method::POST, path, body, StatusCode::BAD_REQUEST)
            .await;
        assert_eq!(refused["code"], "URL_INVALID", "{url}");
    }
    operator
        .make(json!({ "url": "https://github.example/" }))
        .await;
}

/// Sends requests with wrong tokens from `clients` clients until it is dropped.
fn guess_tokens(server: &ServerProcess, clients: usize) -> tokio::task::JoinSet<()> {
    let mut guessing = tokio::task::JoinSet::new();
    for client in 0..clients {
        let own = Member::with_token(server, &format!("wp_{client:043}"));
        guessing.spawn(async move {
            for number in 0_u64.. {
                // The same one and others, in turn.
                let other = own.using(&format!("wp_{client:03}{number:040}"));
                for member in [&own, &other] {
                    let status = member.status("/api/v1/links").await;
                    assert!(matches!(status.as_u16(), 401 | 429), "{status}");
                }
            }
        });
    }
    guessing
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_clients_that_guess_tokens_keep_no_valid_token_out() {
    let database = TestDatabase::sqlite();
    // The default, which also limits guesses.
    let options = closed().env("WAYPOST_RATE_LIMIT_API", "600");
    let server = ServerProcess::start(&database, options);
    let ada = Member::add(&server, &database, "ada@example.com");
    // A token that the server has not seen.
    let eve = Member::add(&server, &database, "eve@example.com");
    let guessing = guess_tokens(&server, 30);
    wait_until("guesses are rejected", PATIENCE, async || {
        let wrong = Member::with_token(&server, "wp_guess");
        wrong.status("/api/v1/links").await == StatusCode::TOO_MANY_REQUESTS
    })
    .await;
    assert_eq!(eve.status("/api/v1/links").await, StatusCode::OK);
    for number in 0..45 {
        assert_eq!(
            ada.status("/api/v1/links").await,
            StatusCode::OK,
            "{number}"
        );
    }
    assert!(!guessing.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_is_not_trusted_is_logged_once() {
    let database = TestDatabase::sqlite();
    let line = "a request was forwarded by a peer that is not in WAYPOST_TRUSTED_PROXIES";
    for (trusted, lines) in [("127.0.0.1", 0), ("10.0.0.0/8", 1)] {
        let options = closed().env("WAYPOST_TRUSTED_PROXIES", trusted);
        let server = ServerProcess::start(&database, options);
        let operator = Member::with_token(&server, OPERATOR);
        let code = format!("wiki{lines}");
        operator
            .make(json!({ "code": &code, "url": "https://example.com/" }))
            .await;
        let client = reqwest::Client::builder();
        let client = client.redirect(reqwest::redirect::Policy::none()).build();
        let client = client.expect("a client");
        for _ in 0..3 {
            for path in [&*code, "api/v1/links"] {
                let url = server.url(&format!("/{path}"));
                let request = client.get(url).header("X-Forwarded-For", "192.0.2.77");
                request.send().await.expect("an answer");
            }
        }
        let output = server.output();
        assert_eq!(output.matches(line).count(), lines, "{output}");
        assert_eq!(output.matches("127.0.0.1/32").count(), lines, "{output}");
        assert!(!output.contains("192.0.2.77"), "{output}");
    }
}

async fn connect(server: &ServerProcess) -> TcpStream {
    let address = server.url("");
    let address = address.strip_prefix("http://").expect("an address");
    TcpStream::connect(address).await.expect("a connection")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_and_many_slow_clients_keep_nobody_from_the_target() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database, closed());
    let operator = Member::with_token(&server, OPERATOR);
    let link = json!({ "code": "wiki", "url": "https://example.com/" });
    operator.make(link).await;
    let mut idle = Vec::new();
    for _ in 0..1_000 {
        idle.push(connect(&server).await);
    }
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = connect(&server).await;
        stream
            .write_all(b"GET /wiki HTTP/1.1\r\nX")
            .await
            .expect("bytes");
        slow.push(stream);
    }
    for _ in 0..100 {
        // Each uses its own connection.
        let visitor = Visitor::of(&server);
        let (status, _) = visitor.visit("wiki").await.expect("an answer");
        assert_eq!(status, StatusCode::FOUND);
    }
    // A client that does not finish the head of its request in time is disconnected.
    for mut stream in slow {
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let ended = tokio::time::timeout(PATIENCE, read).await;
        ended.expect("the connection ends").expect("bytes");
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408 "),
            "{answer}"
        );
    }
    drop(idle);
    let found = operator.get("/api/v1/admin/links?q=wiki").await;
    assert_eq!(found["links"][0]["clicks"], 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_exceeds_the_api_limit_is_told_when_to_retry() {
    let database = TestDatabase::sqlite();
    let options = closed()
        .env("WAYPOST_RATE_LIMIT_API", "5")
        .env("WAYPOST_RATE_LIMIT_CREATE", "1");
    let server = ServerProcess::start(&database, options);
    let ada = Member::add(&server, &database, "ada@example.com");
    let made = ada.make(json!({ "url": "https://example.com/" })).await;
    let body = Some(json!({ "url": "https://example.com/" }));
    let refused = ada.send(Method::POST, "/api/v1/links", body).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(refused.headers()["ratelimit-limit"], "1");
    for _ in 0..3 {
        assert_eq!(ada.status("/api/v1/links").await, StatusCode::OK);
    }
    let refused = ada.send(Method::GET, "/api/v1/links", None).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["ratelimit-remaining"], "0");
    let code = made["code"].as_str().expect("a code");
    for _ in 0..20 {
        assert_eq!(ada.follow(code).await, StatusCode::FOUND);
    }
}
