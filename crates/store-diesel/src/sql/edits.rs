//! Changes of links. Each change begins by advancing the version of the link, and locks, in this
//! order, the row of the link, its codes, its access, its tags, its words, its history and the
//! change feed.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{
    Link, LinkAction, LinkContent, LinkId, LinkSnapshot, ShortCode, UserId, micros,
};
use waypost_store::{LeaseName, LinkEdit, LinkUpdate, StoreError, Updated};

use super::access::{Access, AccessChange};
use super::id::Id;
use super::schema::{keywords, link_codes, link_days, links};
use super::statement::Statement;
use super::transaction::WorkError;
use super::versions::{self, NewVersion};
use super::{Connection, FOR_UPDATE, access, changes, findable, invitations, user_rows};

/// The turn to purge deleted links.
const PURGE: LeaseName = LeaseName::new("purge-links");

/// The columns that the content of a link sets.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = links, treat_none_as_default_value = false, treat_none_as_null = true)]
struct ContentRow<'a> {
    code: &'a str,
    code_spelling: &'a str,
    target_url: &'a str,
    target_hash: Option<Vec<u8>>,
    title: &'a str,
    description: &'a str,
    visibility: &'a str,
    forward_query: bool,
    template: bool,
    disabled: bool,
    expires_at: Option<OffsetDateTime>,
}

impl<'a> From<&'a LinkContent> for ContentRow<'a> {
    fn from(content: &'a LinkContent) -> Self {
        let LinkContent {
            code,
            target,
            details,
        } = content;
        Self {
            code: code.as_str(),
            code_spelling: code.spelling(),
            target_url: target.as_str(),
            target_hash: Some(findable::hash(target)),
            title: details.title.as_str(),
            description: details.description.as_str(),
            visibility: details.visibility.as_str(),
            forward_query: details.forward_query,
            template: details.template,
            disabled: details.disabled,
            expires_at: details.expires_at,
        }
    }
}

/// Returns the content as it will be read again.
fn kept(content: &LinkContent) -> LinkContent {
    let mut kept = content.clone();
    kept.details.expires_at = kept.details.expires_at.map(micros);
    kept
}

fn snapshot(link: &Link, access: &Access) -> LinkSnapshot {
    LinkSnapshot {
        content: link.content(),
        owners: access.owners(),
        shares: access.shares(),
        invited: access.invitations.keys(),
        deleted: link.is_deleted(),
    }
}

pub(super) async fn insert(
    connection: &mut Connection,
    link: &Link,
    owner: Option<UserId>,
) -> Result<(), WorkError> {
    let link = Link {
        is_keyword: link.is_keyword,
        ..Link::of(link.id, kept(&link.content()), micros(link.created_at))
    };
    let content = link.content();
    diesel::insert_into(links::table)
        .values((
            links::id.eq(Id(*link.id.as_uuid())),
            links::created_at.eq(link.created_at),
            links::updated_at.eq(link.updated_at),
            links::owned.eq(owner.is_some()),
            links::search_version.eq(number(link.version)?),
            ContentRow::from(&content),
        ))
        .execute(connection)
        .await?;
    if link.is_keyword {
        diesel::insert_into(keywords::table)
            .values(keywords::link_id.eq(Id(*link.id.as_uuid())))
            .execute(connection)
            .await?;
    }
    claim(connection, &link, link.created_at).await?;
    let nobody = Access::default();
    let access = Access::of_new(owner);
    access::write(connection, &link, &nobody, &access).await?;
    findable::write_tags(connection, None, &link).await?;
    findable::write_words(connection, &link).await?;
    let version = NewVersion {
        link: link.id,
        number: link.version,
        action: LinkAction::Created,
        at: link.created_at,
        by: owner,
        before: None,
        after: snapshot(&link, &access),
    };
    versions::insert(connection, &version).await?;
    changes::note(connection, link.code.as_str()).await
}

