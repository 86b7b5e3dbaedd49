//! History of links, deletion, and restoring deleted links and earlier versions.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;

use crate::people::{LINKS, Somebody, each, path_of};
use crate::setup::{Answer, OPERATOR, TestServer};

const TARGET: &str = "https://example.com/page";

async fn history(server: &TestServer, token: &str, link: &Value) -> Value {
    let path = format!("{}/history", path_of(link));
    let history = server.read(token, &path).await;
    assert_eq!(history.status, StatusCode::OK, "{history:?}");
    history.json()["versions"].clone()
}

async fn delete(server: &TestServer, token: &str, link: &Value) -> Answer {
    server.ask(token, Method::DELETE, &path_of(link)).await
}

async fn restore(server: &TestServer, token: &str, link: &Value, body: &Value) -> Answer {
    let path = format!("{}/restore", path_of(link));
    if body.is_null() {
        return server.ask(token, Method::POST, &path).await;
    }
    server.tell(token, Method::POST, &path, body).await
}

fn person(somebody: &Somebody) -> Value {
    json!({ "id": somebody.id.to_string(), "email": somebody.email, "display_name": "" })
}

#[tokio::test]
async fn the_history_shows_who_changed_what_and_when() {
    let server = TestServer::closed().await;
    let (ada, bob) = (server.member("ada").await, server.member("bob").await);
    let fields = json!({ "url": TARGET, "code": "wiki", "tags": ["docs"] });
    let link = server.made(&ada.token, &fields).await;
    let path = path_of(&link);
    let later = || server.clock.advance(Duration::SECOND);
    let people = |what: &str| format!("{path}/{what}");
    let email = json!({ "email": bob.email });
    later();
    server
        .tell(&ada.token, Method::POST, &people("shares"), &email)
        .await;
    later();
    let offered = server
        .tell(OPERATOR, Method::POST, &people("transfer"), &email)
        .await;
    assert_eq!(offered.status, StatusCode::CREATED, "{offered:?}");
    later();
    let accept = format!("/api/v1/offers/{}/accept", link["id"].as_str().unwrap());
    let accepted = server.ask(&bob.token, Method::POST, &accept).await;
    assert_eq!(accepted.status, StatusCode::OK, "{accepted:?}");
    later();
    let changes = json!({ "code": "handbook", "title": "Handbook", "visibility": "secure" });
    server.changed(&bob.token, &link, &changes).await;
    later();
    assert_eq!(
        delete(&server, OPERATOR, &link).await.status,
        StatusCode::NO_CONTENT
    );
    later();
    let restored = restore(&server, &ada.token, &link, &Value::Null).await;
    assert_eq!(restored.status, StatusCode::OK, "{restored:?}");

    let (ada_id, bob_id) = (ada.id.to_string(), bob.id.to_string());
    let first = json!({
        "code": "wiki", "url": TARGET, "title": "", "description": "", "visibility": "public",
        "tags": ["docs"], "expires_at": null, "disabled": false, "forward_query": false,
        "template": false,
        "owners": [ada_id], "shares": [], "invited": [], "deleted": false,
    });
    let with = |of: &Value, changes: &[(&str, Value)]| {
        let mut snapshot = of.clone();
        for (field, value) in changes {
            snapshot[*field] = value.clone();
        }
        snapshot
    };
    let viewer = json!({ "role": "viewer", "email": bob.email });
    let transfer = json!({ "role": "primary_owner", "email": bob.email });
    let shared = with(&first, &[("invited", json!([viewer]))]);
    let offered = with(&first, &[("invited", json!([viewer, transfer]))]);
    // An owner no longer needs a share.
    let owned = with(&first, &[("owners", json!([bob_id, ada_id]))]);
    let changed = with(
        &owned,
        &[
            ("code", json!("handbook")),
            ("title", json!("Handbook")),
            ("visibility", json!("secure")),
        ],
    );
    let deleted = with(&changed, &[("deleted", json!(true))]);
    let steps = [
        ("created", person(&ada), Value::Null, &first),
        ("access_changed", person(&ada), first.clone(), &shared),
        ("access_changed", Value::Null, shared.clone(), &offered),
        ("access_changed", person(&bob), offered.clone(), &owned),
        ("changed", person(&bob), owned.clone(), &changed),
        ("deleted", Value::Null, changed.clone(), &deleted),
        ("restored", person(&ada), deleted.clone(), &changed),
    ];
    let versions = history(&server, &ada.token, &link).await;
    let versions: Vec<_> = versions.as_array().unwrap().iter().rev().cloned().collect();
    assert_eq!(versions.len(), steps.len());
    for (number, (version, (action, by, before, after))) in versions.iter().zip(steps).enumerate() {
        let expected = json!({
            "version": number + 1,
            "action": action,
            "changed_at": format!("2026-03-01T12:00:0{number}.25Z"),
            "changed_by": by,
            "before": before,
            "after": after,
        });
        assert_eq!(*version, expected, "{action}");
    }
}

