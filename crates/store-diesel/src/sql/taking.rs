//! Taking links from an owner. Each link is changed by the edits of `edits`, so that each change
//! has its version.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use waypost_core::{LinkId, UserId};
use waypost_store::{Heir, LinkEdit, LinkUpdate, Transfer};

use super::id::Id;
use super::schema::link_owners;
use super::transaction::WorkError;
use super::{Connection, access, edits, links, user_rows};

/// Locks in the order of the IDs, so that nodes do not deadlock.
pub(super) async fn take(
    connection: &mut Connection,
    from: UserId,
    to: Heir,
    limit: u32,
    transfer: Transfer,
) -> Result<u64, WorkError> {
    if let Heir::User(to) = to {
        user_rows::must_exist(connection, to).await?;
    }
    let owned: Vec<Id> = link_owners::table
        .filter(link_owners::user_id.eq(Id(*from.as_uuid())))
        .order(link_owners::link_id)
        .limit(i64::from(limit))
        .select(link_owners::link_id)
        .load(connection)
        .await?;
    for id in &owned {
        take_one(connection, LinkId::from_uuid(id.0), from, to, transfer).await?;
    }
    Ok(u64::try_from(owned.len()).unwrap_or(u64::MAX))
}

async fn take_one(
    connection: &mut Connection,
    id: LinkId,
    from: UserId,
    to: Heir,
    transfer: Transfer,
) -> Result<(), WorkError> {
    // While locked, the link stays as it is read here, and this version is the one that is changed.
    edits::lock(connection, id).await?;
    let Some(link) = links::one(connection, id).await? else {
        return Ok(());
    };
    let access = access::of_link(connection, id).await?;
    let Some(owner) = access.owner(from) else {
        return Ok(());
    };
    let is_last = access.owners().len() == 1;
    let first = match to {
        Heir::User(to) if owner.is_primary && to != from => Some(LinkEdit::MakePrimary(to)),
        Heir::Nobody if is_last && !link.is_deleted() => Some(LinkEdit::Delete),
        Heir::User(_) | Heir::Nobody => None,
    };
    let all = first.into_iter().chain([LinkEdit::RemoveOwner(from)]);
    for (edit, version) in all.zip(link.version..) {
        let update = LinkUpdate {
            link: id,
            version,
            by: transfer.by,
            at: transfer.at,
            edit,
        };
        edits::update(connection, &update).await?;
    }
    Ok(())
}
