//! The settings of sign-in with an OpenID provider.

use openidconnect::{ClientId, ClientSecret, IssuerUrl};
use url::{Host, Url};
use waypost_core::ExternalIdentity;
use waypost_core::settings::{Invalid, Setting, SettingsReader};
use waypost_service::AllowedDomains;

use super::groups::GroupsClaim;
use super::metadata::DOCUMENT;
use crate::settings::switch;

const ISSUER: Setting = Setting::new(
    "oidc_issuer",
    "unset: no OpenID Connect",
    "Issuer URL of the OpenID provider, as the provider announces it, such as \
     https://id.example.com",
);
const CLIENT_ID: Setting = Setting::new(
    "oidc_client_id",
    "unset",
    "Client ID at the OpenID provider",
);
const CLIENT_SECRET: Setting = Setting::new(
    "oidc_client_secret",
    "unset: a public client",
    "Client secret at the OpenID provider",
)
.secret();
const ADMIN_GROUP: Setting = Setting::new(
    "oidc_admin_group",
    "unset",
    "Group at the OpenID provider whose members are admins",
);
const GROUPS_CLAIM: Setting = Setting::new(
    "oidc_groups_claim",
    "groups",
    "Claim that contains the groups of a user, or a path to them such as realm_access.roles",
);
const SCOPES: Setting = Setting::new(
    "oidc_scopes",
    "unset",
    "Further scopes to request from the OpenID provider, separated by spaces",
);
const TRUST_EMAILS: Setting = Setting::new(
    "oidc_trust_emails",
    "false",
    "Whether email addresses count as verified if the OpenID provider does not say so; only for \
     providers where nobody can set an address that is not theirs",
);
const LOGOUT: Setting = Setting::new(
    "oidc_logout",
    "true",
    "Whether signing out also signs out at the OpenID provider, if the provider supports it",
);
const ALLOWED_DOMAINS: Setting = Setting::new(
    "oidc_allowed_domains",
    "unset: all",
    "Email domains whose users may sign in with the OpenID provider, separated by commas",
);

/// The settings of sign-in with an OpenID provider.
#[derive(Debug, Clone)]
pub struct OidcSettings {
    /// The issuer URL, as the operator writes it.
    pub(crate) issuer: IssuerUrl,
    pub(crate) client_id: ClientId,
    /// `None` for a public client (RFC 6749 §2.1).
    pub(crate) client_secret: Option<ClientSecret>,
    /// The group whose members are admins.
    pub(crate) admin_group: Option<String>,
    /// The claim that contains the groups of a user.
    pub(crate) groups_claim: GroupsClaim,
    /// Scopes to request besides the usual ones.
    pub(crate) scopes: Vec<String>,
    /// Whether email addresses are verified that the provider does not call unverified.
    pub(crate) trust_emails: bool,
    /// Whether users are also signed out at the provider.
    pub(crate) logout: bool,
    pub(crate) allowed_domains: AllowedDomains,
}

impl OidcSettings {
    /// The settings of this section.
    pub const SETTINGS: &'static [Setting] = &[
        ISSUER,
        CLIENT_ID,
        CLIENT_SECRET,
        ADMIN_GROUP,
        GROUPS_CLAIM,
        SCOPES,
        ALLOWED_DOMAINS,
        TRUST_EMAILS,
        LOGOUT,
    ];

    /// Reads this section. Returns `None` if no OpenID provider is set.
    ///
    /// # Errors
    /// [`Invalid`] if one of its settings has a problem; the reader has recorded all of them.
    pub fn read(reader: &mut SettingsReader) -> Result<Option<Self>, Invalid> {
        let taken = |text: &str| Ok::<_, &'static str>(text.to_owned());
        let issuer = reader.optional(&ISSUER, parse_issuer);
        let client_id = reader.optional(&CLIENT_ID, taken);
        let client_secret = reader.optional(&CLIENT_SECRET, taken);
        let admin_group = reader.optional(&ADMIN_GROUP, taken);
        let groups_claim = reader.optional(&GROUPS_CLAIM, taken);
        let scopes = reader.optional(&SCOPES, scopes);
        let allowed_domains = reader.optional(&ALLOWED_DOMAINS, str::parse);
        let trust_emails = reader.optional(&TRUST_EMAILS, switch);
        let logout = reader.optional(&LOGOUT, switch);
        let (issuer, client_id) = match (issuer?, client_id?) {
            (Some(issuer), Some(client_id)) => (issuer, client_id),
            (None, None) => return Ok(None),
            (issuer, _) => {
                let (missing, given) = if issuer.is_some() {
                    (CLIENT_ID, ISSUER)
                } else {
                    (ISSUER, CLIENT_ID)
                };
                let given = given.variable();
                reader.problem(
                    &missing.variable(),
                    format!("must be set together with {given}"),
                );
                return Err(Invalid);
            }
        };
        Ok(Some(Self {
            issuer,
            client_id: ClientId::new(client_id),
            client_secret: client_secret?.map(ClientSecret::new),
            admin_group: admin_group?,
            groups_claim: GroupsClaim::new(
                groups_claim?.as_deref().unwrap_or(GROUPS_CLAIM.default),
            ),
            scopes: scopes?.unwrap_or_default(),
            allowed_domains: allowed_domains?.unwrap_or_default(),
            trust_emails: trust_emails?.unwrap_or(false),
            logout: logout?.unwrap_or(true),
        }))
    }
}

/// Parses scopes (RFC 6749 §3.3).
fn scopes(text: &str) -> Result<Vec<String>, &'static str> {
    let is_scope = |byte: u8| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    let scopes = text.split_whitespace().map(|scope| {
        let is_scope = scope.bytes().all(is_scope);
        is_scope.then(|| scope.to_owned())
    });
    let scopes: Option<_> = scopes.collect();
    scopes.ok_or("must be scopes such as groups, separated by spaces")
}

