//! Claims of users, as providers send them.

use std::sync::Arc;

use serde_json::{Value, json};
use time::macros::datetime;
use waypost_core::ManualClock;
use waypost_core::settings::SettingsReader;

use super::*;

fn settings(variables: &[(&str, &str)]) -> OidcSettings {
    let always = [
        ("WAYPOST_OIDC_ISSUER", "https://id.example"),
        ("WAYPOST_OIDC_CLIENT_ID", "waypost"),
    ];
    let mut reader = SettingsReader::of_variables(&[&always[..], variables].concat());
    OidcSettings::read(&mut reader).unwrap().unwrap()
}

fn with_group() -> OidcSettings {
    settings(&[("WAYPOST_OIDC_ADMIN_GROUP", "ops")])
}

fn trusting() -> OidcSettings {
    settings(&[("WAYPOST_OIDC_TRUST_EMAILS", "true")])
}

fn read(json: &str, settings: &OidcSettings) -> Told {
    let claims = Object::read(json.as_bytes(), |name| is_read(name, settings));
    Told::of(claims.unwrap(), settings)
}

fn told(claims: &Value) -> Told {
    read(&claims.to_string(), &with_group())
}

fn about(told: Told, settings: &OidcSettings) -> ProvenIdentity {
    let identity = ExternalIdentity::parse("https://id.example", "1").unwrap();
    told.about(identity, settings)
}

fn is_verified(told: Told) -> Option<bool> {
    about(told, &with_group()).email_verified
}

fn noted(told: &Told, settings: &OidcSettings) -> Vec<String> {
    let clock = Arc::new(ManualClock::new(datetime!(2026-03-01 12:00 UTC)));
    let notices = Notices::new(clock);
    told.report(settings, &notices);
    notices
        .list()
        .into_iter()
        .map(|notice| notice.text)
        .collect()
}

#[test]
fn an_address_is_verified_only_where_it_is_told() {
    let verified = json!({ "email": "ada@example.com", "email_verified": true });
    assert_eq!(is_verified(told(&verified)), Some(true));
    let here = told(&json!({ "email": "eve@example.com" }));
    let mixed = about(here.or(told(&verified)), &with_group());
    assert_eq!(mixed.email.unwrap().unwrap().as_str(), "eve@example.com");
    assert_eq!(mixed.email_verified, None);
    let here = told(&json!({ "email_verified": true }));
    let elsewhere = told(&json!({ "email": "eve@example.com" }));
    assert_eq!(is_verified(here.or(elsewhere)), None);
    let missing = about(told(&json!({})).or(told(&verified)), &with_group());
    assert!(missing.email_verified == Some(true) && missing.email.is_some());
    // The same address in both places.
    let here = told(&json!({ "email": "ada@example.com" }));
    assert_eq!(is_verified(here.or(told(&verified))), Some(true));
    let here = told(&json!({ "email": "ada@example.com", "email_verified": false }));
    assert_eq!(is_verified(here.or(told(&verified))), Some(false));
}

#[test]
fn some_providers_write_what_is_true_in_quotes() {
    for (verified, expected) in [
        (json!("true"), Some(true)),
        (json!("TRUE"), Some(true)),
        (json!("false"), Some(false)),
        (Value::Null, None),
        // What is not understood is not true, and trusted by no setting.
        (json!("yes"), Some(false)),
        (json!(1), Some(false)),
        (json!({}), Some(false)),
    ] {
        let claims = json!({ "email": "a@example.com", "email_verified": verified });
        assert_eq!(is_verified(told(&claims)), expected, "{claims}");
        let trusted = about(told(&claims), &trusting()).email_verified;
        assert_eq!(trusted, Some(expected.unwrap_or(true)), "{claims}");
    }
}

#[test]
fn claims_that_nobody_needs_may_be_anything() {
    let json = r#"{
        "sub": 1, "updated_at": "2025-12-23T10:59:07.841Z", "address": "London",
        "locale": {"language": "en"}, "phone_number_verified": "true", "zoneinfo": null,
        "picture": "", "birthdate": 1815, "amr": "pwd", "acr": 1, "iat": "now",
        "nickname": "a", "nickname": ["b"], "profile": "not a URL", "gender": {},
        "email": "ada@example.com", "email_verified": true, "name": "Ada", "groups": ["ops"]
    }"#;
    let told = read(json, &with_group());
    assert_eq!(noted(&told, &with_group()), [""; 0]);
    let proven = about(told, &with_group());
    assert_eq!(proven.email.unwrap().unwrap().as_str(), "ada@example.com");
    assert_eq!(proven.display_name.as_str(), "Ada");
    assert_eq!(proven.is_in_admin_group, Some(true));
}

