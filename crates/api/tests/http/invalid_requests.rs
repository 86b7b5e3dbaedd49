//! Requests that are not valid HTTP: each gets the body of all errors, the headers of all responses
//! and a line in the log at `debug`, and the next request is served.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::log::lines_with;
use crate::raw::exchange;
use crate::setup::TestServer;

/// Returns the status, the headers and the body of the only response.
fn parts(answer: &str) -> (u16, &str, &str) {
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head, body)
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(given, _)| given.eq_ignore_ascii_case(name));
    found.map_or("", |(_, value)| value)
}

/// Asserts that a response is that of an invalid request.
#[track_caller]
fn assert_refused(answer: &str, status: u16, code: &str) {
    let (found, head, body) = parts(answer);
    assert_eq!(found, status, "{answer}");
    let error: Value = serde_json::from_str(body).unwrap();
    assert_eq!(error["code"], code, "{answer}");
    assert!(!error["message"].as_str().unwrap().is_empty(), "{answer}");
    for (name, value) in [
        ("content-type", "application/json"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("strict-transport-security", "max-age=31536000"),
        ("cache-control", "no-store"),
        ("connection", "close"),
        ("content-length", &body.len().to_string()),
    ] {
        assert_eq!(header(head, name), value, "{name}: {answer}");
    }
    assert!(header(head, "content-security-policy").contains("default-src 'none'"));
    let lines = lines_with(header(head, "x-request-id"));
    let [line] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    let status = format!("status={status}");
    for part in ["DEBUG", "refused", code, &status] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

/// Asserts that nothing in the log asks for attention.
fn assert_quiet() {
    for text in ["stream error", "MAX_BUFFER_SIZE", "unexpected payload"] {
        assert_eq!(lines_with(text), [""; 0]);
    }
    let lines = lines_with("actix");
    let loud = |line: &&String| line.contains(" ERROR ") || line.contains(" WARN ");
    assert_eq!(lines.iter().find(loud), None);
}

#[tokio::test]
async fn each_has_its_error_and_the_next_request_is_served() {
    let server = TestServer::start().await;
    let with = |headers: &str| format!("GET /health HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
    let long = "x".repeat(70_000);
    for (status, code, text) in [
        (400, "BAD_REQUEST", "nonsense\r\n\r\n".to_owned()),
        (400, "BAD_REQUEST", "GET /\r\n".to_owned()),
        (
            400,
            "BAD_REQUEST",
            "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        ),
        (
            400,
            "BAD_REQUEST",
            "GET /\u{0} HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        ),
        (
            400,
            "BAD_REQUEST",
            "GET wiki HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        ),
        (
            400,
            "BAD_REQUEST",
            "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}".to_owned(),
        ),
        (
            400,
            "BAD_REQUEST",
            "PROXY TCP4 203.0.113.7 10.0.0.1 5 80\r\n".to_owned(),
        ),
        (400, "BAD_REQUEST", with("no colon\r\n")),
        (400, "BAD_REQUEST", with("X: \u{1}\r\n")),
        (400, "BAD_REQUEST", with("X: 1\r\n folded\r\n")),
        (400, "BAD_REQUEST", with("Content-Length: -1\r\n")),
        (
            400,
            "BAD_REQUEST",
            with("Content-Length: 1\r\nContent-Length: 2\r\n"),
        ),
        (
            400,
            "BAD_REQUEST",
            with("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
        ),
        (
            501,
            "CODING_UNSUPPORTED",
            with("Transfer-Encoding: gzip, chunked\r\n"),
        ),
        (
            505,
            "VERSION_UNSUPPORTED",
            "GET / HTTP/9.9\r\n\r\n".to_owned(),
        ),
        (
            505,
            "VERSION_UNSUPPORTED",
            "GET / HTTP/0.9\r\n\r\n".to_owned(),
        ),
        (
            505,
            "VERSION_UNSUPPORTED",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        ),
        (
            414,
            "URI_TOO_LONG",
            format!("GET /health?{long} HTTP/1.1\r\nHost: a\r\n\r\n"),
        ),
        (431, "HEAD_TOO_LARGE", with(&"X: 1\r\n".repeat(96))),
        (431, "HEAD_TOO_LARGE", with(&format!("{long}: 1\r\n"))),
        (431, "HEAD_TOO_LARGE", with(&format!("X: {long}{long}\r\n"))),
    ] {
        let answer = exchange(&server, text.as_bytes()).await;
        assert_refused(&answer, status, code);
    }
    assert_eq!(server.get("/health").await.status, 200);
    assert_quiet();
}

#[tokio::test]
async fn a_request_without_a_valid_host_is_refused() {
    let server = TestServer::start().await;
    server.link("wiki").await;
    for host in [
        "Host: a b/c@d\r\n",
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: ada@go.example\r\n",
        "Host: go.example:http\r\n",
        "Host: go.example/wiki\r\n",
        "Host: [::1\r\n",
        "Host: g\u{f6}.example\r\n",
    ] {
        let text = format!("GET /wiki HTTP/1.1\r\n{host}\r\n");
        let answer = exchange(&server, text.as_bytes()).await;
        assert_refused(&answer, 400, "BAD_REQUEST");
    }
    let close = "Connection: close\r\n";
    let valid = [
        "GET /wiki HTTP/1.1\r\nHost: go.example\r\n",
        "GET /wiki HTTP/1.1\r\nHost: go.example.:8080\r\n",
        "GET /wiki HTTP/1.1\r\nHost: way_post:80\r\n",
        "GET /wiki HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n",
        "GET /wiki HTTP/1.1\r\nHost:\r\n",
        "GET http://go.example/wiki HTTP/1.1\r\nHost: go.example\r\n",
        "GET http://go.example/wiki HTTP/1.1\r\nHost:\r\n",
        "GET /wiki HTTP/1.0\r\n",
    ];
    for head in valid {
        let answer = exchange(&server, format!("{head}{close}\r\n").as_bytes()).await;
        assert!(answer.contains(" 302 Found\r\n"), "{head}: {answer}");
    }
    assert_eq!(server.clicks("wiki").await, 8);
}

#[tokio::test]
async fn a_browser_gets_a_page_and_the_id_of_a_request_is_kept() {
    let server = TestServer::start().await;
    let text =
        "GET /x?é HTTP/1.1\r\nHost: a b\r\nAccept: text/html\r\nX-Request-Id: mine-1\r\n\r\n";
    let answer = exchange(&server, text.as_bytes()).await;
    let (status, head, body) = parts(&answer);
    assert_eq!(status, 400, "{answer}");
    assert!(
        header(head, "content-type").starts_with("text/html"),
        "{head}"
    );
    assert_eq!(header(head, "x-request-id"), "mine-1");
    assert_eq!(header(head, "connection"), "close");
    assert!(body.contains("Host") && body.contains("mine-1"), "{body}");
}

#[tokio::test]
async fn the_response_to_head_has_no_body() {
    let server = TestServer::start().await;
    let answer = exchange(&server, b"HEAD /x HTTP/1.1\r\nHost: a b\r\n\r\n").await;
    let (status, head, body) = parts(&answer);
    assert_eq!((status, body), (400, ""), "{answer}");
    assert_eq!(header(head, "content-type"), "application/json");
}

#[tokio::test]
async fn earlier_requests_of_the_connection_are_answered_first() {
    let server = TestServer::start().await;
    let text = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3)
        + "GET /health HTTP/1.1\r\nHost: a b\r\n\r\n"
        + "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    for step in [1, 9, 1_000] {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let mut answers = String::new();
        let send = async {
            for part in text.as_bytes().chunks(step) {
                // The last ones may be sent after the end.
                if writer.write_all(part).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        let (read, ()) = tokio::join!(reader.read_to_string(&mut answers), send);
        read.unwrap();
        let statuses: Vec<_> = answers
            .split("HTTP/1.1 ")
            .skip(1)
            .map(|it| &it[..3])
            .collect();
        assert_eq!(statuses, ["200", "200", "200", "400"], "{answers}");
    }
}

#[tokio::test]
async fn a_client_that_sends_only_a_part_of_a_head_is_told_so() {
    let server = TestServer::start().await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost")
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_refused(&answer, 400, "BAD_REQUEST");
    assert_quiet();
}

#[tokio::test]
async fn a_body_with_bad_chunks_gets_one_response() {
    let server = TestServer::start().await;
    let json = "{\"url\":\"https://example.com/\",\"code\":\"wiki\"}";
    for chunks in [
        "zz\r\n".to_owned(),
        format!("{:x}\r\n{json}!\r\n0\r\n\r\n", json.len()),
        format!("{:x}\n{json}\r\n0\r\n\r\n", json.len()),
        "fffffffffffffffff\r\n".to_owned(),
    ] {
        let text = format!(
            "POST /shorten HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n{chunks}GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
        );
        let answer = exchange(&server, text.as_bytes()).await;
        let (status, head, body) = parts(&answer);
        assert_eq!(status, 400, "{answer}");
        assert!(body.contains("\"code\":\"BAD_REQUEST\""), "{answer}");
        assert_eq!(header(head, "connection"), "close", "{answer}");
    }
    assert_eq!(server.stored_links().await, 0);
    assert_quiet();
}

#[tokio::test]
async fn they_count_neither_as_clicks_nor_as_redirects() {
    let server = TestServer::start().await;
    server.link("wiki").await;
    for text in [
        "GET /wiki HTTP/1.1\r\n\r\n",
        "GET /wiki HTTP/3\r\n\r\n",
        "\u{3}\u{0}",
    ] {
        exchange(&server, text.as_bytes()).await;
    }
    assert_eq!(server.clicks("wiki").await, 0);
    for status in ["found", "not_found", "error"] {
        let series = format!("waypost_redirects_total{{status=\"{status}\"}}");
        assert!(
            server.metric(&series).await.abs() < f64::EPSILON,
            "{status}"
        );
    }
}

#[tokio::test]
async fn the_method_of_a_refused_request_is_like_any_other() {
    let server = TestServer::start().await;
    let head = "REFUSED / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = exchange(&server, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
}
