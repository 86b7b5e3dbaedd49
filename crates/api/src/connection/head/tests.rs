use actix_http::h1::Message;
use tokio_util::codec::Decoder as _;

use super::super::codec::with_codec;
use super::*;

const HOST: &str = "Host: go.example\r\n";

fn find(bytes: &[u8]) -> Found {
    Search::default().find(&mut BytesMut::from(bytes))
}

/// Returns the head of a request with this target, and `Host`.
fn get(target: &[u8]) -> Vec<u8> {
    [b"GET ", target, b" HTTP/1.1\r\n", HOST.as_bytes(), b"\r\n"].concat()
}

/// Returns the target that the HTTP service is given.
fn given_target(target: &[u8]) -> Result<String, Fault> {
    match find(&get(target)) {
        Found::Whole(head, Framing::Head) => {
            assert!(matches!(read(&head), Ok(Some(read)) if read.length == head.len()));
            Ok(String::from_utf8(target_of(&head).to_vec()).unwrap())
        }
        Found::Invalid(fault) => Err(fault),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_uri_cannot_contain_is_percent_encoded() {
    for (target, expected) in [
        ("/wiki", "/wiki"),
        ("/x?utm_campaign=été", "/x?utm_campaign=%C3%A9t%C3%A9"),
        ("/größe", "/gr%C3%B6%C3%9Fe"),
        (
            "/🎉/東京?q=🎉",
            "/%F0%9F%8E%89/%E6%9D%B1%E4%BA%AC?q=%F0%9F%8E%89",
        ),
        ("/x?q=\"a\"", "/x?q=%22a%22"),
        ("/x?q=<a>", "/x?q=%3Ca%3E"),
        ("/x?q={a}|b", "/x?q=%7Ba%7D%7Cb"),
        ("/x?q=\\^`", "/x?q=%5C%5E%60"),
        ("/\"<>{}|\\^`", "/%22%3C%3E%7B%7D%7C%5C%5E%60"),
        // Nothing is encoded twice, and nothing that has a meaning.
        ("/%C3%A9?é=%zz%", "/%C3%A9?%C3%A9=%zz%"),
        (
            "/a:b@c;d=e,f?a[]=1&b=/?:@!$'()*+,;",
            "/a:b@c;d=e,f?a[]=1&b=/?:@!$'()*+,;",
        ),
        ("/x?é#ü", "/x?%C3%A9#%C3%BC"),
        ("http://go.example/é?ü", "http://go.example/%C3%A9?%C3%BC"),
    ] {
        assert_eq!(given_target(target.as_bytes()).as_deref(), Ok(expected));
    }
    // Latin-1, byte by byte.
    assert_eq!(
        given_target(b"/x?q=\xe9t\xe9").as_deref(),
        Ok("/x?q=%E9t%E9")
    );
    assert_eq!(given_target(b"/gr\xf6\xdfe").as_deref(), Ok("/gr%F6%DFe"));
    assert_eq!(given_target(b"/\xff\xfe").as_deref(), Ok("/%FF%FE"));
}

#[test]
fn a_target_is_a_path_a_url_or_what_its_method_allows() {
    for target in [
        "/",
        "//",
        "http://go.example",
        "HTTPS://go.example:80/x?y",
        "http://[::1]/",
    ] {
        assert!(given_target(target.as_bytes()).is_ok(), "{target}");
    }
    for target in [
        "wiki",
        "wiki/x",
        "?x",
        "*",
        "#",
        "http://",
        "http:///x",
        "http://user@go.example/",
        "http://a:b@go.example/",
        "http://go.example:x/",
        "http://go.example:99999/",
        "http:x",
        "http://é.example/",
        "http://a|b/",
        "go.example:443",
    ] {
        assert_eq!(
            given_target(target.as_bytes()),
            Err(Fault::Target),
            "{target}"
        );
    }
    for (line, is_valid) in [
        ("OPTIONS *", true),
        ("CONNECT go.example:443", true),
        ("CONNECT /", false),
        ("CONNECT *", false),
        ("CONNECT user@go.example:443", false),
        ("CONNECT http://go.example/", false),
    ] {
        let head = format!("{line} HTTP/1.1\r\n{HOST}\r\n");
        assert_eq!(read(head.as_bytes()).is_ok(), is_valid, "{line}");
    }
}

#[test]
fn a_target_is_limited_as_it_is_after_encoding() {
    let longest = format!("/{}", "x".repeat(MAX_TARGET - 1));
    assert!(given_target(longest.as_bytes()).is_ok());
    let long = format!("{longest}x");
    assert!(given_target(long.as_bytes()) == Err(Fault::TargetTooLong));
    let long = format!("/?{}", "é".repeat(MAX_TARGET / 6 + 1));
    assert!(given_target(long.as_bytes()) == Err(Fault::TargetTooLong));
    // It is not waited for.
    let part = format!("GET /{}", "x".repeat(MAX_TARGET));
    assert_eq!(find(part.as_bytes()), Found::Invalid(Fault::TargetTooLong));
    let part = format!("GET /{}", "x".repeat(MAX_HEAD));
    assert_eq!(find(part.as_bytes()), Found::Invalid(Fault::TargetTooLong));
}

#[test]
fn a_head_is_limited() {
    let with = |header: String| format!("GET / HTTP/1.1\r\n{HOST}{header}\r\n");
    let many = with("X: 1\r\n".repeat(MAX_HEADERS - 1));
    assert!(matches!(find(many.as_bytes()), Found::Whole(..)));
    for head in [
        with("X: 1\r\n".repeat(MAX_HEADERS)),
        with(format!("X: {}\r\n", "x".repeat(MAX_HEAD))),
        with(format!("{}: 1\r\n", "x".repeat(70_000))),
        // Of which the end has not arrived.
        format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(MAX_HEAD)),
    ] {
        assert_eq!(find(head.as_bytes()), Found::Invalid(Fault::HeadTooLarge));
    }
    let long = format!(
        "X: {}\r\n",
        "x".repeat(MAX_HEAD - with(String::new()).len() - 5)
    );
    let head = with(long);
    assert_eq!(head.len(), MAX_HEAD);
    assert!(matches!(find(head.as_bytes()), Found::Whole(..)));
    // Encoded, it is longer than that.
    let head = head.replacen("GET / ", "GET /é ", 1);
    assert!(matches!(
        find(head.as_bytes()),
        Found::Invalid(Fault::HeadTooLarge)
    ));
}

#[test]
fn what_is_wrong_is_told() {
    for (head, fault) in [
        ("nonsense\r\n", Fault::RequestLine),
        ("GET\r\n", Fault::RequestLine),
        ("GET /\r\n", Fault::RequestLine),
        ("GET / \r\n", Fault::RequestLine),
        ("GET  / HTTP/1.1\r\n", Fault::RequestLine),
        ("GET /a b HTTP/1.1\r\n", Fault::RequestLine),
        ("GET / HTTP/1.1 \r\n", Fault::RequestLine),
        ("GET / HTTP/1.1 x\r\n", Fault::RequestLine),
        ("GET / http/1.1\r\n", Fault::RequestLine),
        ("GET / FTP/1.1\r\n", Fault::RequestLine),
        ("G(T / HTTP/1.1\r\n", Fault::RequestLine),
        ("GET /\u{0} HTTP/1.1\r\n", Fault::RequestLine),
        ("GET /\u{7f} HTTP/1.1\r\n", Fault::RequestLine),
        ("GET /é\u{1} HTTP/1.1\r\n", Fault::RequestLine),
        (" / HTTP/1.1\r\n", Fault::RequestLine),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", Fault::RequestLine),
        ("GET / HTTP/0.9\r\n", Fault::Version),
        ("GET / HTTP/1.2\r\n", Fault::Version),
        ("GET / HTTP/9.9\r\n\r\n", Fault::Version),
        ("GET / HTTP/3\r\n", Fault::Version),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Fault::Version),
        ("GET / HTTP/1.1\r\nno colon\r\n", Fault::Header),
        ("GET / HTTP/1.1\r\nX : 1\r\n", Fault::Header),
        ("GET / HTTP/1.1\r\n: 1\r\n", Fault::Header),
        ("GET / HTTP/1.1\r\nX\u{e9}: 1\r\n", Fault::Header),
        ("GET / HTTP/1.1\r\nX: \u{0}\r\n", Fault::Header),
        ("GET / HTTP/1.1\r\nX: 1\r\n 2\r\n", Fault::Header),
    ] {
        assert_eq!(find(head.as_bytes()), Found::Invalid(fault), "{head:?}");
    }
}

