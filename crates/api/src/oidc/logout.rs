//! Signing out at the provider (OpenID Connect RP-Initiated Logout 1.0).
//!
//! Providers want to know whom they sign out: Okta and Ping Identity refuse a request without an ID
//! token, and Keycloak, ZITADEL and others ask the user to confirm it. The server stores no tokens
//! of users. The ID token of a sign-in stays with its user: in a cookie that the browser sends to
//! the page of signing out only, and which it forgets there. This cookie also tells sessions that
//! began at the provider from those that began with a password.

use std::fmt::Write as _;

use openidconnect::{EndSessionUrl, IssuerUrl};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;
use url::Url;

use super::Oidc;
use super::object::Object;
use super::signed;

/// Maximum time to wait for the provider. The session of this server has ended already.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);
/// Maximum length of a cookie, in bytes; browsers accept 4,096 with its name. A longer token is not
/// kept.
const MAX_COOKIE: usize = 3_900;
/// Path to which the provider redirects browsers after signing out.
pub(crate) const SIGNED_OUT: &str = "/auth/logout";

impl Oidc {
    /// Returns what a browser keeps to sign out at the provider: which provider and client it is,
    /// and the ID token.
    pub(super) fn kept(&self, id_token: &str) -> String {
        let key = self.key();
        if key.len() + 1 + id_token.len() > MAX_COOKIE {
            return key;
        }
        format!("{key}.{id_token}")
    }

    /// Whether a cookie is of a sign-in with this provider.
    pub(crate) fn is_of_this(&self, kept: &str) -> bool {
        let (key, _) = kept.split_once('.').unwrap_or((kept, ""));
        self.provider.settings.logout && key == self.key()
    }

    /// Returns the URL at which a browser signs out at the provider, with what it has kept. Returns
    /// `None` if the provider has no such URL, and [`super::OidcError`] if it does not respond.
    pub(crate) async fn end_session(&self, kept: &str) -> Result<Option<String>, super::OidcError> {
        // Asked again, so that no browser is sent to a provider that does not respond.
        let metadata = timeout(PATIENCE, self.provider.metadata()).await;
        let Ok(metadata) = metadata else {
            return Err(super::http::HttpError::TimedOut.into());
        };
        let Some(endpoint) = metadata?.end_session_endpoint else {
            return Ok(None);
        };
        let (_, id_token) = kept.split_once('.').unwrap_or((kept, ""));
        Ok(Some(self.request(&endpoint, id_token).into()))
    }

    /// Returns the request, as a URL.
    fn request(&self, endpoint: &EndSessionUrl, id_token: &str) -> Url {
        let mut url = endpoint.url().clone();
        let mut query = url.query_pairs_mut();
        query.append_pair("client_id", self.provider.settings.client_id.as_str());
        query.append_pair("post_logout_redirect_uri", &self.signed_out_url);
        if !id_token.is_empty() {
            query.append_pair("id_token_hint", id_token);
        }
        if let Some(hint) = logout_hint(id_token) {
            query.append_pair("logout_hint", &hint);
        }
        drop(query);
        url
    }

    /// Returns a short text that is another one for another provider or client.
    fn key(&self) -> String {
        let settings = &self.provider.settings;
        key_of(&settings.issuer, settings.client_id.as_str())
    }
}

fn key_of(issuer: &IssuerUrl, client_id: &str) -> String {
    let hasher = Sha256::new_with_prefix(issuer.as_str());
    let hash = hasher.chain_update([0]).chain_update(client_id).finalize();
    let mut key = String::new();
    for byte in hash.iter().take(8) {
        // Writing to a string does not fail.
        let _ = write!(key, "{byte:02x}");
    }
    key
}

/// Returns the user name with which a provider signs a user out without asking which one: Entra ID
/// sends it in the claim `login_hint`.
fn logout_hint(id_token: &str) -> Option<String> {
    let payload = signed::payload(id_token)?;
    let claims = Object::read(&payload, |name| name == "login_hint").ok()?;
    claims.text("login_hint").ok().flatten().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use time::macros::datetime;
    use waypost_core::settings::SettingsReader;
    use waypost_core::{ManualClock, SeededRandom};

    use super::*;
    use crate::oidc::OidcSettings;

    fn oidc(variables: &[(&str, &str)]) -> Oidc {
        let mut reader = SettingsReader::of_variables(variables);
        let settings = OidcSettings::read(&mut reader).unwrap().unwrap();
        let clock = Arc::new(ManualClock::new(datetime!(2026-03-01 12:00 UTC)));
        let base_url = "https://go.example/x".parse().unwrap();
        Oidc::new(settings, &base_url, clock, Arc::new(SeededRandom::new(1))).unwrap()
    }

    const WAYPOST: [(&str, &str); 2] = [
        ("WAYPOST_OIDC_ISSUER", "https://id.example"),
        ("WAYPOST_OIDC_CLIENT_ID", "waypost"),
    ];

    fn query(oidc: &Oidc, endpoint: &str, id_token: &str) -> BTreeMap<String, String> {
        let endpoint = EndSessionUrl::new(endpoint.to_owned()).unwrap();
        let url = oidc.request(&endpoint, id_token);
        url.query_pairs().into_owned().collect()
    }

    #[test]
    fn the_request_has_what_providers_need() {
        let oidc = oidc(&WAYPOST);
        let payload = BASE64_URL_SAFE_NO_PAD.encode(r#"{"login_hint":"O.abc","sub":"1"}"#);
        let token = format!("e30.{payload}.c2ln");
        let query = query(&oidc, "https://id.example/logout?p=policy", &token);
        for (name, value) in [
            ("p", "policy"),
            ("client_id", "waypost"),
            (
                "post_logout_redirect_uri",
                "https://go.example/x/auth/logout",
            ),
            ("id_token_hint", &token),
            ("logout_hint", "O.abc"),
        ] {
            assert_eq!(query.get(name).map(String::as_str), Some(value), "{name}");
        }
    }

    #[test]
    fn without_a_token_the_request_has_no_hints() {
        let oidc = oidc(&WAYPOST);
        for token in ["", "x", "a.b.c"] {
            let query = query(&oidc, "https://id.example/logout", token);
            assert!(!query.contains_key("logout_hint"), "{token}");
            assert_eq!(query.contains_key("id_token_hint"), !token.is_empty());
        }
    }

    #[test]
    fn a_cookie_is_of_one_provider_and_client_and_never_too_long() {
        let here = oidc(&WAYPOST);
        let kept = here.kept("e30.e30.c2ln");
        assert!(here.is_of_this(&kept) && kept.ends_with(".e30.e30.c2ln"));
        let long = here.kept(&"x".repeat(10_000));
        assert!(here.is_of_this(&long) && long.len() == 16);
        let issuer = ("WAYPOST_OIDC_ISSUER", "https://id.example/other");
        let client = ("WAYPOST_OIDC_CLIENT_ID", "other");
        let off = ("WAYPOST_OIDC_LOGOUT", "false");
        for changed in [[issuer, WAYPOST[1]], [WAYPOST[0], client]] {
            assert!(!oidc(&changed).is_of_this(&kept));
        }
        assert!(!oidc(&[WAYPOST[0], WAYPOST[1], off]).is_of_this(&kept));
        assert!(!here.is_of_this(""));
    }
}
