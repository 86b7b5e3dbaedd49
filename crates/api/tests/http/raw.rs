//! Requests that no HTTP client sends, written to the socket byte by byte.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::setup::TestServer;

/// Sends these bytes and reads the whole response.
async fn exchange(server: &TestServer, bytes: &[u8]) -> String {
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
async fn invalid_http_is_rejected_and_the_next_request_is_served() {
    let server = TestServer::start().await;
    for bytes in [
        request(b"/\xff\xfe"),
        request(b"/\xc3\xa4"),
        request(b"/a b"),
        request(b"/\x00"),
        b"nonsense\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
        b"POST /shorten HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n".to_vec(),
        b"POST /shorten HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"
            .to_vec(),
    ] {
        let answer = exchange(&server, &bytes).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{bytes:?}: {answer}");
    }
    assert_eq!(server.get("/health").await.status, 200);
    assert_eq!(server.stored_links().await, 0);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_rejected_and_the_next_request_is_served() {
    let server = TestServer::start().await;
    let with_header = |header: String| {
        format!("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{header}\r\n").into_bytes()
    };
    let long = "x".repeat(200 * 1_024);
    for (name, bytes) in [
        ("a long header", with_header(format!("X-Long: {long}\r\n"))),
        ("many headers", with_header("X-One: 1\r\n".repeat(500))),
        ("a long path", request(format!("/{long}").as_bytes())),
        (
            "a long query",
            request(format!("/health?{long}").as_bytes()),
        ),
    ] {
        // The server can close the connection before all bytes are sent; the response is then lost.
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let _ = stream.write_all(&bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap_or("cut").to_owned();
        assert!(
            ["400", "414", "431", "cut"].contains(&status.as_str()),
            "{name}: {answer:?}"
        );
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
