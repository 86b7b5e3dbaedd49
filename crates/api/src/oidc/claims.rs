//! The claims of the provider about the user who signs in: from the ID token and, if they are
//! missing there, from the userinfo endpoint.
//!
//! Only the email address, whether it is verified, the name and the groups are read.

use waypost_core::{DisplayName, Email, ExternalIdentity};
use waypost_service::ProvenIdentity;

use super::groups::Groups;
use super::notices::{Notices, Subject};
use super::object::{Object, Unusable};
use super::settings::OidcSettings;

/// The claims about a user, besides the groups.
const CLAIMS: [&str; 3] = ["email", "email_verified", "name"];
/// Claims that stand for groups which are elsewhere (OpenID Connect Core 1.0 §5.6.2): Entra ID
/// sends no groups of users who are in more than 200.
const ELSEWHERE: [&str; 2] = ["_claim_names", "hasgroups"];

/// The claims about a user from one source.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The email address and whether it is verified, if that is said. Both are about the same
    /// address.
    email: Option<(String, Option<bool>)>,
    name: Option<String>,
    groups: Groups,
    /// Whether the source says that the groups are elsewhere.
    has_groups_elsewhere: bool,
    unusable: Vec<Unusable>,
}

/// What is missing from a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// Nothing.
    Nothing,
    /// Only whether the email address is verified, which not every sign-in depends on.
    Verification,
    /// A claim that sign-in depends on.
    Something,
}

/// Whether a claim is read.
pub(super) fn is_read(name: &str, settings: &OidcSettings) -> bool {
    let is_about_groups = || settings.groups_claim.begins_with(name) || ELSEWHERE.contains(&name);
    CLAIMS.contains(&name) || (settings.admin_group.is_some() && is_about_groups())
}

impl Told {
    /// Reads the claims of one source. Those that are of no use are left out and noted.
    pub(super) fn of(claims: Object, settings: &OidcSettings) -> Self {
        let mut unusable = Vec::new();
        let mut text = |name: &str| {
            let text = claims.text(name).map_err(|error| unusable.push(error));
            text.ok().flatten().map(str::to_owned)
        };
        let (email, name) = (text("email"), text("name"));
        let verified = claims.truth("email_verified").unwrap_or_else(|error| {
            unusable.push(error);
            // What is said and not understood is not trusted.
            Some(false)
        });
        let claim = &settings.groups_claim;
        let is_repeated = claims.repeated().any(|name| claim.begins_with(name));
        let is_elsewhere = |names: &serde_json::Value| {
            let names = names.as_object();
            names.is_some_and(|names| names.keys().any(|name| claim.begins_with(name)))
        };
        let named = claims.get("_claim_names").ok().flatten();
        let has_groups = claims.truth("hasgroups").ok().flatten();
        let has_groups_elsewhere = named.is_some_and(is_elsewhere) || has_groups == Some(true);
        let groups = match claim.read(&claims.into_members()) {
            Groups::Absent if is_repeated => Groups::Unusable,
            groups => groups,
        };
        Self {
            email: email.map(|email| (email, verified)),
            name,
            groups,
            has_groups_elsewhere,
            unusable,
        }
    }

    /// Returns what sign-in depends on and is missing.
    pub(super) fn missing(&self, settings: &OidcSettings) -> Missing {
        let needs_groups = settings.admin_group.is_some() && !settings.groups_claim.is_standard();
        let has_groups = matches!(self.groups, Groups::Listed(_));
        match &self.email {
            None => Missing::Something,
            Some(_) if needs_groups && !has_groups => Missing::Something,
            Some((_, None)) if !settings.trust_emails => Missing::Verification,
            Some(_) => Missing::Nothing,
        }
    }

