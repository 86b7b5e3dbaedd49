//! Signing in and out with OpenID providers as people run them.

use reqwest::StatusCode;
use serde_json::json;
use waypost_e2e::profiles::{self, Profile};
use waypost_e2e::provider::{ProviderRig, assert_refused};
use waypost_test_harness::TestDatabase;

macro_rules! profiles {
    ($($test:ident: $profile:ident,)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                signs_in_and_out(profiles::$profile()).await;
            }
        )*
    };
}

profiles! {
    an_admin_signs_in_and_out_with_auth0: auth0,
    an_admin_signs_in_and_out_with_entra_id: entra,
    an_admin_signs_in_and_out_with_keycloak: keycloak,
    an_admin_signs_in_and_out_with_roles_of_a_keycloak_client: keycloak_client_roles,
    an_admin_signs_in_and_out_with_zitadel: zitadel,
    an_admin_signs_in_and_out_with_okta: okta,
    an_admin_signs_in_and_out_with_google: google,
    an_admin_signs_in_and_out_with_gitlab: gitlab,
    an_admin_signs_in_and_out_with_authentik: authentik,
    an_admin_signs_in_and_out_with_authelia: authelia,
    an_admin_signs_in_and_out_with_dex: dex,
    an_admin_signs_in_and_out_with_cognito: cognito,
    an_admin_signs_in_and_out_with_ping_federate: ping_federate,
    an_admin_signs_in_and_out_with_ad_fs: adfs,
}

async fn signs_in_and_out(profile: Profile) {
    let database = TestDatabase::sqlite();
    let rig = profile.start(&database).await;
    let mut browser = profile.sign_in(&rig).await;
    let page = browser.open("/auth/logout").await;
    assert_eq!(
        page.body.contains("also signs you out at"),
        profile.signs_out
    );
    let left = browser.fill(&page, &[]).await;
    assert_eq!(left.status, StatusCode::SEE_OTHER, "{left:?}");
    assert!(!browser.is_signed_in().await);
    let to = left.target().expect("a redirect");
    let there = format!("{}/session/end?", rig.provider.issuer());
    assert_eq!(to.as_str().starts_with(&there), profile.signs_out, "{to}");
    if profile.signs_out {
        // The provider accepts the request, and knows the user.
        let asks = browser.open(to.as_str()).await;
        assert_eq!(asks.status, StatusCode::OK, "{asks:?}");
        let back = browser.fill(&asks, &[("logout", "yes")]).await;
        let back = back.target().expect("a redirect");
        assert_eq!(back.path(), "/auth/logout");
        let page = browser.open(back.as_str()).await;
        assert!(page.body.contains("You are signed out."), "{page:?}");
    }
    // Nothing of a token is in the log.
    assert!(!rig.server.output().contains("eyJ"));
}

#[tokio::test]
async fn claims_that_nobody_needs_keep_nobody_out() {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[]);
    let odd = json!({
        "updated_at": "2025-12-23T10:59:07.841Z", "address": "London", "birthdate": 1815,
        "locale": { "language": "en" }, "phone_number_verified": "perhaps", "zoneinfo": null,
        "picture": 1, "website": [], "amr": "pwd", "acr": 1, "auth_time": "now", "c_hash": {},
        "nickname": ["a"], "given_name": {}, "groups": (0..20_000).collect::<Vec<_>>(),
    });
    let twice = r#""nickname":1,"nickname":{},"gender":null,"gender":[[[]]],"x":1e999"#;
    let profile = json!({ "claims": odd, "claims_append": twice, "userinfo": odd });
    let ada = json!({ "sub": "1", "email": "ada@example.com", "email_verified": true });
    for claims_in in ["id_token", "userinfo"] {
        rig.control(json!({ "profile": profile, "claims_in": claims_in, "account": ada }))
            .await;
        let me = rig.sign_in().await.json();
        assert_eq!(me["email"], "ada@example.com", "{claims_in}");
    }
    let output = rig.server.output();
    assert!(!output.contains("OpenID Connect: "), "{output}");
}

