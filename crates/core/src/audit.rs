//! The audit trail: who did what to accounts, rights and rules, when, and from where.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;

use crate::hidden::is_hidden;
use crate::{Actor, AuditId, IpHash, UserId};

/// An entry of the audit trail. Entries are never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its ID.
    pub id: AuditId,
    /// When it happened, UTC, to the microsecond.
    pub created_at: OffsetDateTime,
    /// What happened.
    pub event: AuditEvent,
    /// Who did it.
    pub actor: AuditActor,
    /// What it was done to: an email address, a code, a host.
    pub subject: AuditText,
    /// What changed, for people; may be empty.
    pub detail: AuditText,
    /// Where the request came from: the hash of its IP address with the salt of the day. Entries of
    /// one day with the same hash have the same origin.
    pub origin: Option<IpHash>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditActor {
    /// The kind.
    pub kind: ActorKind,
    /// The user, who may be deleted by now; only for [`ActorKind::User`].
    pub user: Option<UserId>,
    /// The email address of the user at that time; empty for others.
    pub name: AuditText,
}

impl AuditActor {
    /// The server itself.
    #[must_use]
    pub fn server() -> Self {
        Self {
            kind: ActorKind::Server,
            user: None,
            name: AuditText::default(),
        }
    }

    /// Returns an actor of a request; `name` is the email address of a user.
    #[must_use]
    pub fn of(actor: &Actor, name: &str) -> Self {
        let (kind, user) = match actor {
            Actor::Anonymous => (ActorKind::Anonymous, None),
            Actor::Operator => (ActorKind::Operator, None),
            Actor::User { id, .. } => (ActorKind::User, Some(*id)),
        };
        Self {
            kind,
            user,
            name: user.map_or_else(AuditText::default, |_| AuditText::cut(name)),
        }
    }
}

/// A text of at most 320 characters, as long as an email address can be; longer ones are cut.
/// Control and invisible characters are replaced by spaces, so that an entry is one line that shows
/// what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditText(String);

impl AuditText {
    /// Maximum length in characters.
    pub const MAX_CHARS: usize = 320;

    /// Returns the text, cut where it is too long.
    #[must_use]
    pub fn cut(text: &str) -> Self {
        let line = text.chars().map(
            |character| {
                if is_hidden(character) { ' ' } else { character }
            },
        );
        Self(line.take(Self::MAX_CHARS).collect())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AuditText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! names {
    ($(#[$doc:meta])* $type:ident, $error:ident, $what:literal {
        $($(#[$of:meta])* $variant:ident => $name:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $type {
            $($(#[$of])* $variant,)*
        }

        impl $type {
            /// All values.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the name, as stored and as in the API.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                let mut all = Self::ALL.iter();
                all.find(|value| value.as_str() == text).copied().ok_or($error)
            }
        }

        #[doc = concat!("The text is not the name of ", $what, ".")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        #[error("must be the name of {}", $what)]
        pub struct $error;
    };
}

names! {
    /// The kind of an actor.
    ActorKind, ActorKindError, "a kind of actor" {
        /// A user.
        User => "user",
        /// The operator: `linkctl`, or the operator's token.
        Operator => "operator",
        /// The server itself.
        Server => "server",
        /// Nobody who is signed in.
        Anonymous => "anonymous",
    }
}

names! {
    /// What happened.
    AuditEvent, AuditEventError, "an event of the audit trail" {
        /// A user signed in.
        SignedIn => "signed_in",
        /// A sign-in failed: a wrong password, a disabled user, an identity that is refused.
        SignInFailed => "sign_in_failed",
        /// Sessions were ended.
        SessionsEnded => "sessions_ended",
        /// A user was added.
        UserAdded => "user_added",
        /// The name or email address of a user changed.
        UserChanged => "user_changed",
        /// The role of a user changed.
        RoleChanged => "role_changed",
        /// A user was disabled.
        UserDisabled => "user_disabled",
        /// A user was enabled.
        UserEnabled => "user_enabled",
        /// A user was deleted.
        UserDeleted => "user_deleted",
        /// A password was set or changed.
        PasswordChanged => "password_changed",
        /// An account at an identity provider was linked to a user.
        IdentityLinked => "identity_linked",
        /// An account at an identity provider was unlinked from a user.
        IdentityUnlinked => "identity_unlinked",
        /// An API token was created.
        TokenCreated => "token_created",
        /// API tokens were revoked.
        TokenRevoked => "token_revoked",
        /// The owners of a link, or the people it is shared with, changed.
        AccessChanged => "access_changed",
        /// A link was offered to another owner.
        TransferOffered => "transfer_offered",
        /// An offered link was accepted.
        TransferAccepted => "transfer_accepted",
        /// An offer ended without being accepted.
        TransferEnded => "transfer_ended",
        /// A host or network was blocked.
        HostBlocked => "host_blocked",
        /// A host or network was unblocked.
        HostUnblocked => "host_unblocked",
        /// A keyword was created.
        KeywordCreated => "keyword_created",
        /// A keyword was changed.
        KeywordChanged => "keyword_changed",
        /// A keyword was deleted.
        KeywordDeleted => "keyword_deleted",
        /// Click records or deleted links were purged.
        Purged => "purged",
        /// A server started with other settings than before.
        SettingsChanged => "settings_changed",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_differ() {
        let names: BTreeSet<_> = AuditEvent::ALL.iter().map(|event| event.as_str()).collect();
        assert_eq!(names.len(), AuditEvent::ALL.len());
        for event in AuditEvent::ALL {
            assert_eq!(event.as_str().parse(), Ok(*event));
            assert!(event.as_str().len() <= 32, "the width of the column");
        }
        for kind in ActorKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        let unknown = "signed in".parse::<AuditEvent>().unwrap_err().to_string();
        assert_eq!(unknown, "must be the name of an event of the audit trail");
    }

    #[test]
    fn a_text_is_one_line_and_cut() {
        assert_eq!(AuditText::cut("a\nb\u{7}\u{202e}c").as_str(), "a b  c");
        let long = AuditText::cut(&"ä".repeat(400));
        assert_eq!(long.as_str().chars().count(), AuditText::MAX_CHARS);
    }

    #[test]
    fn only_users_have_a_name() {
        let operator = AuditActor::of(&Actor::Operator, "ada@example.com");
        assert_eq!(
            (operator.kind, operator.name.as_str()),
            (ActorKind::Operator, "")
        );
        assert_eq!(AuditActor::server().user, None);
    }
}
