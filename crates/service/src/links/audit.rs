//! What the audit trail says about changes of links: of their owners and of who sees them, and of
//! keywords. Other changes are in the history of the link.

use waypost_core::{Actor, AuditEvent, InvitedAs, Link, LinkContent, UserId};
use waypost_store::LinkEdit;

use super::Links;
use crate::audit::{Note, Requester};

/// An edit, as far as the audit trail is concerned.
pub(super) enum Audited {
    /// With the words for the details.
    Done(AuditEvent, String),
    /// The same about this user.
    ToUser(AuditEvent, &'static str, UserId),
}

impl Audited {
    /// Returns what to record of an edit of a link, or `None` for one that only the history has.
    pub(super) fn of(link: &Link, edit: &LinkEdit) -> Option<Self> {
        use AuditEvent::{
            AccessChanged, KeywordChanged, KeywordCreated, KeywordDeleted, TransferAccepted,
            TransferEnded, TransferOffered,
        };
        let to = |event, words, user: &UserId| Some(Self::ToUser(event, words, *user));
        match edit {
            LinkEdit::Content(content) if link.is_keyword => {
                Some(Self::Done(KeywordChanged, target(content)))
            }
            LinkEdit::Restore(content) if link.is_keyword => {
                Some(Self::Done(KeywordCreated, target(content)))
            }
            LinkEdit::Delete if link.is_keyword => Some(Self::Done(KeywordDeleted, String::new())),
            LinkEdit::Content(_) | LinkEdit::Restore(_) | LinkEdit::Delete => None,
            LinkEdit::AddOwner(user) => to(AccessChanged, "owner added", user),
            LinkEdit::MakePrimary(user) => to(TransferAccepted, "new primary owner", user),
            LinkEdit::RemoveOwner(user) => to(AccessChanged, "owner removed", user),
            LinkEdit::Share(user) => to(AccessChanged, "shared with", user),
            LinkEdit::Unshare(user) => to(AccessChanged, "no longer shared with", user),
            LinkEdit::Invite(role, email) => Some(match role {
                InvitedAs::PrimaryOwner => Self::Done(TransferOffered, format!("to {email}")),
                InvitedAs::Owner => Self::Done(AccessChanged, format!("owner invited: {email}")),
                InvitedAs::Viewer => Self::Done(AccessChanged, format!("shared with: {email}")),
            }),
            LinkEdit::Uninvite(role, email) => Some(match role {
                InvitedAs::PrimaryOwner => Self::Done(TransferEnded, format!("to {email}")),
                InvitedAs::Owner => Self::Done(AccessChanged, format!("invitation ended: {email}")),
                InvitedAs::Viewer => {
                    Self::Done(AccessChanged, format!("no longer shared with: {email}"))
                }
            }),
        }
    }
}

/// Returns the words about a keyword.
pub(super) fn target(content: &LinkContent) -> String {
    format!("to {}", content.target.as_str())
}

impl Links {
    /// Returns the service for changes that `requester` asks for, as the audit trail names them.
    #[must_use]
    pub fn requested_by(&self, requester: std::sync::Arc<Requester>) -> Self {
        Self {
            audit: self.audit.requested_by(requester),
            ..self.clone()
        }
    }

    /// Records an edit of a link that was just made.
    pub(super) async fn audit(&self, actor: &Actor, link: &Link, audited: Audited) {
        let (event, detail) = match audited {
            Audited::Done(event, detail) => (event, detail),
            Audited::ToUser(event, words, user) => {
                let user = self.store().user(user).await.ok().flatten();
                let email = user.map_or_else(
                    || "a deleted user".to_owned(),
                    |user| user.email.to_string(),
                );
                (event, format!("{words}: {email}"))
            }
        };
        let subject = link.code.as_str();
        let note = Note {
            event,
            subject,
            detail,
        };
        self.audit.record_of(actor, note).await;
    }
}
