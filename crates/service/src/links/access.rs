//! The owners of links, and the people they are shared with. Handing over a link is in `transfer`.
//!
//! Nobody learns from an answer here whether an email address has an account, except admins: a
//! member names addresses, and sees addresses that wait until access begins, or until the person
//! accepts.

use time::OffsetDateTime;
use waypost_core::{
    Action, Actor, Email, Invitation, InvitedAs, Link, LinkId, LinkOwner, Person, Standing, User,
    UserId,
};
use waypost_store::LinkEdit;

use super::{LinkError, Links, TRIES, not_deleted};

/// Maximum number of owners of a link, and of people it is shared with, invited ones included.
pub(super) const MOST_PEOPLE: usize = 200;

/// A person whom a link is shared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The email address by which they are known.
    pub email: Email,
    /// The user; `None` if there is none yet, or if the actor must not learn whether there is one.
    pub person: Option<Person>,
    /// When the address was invited; `None` for a user whom the link was shared with otherwise.
    pub invited_at: Option<OffsetDateTime>,
}

/// A person whom a link is shared with, as a caller names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewerName {
    /// By ID.
    User(UserId),
    /// By email address.
    Email(Email),
}

/// What came of adding an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddedOwner {
    /// The user owns the link.
    Owner(LinkOwner),
    /// The person is invited, and owns the link when they accept.
    Invited(Invitation),
}

impl Links {
    /// Returns the owners of a link, the primary one first.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] and the other results of [`decide`](waypost_core::decide).
    pub async fn owners(&self, actor: &Actor, id: LinkId) -> Result<Vec<LinkOwner>, LinkError> {
        Ok(self.get(actor, id).await?.owners)
    }

    /// Returns the people a link is shared with, sorted by email address.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] and the other results of [`decide`](waypost_core::decide).
    pub async fn shares(&self, actor: &Actor, id: LinkId) -> Result<Vec<Viewer>, LinkError> {
        let link = self.permitted(actor, Action::ViewHistory, id).await?;
        self.viewers(actor, not_deleted(link)?.id).await
    }

    async fn viewers(&self, actor: &Actor, id: LinkId) -> Result<Vec<Viewer>, LinkError> {
        let mut shares = self.store().shares_of_link(id).await?;
        let mut viewers = Vec::new();
        for invitation in self.store().invitations_of_link(id).await? {
            if invitation.role != InvitedAs::Viewer {
                continue;
            }
            let place = shares
                .iter()
                .position(|person| Some(person.id) == invitation.user);
            let person = place.map(|place| shares.swap_remove(place));
            viewers.push(Viewer {
                email: invitation.email,
                person: person.filter(|_| actor.is_admin()),
                invited_at: Some(invitation.at),
            });
        }
        viewers.extend(shares.into_iter().map(|person| Viewer {
            email: person.email.clone(),
            person: Some(person),
            invited_at: None,
        }));
        viewers.sort_by(|one, other| one.email.cmp(&other.email));
        Ok(viewers)
    }

    /// Returns the pending invitations to own a link, and its pending transfer.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] and the other results of [`decide`](waypost_core::decide).
    pub async fn owner_invitations(
        &self,
        actor: &Actor,
        id: LinkId,
    ) -> Result<Vec<Invitation>, LinkError> {
        let link = self.permitted(actor, Action::ViewHistory, id).await?;
        let mut all = self.store().invitations_of_link(link.id).await?;
        all.retain(|invitation| invitation.role != InvitedAs::Viewer);
        Ok(all)
    }

    /// Adds an owner. An admin adds a user at once; an owner invites a person, who accepts.
    /// `is_primary` is for a user who already is the primary owner: the primary owner changes only
    /// by a transfer.
    ///
    /// # Errors
    /// [`LinkError`] says why that was not done.
    pub async fn add_owner(
        &self,
        actor: &Actor,
        id: LinkId,
        email: &Email,
        is_primary: bool,
    ) -> Result<AddedOwner, LinkError> {
        for _ in 0..TRIES {
            let link = self.permitted(actor, Action::ManageAccess, id).await?;
            let owned = self.with_owners(not_deleted(link)?).await?;
            let found = owned.owners.iter().find(|one| one.person.email == *email);
            if let Some(owner) = found.filter(|owner| owner.is_primary || !is_primary) {
                return Ok(AddedOwner::Owner(owner.clone()));
            }
            if is_primary || owned.owners.is_empty() {
                return Err(LinkError::OnlyByTransfer);
            }
            let pending = self.store().invitations_of_link(id).await?;
            let pending = pending
                .into_iter()
                .filter(|one| one.role == InvitedAs::Owner);
            let pending: Vec<Invitation> = pending.collect();
            let edit = if actor.is_admin() {
                LinkEdit::AddOwner(self.user_to_add(email).await?.id)
            } else if let Some(invited) = pending.iter().find(|one| one.email == *email) {
                return Ok(AddedOwner::Invited(invited.clone()));
            } else {
                LinkEdit::Invite(InvitedAs::Owner, email.clone())
            };
            if owned.owners.len().saturating_add(pending.len()) >= MOST_PEOPLE {
                return Err(LinkError::TooManyPeople(MOST_PEOPLE));
            }
            if self.update(actor, &owned.link, edit).await?.is_some() {
                return self.added_owner(id, email).await;
            }
        }
        Err(LinkError::Contended)
    }

