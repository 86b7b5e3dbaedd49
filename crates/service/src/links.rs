//! Links as callers work with them, with permission checks. Shared by the HTTP API, `linkctl` and
//! embedders.

mod access;
mod audit;
mod availability;
mod edit;
mod error;
mod keywords;
mod near;
mod paths;
#[cfg(test)]
mod tests;
mod transfer;

use std::net::SocketAddr;

use waypost_core::{
    Action, Actor, Decision, Link, LinkId, LinkOwner, LinkPlace, LinkStanding, LinkVersion,
    PageRequest, Person, ShortCode, Standing, Tag, UserId, Visibility, decide,
};
use waypost_store::{LinkQuery, LinkReader, PageOf, Store, StoreError};

pub use self::access::{AddedOwner, Viewer, ViewerName};
pub use self::availability::Availability;
pub use self::edit::{LinkPatch, Precondition};
pub use self::error::LinkError;
pub use self::keywords::NewKeyword;
pub use self::paths::{CodeBelow, ForeignCode};
pub use self::transfer::Offer;
use crate::audit::Audit;
use crate::{NewLink, ShortenError, Shortener, ShortenerParts};

/// Maximum number of attempts if the link changes at the same time.
const TRIES: usize = 8;

/// Creates, shows, changes and deletes links for callers with permission. Clones are cheap.
///
/// [`decide`] alone decides what an actor may do: a link that they cannot see is
/// [`LinkError::NotFound`], like one that does not exist.
#[derive(Clone)]
pub struct Links {
    shortener: Shortener,
    audit: Audit,
}

/// A link and its owners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedLink {
    /// The link.
    pub link: Link,
    /// The owners, the primary one first; empty if the link has no owner.
    pub owners: Vec<LinkOwner>,
}

impl OwnedLink {
    /// Returns whether `actor` may see the clicks of the link.
    #[must_use]
    pub fn shows_clicks_to(&self, actor: &Actor) -> bool {
        self.is_for(actor, Action::ViewClicks)
    }

    /// Returns whether `actor` may do this to the link, for an action that requires an owner: the
    /// users it is shared with are not known here.
    #[must_use]
    pub fn is_for(&self, actor: &Actor, action: Action) -> bool {
        let standing = actor.user_id().map(|user| self.standing_of_owner(user));
        let link = LinkStanding {
            visibility: self.link.details.visibility,
            standing: standing.unwrap_or(Standing::Stranger),
        };
        decide(actor, action, Some(link)) == Decision::Allowed
    }

    /// Returns the standing of a user, as far as owners go.
    fn standing_of_owner(&self, user: UserId) -> Standing {
        let mut owners = self.owners.iter();
        match owners.find(|owner| owner.person.id == user) {
            Some(owner) if owner.is_primary => Standing::PrimaryOwner,
            Some(_) => Standing::CoOwner,
            None => Standing::Stranger,
        }
    }
}

impl Links {
    /// Creates the service over a shortener.
    #[must_use]
    pub fn new(shortener: Shortener) -> Self {
        let ShortenerParts {
            store,
            clock,
            random,
            ..
        } = &shortener.0;
        let audit = Audit::new(store.clone(), clock.clone(), random.clone());
        Self { shortener, audit }
    }

    /// Returns the shortener, which makes no permission checks.
    #[must_use]
    pub const fn shortener(&self) -> &Shortener {
        &self.shortener
    }

    /// Returns the service of a server that listens on these addresses: see
    /// [`Shortener::listening_on`].
    #[must_use]
    pub fn listening_on(self, sockets: Vec<SocketAddr>) -> Self {
        Self {
            shortener: self.shortener.listening_on(sockets),
            ..self
        }
    }

    fn store(&self) -> &dyn Store {
        self.shortener.store()
    }

