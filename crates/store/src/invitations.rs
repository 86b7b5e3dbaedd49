//! The invitations of a link, and what follows for them from a change of the link.

use waypost_core::{Email, Invitation, InvitedAs, UserId};

/// The invitations of a link, sorted by what they are for, then by email address. There is one for
/// each address and purpose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invitations(Vec<Invitation>);

impl FromIterator<Invitation> for Invitations {
    fn from_iter<I: IntoIterator<Item = Invitation>>(invitations: I) -> Self {
        let mut all = Self::default();
        for invitation in invitations {
            all.add(invitation);
        }
        all
    }
}

impl Invitations {
    fn place(&self, role: InvitedAs, email: &Email) -> Result<usize, usize> {
        let key = (role, email);
        self.0
            .binary_search_by(|one| (one.role, &one.email).cmp(&key))
    }

    /// Returns all invitations in order.
    pub fn iter(&self) -> impl Iterator<Item = &Invitation> {
        self.0.iter()
    }

    /// Returns what each invitation is for, and its email address.
    #[must_use]
    pub fn keys(&self) -> Vec<(InvitedAs, Email)> {
        let keys = self.0.iter().map(|one| (one.role, one.email.clone()));
        keys.collect()
    }

    /// Returns an invitation.
    #[must_use]
    pub fn get(&self, role: InvitedAs, email: &Email) -> Option<&Invitation> {
        let place = self.place(role, email).ok()?;
        self.0.get(place)
    }

    /// Adds an invitation. If there is one for this address and purpose, it stays as it is.
    pub fn add(&mut self, invitation: Invitation) {
        if let Err(place) = self.place(invitation.role, &invitation.email) {
            self.0.insert(place, invitation);
        }
    }

    /// Removes an invitation and returns it, if there is one.
    pub fn remove(&mut self, role: InvitedAs, email: &Email) -> Option<Invitation> {
        let place = self.place(role, email).ok()?;
        Some(self.0.remove(place))
    }

    /// Removes the invitations of a user to see the link.
    pub fn remove_viewer(&mut self, user: UserId) {
        self.0
            .retain(|one| one.role != InvitedAs::Viewer || one.user != Some(user));
    }

    /// Whether the user sees the link by an invitation.
    #[must_use]
    pub fn has_viewer(&self, user: UserId) -> bool {
        let mut all = self.0.iter();
        all.any(|one| one.role == InvitedAs::Viewer && one.user == Some(user))
    }

    /// Notes that a user has the email address, and returns what they are invited for. Invitations
    /// that another user had with this address stay with that user.
    pub fn claim(&mut self, email: &Email, user: UserId) -> Vec<InvitedAs> {
        let unclaimed = self.0.iter_mut();
        let unclaimed = unclaimed.filter(|one| one.email == *email && one.user.is_none());
        unclaimed
            .map(|one| {
                one.user = Some(user);
                one.role
            })
            .collect()
    }

    /// Removes the user from the invitations: those of the user end.
    pub fn forget(&mut self, user: UserId) {
        self.0.retain(|one| one.user != Some(user));
        for one in &mut self.0 {
            one.from = one.from.filter(|from| *from != user);
        }
    }

    /// Returns who gives an invitation of this kind if `by` invites, given the owners with the
    /// primary one first.
    #[must_use]
    pub fn giver(role: InvitedAs, by: Option<UserId>, owners: &[UserId]) -> Option<UserId> {
        match role {
            InvitedAs::Viewer => by,
            InvitedAs::Owner => by.filter(|by| owners.contains(by)),
            InvitedAs::PrimaryOwner => owners.first().copied(),
        }
    }

    /// Ends the invitations that no longer hold: those of users who have become what they are
    /// invited for, a transfer by a user who is no longer the primary owner, and an invitation to
    /// own the link by a user who no longer owns it. A deletion ends all but those of viewers.
    /// `owners` has the primary one first.
    pub fn settle(&mut self, owners: &[UserId], is_deleted: bool) {
        let is_owner = |user: &UserId| owners.contains(user);
        let primary = owners.first().copied();
        self.0.retain(|one| match one.role {
            InvitedAs::Viewer => !one.user.as_ref().is_some_and(is_owner),
            _ if is_deleted => false,
            InvitedAs::Owner => {
                one.from.as_ref().is_none_or(is_owner) && !one.user.as_ref().is_some_and(is_owner)
            }
            InvitedAs::PrimaryOwner => {
                one.from == primary && (one.user.is_none() || one.user != primary)
            }
        });
    }
}