#[tokio::test]
async fn a_claim_that_is_needed_and_of_no_use_is_named_in_the_log() {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[("WAYPOST_OIDC_ADMIN_GROUP", "ops")]);
    let groups = [json!([{ "secret": 1 }]), json!(true), json!([["ops"]])];
    for groups in groups {
        rig.account(json!({
            "sub": "1", "email": "ada@example.com", "email_verified": true, "groups": groups,
            "name": { "secret": 1 },
        }))
        .await;
        assert_eq!(rig.sign_in().await.json()["role"], "member");
    }
    let output = rig.server.output();
    assert!(
        output.contains("the claim `groups` of a user names no groups"),
        "{output}"
    );
    assert!(
        output.contains("the claim `name` is not a text"),
        "{output}"
    );
    assert!(!output.contains("secret\""), "{output}");
    // Once, not at every sign-in.
    assert_eq!(output.matches("names no groups").count(), 1, "{output}");
    rig.account(json!({ "sub": "2", "email": ["eve@example.com"], "groups": ["ops"] }))
        .await;
    let page = rig.sign_in().await;
    assert_refused(&page, StatusCode::FORBIDDEN, "OIDC_REFUSED");
    let output = rig.server.output();
    assert!(
        output.contains("the claim `email` is not a text"),
        "{output}"
    );
    assert!(!output.contains("eve@example.com"), "{output}");
}

#[tokio::test]
async fn a_userinfo_response_may_be_signed() {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[]);
    let ada = json!({ "sub": "1", "email": "ada@example.com", "email_verified": true });
    rig.control(json!({ "account": ada, "userinfo_signed": true }))
        .await;
    assert_eq!(rig.sign_in().await.json()["email"], "ada@example.com");
    rig.control(json!({ "userinfo": { "sub": "2" } })).await;
    let page = rig.sign_in().await;
    assert_refused(&page, StatusCode::BAD_REQUEST, "OIDC_FAILED");
}

#[tokio::test]
async fn without_trust_an_address_of_unknown_origin_signs_nobody_new_in() {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[]);
    rig.control(json!({ "claims_in": "id_token" })).await;
    rig.account(json!({ "sub": "1", "email": "ada@example.com" }))
        .await;
    let page = rig.sign_in().await;
    assert_refused(&page, StatusCode::FORBIDDEN, "OIDC_REFUSED");
    assert!(page.body.contains("or does not say so"), "{page:?}");
    assert!(page.body.contains("WAYPOST_OIDC_TRUST_EMAILS"), "{page:?}");
    let output = rig.server.output();
    assert!(
        output.contains("the claim `email_verified` is missing"),
        "{output}"
    );
}

#[tokio::test]
async fn trust_does_not_extend_to_what_the_provider_calls_unverified() {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[("WAYPOST_OIDC_TRUST_EMAILS", "true")]);
    for verified in [json!(false), json!("false"), json!("perhaps"), json!(0)] {
        rig.account(json!({ "sub": "1", "email": "ada@example.com", "email_verified": verified }))
            .await;
        let page = rig.sign_in().await;
        assert_refused(&page, StatusCode::FORBIDDEN, "OIDC_REFUSED");
    }
    rig.account(json!({ "sub": "1", "email": "ada@example.com" }))
        .await;
    assert_eq!(rig.sign_in().await.json()["email"], "ada@example.com");
}

#[tokio::test]
async fn nobody_loses_a_role_in_silence_when_groups_are_missing() {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[("WAYPOST_OIDC_ADMIN_GROUP", "ops")]);
    let ada = json!({ "sub": "1", "email": "ada@example.com", "email_verified": true });
    let mut admin = ada.clone();
    admin["groups"] = json!(["ops"]);
    rig.account(admin).await;
    assert_eq!(rig.sign_in().await.json()["role"], "admin");
    let overage = json!({ "_claim_names": { "groups": "src1" } });
    for (profile, reason) in [
        (json!({}), "neither the ID token nor the userinfo response"),
        (
            json!({ "claims": overage }),
            "a user who is in too many groups",
        ),
        (
            json!({ "claims": { "hasgroups": true } }),
            "a user who is in too many groups",
        ),
    ] {
        let logged = rig.server.output().len();
        rig.control(json!({ "profile": profile, "account": ada }))
            .await;
        assert_eq!(rig.sign_in().await.json()["role"], "member");
        let output = rig.server.output();
        if profile != json!({ "claims": { "hasgroups": true } }) {
            assert!(output[logged..].contains(reason), "{reason}: {output}");
        }
    }
    let output = rig.server.output();
    assert!(
        output.contains("an admin became a member at sign-in"),
        "{output}"
    );
}