    /// Fills missing claims from another source about the same user.
    pub(super) fn or(mut self, elsewhere: Self) -> Self {
        self.unusable.extend(elsewhere.unusable);
        let email = match (self.email, elsewhere.email) {
            (Some((email, None)), Some((same, verified))) if email == same => {
                Some((email, verified))
            }
            (Some(email), _) => Some(email),
            (None, email) => email,
        };
        let is_enough =
            matches!(self.groups, Groups::Listed(_)) || elsewhere.groups == Groups::Absent;
        let groups = if is_enough {
            self.groups
        } else {
            elsewhere.groups
        };
        Self {
            email,
            name: self.name.or(elsewhere.name),
            groups,
            has_groups_elsewhere: self.has_groups_elsewhere || elsewhere.has_groups_elsewhere,
            unusable: self.unusable,
        }
    }

    /// Notes what is of no use, or missing and needed.
    pub(super) fn report(&self, settings: &OidcSettings, notices: &Notices) {
        for claim in CLAIMS {
            match self.unusable.iter().find(|error| error.name == claim) {
                Some(error) => notices.note(
                    Subject::Claim(claim),
                    format!("the claim {error}; it is ignored"),
                ),
                None if claim != "email_verified" => notices.settle(Subject::Claim(claim)),
                None if self.lacks_verification(settings) => notices.note(
                    Subject::Claim(claim),
                    "the claim `email_verified` is missing, so that nobody new can sign in; if \
                     only trusted people can set email addresses at the provider, set \
                     WAYPOST_OIDC_TRUST_EMAILS to true",
                ),
                None => notices.settle(Subject::Claim(claim)),
            }
        }
        if settings.admin_group.is_some() && !settings.groups_claim.is_standard() {
            self.report_groups(settings, notices);
        }
    }

    fn lacks_verification(&self, settings: &OidcSettings) -> bool {
        matches!(self.email, Some((_, None))) && !settings.trust_emails
    }

    /// Notes that nothing is known about the groups of a user, who is then no admin.
    fn report_groups(&self, settings: &OidcSettings, notices: &Notices) {
        let claim = settings.groups_claim.as_str();
        let text = match self.groups {
            Groups::Listed(_) => return notices.settle(Subject::Groups),
            _ if self.has_groups_elsewhere => format!(
                "the provider does not send the claim `{claim}` of a user who is in too many \
                 groups, so that the user is not an admin; at Entra ID, send only the groups that \
                 are assigned to the application, or use app roles and set \
                 WAYPOST_OIDC_GROUPS_CLAIM to roles"
            ),
            Groups::Absent => format!(
                "neither the ID token nor the userinfo response of a user has the claim \
                 `{claim}`, so that the user is not an admin; unless the user is in no group, \
                 let the provider send the claim or correct WAYPOST_OIDC_GROUPS_CLAIM"
            ),
            Groups::Unusable => format!(
                "the claim `{claim}` of a user names no groups, so that the user is not an \
                 admin; expected a list of names, a name or an object with names; \
                 WAYPOST_OIDC_GROUPS_CLAIM can be a path such as `{claim}.name`"
            ),
        };
        notices.note(Subject::Groups, text);
    }

    /// Converts the claims to an identity.
    pub(super) fn about(
        self,
        identity: ExternalIdentity,
        settings: &OidcSettings,
    ) -> ProvenIdentity {
        let (email, verified) = self.email.unzip();
        let trusted = settings.trust_emails.then_some(true);
        // A name is optional: an invalid one is left out.
        let name = self.name.and_then(|name| DisplayName::parse(&name).ok());
        let groups = match self.groups {
            Groups::Listed(groups) => groups,
            Groups::Absent | Groups::Unusable => Vec::new(),
        };
        let is_in = |group: &String| groups.contains(group);
        ProvenIdentity {
            identity,
            email: email.map(|email| Email::parse(&email)),
            email_verified: verified.flatten().or(trusted),
            display_name: name.unwrap_or_default(),
            is_in_admin_group: settings.admin_group.as_ref().map(is_in),
        }
    }
}

#[cfg(test)]
mod tests;
