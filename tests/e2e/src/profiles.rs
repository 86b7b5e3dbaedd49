//! OpenID providers as people run them: how each product spells its issuer, names its claims and
//! signs users out. The certified provider of the harness writes its responses as a profile says.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::provider::ProviderRig;
use waypost_test_harness::TestDatabase;

/// How a product behaves, and what the operator sets for it.
pub struct Profile {
    /// What the issuer has after the host.
    pub path: &'static str,
    /// Additional settings of the server.
    pub settings: &'static [(&'static str, &'static str)],
    /// The claims of the user besides `sub` and `email`.
    pub account: Value,
    /// Whether the claims of the user are in the ID token, not in the userinfo response.
    pub is_in_id_token: bool,
    /// The member `profile` of the provider, without its path.
    pub shape: Value,
    /// Whether signing out leads to the provider.
    pub signs_out: bool,
}

impl Profile {
    /// Starts a server and a provider of this kind, at which Ada will sign in.
    pub async fn start(&self, database: &TestDatabase) -> ProviderRig {
        let rig = ProviderRig::start_at(database, self.path, self.settings);
        let mut shape = self.shape.clone();
        shape["path"] = json!(self.path);
        let claims_in = if self.is_in_id_token {
            "id_token"
        } else {
            "userinfo"
        };
        let mut account = self.account.clone();
        account["sub"] = json!("00u1");
        account["email"] = json!("ada@corp.example");
        rig.control(json!({ "profile": shape, "claims_in": claims_in, "account": account }))
            .await;
        rig
    }

    /// Signs Ada in with a new browser, and checks that she is an admin by her groups.
    ///
    /// # Panics
    /// When she is not.
    pub async fn sign_in(&self, rig: &ProviderRig) -> Browser {
        let mut browser = rig.browser();
        let page = browser.go(&rig.begin()).await;
        assert!(page.status.is_success(), "{page:?}");
        let me = page.json();
        assert_eq!(me["email"], "ada@corp.example");
        assert_eq!(me["role"], "admin", "{}", rig.server.output());
        browser
    }
}

/// Auth0: a slash at the end of the issuer, times as text, and claims whose names are URLs.
pub fn auth0() -> Profile {
    Profile {
        path: "/",
        settings: &[
            ("WAYPOST_OIDC_ADMIN_GROUP", "ops"),
            ("WAYPOST_OIDC_GROUPS_CLAIM", "https://corp.example/groups"),
        ],
        account: json!({ "email_verified": true, "name": "Ada" }),
        is_in_id_token: true,
        shape: json!({ "claims": {
            "updated_at": "2025-12-23T10:59:07.841Z",
            "nickname": "ada",
            "picture": "https://s.gravatar.com/avatar/0?d=x",
            "sid": "abc",
            "https://corp.example/groups": ["staff", "ops"],
        } }),
        signs_out: true,
    }
}

/// Microsoft Entra ID: no `email_verified`, IDs of groups, no `iss` in authorization responses.
pub fn entra() -> Profile {
    Profile {
        path: "/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        settings: &[
            (
                "WAYPOST_OIDC_ADMIN_GROUP",
                "0760b6cf-170e-4a14-91b3-4b78e0739963",
            ),
            ("WAYPOST_OIDC_TRUST_EMAILS", "true"),
        ],
        account: json!({ "name": "Ada" }),
        is_in_id_token: true,
        shape: json!({
            "claims": {
                "ver": "2.0", "tid": "9188040d", "oid": "00000000", "rh": "0.AX", "uti": "x",
                "preferred_username": "ada@corp.example", "login_hint": "O.CiQ",
                "groups": ["0760b6cf-170e-4a14-91b3-4b78e0739963"],
            },
            "metadata": {
                "authorization_response_iss_parameter_supported": null,
                "http_logout_supported": true,
                "tenant_region_scope": null,
            },
        }),
        signs_out: true,
    }
}