#[test]
fn a_claim_of_no_use_is_named_and_its_value_is_not() {
    for (json, name) in [
        (r#"{"email": ["secret"]}"#, "`email`"),
        (
            r#"{"email": "secret@a.example", "email": "b@a.example"}"#,
            "`email`",
        ),
        (
            r#"{"email": "a@a.example", "email_verified": "secret"}"#,
            "`email_verified`",
        ),
        (
            r#"{"email": "a@a.example", "email_verified": true, "name": {"secret": 1}}"#,
            "`name`",
        ),
        (r#"{"email": "a@a.example"}"#, "`email_verified`"),
    ] {
        let settings = settings(&[]);
        let noted = noted(&read(json, &settings), &settings);
        assert!(
            noted.len() == 1 && noted[0].contains(name),
            "{json}: {noted:?}"
        );
        assert!(!noted[0].contains("secret"), "{json}: {noted:?}");
    }
}

#[test]
fn groups_that_are_missing_or_elsewhere_are_noted() {
    let always = r#""email": "a@a.example", "email_verified": true"#;
    for (claims, expected) in [
        ("", "neither the ID token"),
        (r#", "groups": [{"id": "secret"}]"#, "names no groups"),
        (
            r#", "groups": ["ops"], "groups": ["secret"]"#,
            "names no groups",
        ),
        (r#", "_claim_names": {"groups": "src1"}"#, "too many groups"),
        (r#", "hasgroups": true"#, "too many groups"),
        (
            r#", "_claim_names": {"age": "src1"}"#,
            "neither the ID token",
        ),
    ] {
        let told = read(&format!("{{{always}{claims}}}"), &with_group());
        let noted = noted(&told, &with_group());
        assert!(
            noted.len() == 1 && noted[0].contains(expected),
            "{claims}: {noted:?}"
        );
        assert!(!noted[0].contains("secret"), "{noted:?}");
        assert_eq!(about(told, &with_group()).is_in_admin_group, Some(false));
    }
    let nobody = read(&format!("{{{always}}}"), &settings(&[]));
    assert!(noted(&nobody, &settings(&[])).is_empty());
}

#[test]
fn a_group_is_one_of_a_list_or_a_single_one_to_the_letter() {
    for (groups, is_in) in [
        (json!(["staff", "ops"]), true),
        (json!("ops"), true),
        (json!({ "ops": { "2345": "corp.example" } }), true),
        (json!(["OPS", "ops ", "xops"]), false),
        (json!("staff ops"), false),
        (json!([["ops"], { "ops": true }, 1, null]), false),
        (json!({ "staff": "ops" }), false),
        (json!([]), false),
        (Value::Null, false),
    ] {
        let proven = about(told(&json!({ "groups": groups })), &with_group());
        assert_eq!(proven.is_in_admin_group, Some(is_in), "{groups}");
    }
    let none = about(told(&json!({})), &with_group());
    assert_eq!(none.is_in_admin_group, Some(false));
    let proven = about(told(&json!({ "groups": "ops" })), &settings(&[]));
    assert_eq!(proven.is_in_admin_group, None);
}

#[test]
fn what_decides_is_asked_for_where_it_is_not_told() {
    let verified = json!({ "email": "ada@example.com", "email_verified": true });
    let both = json!({ "email": "ada@example.com", "email_verified": true, "groups": [] });
    let unsaid = json!({ "email": "ada@example.com" });
    for (claims, settings, missing) in [
        (&verified, with_group(), Missing::Something),
        (&verified, settings(&[]), Missing::Nothing),
        (&both, with_group(), Missing::Nothing),
        (&unsaid, settings(&[]), Missing::Verification),
        (&unsaid, trusting(), Missing::Nothing),
        (&json!({ "groups": [] }), settings(&[]), Missing::Something),
    ] {
        assert_eq!(told(claims).missing(&settings), missing, "{claims}");
    }
}

#[test]
fn a_name_that_cannot_be_one_is_empty_and_such_an_address_is_refused() {
    let proven = about(
        told(&json!({ "name": "a\nb", "email": "nobody" })),
        &with_group(),
    );
    assert_eq!(proven.display_name.as_str(), "");
    assert!(matches!(proven.email, Some(Err(_))));
    let proven = about(told(&json!({ "name": "Ada" })), &with_group());
    assert_eq!(proven.display_name.as_str(), "Ada");
}
