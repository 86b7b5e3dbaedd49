//! Codes below the codes of other links: who may create them, and who sees them.
//!
//! The nearest link above a code decides, whether it is deleted or not, and by a former code, too.
//! A link above existing codes can be created: visitors of those codes still get their links.

use std::collections::BTreeSet;

use waypost_core::{
    Action, Actor, LinkId, LinkStanding, ShortCode, Standing, Visibility, allows, decide,
};
use waypost_store::{LinkedCode, NestedCode};

use super::{LinkError, Links, OwnedLink, permit};

/// Number of nested codes that are read at a time.
const CHUNK: u32 = 200;

/// A code below a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeBelow {
    /// The code.
    pub code: ShortCode,
    /// Its link; `None` if it is deleted, or if the actor cannot see it.
    pub link: Option<OwnedLink>,
}

/// A code below a link of other owners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignCode {
    /// The code.
    pub code: ShortCode,
    /// Its link, deleted or not.
    pub link: OwnedLink,
    /// The nearest code above it.
    pub above: ShortCode,
    /// The link of the code above it, deleted or not.
    pub link_above: OwnedLink,
}

impl Links {
    /// Checks that `actor` may create this code: no other link is above it, or the actor is an
    /// owner of the nearest one or an admin. Below a keyword, only admins may.
    ///
    /// # Errors
    /// [`LinkError::PathOwned`] if they may not, or of the store.
    pub(super) async fn check_path(
        &self,
        actor: &Actor,
        code: &ShortCode,
    ) -> Result<(), LinkError> {
        if !code.has_segments() || allows(actor, Action::CreateBelow, None) {
            return Ok(());
        }
        let Some(above) = self.store().code_above(code).await? else {
            return Ok(());
        };
        let standing = match actor.user_id() {
            Some(user) if !above.is_keyword => self.store().standing(above.link, user).await?,
            _ => Standing::Stranger,
        };
        let link = LinkStanding {
            visibility: Visibility::Secure,
            standing,
        };
        if allows(actor, Action::CreateBelow, Some(link)) {
            return Ok(());
        }
        Err(LinkError::PathOwned(above.code.as_str().to_owned()))
    }

    /// Returns at most `limit` codes of other links below the codes of a link, after `after`, in
    /// alphabetical order. Links that the actor cannot see are left out, their codes are not.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] and the other results of [`decide`].
    pub async fn codes_below(
        &self,
        actor: &Actor,
        id: LinkId,
        after: Option<&ShortCode>,
        limit: u32,
    ) -> Result<Vec<CodeBelow>, LinkError> {
        let link = self.permitted(actor, Action::ViewBelow, id).await?;
        let codes = self.store().codes_below(link.id, after, limit).await?;
        let mut below = Vec::with_capacity(codes.len());
        for LinkedCode { code, link, .. } in codes {
            let link = match self.get(actor, link).await {
                Ok(owned) => Some(owned),
                Err(LinkError::Store(error)) => return Err(error.into()),
                Err(_) => None,
            };
            below.push(CodeBelow { code, link });
        }
        Ok(below)
    }

    /// Returns at most `limit` codes, after `after` in alphabetical order, whose owners do not own
    /// the nearest link above.
    ///
    /// # Errors
    /// [`LinkError`] with the result of [`decide`], or of the store.
    pub async fn foreign_codes(
        &self,
        actor: &Actor,
        after: Option<&ShortCode>,
        limit: u32,
    ) -> Result<Vec<ForeignCode>, LinkError> {
        permit(decide(actor, Action::ListAllLinks, None))?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut after = after.cloned();
        let mut foreign = Vec::new();
        loop {
            let nested = self.store().nested_codes(after.as_ref(), CHUNK).await?;
            let Some(last) = nested.last() else {
                return Ok(foreign);
            };
            after = Some(last.below.code.clone());
            for nested in self.without_common_owner(nested).await? {
                if foreign.len() >= limit {
                    return Ok(foreign);
                }
                foreign.extend(self.foreign(nested).await?);
            }
        }
    }

    async fn without_common_owner(
        &self,
        nested: Vec<NestedCode>,
    ) -> Result<Vec<NestedCode>, LinkError> {
        let both = |nested: &NestedCode| [nested.below.link, nested.above.link];
        let ids: BTreeSet<LinkId> = nested.iter().flat_map(both).collect();
        let ids: Vec<LinkId> = ids.into_iter().collect();
        let owners = self.store().owners_of_links(&ids).await?;
        let is_owned_by = |link: LinkId, user| {
            let owners = owners.get(&link).into_iter().flatten();
            owners.map(|owner| owner.person.id).any(|id| id == user)
        };
        let is_foreign = |nested: &NestedCode| {
            let mut owners = owners.get(&nested.below.link).into_iter().flatten();
            !owners.any(|owner| is_owned_by(nested.above.link, owner.person.id))
        };
        Ok(nested.into_iter().filter(is_foreign).collect())
    }

    /// Reads the two links; `None` if one was permanently deleted in the meantime.
    async fn foreign(&self, nested: NestedCode) -> Result<Option<ForeignCode>, LinkError> {
        let store = self.store();
        let link = store.link(nested.below.link).await?;
        let link_above = store.link(nested.above.link).await?;
        let (Some(link), Some(link_above)) = (link, link_above) else {
            return Ok(None);
        };
        Ok(Some(ForeignCode {
            code: nested.below.code,
            link: self.with_owners(link).await?,
            above: nested.above.code,
            link_above: self.with_owners(link_above).await?,
        }))
    }
}