/// Keycloak: roles below a path, and many claims of its own.
pub fn keycloak() -> Profile {
    Profile {
        path: "/realms/corp",
        settings: &[
            ("WAYPOST_OIDC_ADMIN_GROUP", "ops"),
            ("WAYPOST_OIDC_GROUPS_CLAIM", "realm_access.roles"),
        ],
        account: json!({ "email_verified": true, "name": "Ada" }),
        is_in_id_token: true,
        shape: json!({ "claims": {
            "typ": "ID", "acr": "1", "sid": "abc", "auth_time": 1_700_000_000,
            "realm_access": { "roles": ["offline_access", "ops"] },
            "resource_access": { "account": { "roles": ["manage-account"] } },
            "address": {},
        } }),
        signs_out: true,
    }
}

/// Keycloak with the roles of a client whose ID has dots.
pub fn keycloak_client_roles() -> Profile {
    Profile {
        settings: &[
            ("WAYPOST_OIDC_ADMIN_GROUP", "ops"),
            (
                "WAYPOST_OIDC_GROUPS_CLAIM",
                "resource_access.go.corp.example.roles",
            ),
        ],
        shape: json!({ "claims": {
            "resource_access": { "go.corp.example": { "roles": ["ops"] } },
        } }),
        ..keycloak()
    }
}

/// ZITADEL: roles as the names of members.
pub fn zitadel() -> Profile {
    Profile {
        path: "",
        settings: &[
            ("WAYPOST_OIDC_ADMIN_GROUP", "ops"),
            (
                "WAYPOST_OIDC_GROUPS_CLAIM",
                "urn:zitadel:iam:org:project:roles",
            ),
        ],
        account: json!({ "email_verified": true, "name": "Ada" }),
        is_in_id_token: false,
        shape: json!({
            "claims": { "amr": ["pwd"], "client_id": "waypost", "sid": "V1_1" },
            "userinfo": {
                "locale": null, "updated_at": 1_700_000_000, "gender": "",
                "urn:zitadel:iam:org:project:roles": { "ops": { "2345": "corp.example" } },
            },
        }),
        signs_out: true,
    }
}

/// Okta: `email_verified` in the userinfo response only, and no signing out without an ID token.
pub fn okta() -> Profile {
    Profile {
        path: "/oauth2/default",
        settings: &[("WAYPOST_OIDC_ADMIN_GROUP", "ops")],
        account: json!({ "email_verified": true, "name": "Ada" }),
        is_in_id_token: false,
        shape: json!({
            "claims": {
                "ver": 1, "jti": "ID.x", "amr": ["pwd", "mfa"], "idp": "00o1", "name": "Ada",
                "preferred_username": "ada@corp.example", "email": "ada@corp.example",
                "groups": ["Everyone", "ops"],
            },
            "userinfo": {
                "zoneinfo": "America/Los_Angeles", "locale": "en_US", "updated_at": 1_700_000_000,
                "address": { "formatted": null, "country": "US" },
            },
            "logout": ["id_token_hint"],
        }),
        signs_out: true,
    }
}

/// Google: no signing out, and no groups; a claim of an admin stands for them.
pub fn google() -> Profile {
    Profile {
        path: "",
        settings: &[
            ("WAYPOST_OIDC_ADMIN_GROUP", "corp.example"),
            ("WAYPOST_OIDC_GROUPS_CLAIM", "hd"),
        ],
        account: json!({ "email_verified": true, "name": "Ada" }),
        is_in_id_token: true,
        shape: json!({
            "claims": { "hd": "corp.example", "azp": "waypost", "locale": { "language": "en" } },
            "metadata": { "end_session_endpoint": null },
        }),
        signs_out: false,
    }
}

/// GitLab: groups in the userinfo response, and others in claims whose names are URLs.
pub fn gitlab() -> Profile {
    Profile {
        path: "",
        settings: &[
            ("WAYPOST_OIDC_ADMIN_GROUP", "corp/ops"),
            ("WAYPOST_OIDC_GROUPS_CLAIM", "groups_direct"),
        ],
        account: json!({ "email_verified": true, "name": "Ada" }),
        is_in_id_token: true,
        shape: json!({
            "claims": {
                "sub_legacy": "abc", "groups_direct": ["corp", "corp/ops"], "profile": "",
                "https://gitlab.org/claims/groups/owner": ["corp"],
            },
            "metadata": { "end_session_endpoint": null },
        }),
        signs_out: false,
    }
}