#[tokio::test]
async fn the_history_is_read_page_by_page_while_it_grows() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let link = server.made(&ada.token, &json!({ "url": TARGET })).await;
    for number in 2..=7 {
        server
            .changed(&ada.token, &link, &json!({ "title": number.to_string() }))
            .await;
    }
    let path = format!("{}/history?limit=3", path_of(&link));
    let (mut numbers, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server
            .read(&ada.token, &format!("{path}{cursor}"))
            .await
            .json();
        let versions = page["versions"].as_array().unwrap();
        numbers.extend(
            versions
                .iter()
                .map(|version| version["version"].as_u64().unwrap()),
        );
        let title = json!({ "title": format!("{} pages", numbers.len()) });
        server.changed(&ada.token, &link, &title).await;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(numbers, [7, 6, 5, 4, 3, 2, 1]);
    let path = path.replace("=3", "=200");
    for (cursor, count) in [("1", 0), ("0", 0), ("2", 1), ("4294967295", 10)] {
        let page = server
            .read(&ada.token, &format!("{path}&cursor={cursor}"))
            .await
            .json();
        assert_eq!(
            page["versions"].as_array().unwrap().len(),
            count,
            "{cursor}"
        );
    }
    let refused = server
        .read(&ada.token, &format!("{path}&cursor=4294967296"))
        .await;
    refused.assert_error(400, "BAD_REQUEST");
}

#[tokio::test]
async fn a_deleted_link_does_nothing_until_it_is_restored_as_it_was() {
    let server = TestServer::closed().await;
    let (ada, bob) = (server.member("ada").await, server.member("bob").await);
    let fields = json!({ "url": TARGET, "code": "wiki", "title": "Wiki", "tags": ["docs"] });
    let link = server.made(&ada.token, &fields).await;
    let path = path_of(&link);
    server
        .changed(&ada.token, &link, &json!({ "code": "handbook" }))
        .await;
    let shares = format!("{path}/shares");
    server
        .tell(
            &ada.token,
            Method::POST,
            &shares,
            &json!({ "email": bob.email }),
        )
        .await;
    server.get("/wiki").await;
    let before = server.read(&ada.token, &path).await.json();
    let deleted = delete(&server, &ada.token, &link).await;
    assert_eq!(
        (deleted.status, deleted.body.as_str()),
        (StatusCode::NO_CONTENT, "")
    );

    for code in ["/wiki", "/handbook"] {
        server.get(code).await.assert_error(404, "NOT_FOUND");
    }
    let list = server.read(&ada.token, LINKS).await.json();
    assert_eq!(list["links"], json!([]));
    let patch = json!({ "title": "New" });
    let put = json!({ "url": TARGET, "code": "wiki" });
    let email = json!({ "email": bob.email });
    for token in [&ada.token, OPERATOR] {
        server
            .read(token, &path)
            .await
            .assert_error(404, "NOT_FOUND");
        delete(&server, token, &link)
            .await
            .assert_error(404, "NOT_FOUND");
        for (method, below, body) in [
            (Method::PATCH, "", &patch),
            (Method::PUT, "", &put),
            (Method::POST, "/owners", &email),
            (Method::POST, "/shares", &email),
        ] {
            let refused = server
                .tell(token, method, &format!("{path}{below}"), body)
                .await;
            refused.assert_error(404, "NOT_FOUND");
        }
        for below in ["/owners", "/shares"] {
            let refused = server.read(token, &format!("{path}{below}")).await;
            refused.assert_error(404, "NOT_FOUND");
        }
        let versions = history(&server, token, &link).await;
        assert_eq!(versions[0]["action"], "deleted");
    }
    let listed = server
        .read(&ada.token, &format!("{LINKS}?deleted=true"))
        .await
        .json();
    assert_eq!(listed["links"][0]["deleted_at"], "2026-03-01T12:00:00.25Z");
    // A viewer does not see the deleted link and cannot restore it.
    server
        .read(&bob.token, &path)
        .await
        .assert_error(404, "NOT_FOUND");
    let refused = restore(&server, &bob.token, &link, &Value::Null).await;
    refused.assert_error(404, "NOT_FOUND");

    let restored = restore(&server, &ada.token, &link, &Value::Null).await;
    assert_eq!(
        (restored.status, restored.header("etag")),
        (StatusCode::OK, "\"5\"")
    );
    assert_eq!(restored.json(), before);
    for code in ["/wiki", "/handbook"] {
        assert_eq!(server.get(code).await.header("location"), TARGET);
    }
    let shared = server.read(&bob.token, &path).await;
    assert_eq!(shared.status, StatusCode::OK);
    // Restoring a link that is not deleted changes nothing.
    for body in [Value::Null, json!({}), json!({ "version": null })] {
        let again = restore(&server, &ada.token, &link, &body).await;
        assert_eq!(
            (again.status, again.header("etag")),
            (StatusCode::OK, "\"5\"")
        );
    }
}

