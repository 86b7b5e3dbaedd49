//! Connections: clients that hold them, and the sockets that a server listens on.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream, UnixStream};
use waypost_e2e::Visitor;
use waypost_e2e::member::{Member, OPERATOR, closed, linkctl};
use waypost_test_harness::{PATIENCE, ServerOptions, ServerProcess, TestDatabase, wait_until};

/// Maximum time until connections that are held are freed.
const FREED_WITHIN: Duration = Duration::from_secs(30);
/// Eight requests at once for the largest file.
const LARGE: &str = "GET /api/docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: a\r\n\r\n";

/// Connects with as little room for answers as possible.
async fn connect(server: &ServerProcess) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(1).expect("a size");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
    socket.connect(address).await.expect("a connection")
}

/// Sends eight requests for a large file, and reads nothing.
async fn never_reading(server: &ServerProcess) -> TcpStream {
    let mut stream = connect(server).await;
    let requests = LARGE.repeat(8);
    stream
        .write_all(requests.as_bytes())
        .await
        .expect("requests");
    stream
}

/// Sends one request, reads the answer, and keeps the connection.
async fn idle(server: &ServerProcess) -> TcpStream {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let answer = ask(&mut stream, "/health", "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    stream
}

/// Sends a request on a connection and returns the answer up to the end of its JSON body.
async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), path: &str, head: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n{head}\r\n");
    stream.write_all(request.as_bytes()).await.expect("bytes");
    let mut answer = String::new();
    while !answer.ends_with('}') {
        let mut bytes = [0; 4_096];
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut bytes));
        let count = read.await.expect("an answer").expect("bytes");
        assert_ne!(count, 0, "the connection ended after {answer:?}");
        answer += std::str::from_utf8(&bytes[..count]).expect("text");
    }
    answer
}

/// Returns whether the server ends a connection without a word.
async fn is_refused(stream: &mut TcpStream) -> bool {
    let mut byte = [0; 1];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut byte));
    matches!(read.await.expect("an end"), Ok(0) | Err(_))
}

/// Returns the IP address that the server takes a client for.
fn client_address(answer: &str) -> String {
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let explained: Value = serde_json::from_str(body).expect("JSON");
    explained["client_address"]
        .as_str()
        .unwrap_or("none")
        .to_owned()
}

