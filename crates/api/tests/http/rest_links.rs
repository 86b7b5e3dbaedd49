//! REST API: creating and changing links without losing concurrent changes.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;

use crate::people::{LINKS, path_of, text};
use crate::setup::{Answer, OPERATOR, TestServer, send};

const TARGET: &str = "https://example.com/page";

#[tokio::test]
async fn a_link_is_created_with_all_fields_and_read_at_its_location() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let fields = json!({
        "url": "https://example.com/a b",
        "code": "Team-Wiki",
        "title": " The wiki ",
        "description": "All\nwe know",
        "visibility": "private",
        "tags": ["Wiki", "docs", "wiki"],
        "expires_at": "2026-04-01T02:00:00.1234567+02:00",
        "disabled": true,
        "forward_query": true,
    });
    let made = server.tell(&ada.token, Method::POST, LINKS, &fields).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(made.header("etag"), "\"1\"");
    let link = made.json();
    let id = text(&link["id"]);
    let expected = json!({
        "id": id,
        "code": "Team-Wiki",
        "short_url": "https://go.example/Team-Wiki",
        "url": "https://example.com/a%20b",
        "title": "The wiki",
        "description": "All\nwe know",
        "visibility": "private",
        "tags": ["docs", "wiki"],
        "keyword": false,
        "owners": [{
            "id": ada.id.to_string(),
            "email": "ada@example.com",
            "display_name": "",
            "is_primary": true,
        }],
        "clicks": 0,
        "humans": 0,
        "expires_at": "2026-04-01T00:00:00.123456Z",
        "disabled": true,
        "forward_query": true,
        "template": false,
        "placeholders": [],
        "created_at": "2026-03-01T12:00:00.25Z",
        "updated_at": "2026-03-01T12:00:00.25Z",
    });
    assert_eq!(link, expected);
    let location = made.header("location");
    let path = location.strip_prefix("https://go.example").unwrap();
    assert_eq!(path, path_of(&link));
    let read = server.read(&ada.token, path).await;
    assert_eq!(read.json(), expected);
    assert_eq!(read.header("etag"), "\"1\"");
    let head = server.ask(&ada.token, Method::HEAD, path).await;
    assert_eq!(
        (head.status, head.header("etag")),
        (StatusCode::OK, "\"1\"")
    );
}

#[tokio::test]
async fn missing_fields_have_their_defaults() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let nulls = json!({
        "url": TARGET, "title": null, "description": null, "visibility": null, "tags": null,
        "expires_at": null, "disabled": null, "forward_query": null, "template": null,
    });
    for fields in [json!({ "url": TARGET }), nulls] {
        let link = server.made(&ada.token, &fields).await;
        assert_eq!(text(&link["code"]).len(), 7);
        assert_eq!(link["url"], TARGET);
        assert_eq!(
            (&link["title"], &link["description"]),
            (&json!(""), &json!(""))
        );
        assert_eq!(
            (&link["visibility"], &link["tags"]),
            (&json!("public"), &json!([]))
        );
        assert_eq!(link["expires_at"], Value::Null);
        for switch in ["disabled", "forward_query", "template"] {
            assert_eq!(link[switch], json!(false), "{switch}");
        }
    }
    let nobodys = server.made(OPERATOR, &json!({ "url": TARGET })).await;
    assert_eq!(nobodys["owners"], json!([]));
}