#[test]
fn a_request_names_one_host() {
    for (version, headers, is_valid) in [
        ("1.1", "Host: go.example\r\n", true),
        ("1.1", "hOST:go.example:80 \t\r\n", true),
        ("1.1", "Host:\r\n", true),
        ("1.0", "", true),
        ("1.0", "Host: [::1]\r\n", true),
        ("1.1", "", false),
        ("1.1", "X-Host: go.example\r\n", false),
        ("1.1", "Host: go.example\r\nhost: go.example\r\n", false),
        ("1.0", "Host: a\r\nHost: b\r\n", false),
        ("1.1", "Host: a b/c@d\r\n", false),
        ("1.0", "Host: a b/c@d\r\n", false),
        ("1.1", "Host: user@go.example\r\n", false),
        ("1.1", "Host: go.example:http\r\n", false),
        ("1.1", "Host: b\u{fc}cher.example\r\n", false),
    ] {
        let head = format!("GET / HTTP/{version}\r\n{headers}\r\n");
        let expected = if is_valid { Ok(()) } else { Err(Fault::Host) };
        assert_eq!(read(head.as_bytes()).map(|_| ()), expected, "{head:?}");
    }
}

#[test]
fn a_body_has_one_length() {
    let chunks = Framing::Chunked(Chunks::new());
    for (headers, expected) in [
        ("", Ok(Framing::Head)),
        ("Content-Length: 0\r\n", Ok(Framing::Head)),
        ("Content-Length: 5\r\n", Ok(Framing::Length(5))),
        ("content-length:  007 \r\n", Ok(Framing::Length(7))),
        ("Transfer-Encoding: chunked\r\n", Ok(chunks)),
        ("Transfer-Encoding: \tCHUNKED \r\n", Ok(chunks)),
        ("Upgrade: websocket\r\n", Ok(Framing::Anything)),
        ("Upgrade: h2c\r\n", Ok(Framing::Head)),
        ("Content-Length: -1\r\n", Err(Fault::BodyLength)),
        ("Content-Length: +1\r\n", Err(Fault::BodyLength)),
        ("Content-Length: 0x1\r\n", Err(Fault::BodyLength)),
        ("Content-Length: 1.0\r\n", Err(Fault::BodyLength)),
        ("Content-Length:\r\n", Err(Fault::BodyLength)),
        ("Content-Length: 1, 1\r\n", Err(Fault::BodyLength)),
        (
            "Content-Length: 18446744073709551616\r\n",
            Err(Fault::BodyLength),
        ),
        (
            "Content-Length: 1\r\nContent-Length: 1\r\n",
            Err(Fault::BodyLength),
        ),
        (
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            Err(Fault::BodyLength),
        ),
        (
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            Err(Fault::BodyLength),
        ),
        (
            "Transfer-Encoding: chunked, chunked\r\n",
            Err(Fault::BodyLength),
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            Err(Fault::BodyLength),
        ),
        ("Transfer-Encoding:\r\n", Err(Fault::BodyLength)),
        ("Transfer-Encoding: gzip\r\n", Err(Fault::Coding)),
        ("Transfer-Encoding: gzip, chunked\r\n", Err(Fault::Coding)),
        ("Transfer-Encoding: identity\r\n", Err(Fault::Coding)),
        ("Transfer-Encoding: xchunked\r\n", Err(Fault::Coding)),
    ] {
        let head = format!("POST / HTTP/1.1\r\n{HOST}{headers}\r\n");
        let next = read(head.as_bytes()).map(|head| head.unwrap().next);
        assert_eq!(next, expected, "{headers:?}");
    }
    for (head, is_valid) in [
        ("POST / HTTP/1.0\r\n\r\n", false),
        ("POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n", true),
        (
            "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            false,
        ),
    ] {
        let expected = if is_valid {
            Ok(())
        } else {
            Err(Fault::BodyLength)
        };
        assert_eq!(read(head.as_bytes()).map(|_| ()), expected, "{head:?}");
    }
}

