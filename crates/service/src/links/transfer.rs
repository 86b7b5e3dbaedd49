//! Handing over a link, and accepting what is offered: a transfer, or an invitation to own a link.
//!
//! The primary owner of a link changes only when the receiver accepts. A receiver is named by email
//! address, so that the answer does not tell whether the address has an account.

use time::OffsetDateTime;
use waypost_core::{
    Action, Actor, Email, Invitation, InvitedAs, Link, LinkId, Person, Standing, UserId, decide,
};
use waypost_store::{Invitations, LinkEdit};

use super::access::MOST_PEOPLE;
use super::{LinkError, Links, OwnedLink, TRIES, not_deleted, permit};

/// Maximum number of offers that a list has.
const MOST_OFFERS: u32 = 200;

/// A link that a user can accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The link.
    pub link: Link,
    /// What the user becomes.
    pub role: InvitedAs,
    /// The owner who gives; `None` for the operator and for admins.
    pub from: Option<Person>,
    /// When it was offered.
    pub at: OffsetDateTime,
}

impl Links {
    /// Offers a link to the person who has an email address. When they accept, they become its
    /// primary owner.
    ///
    /// # Errors
    /// [`LinkError`] says why that was not done. Only admins learn that no user has the address, or
    /// that the user is disabled.
    pub async fn offer(
        &self,
        actor: &Actor,
        id: LinkId,
        email: &Email,
    ) -> Result<Invitation, LinkError> {
        for _ in 0..TRIES {
            let link = self.permitted_to_primary(actor, id).await?;
            if link.is_deleted() {
                return Err(LinkError::Deleted);
            }
            let owned = self.with_owners(link).await?;
            let primary = owned.owners.first();
            if primary.is_some_and(|primary| primary.person.email == *email) {
                return Err(LinkError::AlreadyPrimary);
            }
            if self.pending_transfer(id).await?.is_some() {
                return Err(LinkError::TransferPending);
            }
            if actor.is_admin() {
                self.user_to_add(email).await?;
            }
            let edit = LinkEdit::Invite(InvitedAs::PrimaryOwner, email.clone());
            if self.update(actor, &owned.link, edit).await?.is_some() {
                let offered = self.invitation(id, InvitedAs::PrimaryOwner, email).await?;
                // Accepted or taken back in the meantime.
                return offered.ok_or(LinkError::Contended);
            }
        }
        Err(LinkError::Contended)
    }

    async fn pending_transfer(&self, id: LinkId) -> Result<Option<Invitation>, LinkError> {
        let all = self.store().invitations_of_link(id).await?;
        let mut all = all.into_iter();
        Ok(all.find(|one| one.role == InvitedAs::PrimaryOwner))
    }

    /// Returns the pending transfer of a link.
    ///
    /// # Errors
    /// [`LinkError::NoTransfer`] when there is none; [`LinkError::NotFound`] and the other results
    /// of [`decide`].
    pub async fn transfer(&self, actor: &Actor, id: LinkId) -> Result<Invitation, LinkError> {
        let link = self.permitted(actor, Action::ViewHistory, id).await?;
        let pending = self.pending_transfer(link.id).await?;
        pending.ok_or(LinkError::NoTransfer)
    }

    /// Takes back the pending transfer of a link.
    ///
    /// # Errors
    /// [`LinkError::NoTransfer`] when there is none; [`LinkError`] says why it was not done.
    pub async fn take_back(&self, actor: &Actor, id: LinkId) -> Result<(), LinkError> {
        for _ in 0..TRIES {
            let link = self.permitted_to_primary(actor, id).await?;
            let pending = self.pending_transfer(id).await?;
            let pending = pending.ok_or(LinkError::NoTransfer)?;
            if self.end(actor, &link, pending).await? {
                return Ok(());
            }
        }
        Err(LinkError::Contended)
    }

    /// Withdraws an invitation to own a link: by the owner who invited, by the primary owner, or by
    /// an admin.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] when there is none; [`LinkError`] says why it was not done.
    pub async fn withdraw(
        &self,
        actor: &Actor,
        id: LinkId,
        email: &Email,
    ) -> Result<(), LinkError> {
        for _ in 0..TRIES {
            let link = self.permitted(actor, Action::ManageAccess, id).await?;
            let invited = self.invitation(id, InvitedAs::Owner, email).await?;
            let invited = invited.ok_or(LinkError::NotFound)?;
            let is_own = invited.from.is_some() && invited.from == actor.user_id();
            if !is_own {
                self.permitted_to_primary(actor, id).await?;
            }
            if self.end(actor, &link, invited).await? {
                return Ok(());
            }
        }
        Err(LinkError::Contended)
    }

