//! Suggestions for a typed code that no link has.

use waypost_core::{Action, Actor, Link, NearCodes, ShortCode, Visibility, decide};
use waypost_store::LinkReader;

use super::{LinkError, Links, permit, reader};

/// Maximum number of links examined whose code begins like the typed one.
const LOOKED_AT: u32 = 50;
/// Maximum number of suggestions.
const SUGGESTED: usize = 5;

impl Links {
    /// Returns the working links that `actor` can see whose codes are nearest to a typed one.
    ///
    /// # Errors
    /// [`LinkError`] with the result of [`decide`], or of the store.
    pub async fn near(&self, actor: &Actor, typed: &ShortCode) -> Result<Vec<Link>, LinkError> {
        permit(decide(actor, Action::ListLinks, None))?;
        let near = NearCodes::of(typed);
        let found = self.store().near_links(reader(actor), &near, LOOKED_AT);
        Ok(nearest(&near, found.await?))
    }

    /// Returns the nearest of the links that [`Links::nobodys_page`] lists.
    ///
    /// # Errors
    /// [`LinkError`] with the result of the store.
    pub async fn nobodys_near(&self, typed: &ShortCode) -> Result<Vec<Link>, LinkError> {
        let near = NearCodes::of(typed);
        let store = self.store();
        let mut found = store.near_links(LinkReader::All, &near, LOOKED_AT).await?;
        found.retain(|link| link.details.visibility == Visibility::Public && !link.is_keyword);
        let ids: Vec<_> = found.iter().map(|link| link.id).collect();
        let owners = store.owners_of_links(&ids).await?;
        found.retain(|link| owners.get(&link.id).is_none_or(Vec::is_empty));
        Ok(nearest(&near, found))
    }
}

/// Returns the near links, the nearest first.
fn nearest(near: &NearCodes, found: Vec<Link>) -> Vec<Link> {
    let with_distance = |link: Link| Some((near.distance(&link.code)?, link));
    let open = found.into_iter().filter(|link| !link.details.disabled);
    let mut ranked: Vec<(usize, Link)> = open.filter_map(with_distance).collect();
    ranked.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.code.cmp(&other.code)));
    let nearest = ranked.into_iter().take(SUGGESTED);
    nearest.map(|(_, link)| link).collect()
}