#[tokio::test]
async fn restoring_a_version_creates_a_new_one_and_keeps_the_owners() {
    let server = TestServer::closed().await;
    let (ada, bob) = (server.member("ada").await, server.member("bob").await);
    let fields = json!({ "url": TARGET, "code": "wiki", "title": "Wiki", "tags": ["docs"] });
    let link = server.made(&ada.token, &fields).await;
    let changes = json!({
        "url": "https://example.com/new", "code": "handbook", "title": "Handbook", "tags": [],
        "visibility": "secure", "disabled": true,
    });
    server.changed(&ada.token, &link, &changes).await;
    server.hand_over(&link, &bob).await;

    server.clock.advance(Duration::SECOND);
    let back = restore(&server, &ada.token, &link, &json!({ "version": 1 })).await;
    assert_eq!(
        (back.status, back.header("etag")),
        (StatusCode::OK, "\"5\"")
    );
    let back = back.json();
    for field in ["url", "code", "title", "tags", "visibility", "disabled"] {
        assert_eq!(back[field], link[field], "{field}");
    }
    assert_eq!(
        each(&back["owners"], "email"),
        [bob.email.as_str(), &ada.email]
    );
    assert_eq!(back["updated_at"], "2026-03-01T12:00:01.25Z");
    assert_eq!(server.get("/handbook").await.header("location"), TARGET);
    // Restoring the present content creates no version.
    let again = restore(&server, &ada.token, &link, &json!({ "version": 5 })).await;
    assert_eq!(again.header("etag"), "\"5\"");
    // A deleted link is restored with the content of that version.
    delete(&server, &ada.token, &link).await;
    let back = restore(&server, &ada.token, &link, &json!({ "version": 2 })).await;
    assert_eq!(
        (back.status, back.header("etag")),
        (StatusCode::OK, "\"7\"")
    );
    assert_eq!(back.json()["code"], "handbook");
    for version in [0, 8, 2_147_483_647, 4_294_967_295_u32] {
        let refused = restore(&server, &ada.token, &link, &json!({ "version": version })).await;
        refused.assert_error(400, "BAD_REQUEST");
    }
    for body in [
        json!({ "version": "1" }),
        json!({ "version": -1 }),
        json!([1]),
    ] {
        let refused = restore(&server, &ada.token, &link, &body).await;
        refused.assert_error(400, "BAD_REQUEST");
    }
}

#[tokio::test]
async fn only_an_admin_permanently_deletes_a_link() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let admin = server.admin("grace").await;
    let destroy = async |token: &str, link: &Value| {
        let path = format!("{}?permanent=true", path_of(link));
        server.ask(token, Method::DELETE, &path).await
    };
    let link = server
        .made(&ada.token, &json!({ "url": TARGET, "code": "wiki" }))
        .await;
    server
        .changed(&ada.token, &link, &json!({ "code": "handbook" }))
        .await;
    assert_eq!(server.get("/wiki").await.status, StatusCode::FOUND);
    destroy(&ada.token, &link)
        .await
        .assert_error(403, "FORBIDDEN");
    let lacking = server.token(admin.id, "read,write").await;
    destroy(&lacking, &link)
        .await
        .assert_error(403, "SCOPE_MISSING");
    assert_eq!(
        destroy(&admin.token, &link).await.status,
        StatusCode::NO_CONTENT
    );
    for path in ["/wiki", "/handbook"] {
        server.get(path).await.assert_error(404, "NOT_FOUND");
    }
    destroy(&admin.token, &link)
        .await
        .assert_error(404, "NOT_FOUND");
    let path = format!("{}/history", path_of(&link));
    server
        .read(OPERATOR, &path)
        .await
        .assert_error(404, "NOT_FOUND");
    let refused = restore(&server, OPERATOR, &link, &Value::Null).await;
    refused.assert_error(404, "NOT_FOUND");
    // Its codes are available, and also those of a link that was already deleted.
    for code in ["wiki", "handbook"] {
        let again = server
            .made(&ada.token, &json!({ "url": TARGET, "code": code }))
            .await;
        assert_eq!(
            server.get(&format!("/{code}")).await.status,
            StatusCode::FOUND
        );
        delete(&server, &ada.token, &again).await;
        assert_eq!(
            destroy(OPERATOR, &again).await.status,
            StatusCode::NO_CONTENT
        );
    }
    assert_eq!(server.stored_links().await, 0);
}