    /// Creates a link owned by the actor.
    ///
    /// # Errors
    /// [`LinkError`] says what is invalid, or that the actor may not.
    pub async fn create(&self, actor: &Actor, new: NewLink) -> Result<OwnedLink, LinkError> {
        permit(decide(actor, Action::CreateLink, None))?;
        self.check_new_code(actor, new.code.as_ref()).await?;
        let made = self.shortener.make(new, actor.user_id()).await;
        let link = made.map_err(|error| match error {
            // The user was deleted after they were authenticated.
            ShortenError::Store(StoreError::NotFound) => LinkError::Unauthenticated,
            error => error.into(),
        })?;
        self.with_owners(link).await
    }

    /// Creates a link without an owner for a caller who is not signed in, on servers that allow it.
    ///
    /// # Errors
    /// [`LinkError`] says what is invalid, or that the code is below that of another link.
    pub async fn create_anonymous(&self, new: NewLink) -> Result<Link, LinkError> {
        self.check_new_code(&Actor::Anonymous, new.code.as_ref())
            .await?;
        Ok(self.shortener.make(new, None).await?)
    }

    /// Checks that `actor` may create a code, if they choose one: it is not reserved, and not below
    /// that of another link.
    async fn check_new_code(
        &self,
        actor: &Actor,
        code: Option<&ShortCode>,
    ) -> Result<(), LinkError> {
        let Some(code) = code else {
            return Ok(());
        };
        self.shortener.reserved().check(code)?;
        self.check_path(actor, code).await
    }

    /// Returns a link.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] and the other results of [`decide`].
    pub async fn get(&self, actor: &Actor, id: LinkId) -> Result<OwnedLink, LinkError> {
        let link = self.permitted(actor, Action::ViewLink, id).await?;
        self.with_owners(not_deleted(link)?).await
    }

    /// Returns the link of a code as typed, if `actor` may do this to it.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] and the other results of [`decide`].
    pub async fn by_code(
        &self,
        actor: &Actor,
        action: Action,
        typed: &str,
    ) -> Result<Link, LinkError> {
        let link = self.shortener.find(typed).await?;
        self.permit(actor, action, link).await
    }

    /// Returns the link of a code as typed, if it has no owner, is not secure and is not a keyword.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] for any other.
    pub async fn nobodys_by_code(&self, typed: &str) -> Result<Link, LinkError> {
        let link = self.shortener.find(typed).await?;
        let owned = self.with_owners(link.ok_or(LinkError::NotFound)?).await?;
        let is_secure = owned.link.details.visibility == Visibility::Secure;
        if owned.owners.is_empty() && !is_secure && !owned.link.is_keyword {
            return Ok(owned.link);
        }
        Err(LinkError::NotFound)
    }

    /// Checks that `actor` may follow a link.
    ///
    /// # Errors
    /// [`LinkError`] with the result of [`decide`] when they may not. It reveals that the link
    /// exists, which a caller with its code knows.
    pub async fn follow(&self, actor: &Actor, id: LinkId) -> Result<(), LinkError> {
        match self.permitted(actor, Action::FollowLink, id).await {
            Ok(_) => Ok(()),
            Err(LinkError::NotFound) => Err(LinkError::Forbidden),
            Err(error) => Err(error),
        }
    }

    /// Lists links. Contains only links that `actor` can see, whatever the query says, and of the
    /// deleted ones only those that they own; `query.reader` is ignored.
    ///
    /// # Errors
    /// [`LinkError`] with the result of [`decide`], or of the store.
    pub async fn list(
        &self,
        actor: &Actor,
        mut query: LinkQuery,
    ) -> Result<Vec<OwnedLink>, LinkError> {
        permit(decide(actor, Action::ListLinks, None))?;
        query.reader = reader(actor);
        match actor.user_id() {
            Some(user) if query.deleted => self.deleted_of(user, query).await,
            _ => self.listed(query).await,
        }
    }

