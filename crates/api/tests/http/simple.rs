//! The simple API: with a token for the links of its user, without one for links without an owner.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::people::{each, path_of};
use crate::setup::{OPERATOR, TestServer};

const TARGET: &str = "https://example.com/page";

async fn shorten(server: &TestServer, token: &str, code: &str) {
    let body = json!({ "url": TARGET, "code": code });
    let made = server.tell(token, Method::POST, "/shorten", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
}

async fn listed(server: &TestServer, token: &str) -> Vec<String> {
    let list = server.read(token, "/urls").await;
    assert_eq!(list.status, StatusCode::OK, "{list:?}");
    let mut codes = each(&list.json()["data"], "shortCode");
    codes.sort();
    codes
}

#[tokio::test]
async fn with_a_token_the_simple_api_manages_the_links_of_its_user() {
    let server = TestServer::closed().await;
    let (ada, eve) = (server.member("ada").await, server.member("eve").await);
    let admin = server.admin("grace").await;
    shorten(&server, &ada.token, "adas").await;
    shorten(&server, &eve.token, "eves").await;
    shorten(&server, OPERATOR, "nobodys").await;
    let link = server
        .read(OPERATOR, "/api/v1/links?owner=ada@example.com")
        .await
        .json();
    let link = &link["links"][0];
    assert_eq!(each(&link["owners"], "email"), [ada.email.as_str()]);
    assert_eq!(listed(&server, &ada.token).await, ["adas"]);
    assert_eq!(listed(&server, &admin.token).await, [""; 0]);
    assert_eq!(listed(&server, OPERATOR).await, ["adas", "eves", "nobodys"]);
    for (token, code, status) in [
        (&ada.token, "adas", 200),
        (&eve.token, "adas", 403),
        (&ada.token, "nobodys", 403),
        (&ada.token, "nothing", 404),
        (&admin.token, "adas", 200),
    ] {
        let stats = server.read(token, &format!("/urls/{code}/stats")).await;
        assert_eq!(stats.status.as_u16(), status, "{code}: {stats:?}");
    }
    server
        .changed(&ada.token, link, &json!({ "visibility": "private" }))
        .await;
    let delete = async |token: &str, code: &str| {
        server
            .ask(token, Method::DELETE, &format!("/urls/{code}"))
            .await
    };
    let hidden = delete(&eve.token, "adas").await;
    hidden.assert_error(404, "NOT_FOUND");
    assert_eq!(hidden.body, delete(&eve.token, "nothing").await.body);
    assert_eq!(
        delete(&ada.token, "ADAS").await.status,
        StatusCode::NO_CONTENT
    );
    server.get("/adas").await.assert_error(404, "NOT_FOUND");
    for (method, path) in [
        (Method::GET, "/urls"),
        (Method::GET, "/urls/eves/stats"),
        (Method::DELETE, "/urls/eves"),
        (Method::POST, "/shorten"),
    ] {
        for token in ["", "garbage", "wp_garbage"] {
            let refused = server.ask(token, method.clone(), path).await;
            refused.assert_error(401, "UNAUTHORIZED");
            assert!(refused.header("www-authenticate").starts_with("Bearer"));
        }
    }
}

#[tokio::test]
async fn without_a_token_an_open_server_manages_links_without_an_owner() {
    let server = TestServer::start().await;
    let ada = server.member("ada").await;
    server.link("nobodys").await;
    shorten(&server, &ada.token, "adas").await;
    for visibility in ["private", "secure"] {
        let fields = json!({ "url": TARGET, "code": visibility, "visibility": visibility });
        server.made(OPERATOR, &fields).await;
    }
    assert_eq!(listed(&server, "").await, ["nobodys"]);
    assert_eq!(listed(&server, &ada.token).await, ["adas"]);
    for (code, status) in [
        ("nobodys", 200),
        ("private", 200),
        ("adas", 404),
        ("secure", 404),
    ] {
        let stats = server.get(&format!("/urls/{code}/stats")).await;
        assert_eq!(stats.status.as_u16(), status, "{code}: {stats:?}");
    }
    for code in ["adas", "secure", "nothing"] {
        let refused = server.delete(&format!("/urls/{code}")).await;
        refused.assert_error(404, "NOT_FOUND");
    }
    for (code, status) in [("adas", 302), ("private", 302), ("secure", 401)] {
        let followed = server.get(&format!("/{code}")).await;
        assert_eq!(followed.status.as_u16(), status, "{code}");
    }
    // An invalid token is an error, and not treated as no token.
    for path in ["/urls", "/urls/nobodys/stats"] {
        server
            .read("garbage", path)
            .await
            .assert_error(401, "UNAUTHORIZED");
    }
    // The token of a user gives no access to links without an owner.
    let refused = server
        .ask(&ada.token, Method::DELETE, "/urls/nobodys")
        .await;
    refused.assert_error(403, "FORBIDDEN");
    assert_eq!(
        server.delete("/urls/nobodys").await.status,
        StatusCode::NO_CONTENT
    );
    // The REST API still requires a token.
    server
        .get("/api/v1/links")
        .await
        .assert_error(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn a_link_with_a_new_owner_is_no_longer_open_to_everyone() {
    let server = TestServer::start().await;
    let ada = server.member("ada").await;
    server.link("wiki").await;
    let link = server.read(OPERATOR, "/api/v1/links").await.json()["links"][0].clone();
    let owners = format!("{}/owners", path_of(&link));
    let email = json!({ "email": ada.email });
    let refused = server.tell(OPERATOR, Method::POST, &owners, &email).await;
    refused.assert_error(409, "CONFLICT");
    server.hand_over(&link, &ada).await;
    assert_eq!(listed(&server, "").await, [""; 0]);
    assert_eq!(listed(&server, &ada.token).await, ["wiki"]);
    server
        .delete("/urls/wiki")
        .await
        .assert_error(404, "NOT_FOUND");
}
