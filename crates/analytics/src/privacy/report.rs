//! The stored personal data, field by field: its source, how long it is kept, and who can see it.
//! `linkctl privacy report` prints it. A test compares it with the columns of the database.

mod clicks;

use super::Privacy;
use crate::ClickSettings;

/// A stored field that holds personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredField {
    /// The table, or `journal` for the click journal.
    pub place: &'static str,
    /// The column, or the value in the journal.
    pub field: &'static str,
    /// The source of the value, and how it is processed before it is stored.
    pub source: &'static str,
    /// How long it is kept.
    pub kept: String,
    /// Who can see it, besides the operator of the database.
    pub seen_by: &'static str,
    /// Whether it is stored under these settings.
    pub is_stored: bool,
    /// Whether it is stored of visitors who send `Sec-GPC: 1` or `DNT: 1`.
    pub is_stored_untracked: bool,
}

const OWNERS: &str = "owners of the link, admins";
const NOBODY: &str = "nobody";
const THEMSELVES: &str = "the user, admins";
const USERS: &str = "users";

const WITH_LINK: &str = "until the link is permanently deleted";
const WITH_USER: &str = "until the user is deleted";

/// Returns all fields under these settings.
#[must_use]
pub fn report(settings: &ClickSettings) -> Vec<StoredField> {
    let mut fields = Vec::new();
    let mut add = |place, field, source, kept: &str, seen_by, is_stored| {
        fields.push(StoredField {
            place,
            field,
            source,
            kept: kept.to_owned(),
            seen_by,
            is_stored,
            is_stored_untracked: is_stored && !clicks::is_of_tracked_visitors(place, field),
        });
    };
    clicks::journal(&mut add, settings);
    clicks::clicks(&mut add, settings);
    clicks::rollups(&mut add);
    users(&mut add);
    signing_in(&mut add);
    audit(&mut add);
    fields
}

type Add<'a> = dyn FnMut(&'static str, &'static str, &'static str, &str, &'static str, bool) + 'a;

/// User accounts.
fn users(add: &mut Add<'_>) {
    for (field, source, seen_by) in [
        ("id", "time followed by random bits", USERS),
        (
            "email",
            "entered by the user or an admin, or from the OpenID provider",
            USERS,
        ),
        (
            "display_name",
            "entered by the user, or from the OpenID provider",
            USERS,
        ),
        (
            "role",
            "set by an admin, or from a group of the OpenID provider",
            THEMSELVES,
        ),
        ("created_at", "the clock of the database", THEMSELVES),
        ("password_hash", "argon2id of the password", NOBODY),
        ("disabled_at", "when the account was disabled", THEMSELVES),
    ] {
        add("users", field, source, WITH_USER, seen_by, true);
    }
}

/// Sessions, API tokens and external identities of users.
fn signing_in(add: &mut Add<'_>) {
    for (field, source, seen_by) in [
        ("id", "time followed by random bits", "the user"),
        ("user_id", "its user", "the user"),
        ("secret_hash", "SHA-256 of the session cookie", NOBODY),
        ("created_at", "when the user signed in", "the user"),
        (
            "last_used_at",
            "when it was last used, to the minute",
            "the user",
        ),
        ("expires_at", "when it expires", "the user"),
        ("ended_at", "when it was signed out", NOBODY),
        ("user_agent", "the header User-Agent at sign-in", "the user"),
    ] {
        let kept = "until 30 days after it has expired";
        add("sessions", field, source, kept, seen_by, true);
    }
    for (field, source, seen_by) in [
        ("id", "time followed by random bits", THEMSELVES),
        ("user_id", "its user", THEMSELVES),
        ("name", "entered by the user", THEMSELVES),
        ("secret_hash", "SHA-256 of the token", NOBODY),
        ("scopes", "entered by the user", THEMSELVES),
        ("created_at", "the clock of the database", THEMSELVES),
        ("expires_at", "entered by the user", THEMSELVES),
        (
            "last_used_at",
            "when it was last used, to the minute",
            THEMSELVES,
        ),
        ("revoked_at", "when it was revoked", THEMSELVES),
    ] {
        add("api_tokens", field, source, WITH_USER, seen_by, true);
    }
    for (field, source, seen_by) in [
        ("identity_hash", "SHA-256 of issuer and subject", "admins"),
        ("issuer", "the OpenID provider", "admins"),
        (
            "subject",
            "the ID of the user at the OpenID provider",
            "admins",
        ),
        ("user_id", "the user on this server", "admins"),
        (
            "admin_by_group",
            "whether a group at the provider made the user an admin",
            NOBODY,
        ),
        (
            "created_at",
            "when the user first signed in with it",
            "admins",
        ),
    ] {
        add("user_identities", field, source, WITH_USER, seen_by, true);
    }
    for (field, source) in [
        ("secret_hash", "SHA-256 of the token of a set-up link"),
        ("expires_at", "when it expires"),
    ] {
        let kept = "until the first user exists";
        add("setup_tokens", field, source, kept, NOBODY, true);
    }
    for (field, source) in [
        ("state_hash", "SHA-256 of a random value of the sign-in"),
        ("expires_at", "when the sign-in expires"),
    ] {
        let kept = "until the next sign-in after it expires";
        add("used_sign_ins", field, source, kept, NOBODY, true);
    }
    whose_links(add);
}

