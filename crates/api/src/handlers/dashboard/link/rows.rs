//! People in the lists of the page of a link, and what their rows show.

use serde::Deserialize;
use waypost_core::{Email, Invitation, InvitedAs, LinkId, Person};
use waypost_service::{OwnedLink, Viewer};

use crate::pages::Frame;

/// The form that adds a person.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PersonForm {
    pub(super) email: String,
    /// `owner` or `viewer`.
    pub(super) role: String,
}

/// A person in the lists of the page.
pub(super) struct PersonRow {
    /// How the person is named in a form: by ID, or by email address.
    pub(super) key: String,
    pub(super) email: String,
    /// The display name; may be empty.
    pub(super) name: String,
    pub(super) is_primary: bool,
    /// Whether this is the signed-in user.
    pub(super) is_self: bool,
    /// Whether the email address is invited, and nothing is said about who has it.
    pub(super) is_invited: bool,
}

impl PersonRow {
    fn of(person: &Person, frame: &Frame) -> Self {
        Self {
            key: person.id.to_string(),
            email: person.email.as_str().to_owned(),
            name: person.display_name.as_str().to_owned(),
            is_primary: false,
            is_self: frame.user().is_some_and(|user| user.id == person.id),
            is_invited: false,
        }
    }

    fn invited(email: &Email) -> Self {
        Self {
            key: email.as_str().to_owned(),
            email: email.as_str().to_owned(),
            name: String::new(),
            is_primary: false,
            is_self: false,
            is_invited: true,
        }
    }

    /// Returns a person that a link is shared with.
    pub(super) fn viewer(viewer: &Viewer, frame: &Frame) -> Self {
        match &viewer.person {
            Some(person) => Self::of(person, frame),
            None => Self::invited(&viewer.email),
        }
    }

    /// Returns the people with these pending invitations to own a link.
    pub(super) fn invited_owners(invitations: &[Invitation]) -> Vec<Self> {
        let owners = invitations
            .iter()
            .filter(|invitation| invitation.role == InvitedAs::Owner);
        let row = |invitation: &Invitation| Self::invited(&invitation.email);
        owners.map(row).collect()
    }

    /// Returns the owners of a link.
    pub(super) fn owners(owned: &OwnedLink, frame: &Frame) -> Vec<Self> {
        let owners = owned.owners.iter();
        let row = |owner: &waypost_core::LinkOwner| Self {
            is_primary: owner.is_primary,
            ..Self::of(&owner.person, frame)
        };
        owners.map(row).collect()
    }
}

/// Returns the path of the page of a link.
pub(super) fn path_of(id: LinkId) -> String {
    format!("/dashboard/links/{id}")
}

/// Returns the display name of a user, or else their email address.
pub(super) fn name_of(person: &Person) -> String {
    match person.display_name.as_str() {
        "" => person.email.as_str().to_owned(),
        name => name.to_owned(),
    }
}
