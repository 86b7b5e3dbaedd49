//! Queries on the invitations to links. They change with the access to a link, in `access`, and
//! when a user gets an email address.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{Email, Invitation, InvitedAs, LinkId, UserId, micros};
use waypost_store::{Invitations, StoreError};

use super::id::Id;
use super::schema::{link_invitations, users};
use super::transaction::WorkError;
use super::{Connection, access, edits, links};

/// Maximum number of links whose invitations are claimed at a time.
const CLAIMED_AT_ONCE: i64 = 100;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = link_invitations, treat_none_as_default_value = false)]
struct InvitationRow {
    link_id: Id,
    role: String,
    email: String,
    user_id: Option<Id>,
    from_user_id: Option<Id>,
    invited_at: OffsetDateTime,
}

impl InvitationRow {
    fn new(link: Id, invitation: &Invitation) -> Self {
        let id = |user: &UserId| Id(*user.as_uuid());
        Self {
            link_id: link,
            role: invitation.role.as_str().to_owned(),
            email: invitation.email.as_str().to_owned(),
            user_id: invitation.user.as_ref().map(id),
            from_user_id: invitation.from.as_ref().map(id),
            invited_at: micros(invitation.at),
        }
    }
}

impl TryFrom<InvitationRow> for Invitation {
    type Error = StoreError;

    fn try_from(row: InvitationRow) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt {
            table: "link_invitations",
            column,
        };
        let user = |id: Id| UserId::from_uuid(id.0);
        Ok(Self {
            role: row.role.parse().map_err(|_| corrupt("role"))?,
            email: Email::parse(&row.email).map_err(|_| corrupt("email"))?,
            user: row.user_id.map(user),
            from: row.from_user_id.map(user),
            at: micros(row.invited_at),
        })
    }
}

/// Returns the invitations to a link in their order, which is not that of the rows.
pub(super) async fn all_of_link(
    connection: &mut Connection,
    link: LinkId,
) -> Result<Invitations, WorkError> {
    let rows: Vec<InvitationRow> = link_invitations::table
        .filter(link_invitations::link_id.eq(Id(*link.as_uuid())))
        .select(InvitationRow::as_select())
        .load(connection)
        .await?;
    let invitations = rows.into_iter().map(Invitation::try_from);
    Ok(invitations.collect::<Result<_, _>>()?)
}

pub(super) async fn of_link(
    connection: &mut Connection,
    link: LinkId,
) -> Result<Vec<Invitation>, WorkError> {
    let all = all_of_link(connection, link).await?;
    Ok(all.iter().cloned().collect())
}

pub(super) async fn to_user(
    connection: &mut Connection,
    user: UserId,
    limit: u32,
) -> Result<Vec<(LinkId, Invitation)>, WorkError> {
    let rows: Vec<InvitationRow> = link_invitations::table
        .filter(link_invitations::user_id.eq(Id(*user.as_uuid())))
        .filter(link_invitations::role.ne(InvitedAs::Viewer.as_str()))
        .order((
            link_invitations::invited_at.desc(),
            link_invitations::link_id.desc(),
            link_invitations::role.desc(),
        ))
        .limit(i64::from(limit))
        .select(InvitationRow::as_select())
        .load(connection)
        .await?;
    let with_link = |row: InvitationRow| {
        let link = LinkId::from_uuid(row.link_id.0);
        Ok::<_, StoreError>((link, row.try_into()?))
    };
    Ok(rows.into_iter().map(with_link).collect::<Result<_, _>>()?)
}

/// Writes what a change of a link whose row is locked did to its invitations.
pub(super) async fn write(
    connection: &mut Connection,
    link: Id,
    before: &Invitations,
    after: &Invitations,
) -> Result<(), WorkError> {
    for was in before.iter() {
        if after.get(was.role, &was.email) != Some(was) {
            let key = (link, was.role.as_str(), was.email.as_str());
            diesel::delete(link_invitations::table.find(key))
                .execute(connection)
                .await?;
        }
    }
    for is in after.iter() {
        if before.get(is.role, &is.email) != Some(is) {
            diesel::insert_into(link_invitations::table)
                .values(InvitationRow::new(link, is))
                .execute(connection)
                .await
                .map_err(access::of_user)?;
        }
    }
    Ok(())
}

/// Returns the user with an email address.
pub(super) async fn invitee(
    connection: &mut Connection,
    email: &Email,
) -> Result<Option<UserId>, WorkError> {
    let id: Option<Id> = users::table
        .filter(users::email.eq(email.as_str()))
        .select(users::id)
        .first(connection)
        .await
        .optional()?;
    Ok(id.map(|id| UserId::from_uuid(id.0)))
}

/// Makes the invitations that wait for an email address those of the user who has it. Locks the
/// links in the order of their IDs, so that nodes do not deadlock.
pub(super) async fn claim(
    connection: &mut Connection,
    email: &Email,
    user: UserId,
) -> Result<(), WorkError> {
    let mut after: Option<Id> = None;
    loop {
        let waiting = link_invitations::table
            .filter(link_invitations::email.eq(email.as_str()))
            .filter(link_invitations::user_id.is_null())
            .order(link_invitations::link_id)
            .limit(CLAIMED_AT_ONCE)
            .select(link_invitations::link_id)
            .into_boxed();
        let waiting = match after {
            Some(after) => waiting.filter(link_invitations::link_id.gt(after)),
            None => waiting,
        };
        let mut ids: Vec<Id> = waiting.load(connection).await?;
        ids.dedup();
        let Some(last) = ids.last() else {
            return Ok(());
        };
        after = Some(*last);
        for id in ids {
            claim_one(connection, LinkId::from_uuid(id.0), email, user).await?;
        }
    }
}

async fn claim_one(
    connection: &mut Connection,
    id: LinkId,
    email: &Email,
    user: UserId,
) -> Result<(), WorkError> {
    // While locked, the access stays as it is read here.
    edits::lock(connection, id).await?;
    let Some(link) = links::one(connection, id).await? else {
        return Ok(());
    };
    let before = access::of_link(connection, id).await?;
    let after = before.claimed(email, user, link.is_deleted());
    access::write(connection, &link, &before, &after).await
}
