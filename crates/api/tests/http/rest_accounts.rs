//! REST API: the own account, tokens, and users.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;

use crate::people::{LINKS, Somebody, each, path_of, text};
use crate::setup::{Answer, OPERATOR, TestServer};

const TARGET: &str = "https://example.com/page";
const TOKENS: &str = "/api/v1/tokens";
const ME: &str = "/api/v1/users/me";
const USERS: &str = "/api/v1/admin/users";

fn user_path(user: &Somebody) -> String {
    format!("{USERS}/{}", user.id)
}

async fn make(server: &TestServer, token: &str, body: &Value) -> Answer {
    server.tell(token, Method::POST, TOKENS, body).await
}

#[tokio::test]
async fn the_secret_of_a_token_is_shown_once() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let session = server.session(ada.id).await;
    let body =
        json!({ "name": " deploy ", "scopes": ["read"], "expires_at": "2026-03-02T00:00:00Z" });
    let made = make(&server, &session, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let mut token = made.json();
    let secret = token["secret"].take();
    let secret = text(&secret);
    assert!(secret.starts_with("wp_") && secret.len() == 46, "{secret}");
    let id = text(&token["id"]).to_owned();
    assert_eq!(
        made.header("location"),
        format!("https://go.example{TOKENS}/{id}")
    );
    token.as_object_mut().unwrap().remove("secret");
    let expected = json!({
        "id": id, "name": "deploy", "scopes": ["read"], "created_at": "2026-03-01T12:00:00.25Z",
        "expires_at": "2026-03-02T00:00:00Z", "last_used_at": null, "revoked_at": null,
    });
    assert_eq!(token, expected);
    let listed = server.read(&ada.token, TOKENS).await;
    assert!(
        !listed.body.contains("wp_") && !listed.body.contains("secret"),
        "{listed:?}"
    );
    let tokens = listed.json()["tokens"].as_array().unwrap().clone();
    assert_eq!(tokens.len(), 2);
    assert!(tokens.contains(&expected), "{tokens:?}");
    assert_eq!(server.read(secret, LINKS).await.status, StatusCode::OK);
    let refused = server
        .tell(secret, Method::POST, LINKS, &json!({ "url": TARGET }))
        .await;
    refused.assert_error(403, "SCOPE_MISSING");
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"write\"";
    assert_eq!(refused.header("www-authenticate"), challenge);
}

#[tokio::test]
async fn a_revoked_or_expired_token_is_rejected() {
    let server = TestServer::closed().await;
    let (ada, eve) = (server.member("ada").await, server.member("eve").await);
    let session = server.session(ada.id).await;
    let of_eve = server.session(eve.id).await;
    let body = json!({ "name": "one", "expires_at": "2026-03-01T13:00:00Z" });
    let one = make(&server, &session, &body).await.json();
    let other = make(&server, &session, &json!({ "name": "other" }))
        .await
        .json();
    assert_eq!(other["expires_at"], Value::Null);
    assert_eq!(other["scopes"], json!(["read", "write"]));
    let (one, other_secret) = (text(&one["secret"]), text(&other["secret"]));
    for secret in [one, other_secret] {
        assert_eq!(server.read(secret, ME).await.status, StatusCode::OK);
    }
    let path = format!("{TOKENS}/{}", text(&other["id"]));
    let refused = server.ask(&of_eve, Method::DELETE, &path).await;
    refused.assert_error(404, "NOT_FOUND");
    let revoked = server.ask(&session, Method::DELETE, &path).await;
    assert_eq!(
        (revoked.status, revoked.body.as_str()),
        (StatusCode::NO_CONTENT, "")
    );
    let refused = server.read(other_secret, ME).await;
    refused.assert_error(401, "UNAUTHORIZED");
    assert_eq!(
        refused.header("www-authenticate"),
        "Bearer error=\"invalid_token\""
    );
    let again = server.ask(&session, Method::DELETE, &path).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT);
    for unknown in ["00000000-0000-0000-0000-000000000000", "deploy"] {
        let path = format!("{TOKENS}/{unknown}");
        let refused = server.ask(&session, Method::DELETE, &path).await;
        refused.assert_error(404, "NOT_FOUND");
    }
    server.clock.advance(Duration::HOUR);
    server.read(one, ME).await.assert_error(401, "UNAUTHORIZED");
    let tokens = server.read(&ada.token, TOKENS).await.json();
    let tokens = tokens["tokens"].as_array().unwrap();
    let revoked = tokens
        .iter()
        .find(|token| token["id"] == other["id"])
        .unwrap();
    assert_eq!(revoked["revoked_at"], "2026-03-01T12:00:00.25Z");
}