#[tokio::test]
async fn a_change_sets_the_fields_it_names_and_null_is_the_default() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let all = json!({
        "url": TARGET, "code": "wiki", "title": "Wiki", "description": "All", "visibility": "private",
        "tags": ["docs"], "expires_at": "2027-01-01T00:00:00Z", "disabled": true, "forward_query": true,
    });
    let mut expected = server.made(&ada.token, &all).await;
    let steps = [
        ("title", json!("The wiki"), json!("The wiki")),
        ("title", json!(null), json!("")),
        ("description", json!(null), json!("")),
        ("visibility", json!("secure"), json!("secure")),
        ("visibility", json!(null), json!("public")),
        ("tags", json!(["b", "a"]), json!(["a", "b"])),
        ("tags", json!(null), json!([])),
        ("expires_at", json!(null), json!(null)),
        ("disabled", json!(null), json!(false)),
        ("forward_query", json!(null), json!(false)),
        (
            "url",
            json!("https://example.com/new"),
            json!("https://example.com/new"),
        ),
    ];
    for (field, given, then) in steps {
        server.clock.advance(Duration::seconds(1));
        let changed = server
            .changed(&ada.token, &expected, &json!({ field: given }))
            .await;
        expected[field] = then;
        assert_ne!(changed["updated_at"], expected["updated_at"]);
        expected["updated_at"] = changed["updated_at"].clone();
        assert_eq!(changed, expected, "{field}");
    }
    // A change without a difference creates no version.
    server.clock.advance(Duration::seconds(1));
    let path = path_of(&expected);
    for same in [json!({}), json!({ "title": "", "tags": [] })] {
        let answer = server.tell(&ada.token, Method::PATCH, &path, &same).await;
        assert_eq!(answer.header("etag"), "\"12\"");
        assert_eq!(answer.json(), expected);
    }
    for field in ["url", "code"] {
        let null = json!({ field: null });
        let refused = server.tell(&ada.token, Method::PATCH, &path, &null).await;
        refused.assert_error(400, "BAD_REQUEST");
    }
}

#[tokio::test]
async fn a_replacement_sets_missing_fields_to_their_defaults() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let all = json!({
        "url": TARGET, "code": "wiki", "title": "Wiki", "description": "All", "visibility": "secure",
        "tags": ["docs"], "expires_at": "2027-01-01T00:00:00Z", "disabled": true, "forward_query": true,
    });
    let link = server.made(&ada.token, &all).await;
    let path = path_of(&link);
    for missing in [json!({ "url": TARGET }), json!({ "code": "wiki" })] {
        let refused = server.tell(&ada.token, Method::PUT, &path, &missing).await;
        refused.assert_error(400, "BAD_REQUEST");
    }
    let fields = json!({ "url": "https://example.com/new", "code": "wiki" });
    let replaced = server.tell(&ada.token, Method::PUT, &path, &fields).await;
    assert_eq!(replaced.header("etag"), "\"2\"");
    let replaced = replaced.json();
    for (field, default) in [
        ("url", json!("https://example.com/new")),
        ("title", json!("")),
        ("description", json!("")),
        ("visibility", json!("public")),
        ("tags", json!([])),
        ("expires_at", json!(null)),
        ("disabled", json!(false)),
        ("forward_query", json!(false)),
    ] {
        assert_eq!(replaced[field], default, "{field}");
    }
    for field in ["id", "code", "owners", "created_at"] {
        assert_eq!(replaced[field], link[field], "{field}");
    }
}

/// Returns each limit with a value that is just valid, and one that exceeds it.
fn limits() -> Vec<(&'static str, Value, Value, &'static str)> {
    let words = |count: u32| {
        (0..count)
            .map(|number| format!("t{number}"))
            .collect::<Vec<_>>()
    };
    let url = |length: usize| {
        let start = "https://example.com/";
        format!("{start}{}", "x".repeat(length - start.len()))
    };
    vec![
        (
            "title",
            json!("ä".repeat(200)),
            json!("ä".repeat(201)),
            "DETAIL_INVALID",
        ),
        (
            "title",
            json!("one line"),
            json!("two\nlines"),
            "DETAIL_INVALID",
        ),
        (
            "description",
            json!("ä".repeat(2_000)),
            json!("ä".repeat(2_001)),
            "DETAIL_INVALID",
        ),
        ("tags", json!(words(20)), json!(words(21)), "DETAIL_INVALID"),
        (
            "tags",
            json!(["x".repeat(64)]),
            json!(["x".repeat(65)]),
            "DETAIL_INVALID",
        ),
        (
            "tags",
            json!(["c++"]),
            json!(["two words"]),
            "DETAIL_INVALID",
        ),
        ("url", json!(url(2_048)), json!(url(2_049)), "URL_INVALID"),
        (
            "url",
            json!("http://example.com"),
            json!("ftp://example.com"),
            "URL_INVALID",
        ),
        (
            "url",
            json!(TARGET),
            json!("https://go.example/wiki"),
            "URL_INVALID",
        ),
        (
            "code",
            json!("y".repeat(64)),
            json!("y".repeat(65)),
            "CODE_INVALID",
        ),
        ("code", json!("a-b_C"), json!("-a"), "CODE_INVALID"),
        ("code", json!("apis"), json!("API"), "CODE_RESERVED"),
        (
            "expires_at",
            json!("9999-12-31T23:59:59Z"),
            json!("1969-12-31T23:59:59Z"),
            "DETAIL_INVALID",
        ),
        (
            "expires_at",
            json!("1970-01-01T00:00:00Z"),
            json!("tomorrow"),
            "BAD_REQUEST",
        ),
        (
            "visibility",
            json!("secure"),
            json!("Secure"),
            "BAD_REQUEST",
        ),
        ("disabled", json!(true), json!("true"), "BAD_REQUEST"),
        ("tags", json!([]), json!("docs"), "BAD_REQUEST"),
    ]
}

