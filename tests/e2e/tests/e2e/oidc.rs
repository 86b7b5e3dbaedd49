//! Signing in with a real OpenID provider that works correctly.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use waypost_e2e::browser::Browser;
use waypost_e2e::member::{Member, OPERATOR, closed, linkctl};
use waypost_e2e::on_each_database;
use waypost_e2e::provider::{CLIENT_SECRET, ProviderRig, assert_refused};
use waypost_test_harness::{Kind, ServerProcess, TestDatabase};

on_each_database!(somebody_signs_in_and_is_known_again);

fn account(sub: &str, email: &str) -> Value {
    json!({ "sub": sub, "email": email, "email_verified": true, "name": "Ada Lovelace" })
}

fn in_groups(sub: &str, email: &str, groups: &[&str]) -> Value {
    let mut account = account(sub, email);
    account["groups"] = json!(groups);
    account
}

async fn somebody_signs_in_and_is_known_again(kind: Kind) {
    let database = TestDatabase::new(kind);
    let rig = ProviderRig::start(&database, &[]);
    rig.account(account("1", "Ada@example.com")).await;
    let mut browser = rig.browser();
    let me = browser.go(&rig.begin()).await.json();
    assert_eq!(me["email"], "ada@example.com");
    assert_eq!(me["display_name"], "Ada Lovelace");
    assert_eq!(me["role"], "member");
    assert!(browser.cookies("waypost_oidc").is_empty());
    let session = browser.cookie("waypost_session").expect("a session");
    // Another email address at the provider changes nothing here; another browser gets another
    // session.
    rig.account(account("1", "countess@example.com")).await;
    let mut other = rig.browser();
    assert_eq!(other.go(&rig.begin()).await.json()["id"], me["id"]);
    assert_ne!(other.cookie("waypost_session"), Some(session.clone()));
    assert_eq!(database.number("select count(*) from users").await, 1);
    // Signing in again in the same browser replaces the session.
    browser.go(&rig.begin()).await.json();
    assert_ne!(browser.cookie("waypost_session"), Some(session.clone()));
    browser.set_cookie("waypost_session", &session);
    let former = browser.open(&rig.server.url("/api/v1/users/me")).await;
    assert_eq!(former.status, StatusCode::UNAUTHORIZED);
    assert!(!rig.server.output().contains(CLIENT_SECRET));
}

#[tokio::test]
async fn a_secure_link_redirects_through_the_provider_to_its_destination() {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[]);
    let ada = Member::add(&rig.server, &database, "ada@example.com");
    ada.make(json!({
        "url": "https://example.com/plan", "code": "plan", "visibility": "secure",
    }))
    .await;
    rig.account(account("1", "ada@example.com")).await;
    let mut browser = rig.browser();
    let login = browser.go(&rig.server.url("/plan")).await;
    assert_eq!(login.url.path(), "/auth/login");
    let (_, link) = login
        .body
        .split_once("href=\"/auth/oidc/login")
        .expect("a link");
    let (query, _) = link.split_once('"').expect("its end");
    let begin = rig.server.url(&format!("/auth/oidc/login{query}"));
    let target = browser.go_until(&begin, "https://example.com/").await;
    assert_eq!(target.as_str(), "https://example.com/plan");
    // The verified email address identifies the existing user.
    let me = browser.open(&rig.server.url("/api/v1/users/me")).await;
    assert_eq!(me.json()["id"], ada.get("/api/v1/users/me").await["id"]);
}

#[tokio::test]
async fn after_the_provider_redirects_stay_on_this_server() {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[]);
    rig.account(account("1", "ada@example.com")).await;
    for hostile in [
        "//evil.example",
        "https://evil.example",
        "/%5Cevil.example",
        "%2F%2Fevil.example",
        "/%09/evil.example",
    ] {
        let mut browser = rig.browser();
        let begin = format!("/auth/oidc/login?redirect={hostile}");
        let callback = rig.server.url("/auth/oidc/callback");
        let callback = browser.go_until(&rig.server.url(&begin), &callback).await;
        let after = browser.open(callback.as_str()).await.target();
        let after = after.expect("a redirect");
        assert_eq!(after.as_str(), rig.server.url("/dashboard"), "{hostile}");
    }
}