    /// Lists the links that `actor` owns and those shared with them. For the operator, who owns
    /// none, lists all.
    ///
    /// # Errors
    /// [`LinkError`] with the result of [`decide`], or of the store.
    pub async fn list_involved(
        &self,
        actor: &Actor,
        mut query: LinkQuery,
    ) -> Result<Vec<OwnedLink>, LinkError> {
        permit(decide(actor, Action::ListLinks, None))?;
        let user = actor.user_id();
        query.reader = user.map_or(LinkReader::All, LinkReader::Involved);
        query.deleted = false;
        self.listed(query).await
    }

    /// Lists the deleted links of `user`, who may restore what they own. If the query asks for
    /// another owner, only links that both own.
    async fn deleted_of(
        &self,
        user: UserId,
        mut query: LinkQuery,
    ) -> Result<Vec<OwnedLink>, LinkError> {
        let other = query.owner.replace(user).unwrap_or(user);
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        loop {
            let listed = self.listed(query.clone()).await?;
            let is_last = listed.len() < limit;
            let last = listed.last();
            query.after = last.map(|last| LinkPlace::behind(&last.link, query.order));
            let of_both = |owned: &OwnedLink| owned.standing_of_owner(other) > Standing::Stranger;
            found.extend(listed.into_iter().filter(of_both));
            if is_last || found.len() >= limit {
                found.truncate(limit);
                return Ok(found);
            }
        }
    }

    /// Lists links of all owners.
    ///
    /// # Errors
    /// [`LinkError`] with the result of [`decide`], or of the store.
    pub async fn list_all(
        &self,
        actor: &Actor,
        mut query: LinkQuery,
    ) -> Result<Vec<OwnedLink>, LinkError> {
        permit(decide(actor, Action::ListAllLinks, None))?;
        query.reader = LinkReader::All;
        self.listed(query).await
    }

    async fn listed(&self, query: LinkQuery) -> Result<Vec<OwnedLink>, LinkError> {
        let links = self.store().list_links(&query).await?;
        let ids: Vec<LinkId> = links.iter().map(|link| link.id).collect();
        let mut owners = self.store().owners_of_links(&ids).await?;
        let with_owners = links.into_iter().map(|link| OwnedLink {
            owners: owners.remove(&link.id).unwrap_or_default(),
            link,
        });
        Ok(with_owners.collect())
    }

    /// Returns a page of the links that `actor` owns, or of all for the operator.
    ///
    /// # Errors
    /// [`LinkError`] with the result of [`decide`], or of the store.
    pub async fn own_page(
        &self,
        actor: &Actor,
        page: PageRequest,
    ) -> Result<waypost_core::Page<Link>, LinkError> {
        permit(decide(actor, Action::ListLinks, None))?;
        let of = actor.user_id().map_or(PageOf::All, PageOf::Owner);
        Ok(self.store().links_page(of, page).await?)
    }