#[tokio::test]
async fn every_limit_is_the_same_for_new_links_changes_and_replacements() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    for (number, (field, good, bad, code)) in limits().into_iter().enumerate() {
        let own = format!("own-{number}");
        let mut fields = json!({ "url": TARGET, "code": own });
        fields[field] = bad.clone();
        let refused = server.tell(&ada.token, Method::POST, LINKS, &fields).await;
        refused.assert_error(400, code);
        let link = server
            .made(&ada.token, &json!({ "url": TARGET, "code": own }))
            .await;
        let path = path_of(&link);
        for (method, fields) in [
            (Method::PATCH, json!({ field: bad })),
            (Method::PUT, fields),
        ] {
            let refused = server.tell(&ada.token, method, &path, &fields).await;
            refused.assert_error(400, code);
        }
        assert_eq!(server.read(&ada.token, &path).await.json(), link);
        server
            .changed(&ada.token, &link, &json!({ field: good }))
            .await;
    }
}

#[tokio::test]
async fn an_unknown_field_is_rejected() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let session = server.session(ada.id).await;
    let link = server.made(&ada.token, &json!({ "url": TARGET })).await;
    let path = path_of(&link);
    let below = |what: &str| format!("{path}/{what}");
    for (method, path) in [
        (Method::POST, LINKS.to_owned()),
        (Method::PATCH, path.clone()),
        (Method::PUT, path.clone()),
        (Method::POST, below("restore")),
        (Method::POST, below("owners")),
        (Method::POST, below("shares")),
        (Method::POST, "/api/v1/links/bulk".to_owned()),
        (Method::POST, "/api/v1/tokens".to_owned()),
        (Method::POST, "/api/v1/users/me/password".to_owned()),
        (Method::PATCH, "/api/v1/users/me".to_owned()),
    ] {
        let body = json!({ "clicks": 1 });
        let refused = server.tell(&session, method, &path, &body).await;
        refused.assert_error(400, "BAD_REQUEST");
        assert!(
            refused.body.contains("unknown field `clicks`"),
            "{refused:?}"
        );
    }
    let query = format!("{path}?premanent=true");
    let refused = server.ask(&ada.token, Method::DELETE, &query).await;
    refused.assert_error(400, "BAD_REQUEST");
    let query = format!("{path}?permanent=yes");
    let refused = server.ask(&ada.token, Method::DELETE, &query).await;
    refused.assert_error(400, "BAD_REQUEST");
}