/// Assigns its code to the link, which may be one of its former codes. Fails if another link has the
/// code, or if the code would hide or be hidden by a keyword.
async fn claim(
    connection: &mut Connection,
    of: &Link,
    at: OffsetDateTime,
) -> Result<(), WorkError> {
    let (link, code) = (Id(*of.id.as_uuid()), &of.code);
    let keyword = super::links::keyword_before(connection, code, Some(link)).await?;
    if keyword.is_some()
        || (of.is_keyword && super::links::has_longer(connection, code, Some(link)).await?)
    {
        return Err(StoreError::Conflict.into());
    }
    let row = link_codes::table.find(code.as_str());
    let holder: Option<Id> = row
        .select(link_codes::link_id)
        .first(connection)
        .await
        .optional()?;
    match holder {
        None => {
            diesel::insert_into(link_codes::table)
                .values((
                    link_codes::code.eq(code.as_str()),
                    link_codes::spelling.eq(code.spelling()),
                    link_codes::link_id.eq(link),
                    link_codes::created_at.eq(at),
                ))
                .execute(connection)
                .await?;
        }
        Some(holder) if holder == link => {
            diesel::update(row)
                .set(link_codes::spelling.eq(code.spelling()))
                .execute(connection)
                .await?;
        }
        Some(_) => return Err(StoreError::Conflict.into()),
    }
    Ok(())
}

/// Returns a link after an edit, and the kind of the edit.
fn edited(before: &Link, update: &LinkUpdate) -> (Link, LinkAction) {
    let at = micros(update.at);
    let mut after = Link {
        version: before.version.saturating_add(1),
        updated_at: at,
        ..before.clone()
    };
    let (content, action) = match &update.edit {
        LinkEdit::Content(content) => (Some(content), LinkAction::Changed),
        LinkEdit::Restore(content) => {
            after.deleted_at = None;
            (Some(content), LinkAction::Restored)
        }
        LinkEdit::Delete => {
            after.deleted_at = Some(at);
            (None, LinkAction::Deleted)
        }
        LinkEdit::AddOwner(_)
        | LinkEdit::MakePrimary(_)
        | LinkEdit::RemoveOwner(_)
        | LinkEdit::Share(_)
        | LinkEdit::Unshare(_)
        | LinkEdit::Invite(..)
        | LinkEdit::Uninvite(..) => (None, LinkAction::AccessChanged),
    };
    if let Some(content) = content {
        let content = kept(content);
        after.code = content.code;
        after.target = content.target;
        after.details = content.details;
    }
    (after, action)
}

pub(super) async fn update(
    connection: &mut Connection,
    update: &LinkUpdate,
) -> Result<Updated, WorkError> {
    let Some(before) = super::links::one(connection, update.link).await? else {
        return Ok(Updated::Missing);
    };
    if before.version != update.version {
        return Ok(Updated::Stale);
    }
    if let LinkEdit::AddOwner(user) | LinkEdit::MakePrimary(user) | LinkEdit::Share(user) =
        update.edit
    {
        user_rows::must_exist(connection, user).await?;
    }
    let (after, action) = edited(&before, update);
    if !advance(connection, &before, &after, action).await? {
        let link = super::links::one(connection, update.link).await?;
        return Ok(link.map_or(Updated::Missing, |_| Updated::Stale));
    }
    // The row is locked: any other change of the link waits.
    if before.code != after.code || before.code.spelling() != after.code.spelling() {
        claim(connection, &after, after.updated_at).await?;
    }
    let access_before = access::of_link(connection, after.id).await?;
    let change = access_change(connection, update, &after).await?;
    let access_after = access_before.edited(&update.edit, change);
    if access_before.is_owned() != access_after.is_owned() {
        diesel::update(links::table.find(Id(*after.id.as_uuid())))
            .set(links::owned.eq(access_after.is_owned()))
            .execute(connection)
            .await?;
    }
    access::write(connection, &after, &access_before, &access_after).await?;
    findable::write_tags(connection, Some(&before), &after).await?;
    if matches!(action, LinkAction::Changed | LinkAction::Restored) {
        findable::write_words(connection, &after).await?;
    }
    let version = NewVersion {
        link: after.id,
        number: after.version,
        action,
        at: after.updated_at,
        by: update.by,
        before: Some(snapshot(&before, &access_before)),
        after: snapshot(&after, &access_after),
    };
    versions::insert(connection, &version).await?;
    let codes = super::links::codes(connection, after.id).await?;
    note_all(connection, &codes).await?;
    Ok(Updated::Done(after))
}

async fn access_change(
    connection: &mut Connection,
    update: &LinkUpdate,
    after: &Link,
) -> Result<AccessChange, WorkError> {
    let mut by = update.by;
    let mut invitee = None;
    if let LinkEdit::Invite(_, email) = &update.edit {
        invitee = invitations::invitee(connection, email).await?;
        if let Some(user) = by
            && !user_rows::exists(connection, user).await?
        {
            by = None;
        }
    }
    Ok(AccessChange {
        version: after.version,
        by,
        at: update.at,
        invitee,
        is_deleted: after.is_deleted(),
    })
}