/// Parses an issuer. The URL of its document is cut to the issuer.
pub(super) fn parse_issuer(text: &str) -> Result<IssuerUrl, &'static str> {
    const REFUSED: &str = "must be an https URL without query and fragment, such as https://id.example.com (http is allowed on this machine only)";
    let text = text.strip_suffix(DOCUMENT).unwrap_or(text);
    let url = Url::parse(text).map_err(|_| REFUSED)?;
    let is_plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    let fits = text.len() <= ExternalIdentity::MAX_ISSUER_LEN && text.is_ascii();
    if !is_plain || !fits || !is_safe(&url) {
        return Err(REFUSED);
    }
    // Keep the text unchanged: the issuer that a provider announces is compared literally.
    IssuerUrl::new(text.to_owned()).map_err(|_| REFUSED)
}

/// Whether a connection to `url` cannot be overheard: it uses `https`, or stays on this machine.
pub(super) fn is_safe(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<OidcSettings>, String> {
        let mut reader = SettingsReader::of_variables(variables);
        let settings = OidcSettings::read(&mut reader);
        reader.finish(settings).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_on_until_it_is_set() {
        assert!(read(&[]).unwrap().is_none());
        let empty = [("WAYPOST_OIDC_ISSUER", ""), ("WAYPOST_OIDC_CLIENT_ID", "")];
        assert!(read(&empty).unwrap().is_none());
    }

    #[test]
    fn each_setting_is_read_and_no_secret_is_printed() {
        let least = [
            ("WAYPOST_OIDC_ISSUER", "https://id.example/realms/a/"),
            ("WAYPOST_OIDC_CLIENT_ID", "waypost"),
        ];
        let settings = read(&least).unwrap().unwrap();
        assert_eq!(settings.issuer.as_str(), "https://id.example/realms/a/");
        assert_eq!(settings.groups_claim.as_str(), GROUPS_CLAIM.default);
        assert!(!settings.trust_emails && settings.logout && settings.scopes.is_empty());
        assert!(settings.client_secret.is_none() && settings.admin_group.is_none());
        assert!(settings.allowed_domains.is_any());
        let all = [
            &least[..],
            &[
                ("WAYPOST_OIDC_CLIENT_SECRET", "hunter2"),
                ("WAYPOST_OIDC_ADMIN_GROUP", "ops"),
                ("WAYPOST_OIDC_GROUPS_CLAIM", "realm_access.roles"),
                ("WAYPOST_OIDC_SCOPES", " roles  urn:corp:roles"),
                ("WAYPOST_OIDC_TRUST_EMAILS", "true"),
                ("WAYPOST_OIDC_LOGOUT", "false"),
                ("WAYPOST_OIDC_ALLOWED_DOMAINS", "example.com, example.org"),
            ],
        ];
        let settings = read(&all.concat()).unwrap().unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert_eq!(settings.client_secret.unwrap().secret(), "hunter2");
        assert_eq!(settings.admin_group.as_deref(), Some("ops"));
        assert_eq!(settings.groups_claim.as_str(), "realm_access.roles");
        assert!(settings.trust_emails && !settings.logout);
        assert_eq!(settings.scopes, ["roles", "urn:corp:roles"]);
        let domains = settings.allowed_domains.to_string();
        assert_eq!(domains, "example.com,example.org");
    }

    #[test]
    fn an_issuer_and_a_client_come_together() {
        for (given, missing) in [
            (
                ("WAYPOST_OIDC_ISSUER", "https://id.example"),
                "WAYPOST_OIDC_CLIENT_ID",
            ),
            (("WAYPOST_OIDC_CLIENT_ID", "waypost"), "WAYPOST_OIDC_ISSUER"),
        ] {
            let problems = read(&[given]).unwrap_err();
            assert!(problems.contains(&format!("{missing}: ")), "{problems}");
        }
    }

    #[test]
    fn http_is_for_this_machine() {
        for good in [
            "https://id.example",
            "http://localhost:1",
            "http://127.0.0.1:1/a",
            "http://[::1]/",
        ] {
            assert_eq!(parse_issuer(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "id.example",
            "http://id.example",
            "http://127.0.0.1.example",
            "ftp://localhost",
            "https://a:b@id.example",
            "https://id.example/?a",
            "https://id.example/#a",
            "https://id.example/ä",
        ] {
            assert!(parse_issuer(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_url_of_the_document_stands_for_its_issuer() {
        for issuer in ["https://id.example", "https://id.example/realms/a"] {
            let document = format!("{issuer}/.well-known/openid-configuration");
            assert_eq!(parse_issuer(&document).unwrap().as_str(), issuer);
        }
    }

    #[test]
    fn a_scope_has_no_quotes_and_a_switch_is_true_or_false() {
        for (name, value) in [
            ("WAYPOST_OIDC_SCOPES", "a \"b\""),
            ("WAYPOST_OIDC_SCOPES", "ä"),
            ("WAYPOST_OIDC_TRUST_EMAILS", "yes please"),
            ("WAYPOST_OIDC_LOGOUT", "2"),
        ] {
            let problems = read(&[(name, value)]).unwrap_err();
            assert!(problems.contains(&format!("{name}: ")), "{problems}");
        }
    }

    #[test]
    fn a_list_of_domains_with_nothing_in_it_is_a_mistake() {
        let problems = read(&[("WAYPOST_OIDC_ALLOWED_DOMAINS", ",")]).unwrap_err();
        assert!(problems.contains("WAYPOST_OIDC_ALLOWED_DOMAINS: "));
    }
}