    async fn end(
        &self,
        actor: &Actor,
        link: &Link,
        invitation: Invitation,
    ) -> Result<bool, LinkError> {
        let edit = LinkEdit::Uninvite(invitation.role, invitation.email);
        Ok(self.update(actor, link, edit).await?.is_some())
    }

    /// Returns what is offered to the actor, newest first; nothing for the operator.
    ///
    /// # Errors
    /// [`LinkError`] with the result of [`decide`], or of the store.
    pub async fn offers(&self, actor: &Actor) -> Result<Vec<Offer>, LinkError> {
        permit(decide(actor, Action::ListLinks, None))?;
        match actor.user_id() {
            Some(user) => self.offers_to(user).await,
            None => Ok(Vec::new()),
        }
    }

    /// Returns what is offered to a user, newest first, without permission checks.
    ///
    /// # Errors
    /// [`LinkError`] of the store.
    pub async fn offers_to(&self, user: UserId) -> Result<Vec<Offer>, LinkError> {
        let mut offers = Vec::new();
        for (id, invitation) in self.store().invitations_to(user, MOST_OFFERS).await? {
            let link = self.store().link(id).await?;
            let Some(link) = link.filter(|link| !link.is_deleted()) else {
                continue;
            };
            let from = match invitation.from {
                Some(from) => self.store().user(from).await?,
                None => None,
            };
            offers.push(Offer {
                link,
                role: invitation.role,
                from: from.map(|user| Person {
                    id: user.id,
                    email: user.email,
                    display_name: user.display_name,
                }),
                at: invitation.at,
            });
        }
        Ok(offers)
    }

    /// Accepts the transfer of a link to the actor, or else an invitation to own it.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] when the link is not offered to the actor; [`LinkError`] says why it
    /// was not done.
    pub async fn accept(&self, actor: &Actor, id: LinkId) -> Result<OwnedLink, LinkError> {
        for _ in 0..TRIES {
            let (user, link, invitation) = self.offered(actor, id).await?;
            let edit = match invitation.role {
                InvitedAs::PrimaryOwner => LinkEdit::MakePrimary(user),
                _ => LinkEdit::AddOwner(user),
            };
            let owned = self.with_owners(link).await?;
            let is_owner = owned.standing_of_owner(user) > Standing::Stranger;
            if !is_owner && owned.owners.len() >= MOST_PEOPLE {
                return Err(LinkError::TooManyPeople(MOST_PEOPLE));
            }
            let link = owned.link;
            if let Some(link) = self.update(actor, &link, edit).await? {
                return self.with_owners(link).await;
            }
        }
        Err(LinkError::Contended)
    }

    /// Declines what is offered to the actor of a link.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] when the link is not offered to the actor; [`LinkError`] says why it
    /// was not done.
    pub async fn decline(&self, actor: &Actor, id: LinkId) -> Result<(), LinkError> {
        for _ in 0..TRIES {
            let (_, link, invitation) = self.offered(actor, id).await?;
            if self.end(actor, &link, invitation).await? {
                return Ok(());
            }
        }
        Err(LinkError::Contended)
    }

    /// Returns what is offered to the actor of a link, a transfer first.
    async fn offered(
        &self,
        actor: &Actor,
        id: LinkId,
    ) -> Result<(UserId, Link, Invitation), LinkError> {
        permit(decide(actor, Action::AnswerOffers, None))?;
        let user = actor.user_id().ok_or(LinkError::NotFound)?;
        let link = self.store().link(id).await?.ok_or(LinkError::NotFound)?;
        let link = not_deleted(link)?;
        // The release before changes owners without ending invitations.
        let all = self.store().invitations_of_link(id).await?;
        let mut all: Invitations = all.into_iter().collect();
        let owners = self.store().owners_of_links(&[id]).await?.remove(&id);
        let owners = owners.unwrap_or_default().into_iter();
        let owners: Vec<UserId> = owners.map(|owner| owner.person.id).collect();
        all.settle(&owners, false);
        let own = all.iter().filter(|one| one.user == Some(user));
        let offered = own.max_by_key(|one| one.role).cloned();
        let offered = offered.filter(|one| one.role != InvitedAs::Viewer);
        Ok((user, link, offered.ok_or(LinkError::NotFound)?))
    }
}