#[tokio::test]
async fn a_change_requires_a_version_in_if_match() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let link = server
        .made(&ada.token, &json!({ "url": TARGET, "code": "wiki" }))
        .await;
    let (path, mut version) = (path_of(&link), 1);
    let with = async |method: Method, tags: &str, title: &str| -> Answer {
        let body = json!({ "url": TARGET, "code": "wiki", "title": title });
        server
            .tell_if(&ada.token, (method, &path), tags, &body)
            .await
    };
    let patterns = ["\"{}\"", "*", "\"999\", \"{}\"", "\"{}\",\"x\""];
    for pattern in patterns {
        for method in [Method::PATCH, Method::PUT] {
            let tags = pattern.replace("{}", &version.to_string());
            version += 1;
            let changed = with(method, &tags, &format!("Title {version}")).await;
            assert_eq!(changed.status, StatusCode::OK, "{tags}: {changed:?}");
            assert_eq!(changed.header("etag"), format!("\"{version}\""));
        }
    }
    let bad = [
        "\"1\"", "W/\"{}\"", "\"x\"", "\"0{}\"", "\"+{}\"", "\"\"", "{}", "garbage", ",",
    ];
    for pattern in bad {
        let tags = pattern.replace("{}", &version.to_string());
        for method in [Method::PATCH, Method::PUT] {
            let refused = with(method, &tags, "Lost").await;
            refused.assert_error(412, "PRECONDITION_FAILED");
        }
        let empty = json!({});
        let restore = format!("{path}/restore");
        let refused = server
            .tell_if(&ada.token, (Method::POST, &restore), &tags, &empty)
            .await;
        refused.assert_error(412, "PRECONDITION_FAILED");
        let delete = server.by(&ada.token, Method::DELETE, &path);
        let refused = send(delete.header("If-Match", tags)).await;
        refused.assert_error(412, "PRECONDITION_FAILED");
    }
    let read = server.read(&ada.token, &path).await;
    assert_eq!(read.json()["title"], format!("Title {version}"));
    // A click does not change the version.
    server.get("/wiki").await;
    let read = server.read(&ada.token, &path).await;
    assert_eq!(read.header("etag"), format!("\"{version}\""));
    let delete = server.by(&ada.token, Method::DELETE, &path);
    let deleted = send(delete.header("If-Match", format!("\"{version}\""))).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn of_two_clients_with_the_same_version_one_changes_the_link() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let link = server.made(&ada.token, &json!({ "url": TARGET })).await;
    let path = path_of(&link);
    let read = server.read(&ada.token, &path).await;
    let tag = read.header("etag");
    let change = |title: &str| {
        let body = json!({ "title": title });
        let (server, ada, path) = (&server, &ada, &path);
        async move {
            server
                .tell_if(&ada.token, (Method::PATCH, path), tag, &body)
                .await
        }
    };
    let (one, other) = tokio::join!(change("one"), change("other"));
    let (won, lost) = if one.status == StatusCode::OK {
        (one, other)
    } else {
        (other, one)
    };
    assert_eq!(won.header("etag"), "\"2\"");
    lost.assert_error(412, "PRECONDITION_FAILED");
    let now = server.read(&ada.token, &path).await;
    assert_eq!(now.json(), won.json());
    // Without a condition both changes are made, one after the other.
    let (title, description) = (json!({ "title": "both" }), json!({ "description": "both" }));
    let bare = |body| server.tell(&ada.token, Method::PATCH, &path, body);
    let (one, other) = tokio::join!(bare(&title), bare(&description));
    assert_eq!((one.status, other.status), (StatusCode::OK, StatusCode::OK));
    let now = server.read(&ada.token, &path).await;
    assert_eq!(now.header("etag"), "\"4\"");
}

#[tokio::test]
async fn a_body_is_json_of_at_most_64_kib() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let link = server.made(&ada.token, &json!({ "url": TARGET })).await;
    let path = path_of(&link);
    let padded = |length: usize| {
        let body = json!({ "url": TARGET }).to_string();
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    let json = "application/json";
    let sent = async |method: &Method, path: &str, media_type: &str, body: String| {
        let request = server.by(&ada.token, method.clone(), path);
        send(request.header("Content-Type", media_type).body(body)).await
    };
    for (method, path) in [(Method::POST, LINKS), (Method::PATCH, path.as_str())] {
        let taken = sent(&method, path, json, padded(64 * 1_024)).await;
        assert!(taken.status.is_success(), "{taken:?}");
        let refused = sent(&method, path, json, padded(64 * 1_024 + 1)).await;
        refused.assert_error(413, "BODY_TOO_LARGE");
        let refused = sent(&method, path, "text/plain", padded(100)).await;
        refused.assert_error(415, "UNSUPPORTED_MEDIA_TYPE");
        for broken in [
            "",
            "{",
            "[]",
            "null",
            "{\"url\":",
            "{\"url\":\"a\",\"url\":\"b\"}",
        ] {
            let refused = sent(&method, path, json, broken.to_owned()).await;
            refused.assert_error(400, "BAD_REQUEST");
        }
    }
    let restore = format!("{path}/restore");
    let refused = sent(&Method::POST, &restore, "text/plain", "{}".to_owned()).await;
    refused.assert_error(415, "UNSUPPORTED_MEDIA_TYPE");
    let bulk = "/api/v1/links/bulk";
    let refused = sent(&Method::POST, bulk, json, padded(4 * 1_024 * 1_024 + 1)).await;
    refused.assert_error(413, "BODY_TOO_LARGE");
}
