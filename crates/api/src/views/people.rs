//! Owners of links, the people they are shared with, invitations and offers, as the API and pages
//! show them.

use std::borrow::Cow;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use waypost_core::{Invitation, InvitedAs, LinkId};
use waypost_service::{AddedOwner, Offer, Shortener, Viewer};

use super::links::{ContentView, OwnerView, PersonView};

/// A person whom a link is shared with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Share)]
pub(crate) struct ShareView {
    /// The ID of the user; `null` for an invited email address. Admins see the ID if a user has the
    /// address.
    #[schema(format = "uuid")]
    pub(crate) id: Option<String>,
    /// The email address.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    pub(crate) email: String,
    /// The name that is shown to others; may be empty, and is for an invited email address.
    #[schema(max_length = 100)]
    pub(crate) display_name: String,
    /// When the email address was invited (RFC 3339); `null` for a user whom the link was shared
    /// with before there were invitations.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) invited_at: Option<OffsetDateTime>,
}

impl From<&Viewer> for ShareView {
    fn from(viewer: &Viewer) -> Self {
        let person = viewer.person.as_ref();
        let name = person.map(|person| person.display_name.as_str().to_owned());
        Self {
            id: person.map(|person| person.id.to_string()),
            email: viewer.email.as_str().to_owned(),
            display_name: name.unwrap_or_default(),
            invited_at: viewer.invited_at,
        }
    }
}

/// An owner of a link, or a person who is invited to own it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AddedOwner)]
pub(crate) struct AddedOwnerView {
    /// The ID of the owner; `null` until an invited person accepts.
    #[schema(format = "uuid")]
    pub(crate) id: Option<String>,
    /// The email address.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    pub(crate) email: String,
    /// The name that is shown to others; may be empty, and is until an invited person accepts.
    #[schema(max_length = 100)]
    pub(crate) display_name: String,
    /// Whether this is the primary owner.
    pub(crate) is_primary: bool,
    /// When the person was invited (RFC 3339); `null` for an owner.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) invited_at: Option<OffsetDateTime>,
}

impl From<AddedOwner> for AddedOwnerView {
    fn from(added: AddedOwner) -> Self {
        match added {
            AddedOwner::Owner(owner) => {
                let OwnerView { person, is_primary } = (&owner).into();
                let PersonView {
                    id,
                    email,
                    display_name,
                } = person;
                Self {
                    id: Some(id),
                    email,
                    display_name,
                    is_primary,
                    invited_at: None,
                }
            }
            AddedOwner::Invited(invitation) => Self {
                id: None,
                email: invitation.email.as_str().to_owned(),
                display_name: String::new(),
                is_primary: false,
                invited_at: Some(invitation.at),
            },
        }
    }
}

/// What an invitation is for: `owner`, owning the link with others, or `primary_owner`, a transfer
/// of the link.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum OfferedRole {
    Owner,
    PrimaryOwner,
}

/// A pending invitation to own a link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invitation)]
pub(crate) struct InvitationView {
    /// What the person becomes when they accept.
    #[schema(value_type = OfferedRole)]
    pub(crate) role: &'static str,
    /// The email address of the person.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    pub(crate) email: String,
    /// When the person was invited (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) invited_at: OffsetDateTime,
}

impl From<&Invitation> for InvitationView {
    fn from(invitation: &Invitation) -> Self {
        Self {
            role: invitation.role.as_str(),
            email: invitation.email.as_str().to_owned(),
            invited_at: invitation.at,
        }
    }
}

/// A link that the caller can accept; `linkctl --json` prints the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Offer)]
pub struct OfferRecord {
    /// The ID of the link, which names the offer.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// The code of the link.
    #[schema(example = "Team-Wiki", min_length = 1, max_length = 64)]
    pub(crate) code: String,
    /// The short link.
    #[schema(example = "http://localhost:8080/Team-Wiki", format = "uri")]
    pub(crate) short_url: String,
    #[serde(flatten)]
    pub(crate) content: ContentView,
    /// What the caller becomes when they accept.
    #[schema(value_type = OfferedRole)]
    pub(crate) role: &'static str,
    /// The owner who offers the link; `null` for the operator and admins.
    pub(crate) from: Option<PersonView>,
    /// When the link was offered (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) offered_at: OffsetDateTime,
}

impl OfferRecord {
    /// Creates the record of an offer of a link of this shortener.
    #[must_use]
    pub fn new(offer: &Offer, shortener: &Shortener) -> Self {
        Self {
            id: offer.link.id.to_string(),
            code: offer.link.code.spelling().to_owned(),
            short_url: shortener.short_url(&offer.link),
            content: offer.link.content().into(),
            role: offer.role.as_str(),
            from: offer.from.as_ref().map(PersonView::from),
            offered_at: offer.at,
        }
    }

    /// Whether the link is transferred: the receiver becomes its primary owner.
    pub(crate) fn is_transfer(&self) -> bool {
        self.role == InvitedAs::PrimaryOwner.as_str()
    }

    /// Returns the name of the giver, if they are known, with the email address: users choose their
    /// names.
    pub(crate) fn giver(&self) -> Option<Cow<'_, str>> {
        let from = self.from.as_ref()?;
        Some(match from.display_name.as_str() {
            "" => Cow::Borrowed(&from.email),
            name => Cow::Owned(format!("{name} ({})", from.email)),
        })
    }
}

/// The pending transfer of a link; also the output of `linkctl transfer offer --json`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Transfer)]
pub struct TransferRecord {
    /// The ID of the link.
    #[schema(format = "uuid")]
    pub(crate) link_id: String,
    /// The email address of the receiver.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    pub(crate) email: String,
    /// When the link was offered (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) offered_at: OffsetDateTime,
}

impl TransferRecord {
    /// Creates the record of the pending transfer of a link.
    #[must_use]
    pub fn new(link: LinkId, invitation: &Invitation) -> Self {
        Self {
            link_id: link.to_string(),
            email: invitation.email.as_str().to_owned(),
            offered_at: invitation.at,
        }
    }
}
