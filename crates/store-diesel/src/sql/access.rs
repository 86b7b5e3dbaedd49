//! Queries on the owners of links and the users they are shared with. Taking links from an owner is
//! in `taking`.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{
    Email, Invitation, InvitedAs, Link, LinkId, LinkOwner, Person, Standing, UserId, micros,
};
use waypost_store::{Invitations, LinkEdit, StoreError};

use super::Connection;
use super::id::Id;
use super::schema::{link_owners, link_shares, users};
use super::transaction::WorkError;
use super::user_rows::PersonRow;

/// Maximum number of links in one statement: databases limit the number of values.
const BY_ID: usize = 500;

/// The owners of a link, and the users it is shared with.
#[derive(Debug, Clone, Default)]
pub(super) struct Access {
    /// The owners in the order in which they were added.
    owners: Vec<Owner>,
    shares: BTreeSet<UserId>,
    pub(super) invitations: Invitations,
}

/// Who changes the access to a link, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct AccessChange {
    /// The version of the link that the change creates.
    pub(super) version: u32,
    pub(super) by: Option<UserId>,
    pub(super) at: OffsetDateTime,
    /// The user with the email address that is invited.
    pub(super) invitee: Option<UserId>,
    /// Whether the link is deleted after the change.
    pub(super) is_deleted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    user: UserId,
    pub(super) is_primary: bool,
    /// The version of the link that added the owner.
    since: i32,
}