#[tokio::test]
async fn a_token_has_the_rights_of_its_user_at_most() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let admin = server.admin("grace").await;
    let (of_ada, of_admin) = (server.session(ada.id).await, server.session(admin.id).await);
    for (session, scopes, status, code) in [
        (&of_ada, json!(["read", "write"]), 201, ""),
        (&of_ada, json!(["read", "admin"]), 403, "FORBIDDEN"),
        (&of_admin, json!(["admin", "read"]), 201, ""),
        (&of_ada, json!([]), 400, "BAD_REQUEST"),
        (&of_ada, json!(["delete"]), 400, "BAD_REQUEST"),
        (&of_ada, json!("read"), 400, "BAD_REQUEST"),
    ] {
        let body = json!({ "name": "new", "scopes": scopes });
        let made = make(&server, session, &body).await;
        match status {
            201 => assert_eq!(made.status, StatusCode::CREATED, "{scopes}: {made:?}"),
            _ => made.assert_error(status, code),
        }
    }
    for body in [
        json!({ "name": "" }),
        json!({ "name": "x".repeat(101) }),
        json!({ "name": "two\nlines" }),
        json!({ "scopes": ["read"] }),
        json!({ "name": "past", "expires_at": "2026-03-01T12:00:00.25Z" }),
        json!({ "name": "past", "expires_at": "soon" }),
    ] {
        make(&server, &of_ada, &body)
            .await
            .assert_error(400, "BAD_REQUEST");
    }
    // A former admin is no longer an admin, whatever scopes their tokens have.
    let role = json!({ "role": "member" });
    let changed = server
        .tell(OPERATOR, Method::PATCH, &user_path(&admin), &role)
        .await;
    assert_eq!(changed.json()["role"], "member");
    server
        .read(&admin.token, USERS)
        .await
        .assert_error(403, "FORBIDDEN");
    let body = json!({ "name": "new", "scopes": ["admin"] });
    make(&server, &of_admin, &body)
        .await
        .assert_error(403, "FORBIDDEN");
}

#[tokio::test]
async fn a_token_changes_nothing_that_users_sign_in_with() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let admin = server.admin("grace").await;
    let session = server.session(ada.id).await;
    let (token, _) = server.token_with_id(ada.id, "read").await;
    let password = json!({ "current_password": "x", "new_password": "correct horse" });
    let user = user_path(&ada);
    for (secret, method, path, body) in [
        (&ada.token, Method::POST, TOKENS, json!({ "name": "new" })),
        (
            &ada.token,
            Method::DELETE,
            &*format!("{TOKENS}/{token}"),
            json!({}),
        ),
        (&ada.token, Method::DELETE, "/api/v1/sessions", json!({})),
        (
            &ada.token,
            Method::POST,
            "/api/v1/users/me/password",
            password,
        ),
        (&admin.token, Method::POST, TOKENS, json!({ "name": "new" })),
        (
            &admin.token,
            Method::PATCH,
            &user,
            json!({ "role": "admin" }),
        ),
        (
            &admin.token,
            Method::PATCH,
            &user,
            json!({ "email": "eve@example.com" }),
        ),
    ] {
        let refused = server.tell(secret, method, path, &body).await;
        refused.assert_error(403, "SESSION_REQUIRED");
        assert!(refused.body.contains("sign in"), "{refused:?}");
        assert_eq!(refused.header("www-authenticate"), "");
    }
    assert_eq!(server.read(&session, ME).await.status, StatusCode::OK);
    assert_eq!(
        server.read(&session, TOKENS).await.json()["tokens"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let name = json!({ "display_name": "Ada" });
    let renamed = server.tell(&ada.token, Method::PATCH, ME, &name).await;
    assert_eq!(renamed.status, StatusCode::OK);
    let demoted = json!({ "role": "member", "display_name": "A", "disabled": true });
    let changed = server
        .tell(&admin.token, Method::PATCH, &user, &demoted)
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
}

#[tokio::test]
async fn a_user_has_at_most_a_hundred_valid_tokens() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let session = server.session(ada.id).await;
    for _ in 0..98 {
        server.token(ada.id, "read").await;
    }
    let body = json!({ "name": "short", "expires_at": "2026-03-01T13:00:00Z" });
    let made = make(&server, &session, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let refused = make(&server, &session, &body).await;
    refused.assert_error(409, "CONFLICT");
    assert!(
        refused.body.contains("at most 100 valid API tokens"),
        "{refused:?}"
    );
    server.clock.advance(Duration::HOUR);
    let body = json!({ "name": "later" });
    let made = make(&server, &session, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
}

#[tokio::test]
async fn the_last_use_of_a_token_is_stored_a_little_later() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    server.clock.advance(Duration::MINUTE);
    let used = async || {
        let tokens = server.read(&ada.token, TOKENS).await.json();
        tokens["tokens"][0]["last_used_at"].clone()
    };
    assert_eq!(used().await, Value::Null);
    server.accounts.write_used().await.unwrap();
    assert_eq!(used().await, "2026-03-01T12:01:00.25Z");
}

#[tokio::test]
async fn users_see_and_rename_themselves() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let mut expected = json!({
        "id": ada.id.to_string(), "email": "ada@example.com", "display_name": "", "role": "member",
        "disabled": false, "created_at": "2026-03-01T12:00:00.25Z",
    });
    assert_eq!(server.read(&ada.token, ME).await.json(), expected);
    let name = json!({ "display_name": " Ada ‘the First’ " });
    let changed = server
        .tell(&ada.token, Method::PATCH, ME, &name)
        .await
        .json();
    expected["display_name"] = json!("Ada ‘the First’");
    assert_eq!(changed, expected);
    assert_eq!(
        server
            .tell(&ada.token, Method::PATCH, ME, &json!({}))
            .await
            .json(),
        expected
    );
    for body in [
        json!({ "display_name": "x".repeat(101) }),
        json!({ "display_name": "two\nlines" }),
        json!({ "role": "admin" }),
        json!({ "email": "eve@example.com" }),
        json!({ "disabled": true }),
    ] {
        let refused = server.tell(&ada.token, Method::PATCH, ME, &body).await;
        refused.assert_error(400, "BAD_REQUEST");
    }
    assert_eq!(server.read(&ada.token, ME).await.json(), expected);
    let link = server.made(&ada.token, &json!({ "url": TARGET })).await;
    assert_eq!(link["owners"][0]["display_name"], "Ada ‘the First’");
}

