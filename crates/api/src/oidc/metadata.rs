//! What a provider says about itself (OpenID Connect Discovery 1.0 §3).
//!
//! The document must come from the configured issuer, and must name it (§4.3): otherwise a provider
//! could pass itself off as another one. Two spellings of an issuer that stand for the same URL, as
//! with and without a slash at the end, have the same document (§4.1). Whoever controls the one
//! controls the other, so that such a document is accepted. The spelling of the provider then
//! counts everywhere, literally: in ID tokens, in authorization responses, and for the accounts of
//! users.

use openidconnect::{AuthUrl, EndSessionUrl, IssuerUrl, TokenUrl};
use url::Url;

use super::object::{NotAnObject, Object, Problem, Unusable};
use super::settings::{is_safe, parse_issuer};

/// The path of the document, below the issuer.
pub(super) const DOCUMENT: &str = "/.well-known/openid-configuration";
/// Maximum length of an issuer that is shown, in characters.
const MAX_SHOWN: usize = 300;
/// The members that are read.
const MEMBERS: [&str; 9] = [
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "end_session_endpoint",
    "scopes_supported",
    "token_endpoint_auth_methods_supported",
    "authorization_response_iss_parameter_supported",
];

/// What a provider says about itself.
#[derive(Debug, Clone)]
pub(super) struct Metadata {
    /// Its issuer, in its own spelling.
    pub(super) issuer: IssuerUrl,
    pub(super) authorization_endpoint: AuthUrl,
    pub(super) token_endpoint: TokenUrl,
    pub(super) userinfo_endpoint: Option<Url>,
    pub(super) jwks_uri: Url,
    /// Where it signs users out (OpenID Connect RP-Initiated Logout 1.0 §2.1).
    pub(super) end_session_endpoint: Option<EndSessionUrl>,
    pub(super) scopes: Vec<String>,
    /// How clients authenticate; `None` for the default.
    pub(super) authentication: Option<Vec<String>>,
    /// Whether every authorization response names the issuer (RFC 9207 §3).
    pub(super) names_itself: bool,
}

/// Why a document is not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MetadataError {
    /// It cannot be read.
    #[error("its document at {DOCUMENT} is not a JSON object")]
    NotAnObject,
    /// Something that is needed is missing or unusable.
    #[error("its document at {DOCUMENT} is of no use: {0}")]
    Unusable(#[from] Unusable),
    /// It names another issuer.
    #[error(transparent)]
    Issuer(#[from] OtherIssuer),
}

impl From<NotAnObject> for MetadataError {
    fn from(_: NotAnObject) -> Self {
        Self::NotAnObject
    }
}

/// A document names another issuer than the configured one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the sign-in provider calls itself `{announced}`, but this server is configured for \
     `{configured}`: they differ in the {difference}"
)]
pub(crate) struct OtherIssuer {
    configured: String,
    announced: String,
    difference: &'static str,
}

impl OtherIssuer {
    fn new(configured: &IssuerUrl, announced: &str) -> Self {
        let plain = announced.chars().filter(|letter| !letter.is_control());
        Self {
            configured: configured.as_str().to_owned(),
            announced: plain.take(MAX_SHOWN).collect(),
            difference: difference(configured, announced),
        }
    }

    /// Returns what the operator can do about it.
    pub(crate) fn advice(&self) -> String {
        if self.announced.contains(['{', '}']) {
            return "that name stands for many tenants; the operator must set \
                    WAYPOST_OIDC_ISSUER to the issuer of one tenant, with its ID in place of the \
                    braces"
                .to_owned();
        }
        if parse_issuer(&self.announced).is_ok() {
            let announced = &self.announced;
            return format!(
                "if that is the right provider, the operator must set WAYPOST_OIDC_ISSUER to \
                 `{announced}`"
            );
        }
        "the operator must correct the public URL in the settings of the provider".to_owned()
    }
}

impl Metadata {
    /// Reads the document of the provider that is configured.
    ///
    /// # Errors
    /// [`MetadataError`] says what is wrong with it.
    pub(super) fn read(configured: &IssuerUrl, document: &[u8]) -> Result<Self, MetadataError> {
        let document = Object::read(document, |name| MEMBERS.contains(&name))?;
        let announced = document.required_text("issuer")?;
        let issuer = spelling(configured, announced);
        let issuer = issuer.ok_or_else(|| OtherIssuer::new(configured, announced))?;
        let optional = |name: &str| url(&document, name).ok();
        let end_session_endpoint = optional("end_session_endpoint").map(EndSessionUrl::from_url);
        let authentication = document.texts("token_endpoint_auth_methods_supported");
        let scopes = document.texts("scopes_supported").unwrap_or_default();
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        let names_itself = document.truth("authorization_response_iss_parameter_supported");
        Ok(Self {
            issuer,
            authorization_endpoint: AuthUrl::from_url(url(&document, "authorization_endpoint")?),
            token_endpoint: TokenUrl::from_url(url(&document, "token_endpoint")?),
            userinfo_endpoint: optional("userinfo_endpoint"),
            jwks_uri: url(&document, "jwks_uri")?,
            end_session_endpoint,
            scopes: owned(scopes),
            authentication: authentication.map(owned),
            names_itself: names_itself.ok().flatten().unwrap_or(false),
        })
    }
}

/// Reads a URL by which nobody can listen.
fn url(document: &Object, name: &str) -> Result<Url, Unusable> {
    let url = Url::parse(document.required_text(name)?).ok();
    url.filter(is_safe)
        .ok_or_else(|| Unusable::new(name, Problem::Not("an https URL")))
}