/// Updates the row, if its version is still the one before. If the content does not change, leaves
/// its columns alone, and `search_version` as far from the version as it was: the words may not be
/// indexed yet.
async fn advance(
    connection: &mut Connection,
    before: &Link,
    after: &Link,
    action: LinkAction,
) -> Result<bool, WorkError> {
    let content = after.content();
    let sets_content = matches!(action, LinkAction::Changed | LinkAction::Restored);
    let version = number(after.version)?;
    let here = links::table
        .find(Id(*before.id.as_uuid()))
        .filter(links::version.eq(number(before.version)?));
    let changed = diesel::update(here)
        .set((
            links::version.eq(version),
            links::updated_at.eq(after.updated_at),
            links::deleted_at.eq(after.deleted_at),
            sets_content.then(|| {
                (
                    ContentRow::from(&content),
                    links::search_version.eq(version),
                )
            }),
            (!sets_content).then(|| links::search_version.eq(links::search_version + 1)),
        ))
        .execute(connection)
        .await?;
    Ok(changed > 0)
}

/// Returns the version of a link as it is stored.
fn number(version: u32) -> Result<i32, StoreError> {
    i32::try_from(version).map_err(StoreError::internal)
}

async fn note_all(connection: &mut Connection, codes: &[ShortCode]) -> Result<(), WorkError> {
    for code in codes {
        changes::note(connection, code.as_str()).await?;
    }
    Ok(())
}

/// Locks a link against changes. Returns `false` when it does not exist.
pub(super) async fn lock(connection: &mut Connection, id: LinkId) -> Result<bool, WorkError> {
    let mut statement = Statement::of("SELECT id FROM links WHERE id = ");
    statement.id(id.as_uuid()).sql(FOR_UPDATE);
    Ok(!statement.ids(connection).await?.is_empty())
}

/// Locks these links, which are sorted by their IDs, and returns those that exist.
pub(super) async fn lock_all(
    connection: &mut Connection,
    links: &[Id],
) -> Result<Vec<Id>, WorkError> {
    let mut statement = Statement::of("SELECT id FROM links WHERE id IN (");
    for (number, id) in links.iter().enumerate() {
        statement.sql(if number == 0 { "" } else { ", " }).id(&id.0);
    }
    statement.sql(") ORDER BY id").sql(FOR_UPDATE);
    Ok(statement.ids(connection).await?)
}

pub(super) async fn delete(connection: &mut Connection, id: LinkId) -> Result<bool, WorkError> {
    if !lock(connection, id).await? {
        return Ok(false);
    }
    delete_locked(connection, id).await?;
    Ok(true)
}

async fn delete_locked(connection: &mut Connection, id: LinkId) -> Result<(), WorkError> {
    let codes = super::links::codes(connection, id).await?;
    diesel::delete(links::table.find(Id(*id.as_uuid())))
        .execute(connection)
        .await?;
    // Not every database deletes them by cascade.
    diesel::delete(link_days::table.filter(link_days::link_id.eq(Id(*id.as_uuid()))))
        .execute(connection)
        .await?;
    note_all(connection, &codes).await
}

/// Locks in the order of the IDs, so that nodes do not deadlock. A link that was restored meanwhile
/// stays.
pub(super) async fn purge_deleted(
    connection: &mut Connection,
    before: OffsetDateTime,
    limit: u32,
) -> Result<u64, WorkError> {
    super::turns::take(connection, PURGE).await?;
    let before = micros(before);
    let old: BTreeSet<Id> = links::table
        .filter(links::deleted_at.lt(before))
        .order(links::id)
        .limit(i64::from(limit))
        .select(links::id)
        .load(connection)
        .await?
        .into_iter()
        .collect();
    let mut purged = 0;
    for id in old {
        let link = LinkId::from_uuid(id.0);
        if !lock(connection, link).await? {
            continue;
        }
        let deleted_at: Option<Option<OffsetDateTime>> = links::table
            .find(id)
            .select(links::deleted_at)
            .first(connection)
            .await
            .optional()?;
        if deleted_at.flatten().is_some_and(|at| micros(at) < before) {
            delete_locked(connection, link).await?;
            purged += 1;
        }
    }
    Ok(purged)
}