/// authentik: a slash at the end of a path.
pub fn authentik() -> Profile {
    Profile {
        path: "/application/o/waypost/",
        settings: &[("WAYPOST_OIDC_ADMIN_GROUP", "authentik Admins")],
        account: json!({ "email_verified": true, "name": "Ada" }),
        is_in_id_token: true,
        shape: json!({ "claims": {
            "acr": "goauthentik.io/providers/oauth2/default", "nickname": "ada",
            "preferred_username": "ada", "entitlements": [], "roles": [],
            "groups": ["authentik Admins", "ops"],
        } }),
        signs_out: true,
    }
}

/// Authelia: an ID token without claims of the user, and no signing out.
pub fn authelia() -> Profile {
    Profile {
        path: "",
        settings: &[("WAYPOST_OIDC_ADMIN_GROUP", "ops")],
        account: json!({ "email_verified": true, "name": "Ada", "groups": ["ops"] }),
        is_in_id_token: false,
        shape: json!({
            "claims": { "amr": ["otp", "mfa"], "client_id": "waypost" },
            "userinfo": { "alt_emails": [], "rat": 1_700_000_000 },
            "metadata": { "end_session_endpoint": null },
        }),
        signs_out: false,
    }
}

/// Dex: groups with the name of the team, and no signing out.
pub fn dex() -> Profile {
    Profile {
        path: "/dex",
        settings: &[("WAYPOST_OIDC_ADMIN_GROUP", "corp:ops")],
        account: json!({ "email_verified": true, "name": "Ada" }),
        is_in_id_token: true,
        shape: json!({
            "claims": {
                "federated_claims": { "connector_id": "github", "user_id": "1" },
                "groups": ["corp:ops"],
            },
            "metadata": { "end_session_endpoint": null },
        }),
        signs_out: false,
    }
}

/// Amazon Cognito: truths as text, and an endpoint for signing out with parameters of its own.
pub fn cognito() -> Profile {
    Profile {
        path: "/eu-central-1_AbCdEf",
        settings: &[
            ("WAYPOST_OIDC_ADMIN_GROUP", "ops"),
            ("WAYPOST_OIDC_GROUPS_CLAIM", "cognito:groups"),
            ("WAYPOST_OIDC_LOGOUT", "false"),
        ],
        account: json!({ "email_verified": "true", "name": "Ada" }),
        is_in_id_token: false,
        shape: json!({
            "claims": {
                "cognito:groups": ["ops"], "cognito:username": "ada", "token_use": "id",
                "identities": [{ "userId": "1", "primary": "true" }], "origin_jti": "x",
            },
            "userinfo": { "phone_number_verified": "false", "username": "ada" },
            "logout": ["logout_uri"],
        }),
        signs_out: false,
    }
}

/// PingFederate: a single group as text, and no signing out without an ID token.
pub fn ping_federate() -> Profile {
    Profile {
        path: "",
        settings: &[
            ("WAYPOST_OIDC_ADMIN_GROUP", "CN=ops,OU=groups,DC=corp"),
            ("WAYPOST_OIDC_GROUPS_CLAIM", "memberOf"),
        ],
        account: json!({ "email_verified": true, "name": "Ada" }),
        is_in_id_token: true,
        shape: json!({
            "claims": { "pi.sri": "abc", "acr": 1, "memberOf": "CN=ops,OU=groups,DC=corp" },
            "logout": ["id_token_hint"],
        }),
        signs_out: true,
    }
}

/// AD FS: lifetimes as text, and no `email_verified`.
pub fn adfs() -> Profile {
    Profile {
        path: "/adfs",
        settings: &[
            ("WAYPOST_OIDC_ADMIN_GROUP", "ops"),
            ("WAYPOST_OIDC_GROUPS_CLAIM", "group"),
            ("WAYPOST_OIDC_TRUST_EMAILS", "true"),
        ],
        account: json!({ "name": "Ada" }),
        is_in_id_token: true,
        shape: json!({
            "claims": { "upn": "ada@corp.example", "unique_name": "CORP\\ada", "group": "ops" },
            "token": { "expires_in": "3599", "scope": ["openid"], "token_type": "bearer" },
        }),
        signs_out: true,
    }
}
