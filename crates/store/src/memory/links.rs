//! Links, their history and their owners in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{
    Invitation, InvitedAs, Link, LinkAction, LinkCursor, LinkId, LinkOwner, LinkVersion, Page,
    PageRequest, Person, ShortCode, Standing, UserId, micros,
};

use super::kept::{Kept, KeptVersion};
use super::{MemoryStore, State, behind, count};
use crate::{
    AccessStore, CodeRoute, Heir, Invitations, LinkEdit, LinkStore, LinkUpdate, PageOf, StoreError,
    Transfer, Updated,
};

impl State {
    /// Returns whether a link may have a code: no other link has it, and no keyword is in the way.
    fn is_free(&self, code: &ShortCode, id: LinkId, is_keyword: bool) -> bool {
        let is_other = |other: &LinkId| *other != id;
        let is_keyword_of_other = |prefix: &str| {
            let holder = self.ids.get(prefix).filter(|holder| is_other(holder));
            let kept = holder.and_then(|holder| self.links.get(holder));
            kept.is_some_and(|kept| kept.link.is_keyword)
        };
        let is_taken = self.ids.get(code).is_some_and(is_other)
            || code.prefixes().any(is_keyword_of_other)
            || (is_keyword && self.longer(code).any(|other| other != id));
        !is_taken
    }

    /// Returns the links with longer codes that continue this one.
    fn longer(&self, code: &ShortCode) -> impl Iterator<Item = LinkId> {
        let prefix = format!("{}/", code.as_str());
        let from = (Bound::Excluded(prefix.as_str()), Bound::Unbounded);
        let behind = self.ids.range::<str, _>(from);
        let longer = behind.take_while(move |(longer, _)| longer.as_str().starts_with(&prefix));
        longer.map(|(_, id)| *id)
    }

    fn codes(&self, id: LinkId) -> Vec<ShortCode> {
        let codes = self.ids.iter().filter(|(_, link)| **link == id);
        let mut codes: Vec<ShortCode> = codes.map(|(code, _)| code.clone()).collect();
        codes.sort();
        codes
    }

    fn note_all_codes(&mut self, id: LinkId) {
        for code in self.codes(id) {
            self.note_change(&code);
        }
    }

    fn person(&self, id: UserId) -> Option<Person> {
        let user = &self.users.get(&id)?.user;
        Some(Person {
            id,
            email: user.email.clone(),
            display_name: user.display_name.clone(),
        })
    }

    fn is_known(&self, user: UserId) -> Result<(), StoreError> {
        let known = self.users.contains_key(&user);
        known.then_some(()).ok_or(StoreError::NotFound)
    }

    fn update(&mut self, update: &LinkUpdate) -> Result<Updated, StoreError> {
        let LinkUpdate {
            link: id,
            version,
            by,
            at,
            edit,
        } = update;
        let Some(kept) = self.links.get(id) else {
            return Ok(Updated::Missing);
        };
        if kept.link.version != *version {
            return Ok(Updated::Stale);
        }
        match edit {
            LinkEdit::Content(content) | LinkEdit::Restore(content) => {
                if !self.is_free(&content.code, *id, kept.link.is_keyword) {
                    return Err(StoreError::Conflict);
                }
                self.ids.insert(content.code.clone(), *id);
            }
            LinkEdit::AddOwner(user) | LinkEdit::MakePrimary(user) | LinkEdit::Share(user) => {
                self.is_known(*user)?;
            }
            LinkEdit::Delete
            | LinkEdit::RemoveOwner(_)
            | LinkEdit::Unshare(_)
            | LinkEdit::Invite(..)
            | LinkEdit::Uninvite(..) => {}
        }
        let at = micros(*at);
        let invitee = match edit {
            LinkEdit::Invite(_, email) => self.user_with(email),
            _ => None,
        };
        let Some(kept) = self.links.get_mut(id) else {
            return Ok(Updated::Missing);
        };
        let before = kept.snapshot();
        let action = kept.edit(edit.clone(), *by, at, invitee);
        kept.link.version += 1;
        kept.link.updated_at = at;
        kept.versions.push(KeptVersion {
            number: kept.link.version,
            action,
            at,
            by: *by,
            before: Some(before),
            after: kept.snapshot(),
        });
        kept.thin();
        let link = kept.link.clone();
        self.note_all_codes(*id);
        Ok(Updated::Done(link))
    }

    pub(super) fn remove_link(&mut self, id: LinkId) -> bool {
        let codes = self.codes(id);
        if self.links.remove(&id).is_none() {
            return false;
        }
        self.ids.retain(|_, link| *link != id);
        self.clicks.retain(|_, click| click.link_id != id);
        for code in codes {
            self.note_change(&code);
        }
        true
    }
}