/// Returns the provider's own spelling of its issuer, if it stands for the configured URL.
fn spelling(configured: &IssuerUrl, announced: &str) -> Option<IssuerUrl> {
    if announced == configured.as_str() {
        return Some(configured.clone());
    }
    let url = parse_issuer(announced).ok()?;
    (place(configured.url()) == place(url.url())).then_some(url)
}

/// Returns what of an issuer decides where its document is.
fn place(url: &Url) -> (&str, Option<&str>, Option<u16>, &str) {
    let path = url.path().trim_end_matches('/');
    let port = url.port_or_known_default();
    (url.scheme(), url.host_str(), port, path)
}

/// Returns the first part in which an issuer differs from the configured one.
fn difference(configured: &IssuerUrl, announced: &str) -> &'static str {
    let Ok(announced) = Url::parse(announced) else {
        return "form: that name is not a URL";
    };
    let (scheme, host, port, path) = place(configured.url());
    let other = place(&announced);
    if scheme != other.0 {
        "scheme (http or https)"
    } else if host != other.1 {
        "host"
    } else if port != other.2 {
        "port"
    } else if path != other.3 {
        "path"
    } else {
        "query or user"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document(issuer: &str) -> Value {
        json!({
            "issuer": issuer,
            "authorization_endpoint": "https://id.example/auth",
            "token_endpoint": "https://id.example/token",
            "jwks_uri": "https://id.example/keys",
        })
    }

    fn read(configured: &str, document: &Value) -> Result<Metadata, MetadataError> {
        let configured = IssuerUrl::new(configured.to_owned()).unwrap();
        Metadata::read(&configured, document.to_string().as_bytes())
    }

    #[test]
    fn spellings_of_the_same_url_are_accepted_and_the_providers_own_counts() {
        for (configured, announced) in [
            ("https://id.example", "https://id.example"),
            ("https://id.example", "https://id.example/"),
            ("https://id.example/", "https://id.example"),
            (
                "https://id.example/realms/a/",
                "https://id.example/realms/a",
            ),
            ("https://ID.example", "https://id.example"),
            ("https://id.example:443/a", "https://id.example/a"),
        ] {
            let read = read(configured, &document(announced)).unwrap();
            assert_eq!(read.issuer.as_str(), announced, "{configured}");
        }
    }

    #[test]
    fn another_issuer_is_refused_with_what_differs_and_what_to_set() {
        let entra = "https://login.microsoftonline.com/{tenantid}/v2.0";
        for (configured, announced, difference, advice) in [
            (
                "https://id.example/realms/a",
                "https://id.example/realms/b",
                "in the path",
                "set WAYPOST_OIDC_ISSUER to `https://id.example/realms/b`",
            ),
            (
                "https://id.example/Realms/a",
                "https://id.example/realms/a",
                "in the path",
                "set WAYPOST_OIDC_ISSUER to",
            ),
            (
                "https://id.example",
                "https://id.example:8443",
                "in the port",
                "set WAYPOST_OIDC_ISSUER to",
            ),
            (
                "https://login.example",
                "https://id.example/",
                "in the host",
                "set WAYPOST_OIDC_ISSUER to",
            ),
            (
                "https://id.example",
                "http://id.example",
                "in the scheme",
                "correct the public URL in the settings of the provider",
            ),
            (
                "https://login.microsoftonline.com/common/v2.0",
                entra,
                "in the path",
                "the issuer of one tenant",
            ),
            (
                "https://id.example",
                "corp",
                "is not a URL",
                "correct the public URL",
            ),
            (
                "https://id.example",
                "https://id.example/?a",
                "in the query",
                "correct",
            ),
        ] {
            let error = read(configured, &document(announced)).unwrap_err();
            let MetadataError::Issuer(error) = error else {
                panic!("{announced}: {error}");
            };
            let text = error.to_string();
            assert!(
                text.contains(configured) && text.contains(announced),
                "{text}"
            );
            assert!(text.contains(difference), "{text}");
            assert!(error.advice().contains(advice), "{}", error.advice());
        }
        let long = format!("https://id.example/\n{}", "x".repeat(10_000));
        let error = read("https://id.example", &document(&long)).unwrap_err();
        assert!(error.to_string().len() < 500 && !error.to_string().contains('\n'));
    }

    #[test]
    fn a_document_needs_what_is_used_and_nothing_else() {
        let mut more = document("https://id.example");
        more["op_policy_uri"] = json!("");
        more["claims_supported"] = json!("all");
        more["userinfo_endpoint"] = json!("");
        more["end_session_endpoint"] = json!("http://id.example/logout");
        more["scopes_supported"] = json!(["openid", 1, "groups"]);
        more["token_endpoint_auth_methods_supported"] = json!("client_secret_post");
        let read_more = read("https://id.example", &more).unwrap();
        assert_eq!(read_more.scopes, ["openid", "groups"]);
        assert_eq!(read_more.authentication.unwrap(), ["client_secret_post"]);
        assert!(read_more.userinfo_endpoint.is_none() && !read_more.names_itself);
        assert!(read_more.end_session_endpoint.is_none(), "not https");
        for (name, value) in [
            ("token_endpoint", Value::Null),
            ("jwks_uri", json!(1)),
            ("authorization_endpoint", json!("http://id.example/auth")),
            ("issuer", json!("")),
        ] {
            let mut document = document("https://id.example");
            document[name] = value;
            let error = read("https://id.example", &document).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        let issuer = IssuerUrl::new("https://id.example".to_owned()).unwrap();
        let html = Metadata::read(&issuer, b"<html>").unwrap_err();
        assert!(matches!(html, MetadataError::NotAnObject), "{html}");
    }
}