    /// Returns a page of the public links without an owner, except keywords. Anonymous callers have
    /// no access to other links without an owner: they shorten the page, and its total counts them.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn nobodys_page(
        &self,
        page: PageRequest,
    ) -> Result<waypost_core::Page<Link>, LinkError> {
        let mut page = self.store().links_page(PageOf::Nobody, page).await?;
        let is_public = |link: &Link| link.details.visibility == Visibility::Public;
        let is_listed = |link: &Link| is_public(link) && !link.is_keyword;
        page.items.retain(is_listed);
        Ok(page)
    }

    /// Lists the tags of links that `actor` can see.
    ///
    /// # Errors
    /// [`LinkError`] with the result of [`decide`], or of the store.
    pub async fn tags(
        &self,
        actor: &Actor,
        after: Option<&Tag>,
        limit: u32,
    ) -> Result<Vec<Tag>, LinkError> {
        permit(decide(actor, Action::ListLinks, None))?;
        Ok(self.store().tags(reader(actor), after, limit).await?)
    }

    /// Returns earlier versions of a link, deleted or not, below number `before`, newest first.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] and the other results of [`decide`].
    pub async fn history(
        &self,
        actor: &Actor,
        id: LinkId,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<LinkVersion>, LinkError> {
        let link = self.permitted(actor, Action::ViewHistory, id).await?;
        Ok(self.store().link_versions(link.id, before, limit).await?)
    }

    /// Returns a link whose history `actor` may see, deleted or not, with its owners.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] and the other results of [`decide`].
    pub async fn kept(&self, actor: &Actor, id: LinkId) -> Result<OwnedLink, LinkError> {
        let link = self.permitted(actor, Action::ViewHistory, id).await?;
        self.with_owners(link).await
    }

    /// Returns the users whom the history of a link names by their IDs. Deleted users are left out.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] and the other results of [`decide`].
    pub async fn people(
        &self,
        actor: &Actor,
        id: LinkId,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<Vec<Person>, LinkError> {
        self.permitted(actor, Action::ViewHistory, id).await?;
        let mut people = Vec::new();
        for user in users {
            let user = self.store().user(user).await?;
            people.extend(user.map(|user| Person {
                id: user.id,
                email: user.email,
                display_name: user.display_name,
            }));
        }
        Ok(people)
    }

    /// Returns a link whose clicks `actor` may see, deleted or not.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] and the other results of [`decide`].
    pub async fn with_viewable_clicks(&self, actor: &Actor, id: LinkId) -> Result<Link, LinkError> {
        self.permitted(actor, Action::ViewClicks, id).await
    }

    /// Returns the link, deleted or not, if `actor` may do this to it.
    async fn permitted(
        &self,
        actor: &Actor,
        action: Action,
        id: LinkId,
    ) -> Result<Link, LinkError> {
        let link = self.store().link(id).await?;
        self.permit(actor, action, link).await
    }

    async fn permit(
        &self,
        actor: &Actor,
        action: Action,
        link: Option<Link>,
    ) -> Result<Link, LinkError> {
        let standing = match (&link, actor.user_id()) {
            (Some(link), Some(user)) => self.store().standing(link.id, user).await?,
            _ => Standing::Stranger,
        };
        // A deleted link exists for actors who may restore it.
        let seen = link.filter(|link| !link.is_deleted() || may_restore(actor, standing));
        let link_standing = seen.as_ref().map(|link| standing_to(link, standing));
        permit(decide(actor, action, link_standing))?;
        seen.ok_or(LinkError::NotFound)
    }

    async fn with_owners(&self, link: Link) -> Result<OwnedLink, LinkError> {
        let mut owners = self.store().owners_of_links(&[link.id]).await?;
        let owners = owners.remove(&link.id).unwrap_or_default();
        Ok(OwnedLink { link, owners })
    }
}

const fn standing_to(link: &Link, standing: Standing) -> LinkStanding {
    LinkStanding {
        visibility: link.details.visibility,
        standing,
    }
}

fn may_restore(actor: &Actor, standing: Standing) -> bool {
    // Scopes do not matter here: they are checked with the action itself.
    actor.is_admin() || standing >= Standing::CoOwner
}

fn not_deleted(link: Link) -> Result<Link, LinkError> {
    if link.is_deleted() {
        return Err(LinkError::NotFound);
    }
    Ok(link)
}

/// Here an admin sees what a user sees; the admin lists show everything.
fn reader(actor: &Actor) -> LinkReader {
    actor.user_id().map_or(LinkReader::All, LinkReader::User)
}

/// Converts the result of [`decide`].
///
/// # Errors
/// [`LinkError`] for everything but [`Decision::Allowed`].
pub fn permit(decision: Decision) -> Result<(), LinkError> {
    match decision {
        Decision::Allowed => Ok(()),
        Decision::Unauthenticated => Err(LinkError::Unauthenticated),
        Decision::ScopeMissing(scope) => Err(LinkError::ScopeMissing(scope)),
        Decision::SessionRequired => Err(LinkError::SessionRequired),
        Decision::Forbidden => Err(LinkError::Forbidden),
        Decision::Hidden => Err(LinkError::NotFound),
    }
}