#[tokio::test]
async fn an_admin_lists_and_changes_users_except_their_own_role() {
    let server = TestServer::closed().await;
    let admin = server.admin("grace").await;
    let session = server.session(admin.id).await;
    let mut emails = vec![admin.email.clone()];
    for name in ["ada", "bob", "eve"] {
        server.clock.advance(Duration::SECOND);
        emails.push(server.member(name).await.email);
    }
    let first = server
        .read(&admin.token, &format!("{USERS}?limit=3"))
        .await
        .json();
    let next = format!("{USERS}?cursor={}", text(&first["next_cursor"]));
    let rest = server.read(&admin.token, &next).await.json();
    let mut found = each(&first["users"], "email");
    found.extend(each(&rest["users"], "email"));
    found.reverse();
    assert_eq!((found, &rest["next_cursor"]), (emails, &Value::Null));

    let ada = server.member("another").await;
    let path = user_path(&ada);
    let change = async |token: &str, path: &str, body: Value| {
        server.tell(token, Method::PATCH, path, &body).await
    };
    let body = json!({ "email": "Countess@example.com", "display_name": "Ada", "role": "admin" });
    let changed = change(&session, &path, body).await.json();
    let fields = (
        &changed["email"],
        &changed["display_name"],
        &changed["role"],
    );
    assert_eq!(
        fields,
        (
            &json!("countess@example.com"),
            &json!("Ada"),
            &json!("admin")
        )
    );
    let refused = change(&session, &path, json!({ "email": "EVE@example.com" })).await;
    refused.assert_error(409, "CONFLICT");
    for body in [
        json!({ "email": "nobody" }),
        json!({ "role": "owner" }),
        json!({ "disabled": "yes" }),
        json!({ "password": "hunter2" }),
    ] {
        change(&session, &path, body)
            .await
            .assert_error(400, "BAD_REQUEST");
    }
    // Tokens of a disabled user are rejected, and accepted once the user is enabled again.
    let disabled = change(&session, &path, json!({ "disabled": true }))
        .await
        .json();
    assert_eq!(disabled["disabled"], true);
    server
        .read(&ada.token, ME)
        .await
        .assert_error(401, "UNAUTHORIZED");
    change(&session, &path, json!({ "disabled": false })).await;
    assert_eq!(server.read(&ada.token, ME).await.json()["disabled"], false);

    let own = user_path(&admin);
    for body in [json!({ "role": "member" }), json!({ "disabled": true })] {
        change(&session, &own, body)
            .await
            .assert_error(409, "CONFLICT");
    }
    for links in ["delete".to_owned(), format!("reassign:{}", ada.email)] {
        let path = format!("{own}?links={links}");
        let refused = server.ask(&admin.token, Method::DELETE, &path).await;
        refused.assert_error(409, "CONFLICT");
    }
    let harmless = json!({ "display_name": "Grace", "role": "admin", "disabled": false });
    assert_eq!(
        change(&session, &own, harmless).await.status,
        StatusCode::OK
    );
    for unknown in ["00000000-0000-0000-0000-000000000000", "ada"] {
        let path = format!("{USERS}/{unknown}");
        for body in [json!({}), json!({ "disabled": true })] {
            change(&session, &path, body)
                .await
                .assert_error(404, "NOT_FOUND");
        }
        let delete = format!("{path}?links=delete");
        let refused = server.ask(&admin.token, Method::DELETE, &delete).await;
        refused.assert_error(404, "NOT_FOUND");
    }
}