#[async_trait]
impl LinkStore for MemoryStore {
    async fn insert_link(&self, link: &Link, owner: Option<UserId>) -> Result<(), StoreError> {
        let mut state = self.state();
        let is_free = state.is_free(&link.code, link.id, link.is_keyword);
        if !is_free || state.links.contains_key(&link.id) {
            return Err(StoreError::Conflict);
        }
        if let Some(owner) = owner {
            state.is_known(owner)?;
        }
        state.ids.insert(link.code.clone(), link.id);
        let created_at = micros(link.created_at);
        let mut kept = Kept {
            link: Link {
                is_keyword: link.is_keyword,
                ..Link::of(link.id, link.content(), created_at)
            },
            owners: owner.into_iter().collect(),
            primary: owner,
            shares: BTreeSet::new(),
            invitations: Invitations::default(),
            versions: Vec::new(),
            purged: 0,
            days: BTreeMap::new(),
        };
        kept.set_content(link.content());
        kept.versions.push(KeptVersion {
            number: 1,
            action: LinkAction::Created,
            at: created_at,
            by: owner,
            before: None,
            after: kept.snapshot(),
        });
        state.links.insert(link.id, kept);
        state.note_change(&link.code);
        Ok(())
    }

    async fn link(&self, id: LinkId) -> Result<Option<Link>, StoreError> {
        Ok(self.state().links.get(&id).map(|kept| kept.link.clone()))
    }

    async fn link_by_code(&self, code: &ShortCode) -> Result<Option<Link>, StoreError> {
        let state = self.state();
        let kept = state.ids.get(code).and_then(|id| state.links.get(id));
        let link = kept.map(|kept| kept.link.clone());
        Ok(link.filter(|link| !link.is_deleted()))
    }

    async fn holder_of_code(&self, code: &ShortCode) -> Result<Option<LinkId>, StoreError> {
        let state = self.state();
        if let Some(holder) = state.ids.get(code) {
            return Ok(Some(*holder));
        }
        let keyword = |prefix: &str| {
            let holder = state.ids.get(prefix)?;
            let kept = state.links.get(holder)?;
            kept.link.is_keyword.then_some(*holder)
        };
        Ok(code.prefixes().find_map(keyword))
    }

    async fn code_route(&self, code: &ShortCode) -> Result<CodeRoute, StoreError> {
        let link = self.link_by_code(code).await?;
        let state = self.state();
        let blocking = |link: &Link| state.blocking(&link.target.host()).is_some();
        Ok(CodeRoute {
            is_blocked: link.as_ref().is_some_and(blocking),
            has_longer: state.longer(code).next().is_some(),
            link,
        })
    }

    async fn codes_of_link(&self, id: LinkId) -> Result<Vec<ShortCode>, StoreError> {
        Ok(self.state().codes(id))
    }

    async fn update_link(&self, update: &LinkUpdate) -> Result<Updated, StoreError> {
        self.state().update(update)
    }

    async fn link_versions(
        &self,
        id: LinkId,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<LinkVersion>, StoreError> {
        let state = self.state();
        let Some(kept) = state.links.get(&id) else {
            return Ok(Vec::new());
        };
        let newest_first = kept.versions.iter().rev();
        Ok(newest_first
            .filter(|version| before.is_none_or(|before| version.number < before))
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|version| LinkVersion {
                number: version.number,
                action: version.action,
                at: version.at,
                by: version.by.and_then(|by| state.person(by)),
                before: version.before.clone(),
                after: version.after.clone(),
            })
            .collect())
    }

    async fn links_page(&self, of: PageOf, page: PageRequest) -> Result<Page<Link>, StoreError> {
        let state = self.state();
        let links = state.links.values().filter(|kept| {
            !kept.link.is_deleted()
                && match of {
                    PageOf::All => true,
                    PageOf::Owner(user) => kept.owners.contains(&user),
                    PageOf::Nobody => kept.owners.is_empty(),
                }
        });
        let all = behind(links.map(|kept| &kept.link), None, u32::MAX);
        let total = count(all.len());
        let items = all
            .into_iter()
            .skip(usize::try_from(page.offset()).unwrap_or(usize::MAX))
            .take(usize::try_from(page.limit()).unwrap_or(usize::MAX))
            .collect();
        Ok(Page { items, total })
    }

