//! The audit trail, as the API, pages and `linkctl` show it.

use std::borrow::Cow;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use waypost_core::{ActorKind, AuditEntry, AuditEvent, IpHash};

/// The length of an origin, in hexadecimal digits: enough to tell the addresses of a day apart.
const ORIGIN_DIGITS: usize = 12;

/// The names of events, for the API reference.
pub(crate) struct AuditEventName;

/// The names of kinds of actors, for the API reference.
pub(crate) struct ActorKindName;

macro_rules! named {
    ($name:ident, $type:ident, $description:literal) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($description))
                    .enum_values(Some($type::ALL.iter().map(|value| value.as_str())))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}

named!(AuditEventName, AuditEvent, "What happened.");
named!(
    ActorKindName,
    ActorKind,
    "Who did something: a `user`, the `operator` (`linkctl` or the operator's token), the `server` \
     itself, or `anonymous`, nobody who was signed in."
);

/// An entry of the audit trail; `linkctl --json` prints the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct AuditRecord {
    #[schema(format = "uuid")]
    id: String,
    /// When it happened (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    /// What happened.
    #[schema(value_type = AuditEventName)]
    pub(crate) event: &'static str,
    /// Who did it.
    #[schema(value_type = ActorKindName)]
    pub(crate) actor: &'static str,
    /// The ID of the user who did it; they may be deleted by now.
    #[schema(format = "uuid")]
    pub(crate) user_id: Option<String>,
    /// The email address of that user at the time; empty for others.
    #[schema(max_length = 320)]
    pub(crate) user: String,
    /// What it was done to: an email address, a code or a host.
    #[schema(max_length = 320)]
    pub(crate) subject: String,
    /// What changed.
    #[schema(max_length = 320)]
    pub(crate) detail: String,
    /// Identifies the IP address on this day, without saying which one it is: a part of its hash
    /// with the salt of the day. `null` if there was no request.
    #[schema(min_length = 12, max_length = 12, example = "3f9c0a1b22de")]
    pub(crate) origin: Option<String>,
}

impl From<&AuditEntry> for AuditRecord {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            at: entry.created_at,
            event: entry.event.as_str(),
            actor: entry.actor.kind.as_str(),
            user_id: entry.actor.user.map(|user| user.to_string()),
            user: entry.actor.name.to_string(),
            subject: entry.subject.to_string(),
            detail: entry.detail.to_string(),
            origin: entry.origin.as_ref().map(part_of),
        }
    }
}

impl AuditRecord {
    /// Returns what identifies the IP address on this day, if there is any.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Returns who did it, for people.
    #[must_use]
    pub fn who(&self) -> &str {
        if self.user.is_empty() {
            return self.actor;
        }
        &self.user
    }
}

fn part_of(hash: &IpHash) -> String {
    let digits = hash.to_hex();
    let digits = digits.iter().take(ORIGIN_DIGITS);
    digits.map(|digit| char::from(*digit)).collect()
}

/// Returns the words of an event for people, without a full stop.
pub(crate) const fn label(event: AuditEvent) -> &'static str {
    match event {
        AuditEvent::SignedIn => "Signed in",
        AuditEvent::SignInFailed => "Sign-in failed",
        AuditEvent::SessionsEnded => "Sessions ended",
        AuditEvent::UserAdded => "User added",
        AuditEvent::UserChanged => "User changed",
        AuditEvent::RoleChanged => "Role changed",
        AuditEvent::UserDisabled => "User disabled",
        AuditEvent::UserEnabled => "User enabled",
        AuditEvent::UserDeleted => "User deleted",
        AuditEvent::PasswordChanged => "Password changed",
        AuditEvent::IdentityLinked => "OpenID account linked",
        AuditEvent::IdentityUnlinked => "OpenID account unlinked",
        AuditEvent::TokenCreated => "Token created",
        AuditEvent::TokenRevoked => "Token revoked",
        AuditEvent::AccessChanged => "Access changed",
        AuditEvent::TransferOffered => "Transfer offered",
        AuditEvent::TransferAccepted => "Transfer accepted",
        AuditEvent::TransferEnded => "Transfer ended",
        AuditEvent::HostBlocked => "Host blocked",
        AuditEvent::HostUnblocked => "Host unblocked",
        AuditEvent::KeywordCreated => "Keyword created",
        AuditEvent::KeywordChanged => "Keyword changed",
        AuditEvent::KeywordDeleted => "Keyword removed",
        AuditEvent::Purged => "Purged",
        AuditEvent::SettingsChanged => "Settings changed",
    }
}

/// Returns the words of a kind of actor for people.
pub(crate) const fn actor_label(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::User => "user",
        ActorKind::Operator => "operator",
        ActorKind::Server => "server",
        ActorKind::Anonymous => "not signed in",
    }
}

#[cfg(test)]
mod tests {
    use waypost_core::{AuditActor, AuditId, AuditText, SeededRandom};

    use super::*;

    #[test]
    fn an_origin_is_a_part_of_the_hash() {
        let at = time::macros::datetime!(2026-03-01 12:00 UTC);
        let entry = AuditEntry {
            id: AuditId::new(at, &SeededRandom::new(1)),
            created_at: at,
            event: AuditEvent::HostBlocked,
            actor: AuditActor::server(),
            subject: AuditText::cut("evil.example"),
            detail: AuditText::default(),
            origin: Some(IpHash::from_bytes([0xab; 32])),
        };
        let record = AuditRecord::from(&entry);
        assert_eq!(record.origin.as_deref(), Some("abababababab"));
        assert_eq!((record.who(), record.event), ("server", "host_blocked"));
    }
}
