//! The groups of a user, in the claim that the operator names, in the shapes that providers give
//! them:
//!
//! | claim | setting | groups |
//! | --- | --- | --- |
//! | `"groups": ["staff", "ops"]` | `groups` | `staff`, `ops` |
//! | `"groups": "ops"` | `groups` | `ops` |
//! | `"https://corp.example/groups": ["ops"]` | `https://corp.example/groups` | `ops` |
//! | `"realm_access": {"roles": ["ops"]}` | `realm_access.roles` | `ops` |
//! | `"groups": [{"name": "ops"}]` | `groups.name` | `ops` |
//! | `"roles": {"ops": {"1": "corp.example"}}` | `roles` | `ops` |
//!
//! A name is looked up literally first; only then its dots separate the parts of a path.

use serde_json::{Map, Value};

/// Claims that are never read as groups: those that users can change at many providers, and those
/// of the protocol.
const NEVER: [&str; 32] = [
    "acr",
    "address",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "birthdate",
    "birthday",
    "c_hash",
    "email",
    "email_verified",
    "exp",
    "family_name",
    "gender",
    "given_name",
    "iat",
    "iss",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "nonce",
    "phone_number",
    "phone_number_verified",
    "picture",
    "preferred_username",
    "profile",
    "sub",
    "updated_at",
    "website",
    "zoneinfo",
];

/// The claim that contains the groups of a user: a name, or a path of names with dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupsClaim(String);

/// What one source says about the groups of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Groups {
    /// There is no such claim.
    #[default]
    Absent,
    /// The claim has another form than those above.
    Unusable,
    /// The names of the groups.
    Listed(Vec<String>),
}

impl GroupsClaim {
    pub(super) fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the claim is a standard one, which is never read as groups.
    pub(super) fn is_standard(&self) -> bool {
        // A standard claim may have a language (OpenID Connect Core 1.0 §5.2).
        let is_standard = |name: &str| {
            let (name, _) = name.split_once('#').unwrap_or((name, ""));
            NEVER.contains(&name)
        };
        let (first, _) = self.0.split_once('.').unwrap_or((&self.0, ""));
        is_standard(&self.0) || is_standard(first)
    }

    /// Whether a claim with this name is the whole path, or its beginning.
    pub(super) fn begins_with(&self, name: &str) -> bool {
        let rest = self.0.strip_prefix(name);
        !self.is_standard() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Returns the groups that these claims name.
    pub(super) fn read(&self, claims: &Map<String, Value>) -> Groups {
        if self.is_standard() {
            return Groups::Absent;
        }
        let mut found = Vec::new();
        find(claims, &self.0, &mut found);
        let mut listed: Option<Vec<String>> = None;
        for names in found.iter().copied().filter_map(names) {
            listed.get_or_insert_default().extend(names);
        }
        match listed {
            Some(listed) => Groups::Listed(listed),
            None if found.is_empty() => Groups::Absent,
            None => Groups::Unusable,
        }
    }
}

/// Finds the values at a path: the member with the longest name that the path begins with, and
/// below it the rest of the path. A list stands for all its elements.
fn find<'v>(members: &'v Map<String, Value>, path: &str, found: &mut Vec<&'v Value>) {
    let ends = path.rmatch_indices('.').map(|(at, _)| at);
    for end in std::iter::once(path.len()).chain(ends) {
        let (name, rest) = path.split_at(end);
        let Some(value) = members.get(name).filter(|value| !value.is_null()) else {
            continue;
        };
        match (rest.strip_prefix('.'), value) {
            (None, value) => found.push(value),
            (Some(rest), Value::Object(members)) => find(members, rest, found),
            (Some(rest), Value::Array(elements)) => {
                for members in elements.iter().filter_map(Value::as_object) {
                    find(members, rest, found);
                }
            }
            (Some(_), _) => continue,
        }
        if !found.is_empty() {
            return;
        }
    }
}

/// Returns the names in a value: of a list, of the members of an object, or a single one. Returns
/// `None` if it has another form.
fn names(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(elements) => {
            let names: Vec<_> = elements.iter().filter_map(name).collect();
            (elements.is_empty() || !names.is_empty()).then_some(names)
        }
        Value::Object(members) => {
            let is_member = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
            let members = members.iter().filter(|(_, value)| is_member(value));
            Some(members.map(|(name, _)| name.clone()).collect())
        }
        value => name(value).map(|name| vec![name]),
    }
}

