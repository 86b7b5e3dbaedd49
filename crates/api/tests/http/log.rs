//! What the server logs, and what it must not log.

use std::io;
use std::sync::{Mutex, Once, PoisonError};

use reqwest::Method;
use tracing_subscriber::fmt::MakeWriter;

use crate::gated_store::CAUSE;
use crate::setup::{TestServer, send};

/// Everything that this process logged for all tests: each test finds its lines by the IDs of its
/// requests.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static CAPTURE: Once = Once::new();

struct Captured;

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

/// Starts capturing, once per process.
pub(crate) fn capture() {
    CAPTURE.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(Captured)
            .init();
    });
}

pub(crate) fn lines_with(text: &str) -> Vec<String> {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let log = String::from_utf8_lossy(&log);
    let lines = log.lines().filter(|line| line.contains(text));
    lines.map(str::to_owned).collect()
}

async fn get_with_id(server: &TestServer, path: &str, id: &str) -> crate::setup::Answer {
    let request = server.request(Method::GET, path);
    send(request.header("X-Request-Id", id)).await
}

#[tokio::test]
async fn an_operation_has_one_line_with_its_route_and_never_its_path_or_client() {
    let server = TestServer::start().await;
    server.link("secret-code").await;
    let path = "/urls/secret-code/stats";
    let answer = get_with_id(&server, path, "log-operation").await;
    assert_eq!(answer.header("x-request-id"), "log-operation");
    let lines = lines_with("log-operation");
    let [line] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    for part in ["INFO", "GET", "/urls/{code}/stats", "200", "ms="] {
        assert!(line.contains(part), "{part} in {line}");
    }
    for part in ["secret-code", "127.0.0.1"] {
        assert!(!line.contains(part), "{part} in {line}");
    }
}

#[tokio::test]
async fn an_unexpected_error_has_one_line_with_its_cause_and_a_neutral_response() {
    let server = TestServer::start().await;
    server.store.break_down();
    for (path, id) in [
        ("/urls", "log-broken-list"),
        ("/some-code", "log-broken-redirect"),
    ] {
        let answer = get_with_id(&server, path, id).await;
        answer.assert_error(500, "INTERNAL");
        assert!(!answer.body.contains("hunter2"), "{answer:?}");
        let lines = lines_with(id);
        let [line] = lines.as_slice() else {
            panic!("{lines:?}")
        };
        assert!(line.contains("ERROR"), "{line}");
        assert!(
            line.contains(&format!("the database refused the operation: {CAUSE}")),
            "{line}"
        );
        assert!(!line.contains("some-code"), "{line}");
    }
}

#[tokio::test]
async fn a_denied_request_has_one_line_with_its_own_id() {
    let server = TestServer::closed().await;
    let answer = get_with_id(&server, "/api/v1/links", "log-denied").await;
    answer.assert_error(401, "UNAUTHORIZED");
    assert_eq!(answer.header("x-request-id"), "log-denied");
    let lines = lines_with("log-denied");
    let [line] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    for part in ["INFO", "/api/v1/links", "401", "UNAUTHORIZED"] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[tokio::test]
async fn a_redirect_that_succeeded_has_no_line() {
    let server = TestServer::start().await;
    server.link("quiet").await;
    let request = server.request(Method::GET, "/quiet");
    let answer = send(request.header("X-Request-Id", "log-redirect")).await;
    assert_eq!(answer.status, 302);
    assert_eq!(lines_with("log-redirect"), [""; 0]);
}

#[tokio::test]
async fn a_request_without_a_usable_id_gets_one() {
    let server = TestServer::start().await;
    for given in ["with space".to_owned(), "x".repeat(129)] {
        let request = server.request(Method::GET, "/nothing/here");
        let answer = send(request.header("X-Request-Id", given)).await;
        let id = answer.header("x-request-id");
        assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
        assert_eq!(lines_with(id).len(), 1);
    }
}