/// Adds a user with one link of their own, and one of which they are the primary owner and `other`
/// a co-owner.
async fn with_links(server: &TestServer, name: &str, other: &Somebody) -> (Somebody, [Value; 2]) {
    let user = server.member(name).await;
    let own = server
        .made(
            &user.token,
            &json!({ "url": TARGET, "visibility": "private" }),
        )
        .await;
    let ours = server
        .made(
            &user.token,
            &json!({ "url": TARGET, "visibility": "private" }),
        )
        .await;
    server.own(&ours, &other.email).await;
    (user, [own, ours])
}

#[tokio::test]
async fn deleting_a_user_requires_a_choice_about_their_links() {
    let server = TestServer::closed().await;
    let admin = server.admin("grace").await;
    let (bob, heir) = (server.member("bob").await, server.member("heir").await);
    let delete = async |user: &Somebody, query: &str| {
        let path = format!("{}{query}", user_path(user));
        server.ask(&admin.token, Method::DELETE, &path).await
    };
    let owners = async |link: &Value| {
        let link = server.read(&admin.token, &path_of(link)).await.json();
        each(&link["owners"], "email")
    };
    let (ada, [own, ours]) = with_links(&server, "ada", &bob).await;
    for (query, code) in [
        ("", "BAD_REQUEST"),
        ("?links=", "BAD_REQUEST"),
        ("?links=keep", "BAD_REQUEST"),
        ("?links=delete:bob@example.com", "BAD_REQUEST"),
        ("?links=reassign:", "BAD_REQUEST"),
        ("?links=reassign:nobody@example.com", "USER_UNKNOWN"),
        ("?links=reassign:ada@example.com", "USER_UNKNOWN"),
    ] {
        delete(&ada, query).await.assert_error(400, code);
    }
    assert_eq!(server.read(&ada.token, ME).await.status, StatusCode::OK);
    let deleted = delete(&ada, "?links=reassign:heir@example.com").await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{deleted:?}");
    server
        .read(&ada.token, ME)
        .await
        .assert_error(401, "UNAUTHORIZED");
    assert_eq!(owners(&own).await, [heir.email.as_str()]);
    assert_eq!(owners(&ours).await, [heir.email.as_str(), &bob.email]);
    delete(&ada, "?links=delete")
        .await
        .assert_error(404, "NOT_FOUND");
    // Earlier changes by the user have no user any longer.
    let history = format!("{}/history", path_of(&own));
    let versions = server.read(&admin.token, &history).await.json();
    let versions = versions["versions"].as_array().unwrap().clone();
    assert_eq!(versions.last().unwrap()["changed_by"], Value::Null);
    assert_eq!(versions[0]["changed_by"]["email"], admin.email);

    let (eve, [own, ours]) = with_links(&server, "eve", &bob).await;
    let deleted = delete(&eve, "?links=delete").await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{deleted:?}");
    assert_eq!(owners(&ours).await, [bob.email.as_str()]);
    let path = path_of(&own);
    server
        .read(&admin.token, &path)
        .await
        .assert_error(404, "NOT_FOUND");
    let restored = server
        .ask(&admin.token, Method::POST, &format!("{path}/restore"))
        .await;
    assert_eq!(restored.json()["owners"], json!([]), "{restored:?}");
}