impl Access {
    /// Returns the access of a new link with this owner.
    pub(super) fn of_new(owner: Option<UserId>) -> Self {
        let owners = owner.map(|user| Owner {
            user,
            is_primary: true,
            since: 1,
        });
        Self {
            owners: owners.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Returns the owners, the primary one first.
    pub(super) fn owners(&self) -> Vec<UserId> {
        let (primary, others): (Vec<Owner>, Vec<Owner>) =
            self.owners.iter().partition(|owner| owner.is_primary);
        let all = primary.into_iter().chain(others);
        all.map(|owner| owner.user).collect()
    }

    /// Returns the users it is shared with, except by invitations, in the order of their IDs.
    pub(super) fn shares(&self) -> Vec<UserId> {
        let by_invitation = |user: &UserId| self.invitations.has_viewer(*user);
        let others = self.shares.iter().filter(|user| !by_invitation(user));
        others.copied().collect()
    }

    pub(super) const fn is_owned(&self) -> bool {
        !self.owners.is_empty()
    }

    pub(super) fn owner(&self, user: UserId) -> Option<&Owner> {
        self.owners.iter().find(|owner| owner.user == user)
    }

    fn is_of(&self, user: UserId) -> bool {
        self.owner(user).is_some()
    }

    /// Returns the access after the edit that creates a version of the link.
    pub(super) fn edited(&self, edit: &LinkEdit, change: AccessChange) -> Self {
        let AccessChange {
            version, invitee, ..
        } = change;
        let mut after = self.clone();
        match *edit {
            LinkEdit::AddOwner(user) => after.add(user, version),
            LinkEdit::MakePrimary(user) => {
                after.add(user, version);
                for owner in &mut after.owners {
                    owner.is_primary = owner.user == user;
                }
            }
            LinkEdit::RemoveOwner(user) => {
                after.owners.retain(|owner| owner.user != user);
                let has_primary = after.owners.iter().any(|owner| owner.is_primary);
                if let Some(first) = after.owners.first_mut()
                    && !has_primary
                {
                    first.is_primary = true;
                }
            }
            LinkEdit::Share(user) => {
                if !after.is_of(user) {
                    after.shares.insert(user);
                }
            }
            LinkEdit::Unshare(user) => {
                after.shares.remove(&user);
                after.invitations.remove_viewer(user);
            }
            LinkEdit::Invite(role, ref email) => {
                after.invitations.add(Invitation {
                    role,
                    email: email.clone(),
                    user: invitee,
                    from: Invitations::giver(role, change.by, &self.owners()),
                    at: micros(change.at),
                });
                let viewer = invitee.filter(|user| !self.is_of(*user));
                let viewer = viewer.filter(|_| role == InvitedAs::Viewer);
                after.shares.extend(viewer);
            }
            LinkEdit::Uninvite(role, ref email) => {
                let ended = after.invitations.remove(role, email);
                let viewer = ended.and_then(|ended| ended.user);
                if let Some(user) = viewer.filter(|_| role == InvitedAs::Viewer) {
                    after.shares.remove(&user);
                }
            }
            LinkEdit::Content(_) | LinkEdit::Delete | LinkEdit::Restore(_) => {}
        }
        let owners = after.owners();
        after.invitations.settle(&owners, change.is_deleted);
        after
    }

    /// Returns the access after a user got an email address.
    pub(super) fn claimed(&self, email: &Email, user: UserId, is_deleted: bool) -> Self {
        let mut after = self.clone();
        let claimed = after.invitations.claim(email, user);
        if claimed.contains(&InvitedAs::Viewer) && !self.is_of(user) {
            after.shares.insert(user);
        }
        let owners = after.owners();
        after.invitations.settle(&owners, is_deleted);
        after
    }

    fn add(&mut self, user: UserId, version: u32) {
        if !self.is_of(user) {
            self.owners.push(Owner {
                user,
                is_primary: self.owners.is_empty(),
                since: i32::try_from(version).unwrap_or(i32::MAX),
            });
        }
        self.shares.remove(&user);
    }
}

pub(super) async fn of_link(
    connection: &mut Connection,
    link: LinkId,
) -> Result<Access, WorkError> {
    let id = link;
    let link = Id(*link.as_uuid());
    let owners: Vec<(Id, bool, i32)> = link_owners::table
        .filter(link_owners::link_id.eq(link))
        .order((link_owners::since_version, link_owners::user_id))
        .select((
            link_owners::user_id,
            link_owners::is_primary,
            link_owners::since_version,
        ))
        .load(connection)
        .await?;
    let shares: Vec<Id> = link_shares::table
        .filter(link_shares::link_id.eq(link))
        .select(link_shares::user_id)
        .load(connection)
        .await?;
    let owners = owners.into_iter().map(|(user, is_primary, since)| Owner {
        user: UserId::from_uuid(user.0),
        is_primary,
        since,
    });
    let shares = shares.into_iter().map(|user| UserId::from_uuid(user.0));
    Ok(Access {
        owners: owners.collect(),
        shares: shares.collect(),
        invitations: super::invitations::all_of_link(connection, id).await?,
    })
}

/// Writes what an edit changed of a link whose row is locked.
pub(super) async fn write(
    connection: &mut Connection,
    link: &Link,
    before: &Access,
    after: &Access,
) -> Result<(), WorkError> {
    let id = Id(*link.id.as_uuid());
    let user_id = |user: &UserId| Id(*user.as_uuid());
    for owner in before.owners.iter().filter(|was| !after.is_of(was.user)) {
        diesel::delete(link_owners::table.find((id, user_id(&owner.user))))
            .execute(connection)
            .await?;
    }
    for owner in &after.owners {
        match before.owner(owner.user) {
            Some(was) if was.is_primary == owner.is_primary => {}
            Some(_) => {
                diesel::update(link_owners::table.find((id, user_id(&owner.user))))
                    .set(link_owners::is_primary.eq(owner.is_primary))
                    .execute(connection)
                    .await?;
            }
            None => {
                diesel::insert_into(link_owners::table)
                    .values((
                        link_owners::link_id.eq(id),
                        link_owners::user_id.eq(user_id(&owner.user)),
                        link_owners::is_primary.eq(owner.is_primary),
                        link_owners::since_version.eq(owner.since),
                        link_owners::link_created_at.eq(link.created_at),
                    ))
                    .execute(connection)
                    .await
                    .map_err(of_user)?;
            }
        }
    }
    for user in before.shares.difference(&after.shares) {
        diesel::delete(link_shares::table.find((id, user_id(user))))
            .execute(connection)
            .await?;
    }
    for user in after.shares.difference(&before.shares) {
        diesel::insert_into(link_shares::table)
            .values((
                link_shares::link_id.eq(id),
                link_shares::user_id.eq(user_id(user)),
                link_shares::link_created_at.eq(link.created_at),
            ))
            .execute(connection)
            .await
            .map_err(of_user)?;
    }
    super::invitations::write(connection, id, &before.invitations, &after.invitations).await
}

/// The link exists, so a missing key is that of a user who was deleted meanwhile.
pub(super) fn of_user(error: DieselError) -> WorkError {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => {
            StoreError::NotFound.into()
        }
        error => error.into(),
    }
}

pub(super) async fn standing(
    connection: &mut Connection,
    link: LinkId,
    user: UserId,
) -> Result<Standing, WorkError> {
    let key = (Id(*link.as_uuid()), Id(*user.as_uuid()));
    let is_primary: Option<bool> = link_owners::table
        .find(key)
        .select(link_owners::is_primary)
        .first(connection)
        .await
        .optional()?;
    match is_primary {
        Some(true) => return Ok(Standing::PrimaryOwner),
        Some(false) => return Ok(Standing::CoOwner),
        None => {}
    }
    let shared: Option<Id> = link_shares::table
        .find(key)
        .select(link_shares::link_id)
        .first(connection)
        .await
        .optional()?;
    Ok(shared.map_or(Standing::Stranger, |_| Standing::Recipient))
}

pub(super) async fn owners(
    connection: &mut Connection,
    links: &[LinkId],
) -> Result<BTreeMap<LinkId, Vec<LinkOwner>>, WorkError> {
    let mut owners: BTreeMap<LinkId, Vec<LinkOwner>> = BTreeMap::new();
    let distinct: BTreeSet<LinkId> = links.iter().copied().collect();
    let ids: Vec<Id> = distinct.iter().map(|id| Id(*id.as_uuid())).collect();
    for ids in ids.chunks(BY_ID) {
        let rows: Vec<(Id, bool, PersonRow)> = link_owners::table
            .inner_join(users::table)
            .filter(link_owners::link_id.eq_any(ids.iter().copied()))
            .order((
                link_owners::link_id,
                link_owners::is_primary.desc(),
                link_owners::since_version,
                link_owners::user_id,
            ))
            .select((
                link_owners::link_id,
                link_owners::is_primary,
                PersonRow::as_select(),
            ))
            .load(connection)
            .await?;
        for (link, is_primary, person) in rows {
            let person = person.try_into()?;
            let of_link = owners.entry(LinkId::from_uuid(link.0)).or_default();
            of_link.push(LinkOwner { person, is_primary });
        }
    }
    Ok(owners)
}

pub(super) async fn shares(
    connection: &mut Connection,
    link: LinkId,
) -> Result<Vec<Person>, WorkError> {
    let rows: Vec<PersonRow> = link_shares::table
        .inner_join(users::table)
        .filter(link_shares::link_id.eq(Id(*link.as_uuid())))
        .order(link_shares::user_id)
        .select(PersonRow::as_select())
        .load(connection)
        .await?;
    let people = rows.into_iter().map(Person::try_from);
    Ok(people.collect::<Result<_, StoreError>>()?)
}
