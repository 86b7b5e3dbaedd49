//! The owners of links, and the users they are shared with.

use waypost_core::{Action, Actor, Email, Link, LinkId, LinkOwner, Person, Standing, UserId};
use waypost_store::LinkEdit;

use super::{LinkError, Links, OwnedLink, TRIES, not_deleted};

/// Maximum number of owners of a link, and of users it is shared with.
const MOST_PEOPLE: usize = 200;

impl Links {
    /// Returns the owners of a link, the primary one first.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] and the other results of [`decide`](waypost_core::decide).
    pub async fn owners(&self, actor: &Actor, id: LinkId) -> Result<Vec<LinkOwner>, LinkError> {
        Ok(self.get(actor, id).await?.owners)
    }

    /// Returns the users a link is shared with.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] and the other results of [`decide`](waypost_core::decide).
    pub async fn shares(&self, actor: &Actor, id: LinkId) -> Result<Vec<Person>, LinkError> {
        let link = self.permitted(actor, Action::ViewHistory, id).await?;
        Ok(self.store().shares_of_link(not_deleted(link)?.id).await?)
    }

    /// Makes a user an owner of a link, and optionally its primary owner.
    ///
    /// # Errors
    /// [`LinkError`] says why that was not done.
    pub async fn add_owner(
        &self,
        actor: &Actor,
        id: LinkId,
        email: &Email,
        is_primary: bool,
    ) -> Result<OwnedLink, LinkError> {
        let user = self.user_to_add(actor, id, email).await?.id;
        let edit = if is_primary {
            LinkEdit::MakePrimary(user)
        } else {
            LinkEdit::AddOwner(user)
        };
        let link = self.change_access(actor, id, &edit).await?;
        self.with_owners(link).await
    }

    /// Removes an owner of a link.
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
        self.change_access(actor, id, &LinkEdit::RemoveOwner(user))
            .await?;
        Ok(())
    }

    /// Shares a link with a user, and returns the user. An owner needs no share.
    ///
    /// # Errors
    /// [`LinkError`] says why that was not done.
    pub async fn share(
        &self,
        actor: &Actor,
        id: LinkId,
        email: &Email,
    ) -> Result<Person, LinkError> {
        let person = self.user_to_add(actor, id, email).await?;
        self.change_access(actor, id, &LinkEdit::Share(person.id))
            .await?;
        Ok(person)
    }

    /// Stops sharing a link with a user.
    ///
    /// # Errors
    /// [`LinkError`] says why that was not done: [`LinkError::NotFound`] when it was not shared.
    pub async fn unshare(&self, actor: &Actor, id: LinkId, user: UserId) -> Result<(), LinkError> {
        self.change_access(actor, id, &LinkEdit::Unshare(user))
            .await?;
        Ok(())
    }

    /// Returns the user with an email address, for actors who may manage the link.
    async fn user_to_add(
        &self,
        actor: &Actor,
        id: LinkId,
        email: &Email,
    ) -> Result<Person, LinkError> {
        not_deleted(self.permitted(actor, Action::ManageAccess, id).await?)?;
        let user = self.store().user_by_email(email).await?;
        let user = user.ok_or(LinkError::NoSuchUser)?;
        Ok(Person {
            id: user.id,
            email: user.email,
            display_name: user.display_name,
        })
    }

    async fn change_access(
        &self,
        actor: &Actor,
        id: LinkId,
        edit: &LinkEdit,
    ) -> Result<Link, LinkError> {
        for _ in 0..TRIES {
            let link = self.permitted(actor, Action::ManageAccess, id).await?;
            let link = not_deleted(link)?;
            if !self.changes_something(&link, edit).await? {
                return Ok(link);
            }
            if let Some(link) = self.update(actor, &link, edit.clone()).await? {
                return Ok(link);
            }
        }
        Err(LinkError::Contended)
    }

    /// Returns whether the edit changes something.
    ///
    /// # Errors
    /// When the edit is not possible.
    async fn changes_something(&self, link: &Link, edit: &LinkEdit) -> Result<bool, LinkError> {
        let (LinkEdit::AddOwner(user)
        | LinkEdit::MakePrimary(user)
        | LinkEdit::RemoveOwner(user)
        | LinkEdit::Share(user)
        | LinkEdit::Unshare(user)) = edit
        else {
            return Ok(true);
        };
        let standing = self.store().standing(link.id, *user).await?;
        let adds = match (edit, standing) {
            (LinkEdit::RemoveOwner(_), Standing::PrimaryOwner) => {
                return Err(LinkError::PrimaryOwner);
            }
            (LinkEdit::RemoveOwner(_) | LinkEdit::MakePrimary(_), Standing::CoOwner)
            | (LinkEdit::Unshare(_), Standing::Recipient) => return Ok(true),
            (LinkEdit::RemoveOwner(_) | LinkEdit::Unshare(_), _) => {
                return Err(LinkError::NotFound);
            }
            (LinkEdit::MakePrimary(_), _) => standing < Standing::PrimaryOwner,
            (LinkEdit::AddOwner(_), _) => standing < Standing::CoOwner,
            _ => standing < Standing::Recipient,
        };
        if adds {
            let people = if matches!(edit, LinkEdit::Share(_)) {
                self.store().shares_of_link(link.id).await?.len()
            } else {
                let mut owners = self.store().owners_of_links(&[link.id]).await?;
                owners.remove(&link.id).unwrap_or_default().len()
            };
            if people >= MOST_PEOPLE {
                return Err(LinkError::TooManyPeople(MOST_PEOPLE));
            }
        }
        Ok(adds)
    }
}