#[tokio::test]
async fn an_unverified_email_address_signs_nobody_in() {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[]);
    Member::add(&rig.server, &database, "ada@example.com");
    for email in ["ada@example.com", "eve@example.com"] {
        for verified in [json!(false), Value::Null, json!("false")] {
            let mut claims = account("1", email);
            claims["email_verified"] = verified;
            rig.account(claims).await;
            let page = rig.sign_in().await;
            assert_refused(&page, StatusCode::FORBIDDEN, "OIDC_REFUSED");
            assert!(page.body.contains("has not verified"), "{page:?}");
        }
    }
    rig.account(json!({ "sub": "1", "email_verified": true }))
        .await;
    let page = rig.sign_in().await;
    assert_refused(&page, StatusCode::FORBIDDEN, "OIDC_REFUSED");
    assert_eq!(database.number("select count(*) from users").await, 1);
    let identities = "select count(*) from user_identities";
    assert_eq!(database.number(identities).await, 0);
}

#[tokio::test]
async fn only_the_allowed_domains_sign_in() {
    let database = TestDatabase::sqlite();
    let domains = [("WAYPOST_OIDC_ALLOWED_DOMAINS", "example.com,example.org")];
    let rig = ProviderRig::start(&database, &domains);
    rig.account(account("1", "ada@example.org")).await;
    assert_eq!(rig.sign_in().await.json()["email"], "ada@example.org");
    for (sub, email) in [("2", "eve@evil.example"), ("1", "ada@evil.example")] {
        rig.account(account(sub, email)).await;
        let page = rig.sign_in().await;
        assert_refused(&page, StatusCode::FORBIDDEN, "OIDC_REFUSED");
    }
    assert_eq!(database.number("select count(*) from users").await, 1);
}

#[tokio::test]
async fn a_group_grants_the_admin_role_and_revokes_only_its_own_grant() {
    let database = TestDatabase::sqlite();
    let group = [("WAYPOST_OIDC_ADMIN_GROUP", "ops")];
    let rig = ProviderRig::start(&database, &group);
    let role = async |groups: &[&str]| {
        let account = in_groups("1", "ada@example.com", groups);
        rig.account(account).await;
        rig.sign_in().await.json()["role"].clone()
    };
    assert_eq!(role(&["staff"]).await, "member");
    assert_eq!(role(&["staff", "ops"]).await, "admin");
    assert_eq!(role(&[]).await, "member");
    // Granted manually through the API.
    let operator = Member::with_token(&rig.server, OPERATOR);
    let users = operator.get("/api/v1/admin/users").await;
    let id = users["users"][0]["id"].as_str().expect("an id");
    let path = format!("/api/v1/admin/users/{id}");
    let promote = json!({ "role": "admin" });
    operator
        .call(Method::PATCH, &path, promote, StatusCode::OK)
        .await;
    for groups in [&[] as &[&str], &["ops"], &["staff"]] {
        assert_eq!(role(groups).await, "admin");
    }
}

#[tokio::test]
async fn groups_may_have_another_name_and_be_in_the_id_token() {
    let database = TestDatabase::sqlite();
    let settings = [
        ("WAYPOST_OIDC_ADMIN_GROUP", "ops"),
        ("WAYPOST_OIDC_GROUPS_CLAIM", "name"),
    ];
    let rig = ProviderRig::start(&database, &settings);
    rig.control(json!({ "claims_in": "id_token" })).await;
    let mut claims = account("1", "ada@example.com");
    claims["name"] = json!("ops");
    rig.account(claims).await;
    // A standard claim is never read as groups, whatever the setting, and the log says so.
    assert_eq!(rig.sign_in().await.json()["role"], "member");
    let line = "WAYPOST_OIDC_GROUPS_CLAIM is `name`, which is a standard claim";
    assert!(rig.server.output().contains(line));
    drop(rig);

    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &settings[..1]);
    rig.control(json!({ "claims_in": "id_token" })).await;
    rig.account(in_groups("1", "ada@example.com", &["ops"]))
        .await;
    assert_eq!(rig.sign_in().await.json()["role"], "admin");
    assert_eq!(rig.requests("/me").await, 0);
}

