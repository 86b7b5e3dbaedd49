//! The configured issuer and the one that the provider announces.

use reqwest::StatusCode;
use serde_json::{Value, json};
use waypost_e2e::browser::Browser;
use waypost_e2e::member::{PASSWORD, add_with_password};
use waypost_e2e::provider::{ProviderRig, assert_refused};
use waypost_test_harness::TestDatabase;

fn ada() -> Value {
    json!({ "sub": "1", "email": "ada@example.com", "email_verified": true })
}

/// Starts a server that is configured for `configured`, and a provider that announces `announced`
/// after its host.
async fn start(database: &TestDatabase, configured: &str, announced: &str) -> ProviderRig {
    let rig = ProviderRig::start_at(database, configured, &[]);
    rig.control(json!({ "profile": { "path": announced }, "account": ada() }))
        .await;
    rig
}

/// Returns the text of the page *System*, as an admin sees it.
async fn system_page(rig: &ProviderRig, database: &TestDatabase) -> String {
    add_with_password(database, "grace@example.com", &["--admin"]);
    let mut browser = Browser::of(&rig.server);
    browser
        .sign_in("grace@example.com", PASSWORD, "/admin/system")
        .await;
    browser.open("/admin/system").await.body
}

#[tokio::test]
async fn a_slash_at_the_end_of_the_issuer_keeps_nobody_out() {
    for (configured, announced) in [
        ("/", ""),
        ("", "/"),
        ("/realms/a/", "/realms/a"),
        ("/realms/a", "/realms/a/"),
        ("/realms/a/.well-known/openid-configuration", "/realms/a"),
    ] {
        let database = TestDatabase::sqlite();
        let rig = start(&database, configured, announced).await;
        let me = rig.sign_in().await.json();
        assert_eq!(me["email"], "ada@example.com", "{configured} {announced}");
        // The account has the issuer of the provider, literally.
        let theirs = format!("{}{announced}", rig.provider.issuer());
        let query = format!("select count(*) from user_identities where issuer = '{theirs}'");
        assert_eq!(database.number(&query).await, 1, "{configured} {announced}");
        if !configured.ends_with("openid-configuration") {
            let output = rig.server.output();
            let line = format!("set WAYPOST_OIDC_ISSUER to `{theirs}`");
            assert!(output.contains(&line), "{output}");
            assert!(system_page(&rig, &database).await.contains(&theirs));
        }
        // An ID token with the other spelling is of another issuer.
        let ours = format!("{}{configured}", rig.provider.issuer());
        rig.control(json!({ "tamper": { "claims": { "iss": ours } } }))
            .await;
        let page = rig.sign_in().await;
        assert_refused(&page, StatusCode::BAD_REQUEST, "OIDC_FAILED");
    }
}

#[tokio::test]
async fn another_issuer_is_refused_and_the_page_says_what_to_set() {
    for (announced, difference, advice) in [
        ("http://127.0.0.1:1", "in the port", "http://127.0.0.1:1"),
        (
            "https://id.corp.example/a",
            "in the scheme",
            "https://id.corp.example/a",
        ),
        ("http://localhost:1", "in the host", "http://localhost:1"),
        (
            "ISSUER/{tenantid}/v2.0",
            "in the path",
            "the issuer of one tenant",
        ),
        (
            "http://id.corp.example",
            "in the host",
            "correct the public URL",
        ),
        ("corp", "not a URL", "correct the public URL"),
    ] {
        let database = TestDatabase::sqlite();
        let rig = ProviderRig::start(&database, &[]);
        rig.control(json!({ "profile": { "metadata": { "issuer": announced } } }))
            .await;
        let configured = rig.provider.issuer();
        let page = rig.sign_in().await;
        assert_refused(&page, StatusCode::SERVICE_UNAVAILABLE, "OIDC_MISCONFIGURED");
        assert!(!page.headers.contains_key("retry-after"), "{page:?}");
        for text in [configured, difference, advice] {
            assert!(page.body.contains(text), "{text}: {page:?}");
        }
        assert!(rig.server.output().contains(difference), "{announced}");
        if announced == "corp" {
            let page = system_page(&rig, &database).await;
            assert!(page.contains("OpenID Connect: ") && page.contains(configured));
        }
    }
}

#[tokio::test]
async fn a_document_that_is_not_there_is_named_in_the_log() {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start_at(&database, "/auth/realms/a", &[]);
    let page = rig.sign_in().await;
    assert_refused(&page, StatusCode::SERVICE_UNAVAILABLE, "OIDC_UNAVAILABLE");
    let output = rig.server.output();
    let line = "/auth/realms/a/.well-known/openid-configuration responded with 404";
    assert!(output.contains(line), "{output}");
}