    async fn links_after(
        &self,
        cursor: Option<LinkCursor>,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError> {
        let state = self.state();
        let links = state.links.values().map(|kept| &kept.link);
        Ok(behind(
            links.filter(|link| !link.is_deleted()),
            cursor,
            limit,
        ))
    }

    async fn delete_link(&self, id: LinkId) -> Result<bool, StoreError> {
        Ok(self.state().remove_link(id))
    }

    async fn deleted_links_before(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        Ok(count(self.state().deleted_before(before).len()))
    }

    async fn first_deleted_link(
        &self,
        before: OffsetDateTime,
    ) -> Result<Option<LinkId>, StoreError> {
        Ok(self.state().deleted_before(before).into_iter().min())
    }

    async fn purge_deleted_links(
        &self,
        before: OffsetDateTime,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let mut state = self.state();
        let mut old = state.deleted_before(before);
        old.sort_unstable();
        old.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        for id in &old {
            state.remove_link(*id);
        }
        Ok(count(old.len()))
    }
}

impl State {
    fn deleted_before(&self, before: OffsetDateTime) -> Vec<LinkId> {
        let before = micros(before);
        let links = self.links.values().map(|kept| &kept.link);
        links
            .filter(|link| link.deleted_at.is_some_and(|at| at < before))
            .map(|link| link.id)
            .collect()
    }
}

#[async_trait]
impl AccessStore for MemoryStore {
    async fn standing(&self, link: LinkId, user: UserId) -> Result<Standing, StoreError> {
        let state = self.state();
        let kept = state.links.get(&link);
        Ok(kept.map_or(Standing::Stranger, |kept| kept.standing(user)))
    }

    async fn owners_of_links(
        &self,
        links: &[LinkId],
    ) -> Result<BTreeMap<LinkId, Vec<LinkOwner>>, StoreError> {
        let state = self.state();
        let mut owners = BTreeMap::new();
        for (id, kept) in links.iter().filter_map(|id| state.links.get_key_value(id)) {
            let people = kept.primary_first().into_iter();
            let of_link: Vec<LinkOwner> = people
                .filter_map(|owner| state.person(owner))
                .map(|person| LinkOwner {
                    is_primary: kept.primary == Some(person.id),
                    person,
                })
                .collect();
            if !of_link.is_empty() {
                owners.insert(*id, of_link);
            }
        }
        Ok(owners)
    }

    async fn shares_of_link(&self, link: LinkId) -> Result<Vec<Person>, StoreError> {
        let state = self.state();
        let shares = state.links.get(&link).map(|kept| &kept.shares);
        let users = shares.into_iter().flatten();
        Ok(users.filter_map(|user| state.person(*user)).collect())
    }

    async fn invitations_of_link(&self, link: LinkId) -> Result<Vec<Invitation>, StoreError> {
        let state = self.state();
        let kept = state.links.get(&link).into_iter();
        let invitations = kept.flat_map(|kept| kept.invitations.iter());
        Ok(invitations.cloned().collect())
    }

    async fn invitations_to(
        &self,
        user: UserId,
        limit: u32,
    ) -> Result<Vec<(LinkId, Invitation)>, StoreError> {
        let state = self.state();
        let all = state.links.iter();
        let mut to: Vec<(LinkId, Invitation)> = all
            .flat_map(|(id, kept)| kept.invitations.iter().map(|one| (*id, one.clone())))
            .filter(|(_, one)| one.role != InvitedAs::Viewer && one.user == Some(user))
            .collect();
        to.sort_by_key(|(id, one)| std::cmp::Reverse((one.at, *id, one.role)));
        to.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(to)
    }

    async fn take_links(
        &self,
        from: UserId,
        to: Heir,
        limit: u32,
        transfer: Transfer,
    ) -> Result<u64, StoreError> {
        let mut state = self.state();
        if let Heir::User(to) = to {
            state.is_known(to)?;
        }
        let owned = state
            .links
            .values()
            .filter(|kept| kept.owners.contains(&from));
        let taken: Vec<LinkId> = owned
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|kept| kept.link.id)
            .collect();
        for id in &taken {
            state.take_link(*id, from, to, transfer)?;
        }
        Ok(count(taken.len()))
    }
}

impl State {
    fn take_link(
        &mut self,
        id: LinkId,
        from: UserId,
        to: Heir,
        transfer: Transfer,
    ) -> Result<(), StoreError> {
        let Some(kept) = self.links.get(&id) else {
            return Ok(());
        };
        let was_primary = kept.standing(from) == Standing::PrimaryOwner;
        let is_last = kept.owners.len() == 1;
        let was_deleted = kept.link.is_deleted();
        let mut edits = Vec::new();
        match to {
            Heir::User(to) if was_primary && to != from => edits.push(LinkEdit::MakePrimary(to)),
            Heir::Nobody if is_last && !was_deleted => edits.push(LinkEdit::Delete),
            Heir::User(_) | Heir::Nobody => {}
        }
        edits.push(LinkEdit::RemoveOwner(from));
        for edit in edits {
            let version = self.links.get(&id).map_or(0, |kept| kept.link.version);
            self.update(&LinkUpdate {
                link: id,
                version,
                by: transfer.by,
                at: transfer.at,
                edit,
            })?;
        }
        Ok(())
    }
}