/// Returns a name, or the number of a group.
fn name(value: &Value) -> Option<String> {
    match value {
        Value::String(name) => Some(name.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(claim: &str, claims: &Value) -> Groups {
        GroupsClaim::new(claim).read(claims.as_object().unwrap())
    }

    fn listed(names: &[&str]) -> Groups {
        Groups::Listed(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn groups_are_read_as_each_provider_writes_them() {
        let zitadel = "urn:zitadel:iam:org:project:roles";
        let keycloak = json!({
            "realm_access": { "roles": ["offline_access", "ops"] },
            "resource_access": { "go.corp.example": { "roles": ["ops"] } },
        });
        for (claim, claims, expected) in [
            (
                "groups",
                json!({ "groups": ["staff", "ops"] }),
                &["staff", "ops"][..],
            ),
            ("groups", json!({ "groups": "ops" }), &["ops"]),
            ("groups", json!({ "groups": [7, "ops"] }), &["7", "ops"]),
            (
                "cognito:groups",
                json!({ "cognito:groups": ["ops"] }),
                &["ops"],
            ),
            (
                "https://corp.example/groups",
                json!({ "https://corp.example/groups": ["ops"] }),
                &["ops"],
            ),
            (
                zitadel,
                json!({ zitadel: { "ops": { "2345": "corp.example" } } }),
                &["ops"],
            ),
            (
                "realm_access.roles",
                keycloak.clone(),
                &["offline_access", "ops"],
            ),
            ("resource_access.go.corp.example.roles", keycloak, &["ops"]),
            (
                "groups.name",
                json!({ "groups": [{ "name": "ops" }, { "id": 1 }] }),
                &["ops"],
            ),
            (
                "groups",
                json!({ "groups": { "ops": true, "staff": false, "x": null } }),
                &["ops"],
            ),
            ("groups", json!({ "groups": [] }), &[]),
            (
                "a.b",
                json!({ "a.b": ["literal"], "a": { "b": ["path"] } }),
                &["literal"],
            ),
            (
                "a.b",
                json!({ "a.b": null, "a": { "b": ["path"] } }),
                &["path"],
            ),
            (
                "a.b.c",
                json!({ "a.b": { "x": 1 }, "a": { "b.c": "ops" } }),
                &["ops"],
            ),
        ] {
            assert_eq!(read(claim, &claims), listed(expected), "{claim}: {claims}");
        }
    }

    #[test]
    fn what_names_no_group_is_told_from_what_is_not_there() {
        for claims in [
            json!({}),
            json!({ "groups": null }),
            json!({ "roles": ["ops"] }),
        ] {
            assert_eq!(read("groups", &claims), Groups::Absent, "{claims}");
        }
        for groups in [
            json!(true),
            json!(1.5),
            json!([["ops"]]),
            json!([{ "name": "ops" }]),
            json!([null]),
        ] {
            let claims = json!({ "groups": groups });
            assert_eq!(read("groups", &claims), Groups::Unusable, "{claims}");
        }
        for path in ["groups.name", "groups.0", "groups."] {
            let claims = json!({ "groups": ["ops"] });
            assert_eq!(read(path, &claims), Groups::Absent, "{path}");
        }
    }

    #[test]
    fn what_users_can_change_themselves_is_never_a_group() {
        for name in [
            "name",
            "nickname",
            "address.country",
            "zoneinfo",
            "aud",
            "name#de",
        ] {
            let claims = json!({
                "name": "ops", "nickname": "ops", "address": { "country": "ops" },
                "zoneinfo": "ops", "aud": "ops", "name#de": "ops",
            });
            assert_eq!(read(name, &claims), Groups::Absent, "{name}");
            assert!(!GroupsClaim::new(name).begins_with("name"), "{name}");
        }
        let path = GroupsClaim::new("a.b");
        assert!(path.begins_with("a") && path.begins_with("a.b"));
        assert!(!path.begins_with("a.") && !path.begins_with("a.b.c") && !path.begins_with("b"));
    }
}
