//! People in the lists of the page of a link, and what their rows show.

use serde::Deserialize;
use waypost_core::{LinkId, Person};
use waypost_service::OwnedLink;

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
    pub(super) id: String,
    pub(super) email: String,
    /// The display name; may be empty.
    pub(super) name: String,
    pub(super) is_primary: bool,
    /// Whether this is the signed-in user.
    pub(super) is_self: bool,
}

impl PersonRow {
    /// Returns a person that a link is shared with.
    pub(super) fn viewer(person: &Person, frame: &Frame) -> Self {
        Self {
            id: person.id.to_string(),
            email: person.email.as_str().to_owned(),
            name: person.display_name.as_str().to_owned(),
            is_primary: false,
            is_self: frame.user().is_some_and(|user| user.id == person.id),
        }
    }

    /// Returns the owners of a link.
    pub(super) fn owners(owned: &OwnedLink, frame: &Frame) -> Vec<Self> {
        let owners = owned.owners.iter();
        let row = |owner: &waypost_core::LinkOwner| Self {
            is_primary: owner.is_primary,
            ..Self::viewer(&owner.person, frame)
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
