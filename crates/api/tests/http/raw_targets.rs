//! Targets with characters that a URI cannot contain, as e-mail programs, scripts and old browsers
//! send them: the visitor arrives and is counted.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::raw::exchange;
use crate::setup::{OPERATOR, TestServer, send};

fn get(target: &[u8]) -> Vec<u8> {
    let rest = b" HTTP/1.1\r\nHost: go.example\r\nConnection: close\r\n\r\n";
    [b"GET ", target, rest].concat()
}

/// Returns a server with a link that passes on the query of the visitor, and one that passes on the
/// rest of the path.
async fn server() -> TestServer {
    let server = TestServer::start().await;
    for link in [
        json!({ "url": "https://example.com/", "code": "x", "forward_query": true }),
        json!({ "url": "https://example.com/in/$place", "code": "at", "template": true }),
    ] {
        let request = server.request(Method::POST, "/api/v1/links");
        let made = send(request.bearer_auth(OPERATOR).json(&link)).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    server
}

fn location(answer: &str) -> &str {
    let mut lines = answer.lines();
    let location = lines.find_map(|line| line.strip_prefix("location: "));
    location.unwrap_or_else(|| panic!("no location: {answer}"))
}

#[tokio::test]
async fn a_visitor_with_a_raw_query_arrives_and_is_counted() {
    let server = server().await;
    let queries: [(&[u8], &str); 9] = [
        ("utm_campaign=été".as_bytes(), "utm_campaign=%C3%A9t%C3%A9"),
        ("q=東京🎉".as_bytes(), "q=%E6%9D%B1%E4%BA%AC%F0%9F%8E%89"),
        (b"q=\"a\"", "q=%22a%22"),
        (b"q=<a>", "q=%3Ca%3E"),
        (b"q={a}|b", "q=%7Ba%7D%7Cb"),
        (b"q=\\^`", "q=%5C%5E%60"),
        (b"q=\xe9t\xe9", "q=%E9t%E9"),
        (b"q=\xff\xfe%20\xe9", "q=%FF%FE%20%E9"),
        (b"a[]=1&b=%C3%A9", "a[]=1&b=%C3%A9"),
    ];
    for (query, expected) in queries {
        let answer = exchange(&server, &get(&[b"/x?", query].concat())).await;
        assert!(answer.starts_with("HTTP/1.1 302 "), "{answer}");
        let expected = format!("https://example.com/?{expected}");
        assert_eq!(location(&answer), expected);
    }
    assert_eq!(server.clicks("x").await, 9);
    let found = server.metric("waypost_redirects_total{status=\"found\"}");
    assert!((found.await - 9.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_visitor_with_a_raw_path_arrives_and_is_counted() {
    let server = server().await;
    for (rest, expected) in [
        ("münchen", "m%C3%BCnchen"),
        ("m%C3%BCnchen", "m%C3%BCnchen"),
        ("\"x\"", "%22x%22"),
        ("<x>", "%3Cx%3E"),
        ("{x}", "%7Bx%7D"),
        ("a|b\\c^d`e", "a%7Cb%5Cc%5Ed%60e"),
    ] {
        let answer = exchange(&server, &get(format!("/at/{rest}").as_bytes())).await;
        assert!(answer.starts_with("HTTP/1.1 302 "), "{rest}: {answer}");
        let expected = format!("https://example.com/in/{expected}");
        assert_eq!(location(&answer), expected, "{rest}");
    }
    assert_eq!(server.clicks("at").await, 6);
}

#[tokio::test]
async fn a_raw_path_that_no_link_has_is_not_found() {
    let server = server().await;
    for path in [
        &b"/gr\xc3\xb6\xc3\x9fe"[..],
        b"/gr\xf6\xdfe",
        b"/\xff\xfe",
        b"/<y>",
    ] {
        let answer = exchange(&server, &get(path)).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        assert!(answer.contains("\"code\":\"NOT_FOUND\""), "{answer}");
    }
}

#[tokio::test]
async fn raw_requests_may_arrive_byte_by_byte_and_one_after_the_other() {
    let server = server().await;
    // Bare line feeds and empty lines between requests are allowed (RFC 9112 §2.2).
    let text = "GET /x?q=é HTTP/1.1\r\nHost: go.example\r\n\r\n".repeat(3)
        + "\r\n\nGET /x?q=\"ü\" HTTP/1.0\n\n";
    for step in [1, 5, 1_000] {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (mut reader, mut writer) = stream.split();
        let mut answers = String::new();
        let send = async {
            for part in text.as_bytes().chunks(step) {
                writer.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let (read, ()) = tokio::join!(reader.read_to_string(&mut answers), send);
        read.unwrap();
        let queries = answers.matches("location: https://example.com/?q=%C3%A9\r\n");
        assert_eq!(queries.count(), 3, "{step}: {answers}");
        let last = "location: https://example.com/?q=%22%C3%BC%22\r\n";
        assert!(answers.contains(last), "{step}: {answers}");
    }
    assert_eq!(server.clicks("x").await, 12);
}

#[tokio::test]
async fn a_raw_request_after_a_body_is_read_as_one() {
    let server = server().await;
    let body = json!({ "url": "https://example.com/é", "code": "y" }).to_string();
    let chunks = format!("{:x};a=b\r\n{body}\r\n0\r\nX: y\r\n\r\n", body.len());
    for (length, body) in [
        (format!("Content-Length: {}", body.len()), &body),
        ("Transfer-Encoding: chunked".to_owned(), &chunks),
    ] {
        let text = format!(
            "POST /shorten HTTP/1.1\r\nHost: go.example\r\nContent-Type: application/json\r\n\
             {length}\r\n\r\n{body}GET /x?q=é HTTP/1.1\r\nHost: go.example\r\n\
             Connection: close\r\n\r\n"
        );
        let answers = exchange(&server, text.as_bytes()).await;
        let statuses: Vec<_> = answers
            .split("HTTP/1.1 ")
            .skip(1)
            .map(|it| &it[..3])
            .collect();
        assert_eq!(statuses.len(), 2, "{answers}");
        assert!(["201", "409"].contains(&statuses[0]), "{answers}");
        assert_eq!(statuses[1], "302", "{answers}");
    }
    assert_eq!(server.clicks("x").await, 2);
}
