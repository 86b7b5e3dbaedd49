//! The claims of the provider about the user who signs in: from the ID token and, if they are
//! missing there, from the userinfo endpoint.

use std::collections::HashMap;

use openidconnect::{AdditionalClaims, EndUserEmail, EndUserName, LocalizedClaim};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use waypost_core::{DisplayName, Email, ExternalIdentity};
use waypost_service::ProvenIdentity;

use super::settings::OidcSettings;

/// Claims that no standard defines, by name. Groups are among them.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub(super) struct OtherClaims(HashMap<String, Value>);

impl AdditionalClaims for OtherClaims {}

impl OtherClaims {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// The claims about a user from one source.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The email address and whether it is verified. Both always come from the same source.
    email: Option<(String, bool)>,
    name: Option<String>,
    /// `None` if there is no claim about groups.
    groups: Option<Vec<String>>,
}

impl Told {
    pub(super) fn of(
        (email, verified): (Option<&EndUserEmail>, Option<bool>),
        name: Option<&LocalizedClaim<EndUserName>>,
        groups: Option<&Value>,
    ) -> Self {
        let name = name.and_then(|name| name.get(None));
        Self {
            email: email.map(|email| (email.to_string(), verified.unwrap_or(false))),
            name: name.map(|name| name.to_string()),
            groups: groups.map(names),
        }
    }

    /// Whether a claim that sign-in depends on is missing.
    pub(super) fn lacks_something(&self, settings: &OidcSettings) -> bool {
        self.email.is_none() || (settings.admin_group.is_some() && self.groups.is_none())
    }

    /// Fills missing claims from another source.
    pub(super) fn or(self, elsewhere: Self) -> Self {
        Self {
            email: self.email.or(elsewhere.email),
            name: self.name.or(elsewhere.name),
            groups: self.groups.or(elsewhere.groups),
        }
    }

    /// Converts the claims to an identity.
    pub(super) fn about(
        self,
        identity: ExternalIdentity,
        settings: &OidcSettings,
    ) -> ProvenIdentity {
        let (email, email_verified) = self.email.unzip();
        // A name is optional: an invalid one is left out.
        let name = self.name.and_then(|name| DisplayName::parse(&name).ok());
        let groups = self.groups.unwrap_or_default();
        let is_in = |group: &String| groups.contains(group);
        ProvenIdentity {
            identity,
            email: email.map(|email| Email::parse(&email)),
            email_verified: email_verified.unwrap_or(false),
            display_name: name.unwrap_or_default(),
            is_in_admin_group: settings.admin_group.as_ref().map(is_in),
        }
    }
}

/// Returns the names of a claim that is a list of names or a single name.
fn names(claim: &Value) -> Vec<String> {
    let name = |value: &Value| value.as_str().map(str::to_owned);
    match claim {
        Value::Array(values) => values.iter().filter_map(name).collect(),
        other => name(other).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use openidconnect::UserInfoClaims;
    use openidconnect::core::CoreGenderClaim;
    use serde_json::json;
    use waypost_core::settings::SettingsReader;

    use super::*;
    use crate::oidc::http::HttpError;

    fn settings(admin_group: &str) -> OidcSettings {
        let mut reader = SettingsReader::of_variables(&[
            ("WAYPOST_OIDC_ISSUER", "https://id.example"),
            ("WAYPOST_OIDC_CLIENT_ID", "waypost"),
            ("WAYPOST_OIDC_ADMIN_GROUP", admin_group),
        ]);
        OidcSettings::read(&mut reader).unwrap().unwrap()
    }

    type Claims = UserInfoClaims<OtherClaims, CoreGenderClaim>;

    fn read(claims: &Value) -> Option<Claims> {
        Claims::from_json::<HttpError>(claims.to_string().as_bytes(), None).ok()
    }

    /// Reads claims from JSON.
    fn told(mut claims: Value) -> Told {
        claims["sub"] = json!("1");
        let claims = read(&claims).unwrap();
        Told::of(
            (claims.email(), claims.email_verified()),
            claims.name(),
            claims.additional_claims().get("groups"),
        )
    }

    fn about(told: Told) -> ProvenIdentity {
        let identity = ExternalIdentity::parse("https://id.example", "1").unwrap();
        told.about(identity, &settings("ops"))
    }

    #[test]
    fn an_address_is_verified_only_where_it_is_told() {
        let verified = json!({ "email": "ada@example.com", "email_verified": true });
        assert!(about(told(verified.clone())).email_verified);
        let here = told(json!({ "email": "eve@example.com" }));
        let mixed = about(here.or(told(verified.clone())));
        assert_eq!(mixed.email.unwrap().unwrap().as_str(), "eve@example.com");
        assert!(!mixed.email_verified);
        let here = told(json!({ "email_verified": true }));
        let elsewhere = told(json!({ "email": "eve@example.com" }));
        assert!(!about(here.or(elsewhere)).email_verified);
        let missing = about(told(json!({})).or(told(verified)));
        assert!(missing.email_verified && missing.email.is_some());
    }

    #[test]
    fn some_providers_write_what_is_true_in_quotes() {
        let claims =
            |verified: Value| json!({ "email": "a@example.com", "email_verified": verified });
        assert!(about(told(claims(json!("true")))).email_verified);
        assert!(!about(told(claims(json!("false")))).email_verified);
        let bad = json!({ "sub": "1", "email_verified": "yes" });
        assert!(read(&bad).is_none());
    }

    #[test]
    fn a_group_is_one_of_a_list_or_a_single_one_to_the_letter() {
        for (groups, is_in) in [
            (json!(["staff", "ops"]), true),
            (json!("ops"), true),
            (json!(["OPS", "ops ", "xops"]), false),
            (json!("staff ops"), false),
            (json!([["ops"], { "ops": true }, 1, null]), false),
            (json!({ "ops": true }), false),
            (json!([]), false),
            (Value::Null, false),
        ] {
            let proven = about(told(json!({ "groups": groups })));
            assert_eq!(proven.is_in_admin_group, Some(is_in), "{groups}");
        }
        assert_eq!(about(told(json!({}))).is_in_admin_group, Some(false));
        let identity = ExternalIdentity::parse("https://id.example", "1").unwrap();
        let proven = told(json!({ "groups": "ops" })).about(identity, &settings(""));
        assert_eq!(proven.is_in_admin_group, None);
    }

    #[test]
    fn what_decides_is_asked_for_where_it_is_not_told() {
        let email = json!({ "email": "ada@example.com" });
        let both = json!({ "email": "ada@example.com", "groups": [] });
        assert!(told(email.clone()).lacks_something(&settings("ops")));
        assert!(!told(email).lacks_something(&settings("")));
        assert!(!told(both).lacks_something(&settings("ops")));
        assert!(told(json!({ "groups": [] })).lacks_something(&settings("")));
    }

    #[test]
    fn a_name_that_cannot_be_one_is_empty_and_such_an_address_is_refused() {
        let proven = about(told(json!({ "name": "a\nb", "email": "nobody" })));
        assert_eq!(proven.display_name.as_str(), "");
        assert!(matches!(proven.email, Some(Err(_))));
        let proven = about(told(json!({ "name": "Ada" })));
        assert_eq!(proven.display_name.as_str(), "Ada");
    }
}