    async fn added_owner(&self, id: LinkId, email: &Email) -> Result<AddedOwner, LinkError> {
        let mut owners = self.store().owners_of_links(&[id]).await?;
        let mut owners = owners.remove(&id).unwrap_or_default().into_iter();
        if let Some(owner) = owners.find(|owner| owner.person.email == *email) {
            return Ok(AddedOwner::Owner(owner));
        }
        let invitation = self.invitation(id, InvitedAs::Owner, email).await?;
        // Ended in the meantime.
        invitation
            .map(AddedOwner::Invited)
            .ok_or(LinkError::Contended)
    }

    /// Returns an invitation to a link.
    pub(super) async fn invitation(
        &self,
        id: LinkId,
        role: InvitedAs,
        email: &Email,
    ) -> Result<Option<Invitation>, LinkError> {
        let all = self.store().invitations_of_link(id).await?;
        let mut all = all.into_iter();
        Ok(all.find(|one| one.role == role && one.email == *email))
    }

    /// Returns the enabled user with an email address, for admins.
    pub(super) async fn user_to_add(&self, email: &Email) -> Result<User, LinkError> {
        let user = self.store().user_by_email(email).await?;
        let user = user.ok_or(LinkError::NoSuchUser)?;
        if user.is_disabled() {
            return Err(LinkError::UserDisabled);
        }
        Ok(user)
    }

    /// Removes an owner of a link. Owners remove themselves; the primary owner and admins remove
    /// others. The primary owner hands the link over instead.
    ///
    /// # Errors
    /// [`LinkError`] says why that was not done: [`LinkError::NotFound`] when the user does not own
    /// it.
    pub async fn remove_owner(
        &self,
        actor: &Actor,
        id: LinkId,
        user: UserId,
    ) -> Result<(), LinkError> {
        for _ in 0..TRIES {
            let link = self.permitted(actor, Action::ManageAccess, id).await?;
            if actor.user_id() != Some(user) {
                self.permitted_to_primary(actor, id).await?;
            }
            let link = not_deleted(link)?;
            match self.store().standing(link.id, user).await? {
                Standing::PrimaryOwner => return Err(LinkError::PrimaryOwner),
                Standing::CoOwner => {}
                Standing::Stranger | Standing::Recipient => return Err(LinkError::NotFound),
            }
            let edit = LinkEdit::RemoveOwner(user);
            if self.update(actor, &link, edit).await?.is_some() {
                return Ok(());
            }
        }
        Err(LinkError::Contended)
    }

    /// Returns the link, deleted or not, if `actor` is its primary owner or an admin.
    pub(super) async fn permitted_to_primary(
        &self,
        actor: &Actor,
        id: LinkId,
    ) -> Result<Link, LinkError> {
        let link = self.permitted(actor, Action::ManageOwners, id).await;
        link.map_err(|error| match error {
            LinkError::Forbidden => LinkError::NotPrimary,
            error => error,
        })
    }

    /// Shares a link with the person who has an email address, now or later. An owner needs no
    /// share.
    ///
    /// # Errors
    /// [`LinkError`] says why that was not done.
    pub async fn share(
        &self,
        actor: &Actor,
        id: LinkId,
        email: &Email,
    ) -> Result<Viewer, LinkError> {
        for _ in 0..TRIES {
            let link = self.permitted(actor, Action::ManageAccess, id).await?;
            let owned = self.with_owners(not_deleted(link)?).await?;
            if let Some(owner) = owned.owners.iter().find(|one| one.person.email == *email) {
                return Ok(Viewer {
                    email: email.clone(),
                    person: Some(owner.person.clone()),
                    invited_at: None,
                });
            }
            let viewers = self.viewers(actor, id).await?;
            let count = viewers.len();
            let mut viewers = viewers.into_iter();
            if let Some(viewer) = viewers.find(|viewer| viewer.email == *email) {
                return Ok(viewer);
            }
            if count >= MOST_PEOPLE {
                return Err(LinkError::TooManyPeople(MOST_PEOPLE));
            }
            let edit = LinkEdit::Invite(InvitedAs::Viewer, email.clone());
            self.update(actor, &owned.link, edit).await?;
        }
        Err(LinkError::Contended)
    }

    /// Stops sharing a link with a person. By ID, a member finds only a user whose ID the list
    /// shows.
    ///
    /// # Errors
    /// [`LinkError`] says why that was not done: [`LinkError::NotFound`] when it was not shared.
    pub async fn unshare(
        &self,
        actor: &Actor,
        id: LinkId,
        name: &ViewerName,
    ) -> Result<(), LinkError> {
        for _ in 0..TRIES {
            let link = self.permitted(actor, Action::ManageAccess, id).await?;
            let link = not_deleted(link)?;
            let mut viewers = self.viewers(actor, id).await?.into_iter();
            let is_named = |viewer: &Viewer| match name {
                ViewerName::User(id) => viewer.person.as_ref().is_some_and(|it| it.id == *id),
                ViewerName::Email(email) => viewer.email == *email,
            };
            let viewer = viewers.find(is_named).ok_or(LinkError::NotFound)?;
            let edit = match (viewer.invited_at, viewer.person) {
                (None, Some(person)) => LinkEdit::Unshare(person.id),
                _ => LinkEdit::Uninvite(InvitedAs::Viewer, viewer.email),
            };
            if self.update(actor, &link, edit).await?.is_some() {
                return Ok(());
            }
        }
        Err(LinkError::Contended)
    }
}