#[tokio::test]
async fn a_disabled_user_cannot_sign_in_with_the_provider() {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[]);
    rig.account(account("1", "ada@example.com")).await;
    let mut browser = rig.browser();
    browser.go(&rig.begin()).await.json();
    linkctl(&database, &["user", "disable", "ada@example.com"]).assert_success();
    let me = browser.open(&rig.server.url("/api/v1/users/me")).await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED);
    let page = rig.sign_in().await;
    assert_refused(&page, StatusCode::FORBIDDEN, "OIDC_REFUSED");
    assert!(page.body.contains("disabled"), "{page:?}");
}

#[tokio::test]
async fn an_email_address_that_could_be_taken_for_another_signs_nobody_in() {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[]);
    Member::add(&rig.server, &database, "kate@example.com");
    for email in [
        "\u{212a}ate@example.com",
        "kate@example\u{3002}com",
        "\u{ff4b}ate@example.com",
    ] {
        rig.account(account("1", email)).await;
        let page = rig.sign_in().await;
        assert_refused(&page, StatusCode::FORBIDDEN, "OIDC_REFUSED");
        assert!(page.body.contains("does not accept"), "{page:?}");
    }
    assert_eq!(database.number("select count(*) from users").await, 1);
    let identities = "select count(*) from user_identities";
    assert_eq!(database.number(identities).await, 0);
    // The address itself.
    rig.account(account("1", "KATE@example.com")).await;
    assert_eq!(rig.sign_in().await.json()["email"], "kate@example.com");
}

#[tokio::test]
async fn a_second_account_with_the_same_address_is_refused_until_an_admin_decides() {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[]);
    rig.account(account("1", "ada@example.com")).await;
    let mut browser = rig.browser();
    let ada = browser.go(&rig.begin()).await.json();
    // The provider has given the address to another account.
    rig.account(account("2", "ada@example.com")).await;
    for _ in 0..2 {
        let page = rig.sign_in().await;
        assert_refused(&page, StatusCode::FORBIDDEN, "OIDC_REFUSED");
        assert!(page.body.contains("ask an admin"), "{page:?}");
    }
    let output = rig.server.output();
    let line = "a second account at the OpenID provider has the email address of a user";
    assert!(output.contains(line), "{output}");
    let id = ada["id"].as_str().expect("an id");
    assert!(
        output.contains(id) && !output.contains("ada@example.com"),
        "{output}"
    );
    // The same person: the old account is unlinked, and its sessions end.
    let listed = linkctl(
        &database,
        &["user", "identities", "ada@example.com", "--json"],
    );
    let listed = listed.assert_success().stdout;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!(listed["subject"], "1");
    let identity = listed["id"].as_str().expect("an id");
    linkctl(&database, &["user", "unlink", "ada@example.com", identity]).assert_success();
    let me = browser.open(&rig.server.url("/api/v1/users/me")).await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED);
    assert_eq!(rig.sign_in().await.json()["id"], ada["id"]);
    // Another person: the address of the old user is changed, and the new one gets a user.
    let operator = Member::with_token(&rig.server, OPERATOR);
    let path = format!("/api/v1/admin/users/{id}");
    let moved = json!({ "email": "ada@old.example" });
    operator
        .call(Method::PATCH, &path, moved, StatusCode::OK)
        .await;
    rig.account(account("3", "ada@example.com")).await;
    let other = rig.sign_in().await.json();
    assert_eq!(other["email"], "ada@example.com");
    assert_ne!(other["id"], ada["id"]);
}

#[tokio::test]
async fn another_server_can_finish_a_sign_in() {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[]);
    let other = rig.another_node(&database);
    rig.account(account("1", "ada@example.com")).await;
    let mut browser = rig.browser();
    let callback = rig.to_callback(&mut browser).await;
    let there = callback.replacen(&rig.server.url(""), &other.url(""), 1);
    let page = browser.open(&there).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
    let me = browser.open(&rig.server.url("/api/v1/users/me")).await;
    assert_eq!(me.json()["email"], "ada@example.com");
}

#[tokio::test]
async fn without_a_provider_there_is_no_such_page() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database, closed());
    let mut browser = Browser::of(&server);
    for path in ["/auth/oidc/login", "/auth/oidc/callback?code=a&state=b"] {
        let page = browser.open(&server.url(path)).await;
        assert_refused(&page, StatusCode::NOT_FOUND, "NOT_FOUND");
    }
    let login = browser.open(&server.url("/auth/login")).await;
    assert!(!login.body.contains("oidc"), "{login:?}");
}