async fn metric(server: &ServerProcess, name: &str) -> f64 {
    let metrics = Visitor::of(server).get("/metrics").await;
    let metrics = metrics.text().await.expect("text");
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    let value = line.unwrap_or_else(|| panic!("no {name} in {metrics}"));
    value.trim().parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_never_read_or_never_write_disturb_nobody_and_are_ended() {
    let database = TestDatabase::sqlite();
    let options = closed().env("WAYPOST_MAX_CONNECTIONS_PER_ADDRESS", "0");
    let server = ServerProcess::start(&database, options);
    let operator = Member::with_token(&server, OPERATOR);
    let link = json!({ "code": "wiki", "url": "https://example.com/" });
    operator.make(link).await;
    let mut held = Vec::new();
    for _ in 0..300 {
        held.push(never_reading(&server).await);
        held.push(connect(&server).await);
    }
    for _ in 0..20 {
        let (status, _) = Visitor::of(&server).visit("wiki").await.expect("an answer");
        assert_eq!(status, StatusCode::FOUND);
    }
    wait_until("all are ended", FREED_WITHIN, async || {
        metric(&server, "waypost_connections ").await < 20.0
    })
    .await;
    let ended = "waypost_connections_ended_total{reason=";
    let slow_readers = metric(&server, &format!("{ended}\"slow_reader\"}}")).await;
    let silent = metric(&server, &format!("{ended}\"slow_head\"}}")).await;
    assert_eq!((slow_readers, silent), (300.0, 300.0));
    drop(held);
    linkctl(&database, &["verify"]).assert_success();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_never_comes_ends_its_connection() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database, ServerOptions::new());
    for length in ["Transfer-Encoding: chunked", "Content-Length: 1000"] {
        let mut stream = connect(&server).await;
        let head = format!(
            "POST /shorten HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("bytes");
        let mut answer = Vec::new();
        let read = tokio::time::timeout(FREED_WITHIN, stream.read_to_end(&mut answer));
        read.await.expect("an end").expect("bytes");
        let answer = String::from_utf8(answer).expect("text");
        assert!(answer.starts_with("HTTP/1.1 408 "), "{length}: {answer}");
        assert!(answer.contains("connection: close"), "{length}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_a_head_is_answered_when_its_time_is_over() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database, ServerOptions::new());
    let request = "GET /health HTTP/1.1\r\nHost: a\r\n";
    let late = async |before: &str, part: &str| {
        let mut stream = connect(&server).await;
        let sent = format!("{before}{part}");
        stream.write_all(sent.as_bytes()).await.expect("bytes");
        let mut answer = String::new();
        let read = tokio::time::timeout(FREED_WITHIN, stream.read_to_string(&mut answer));
        read.await.expect("an end").expect("text");
        answer
    };
    // As the first request, and after another one.
    let before = format!("{request}\r\n");
    let answers = [("", "G"), ("", request), (&before, "GET /x?q=é")];
    let answers = join_all(answers.map(|(before, part)| late(before, part))).await;
    for answer in answers {
        let (_, last) = answer.rsplit_once("HTTP/1.1 ").expect("an answer");
        assert!(last.starts_with("408 "), "{answer}");
        assert!(last.contains("\"code\":\"REQUEST_TIMEOUT\""), "{answer}");
        assert!(last.contains("connection: close\r\n"), "{answer}");
        assert!(last.contains("x-request-id: "), "{answer}");
    }
    let ended = "waypost_connections_ended_total{reason=\"slow_head\"}";
    assert_eq!(metric(&server, ended).await, 3.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_sends_few_large_bodies_at_a_time_and_keeps_nobody_else_out() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database, closed());
    let ada = Member::add(&server, &database, "ada@example.com");
    let eve = Member::add(&server, &database, "eve@example.com");
    let head = format!(
        "POST /api/v1/links/bulk HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 4000000\r\n\r\n{{\"links\":[",
        ada.token
    );
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = connect(&server).await;
        stream.write_all(head.as_bytes()).await.expect("a head");
        streams.push(async move {
            let mut answer = [0; 12];
            let read = stream.read_exact(&mut answer);
            tokio::time::timeout(FREED_WITHIN, read)
                .await
                .expect("an answer")
                .expect("bytes");
            String::from_utf8_lossy(&answer).into_owned()
        });
    }
    let links = json!({ "links": [{ "url": "https://example.com/" }] });
    let others = eve.call(Method::POST, "/api/v1/links/bulk", links, StatusCode::OK);
    let (others, mut of_ada) = tokio::join!(others, join_all(streams));
    assert_eq!(others["results"][0]["status"], 201);
    of_ada.sort();
    // One was refused, the others did not arrive in time.
    let late = "HTTP/1.1 408";
    assert_eq!(of_ada, [late, late, late, late, "HTTP/1.1 429"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_gets_its_whole_answer() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database, closed());
    let whole = Visitor::of(&server);
    let whole = whole.get("/api/docs/swagger-ui-bundle.js").await;
    let whole = whole.bytes().await.expect("a file");
    let mut stream = never_reading(&server).await;
    // Longer than the limit on progress, in pieces.
    let mut read = Vec::new();
    for _ in 0..13 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut bytes = vec![0; 20_000];
        let count = stream.read(&mut bytes).await.expect("bytes");
        assert_ne!(count, 0, "ended after {} bytes", read.len());
        read.extend_from_slice(&bytes[..count]);
    }
    while read.len() < 2 * whole.len() {
        let count = stream.read_buf(&mut read).await.expect("bytes");
        assert_ne!(count, 0, "ended after {} bytes", read.len());
    }
    let head = read.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let body = head.expect("a head") + 4;
    assert_eq!(&read[body..body + whole.len()], &whole[..]);
    assert!(read[body + whole.len()..].starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_places_run_out_idle_connections_are_closed_for_new_ones() {
    let database = TestDatabase::sqlite();
    let options = closed()
        .env("WAYPOST_MAX_CONNECTIONS", "40")
        .env("WAYPOST_MAX_CONNECTIONS_PER_ADDRESS", "0");
    let server = ServerProcess::start(&database, options);
    let mut idlers = Vec::new();
    for _ in 0..40 {
        idlers.push(idle(&server).await);
    }
    // As many again, each of which takes the place of one that is idle.
    for _ in 0..40 {
        idlers.push(idle(&server).await);
    }
    // A place is freed after the connection is closed.
    let is_closed = |idler: TcpStream| {
        let mut idler = idler.into_std().expect("a socket");
        match std::io::Read::read(&mut idler, &mut [0; 1]) {
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
            Ok(count) => count == 0,
        }
    };
    let closed = idlers
        .into_iter()
        .filter_map(|idler| is_closed(idler).then_some(()));
    assert_eq!(closed.count(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_never_read_leave_room_for_other_addresses() {
    let database = TestDatabase::sqlite();
    let options = closed().env("WAYPOST_MAX_CONNECTIONS", "40");
    let server = ServerProcess::start(&database, options);
    let mut held = Vec::new();
    for _ in 0..44 {
        held.push(never_reading(&server).await);
    }
    let socket = TcpSocket::new_v4().expect("a socket");
    // Another address of this machine.
    let other = SocketAddr::from(([127, 0, 0, 2], 0));
    socket.bind(other).expect("an address");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
    let mut stream = socket.connect(address).await.expect("a connection");
    let answer = ask(&mut stream, "/health", "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let refused = ask_metric(
        &mut stream,
        "waypost_connections_refused_total{reason=\"share\"} ",
    );
    assert_eq!(refused.await, 34.0, "a quarter of 40 is the share");
}

/// Returns a metric by a connection that is there already.
async fn ask_metric(stream: &mut TcpStream, name: &str) -> f64 {
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {OPERATOR}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("bytes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("text");
    let line = answer.lines().find_map(|line| line.strip_prefix(name));
    let value = line.unwrap_or_else(|| panic!("no {name} in {answer}"));
    value.trim().parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connections_of_a_trusted_proxy_are_not_one_visitors() {
    let database = TestDatabase::sqlite();
    let options = closed()
        .env("WAYPOST_MAX_CONNECTIONS_PER_ADDRESS", "3")
        .env("WAYPOST_TRUSTED_PROXIES", "127.0.0.1");
    let server = ServerProcess::start(&database, options);
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(never_reading(&server).await);
    }
    idle(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelined_requests_are_answered_in_their_order() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database, ServerOptions::new());
    let mut stream = connect(&server).await;
    let paths = ["/health", "/missing", "/health/ready", "/api/v1/links"].repeat(50);
    let mut requests = String::new();
    for path in &paths {
        requests += &format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    requests += "POST /shorten HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                 Content-Length: 4\r\n\r\n\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\
                 Connection: close\r\n\r\n";
    let (mut reader, mut writer) = stream.split();
    let mut answers = String::new();
    let (sent, read) = tokio::join!(
        writer.write_all(requests.as_bytes()),
        reader.read_to_string(&mut answers)
    );
    sent.expect("requests");
    read.expect("answers");
    let statuses: Vec<_> = answers
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| &answer[..3])
        .collect();
    let mut expected = ["200", "404", "200", "401"].repeat(50);
    expected.extend(["400", "200"]);
    assert_eq!(statuses, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_listens_on_several_addresses_and_a_unix_socket() {
    let database = TestDatabase::sqlite();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("http.sock");
    let listen = format!("127.0.0.1:0,[::1]:0,unix:{}", path.display());
    let options = closed()
        .env("WAYPOST_LISTEN", listen)
        .env("WAYPOST_TRUSTED_PROXIES", "unix");
    let mut server = ServerProcess::start(&database, options);
    let operator = Member::with_token(&server, OPERATOR);
    let link = json!({ "code": "wiki", "url": "https://example.com/" });
    operator.make(link).await;

    let banner = server.stdout();
    let (_, v6) = banner.split_once("http://[::1]:").expect("an address");
    let port = v6.split([',', '\n']).next().expect("a port");
    let mut v6 = TcpStream::connect(format!("[::1]:{port}"))
        .await
        .expect("a connection");
    let mut unix = UnixStream::connect(&path).await.expect("a connection");
    let explain = "/api/v1/explain?url=/wiki";
    let head = format!("Authorization: Bearer {OPERATOR}\r\nX-Forwarded-For: 203.0.113.7\r\n");
    assert_eq!(client_address(&ask(&mut v6, explain, &head).await), "::1");
    // Whoever connects to the Unix socket is trusted here.
    let answer = ask(&mut unix, explain, &head).await;
    assert_eq!(client_address(&answer), "203.0.113.7");
    for query in ["", "?q=é", "?q=<\"a\">"] {
        let request = format!("GET /wiki{query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let mut visit = UnixStream::connect(&path).await.expect("a connection");
        visit.write_all(request.as_bytes()).await.expect("bytes");
        let mut answer = String::new();
        visit.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 302 "), "{answer}");
    }
    assert!(server.terminate().success());
    assert!(!path.exists(), "the socket is removed");
    let links = linkctl(&database, &["link", "list", "--json"]).assert_success();
    let links: Value = serde_json::from_str(&links.stdout).expect("JSON");
    assert_eq!(links["clicks"], 3, "{links}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trusted_proxy_names_the_client_by_the_proxy_protocol() {
    let database = TestDatabase::sqlite();
    let options = closed()
        .env("WAYPOST_PROXY_PROTOCOL", "true")
        .env("WAYPOST_TRUSTED_PROXIES", "127.0.0.2");
    let server = ServerProcess::start(&database, options);
    let operator = Member::with_token(&server, OPERATOR);
    let link = json!({ "code": "wiki", "url": "https://example.com/" });
    // Others send no header.
    operator.make(link).await;
    let by_proxy = async || {
        let socket = TcpSocket::new_v4().expect("a socket");
        let proxy = SocketAddr::from(([127, 0, 0, 2], 0));
        socket.bind(proxy).expect("an address");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
        socket.connect(address).await.expect("a connection")
    };
    let explain = "/api/v1/explain?url=/wiki";
    let token = format!("Authorization: Bearer {OPERATOR}\r\n");
    let signature = b"\r\n\r\n\0\r\nQUIT\n";
    let v4 = [
        0x21, 0x11, 0, 12, 203, 0, 113, 7, 127, 0, 0, 1, 0x30, 0x39, 0, 80,
    ];
    let header = [&signature[..], &v4].concat();
    let mut stream = by_proxy().await;
    // In two parts.
    stream.write_all(&header[..5]).await.expect("bytes");
    stream.flush().await.expect("bytes");
    stream.write_all(&header[5..]).await.expect("bytes");
    for _ in 0..2 {
        let answer = ask(&mut stream, explain, &token).await;
        assert_eq!(client_address(&answer), "203.0.113.7");
    }
    // Together with a request.
    let mut stream = by_proxy().await;
    let together = [&header, &b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"[..]].concat();
    stream.write_all(&together).await.expect("bytes");
    let answers = ask(&mut stream, explain, &token).await;
    assert!(answers.starts_with("HTTP/1.1 200 OK"), "{answers}");
    // An invalid request is answered.
    let mut stream = by_proxy().await;
    let invalid = [&header, &b"GET /wiki HTTP/1.1\r\nHost: a b\r\n\r\n"[..]].concat();
    stream.write_all(&invalid).await.expect("bytes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("\"code\":\"BAD_REQUEST\""), "{answer}");
    // The proxy's own checks name nobody.
    let local = [&signature[..], &[0x20, 0, 0, 0]].concat();
    let mut stream = by_proxy().await;
    stream.write_all(&local).await.expect("bytes");
    let answer = ask(&mut stream, explain, &token).await;
    assert_eq!(client_address(&answer), "127.0.0.2");
    // A proxy that sends none is not guessed at.
    let mut stream = by_proxy().await;
    let request = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(request).await.expect("bytes");
    assert!(is_refused(&mut stream).await);
    assert_eq!(
        metric(
            &server,
            "waypost_connections_refused_total{reason=\"proxy_header\"}"
        )
        .await,
        1.0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_of_systemd_are_taken_over() {
    let database = TestDatabase::sqlite();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    for listen in ["systemd", ""] {
        let options = ServerOptions::new()
            .env("WAYPOST_LISTEN", listen)
            .inherit(&listener);
        let server = ServerProcess::start(&database, options);
        assert_eq!(server.port(), address.port(), "{listen:?}");
        let health = Visitor::of(&server).get("/health").await;
        assert_eq!(health.status(), StatusCode::OK);
    }
    let options = ServerOptions::new().env("WAYPOST_LISTEN", "systemd");
    let Err(output) = ServerProcess::try_start(&database, options) else {
        panic!("a server without a socket");
    };
    assert!(output.contains("systemd handed over no socket"), "{output}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_http_is_logged_at_debug() {
    let database = TestDatabase::sqlite();
    let options = closed().env("WAYPOST_LOG", "debug");
    let mut server = ServerProcess::start(&database, options);
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(200_000));
    let requests: [&[u8]; 6] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBad Header: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        b"POST /shorten HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        long.as_bytes(),
    ];
    for request in requests {
        let mut stream = connect(&server).await;
        // The server may end the connection before it has read everything.
        let _ = stream.write_all(request).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    assert!(server.terminate().success());
    let log = server.stderr();
    let is_loud = |line: &&str| line.contains("ERROR") || line.contains("WARN");
    assert_eq!(log.lines().find(is_loud), None);
    assert!(
        log.contains("refused") && log.contains("BAD_REQUEST"),
        "{log}"
    );
}
