//! Requests that no HTTP client sends, written to the socket byte by byte.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::setup::TestServer;

/// Sends these bytes and reads the whole response.
pub(crate) async fn exchange(server: &TestServer, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn request(path: &[u8]) -> Vec<u8> {
    let rest = b" HTTP/1.1\r\nHost: go.example\r\nConnection: close\r\n\r\n";
    [b"GET ", path, rest].concat()
}

#[tokio::test]
async fn a_path_that_is_not_text_is_not_found() {
    let server = TestServer::start().await;
    for path in [
        b"/%ff".as_slice(),
        b"/%C3%28",
        b"/%00",
        b"/urls/%ff%fe/stats",
        b"/a%",
    ] {
        let answer = exchange(&server, &request(path)).await;
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
        assert!(answer.contains("\"code\":\"NOT_FOUND\""), "{answer}");
        assert!(!answer.to_lowercase().contains("\r\nlocation:"), "{answer}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_rejected_and_the_next_request_is_served() {
    let server = TestServer::start().await;
    let with_header = |header: String| {
        format!("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{header}\r\n").into_bytes()
    };
    let long = "x".repeat(200 * 1_024);
    for (status, bytes) in [
        (431, with_header(format!("X-Long: {long}\r\n"))),
        (431, with_header("X-One: 1\r\n".repeat(500))),
        (414, request(format!("/{long}").as_bytes())),
        (414, request(format!("/health?{long}").as_bytes())),
    ] {
        // What follows the refused bytes is read and dropped, so that the response arrives.
        let answer = exchange(&server, &bytes).await;
        let begin = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&begin), "{begin}: {answer}");
        assert_eq!(server.get("/health").await.status, 200);
    }
    // A head of the size that browsers send is served.
    let usual = with_header(format!("Cookie: a={}\r\n", "x".repeat(8_000)));
    let answer = exchange(&server, &usual).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let long = request(format!("/{}", "x/".repeat(8_000)).as_bytes());
    let answer = exchange(&server, &long).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

#[tokio::test]
async fn an_upgrade_that_is_ignored_does_not_end_the_connection() {
    let server = TestServer::start().await;
    server.shorten("https://example.com/", "x").await;
    for headers in [
        "Connection: upgrade\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n",
        "Connection: keep-alive, upgrade\r\nUpgrade: TLS/1.2\r\n",
    ] {
        let visit = format!("GET /x HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        let last = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        // At once, and in parts.
        let answer = exchange(&server, format!("{visit}{visit}{last}").as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 302 ").count(), 3, "{answer}");
        assert!(!answer.contains("upgrade"), "{answer}");
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        for part in [&visit[..30], &visit[30..], last] {
            stream.write_all(part.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer.matches("HTTP/1.1 302 ").count(), 2, "{answer}");
    }
    assert_eq!(server.clicks("x").await, 15);
}