#[test]
fn a_head_may_arrive_in_any_parts_with_others_after_it() {
    let whole = "GET /x?é=\"1\" HTTP/1.1\r\nHost: a\r\n\r\n".as_bytes();
    for step in [1, 2, 3, 7, 1_000] {
        let (mut search, mut bytes) = (Search::default(), BytesMut::new());
        let sent = whole.repeat(3);
        let mut found = 0;
        for part in sent.chunks(step) {
            bytes.extend_from_slice(part);
            loop {
                match search.find(&mut bytes) {
                    Found::Whole(head, Framing::Head) => {
                        let expected = b"GET /x?%C3%A9=%221%22 HTTP/1.1\r\nHost: a\r\n\r\n";
                        assert_eq!(head.as_ref(), expected);
                        found += 1;
                    }
                    Found::Part => break,
                    other => panic!("{step}: {other:?}"),
                }
            }
        }
        assert_eq!((found, bytes.len()), (3, 0), "{step}");
    }
}

#[test]
fn the_head_ends_after_the_first_empty_line() {
    let end = |text: &str| end_of_head(text.as_bytes());
    assert_eq!(end("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Some(27));
    assert_eq!(end("A\r\nB\r\n\r\nC\r\n\r\n"), Some(8));
    assert_eq!(end("A\n\nB"), Some(3));
    assert_eq!(end("A\n\r\nB"), Some(4));
    for part in ["", "A", "A\r\n", "A\r\n\r", "A\r\nB\r\n", "\r\r\r"] {
        assert_eq!(end(part), None, "{part:?}");
    }
}

/// Whether the HTTP service reads these bytes as one request, and nothing after it.
fn is_accepted(head: &[u8]) -> bool {
    let mut bytes = BytesMut::from(head);
    let message = with_codec(|mut codec| codec.decode(&mut bytes));
    matches!(message, Ok(Some(Message::Item(_)))) && bytes.is_empty()
}

proptest::proptest! {
    #[test]
    fn the_http_service_accepts_every_head_that_it_is_given(
        method in "GET|HEAD|POST|CONNECT|OPTIONS|[A-Z!#]{1,9}|[ -~]{0,3}",
        target in "/[ -~é\u{80}\u{ff}]{0,12}|http://[!-~]{0,12}|[ -~]{0,6}|\\*|go:1",
        version in "HTTP/1\\.[01]|[ -~]{0,9}",
        headers in proptest::collection::vec(
            "Host: [ -~]{0,6}|Content-Length: [0-9+, ]{0,3}|Transfer-Encoding: (chunked|[a-z, ]{0,9})\
             |Upgrade: websocket|Expect: 100-continue|Connection: [a-z]{0,9}|[ -~\u{e9}]{0,9}",
            0..4,
        ),
        has_host: bool,
    ) {
        let host = if has_host { HOST } else { "" };
        let headers = headers.join("\r\n");
        let head = format!("{method} {target} {version}\r\n{host}{headers}\r\n\r\n");
        if let Found::Whole(head, _) = find(head.as_bytes()) {
            proptest::prop_assert!(is_accepted(&head), "{:?}", head);
        }
    }

    #[test]
    fn finding_never_panics(bytes: Vec<u8>) {
        find(&bytes);
        find(&[b"GET /".as_slice(), &bytes].concat());
        find(&get(&bytes));
    }
}

/// Returns the head that the HTTP service is given, with these headers.
fn given_head(headers: &str) -> String {
    let head = format!("GET / HTTP/1.1\r\n{HOST}{headers}\r\n");
    match find(head.as_bytes()) {
        Found::Whole(head, _) => String::from_utf8(head.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_upgrade_that_is_ignored_does_not_end_the_connection() {
    for (headers, given) in [
        ("Connection: upgrade\r\n", "Connection:        \r\n"),
        (
            "Connection: Upgrade\r\nUpgrade: h2c\r\n",
            "Connection:        \r\nUpgrade: h2c\r\n",
        ),
        (
            "connection: Upgrade, HTTP2-Settings\r\n",
            "connection:        , HTTP2-Settings\r\n",
        ),
        (
            "CONNECTION:keep-alive,UPGRADE\r\nConnection: upgrade\r\nUpgrade: TLS/1.2\r\n",
            "CONNECTION:keep-alive,       \r\nConnection:        \r\nUpgrade: TLS/1.2\r\n",
        ),
        // Not the option, or not of this header.
        (
            "Connection: not-upgrade, upgrades\r\nX: upgrade\r\n",
            "Connection: not-upgrade, upgrades\r\nX: upgrade\r\n",
        ),
        (
            "Connection: close, upgrade\r\n",
            "Connection: close,        \r\n",
        ),
        // A web socket, which is refused.
        (
            "Connection: upgrade\r\nUpgrade: websocket\r\n",
            "Connection: upgrade\r\nUpgrade: websocket\r\n",
        ),
    ] {
        let expected = format!("GET / HTTP/1.1\r\n{HOST}{given}\r\n");
        assert_eq!(given_head(headers), expected);
    }
}