/// Owners, sharing and history of links.
fn whose_links(add: &mut Add<'_>) {
    for (field, source) in [
        ("link_id", "the link"),
        ("user_id", "an owner of the link"),
        ("is_primary", "whether the user is the primary owner"),
        (
            "since_version",
            "the version of the link with which the user became an owner",
        ),
        ("link_created_at", "when the link was created"),
    ] {
        let seen_by = "everyone who can see the link";
        add("link_owners", field, source, WITH_LINK, seen_by, true);
    }
    for (field, source) in [
        ("link_id", "the link"),
        ("user_id", "a user the link is shared with"),
        ("link_created_at", "when the link was created"),
    ] {
        add("link_shares", field, source, WITH_LINK, OWNERS, true);
    }
    for (field, source) in [
        ("link_id", "the link"),
        ("role", "what the invitation is for"),
        ("email", "the email address that an owner or admin invited"),
        (
            "user_id",
            "the user with this email address; deleted with the user",
        ),
        (
            "from_user_id",
            "the owner who gives; removed when the user is deleted",
        ),
        ("invited_at", "when the address was invited"),
    ] {
        let seen_by = "owners of the link, the invited user and admins";
        add("link_invitations", field, source, WITH_LINK, seen_by, true);
    }
    for (field, source) in [
        ("link_id", "the link"),
        ("number", "the number of the version"),
        ("action", "the kind of the change"),
        ("changed_at", "when the link was changed"),
        (
            "user_id",
            "who changed the link; removed when the user is deleted",
        ),
        (
            "before",
            "the link before the change, with the IDs of its owners and of users it is shared with, and \
             invited email addresses",
        ),
        (
            "after",
            "the link after the change, with the IDs of its owners and of users it is shared with, and \
             invited email addresses",
        ),
    ] {
        add("link_versions", field, source, WITH_LINK, OWNERS, true);
    }
    for (field, source) in [
        (
            "created_by",
            "who blocked the host; removed when the user is deleted",
        ),
        ("created_at", "when the host was blocked"),
    ] {
        let kept = "until the host is unblocked";
        add("blocked_hosts", field, source, kept, "admins", true);
    }
}

impl Privacy {
    /// Returns what is stored of visitors who send `Sec-GPC: 1` or `DNT: 1`, in a sentence.
    #[must_use]
    pub const fn untracked(self) -> &'static str {
        match self {
            Self::Full | Self::Anonymous => {
                "of visitors who send Sec-GPC: 1 or DNT: 1, only the link, the time and the click \
                 type are stored, and counted in totals"
            }
            Self::Counts => {
                "visitors who send Sec-GPC: 1 or DNT: 1 are counted only in the totals of clicks, by \
                 click type"
            }
        }
    }

    /// Returns the meaning of the setting in a sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Full => "all listed fields of clicks are kept",
            Self::Anonymous => "clicks are kept without user agent and user",
            Self::Counts => "no click records are kept, only daily totals",
        }
    }
}

/// The audit trail.
fn audit(add: &mut Add<'_>) {
    let kept = "as many days as WAYPOST_AUDIT_DAYS says, also after the user is deleted";
    for (field, source) in [
        ("id", "time followed by random bits"),
        ("created_at", "the clock of the database"),
        ("event", "what happened"),
        ("actor_kind", "whether a user did it"),
        ("actor_id", "the user who did it"),
        ("actor_name", "the email address of the user at that time"),
        (
            "subject",
            "what it was done to: an email address, a code or a host",
        ),
        ("detail", "what changed"),
        (
            "origin_hash",
            "SHA-256 of the IP address of the request with the salt of the day, which is deleted",
        ),
    ] {
        add("audit_entries", field, source, kept, "admins", true);
    }
}

#[cfg(test)]
mod tests;
