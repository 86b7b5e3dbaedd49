//! Queries on the history of links.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{LinkAction, LinkId, LinkSnapshot, LinkVersion, UserId, micros};
use waypost_store::{StoreError, VERSIONS_THINNED, newest_thinned, superseded};

use super::Connection;
use super::id::Id;
use super::schema::{link_versions, users};
use super::transaction::WorkError;
use super::user_rows::PersonRow;
use crate::snapshot;

/// A change of a link, when it is made.
pub(super) struct NewVersion {
    pub(super) link: LinkId,
    pub(super) number: u32,
    pub(super) action: LinkAction,
    pub(super) at: OffsetDateTime,
    pub(super) by: Option<UserId>,
    pub(super) before: Option<LinkSnapshot>,
    pub(super) after: LinkSnapshot,
}

/// The author is left out if that user no longer exists.
pub(super) async fn insert(
    connection: &mut Connection,
    version: &NewVersion,
) -> Result<(), WorkError> {
    let number = i32::try_from(version.number).map_err(StoreError::internal)?;
    let before = version.before.as_ref().map(snapshot::write).transpose()?;
    let by = match version.by {
        Some(by) if super::user_rows::exists(connection, by).await? => Some(Id(*by.as_uuid())),
        _ => None,
    };
    diesel::insert_into(link_versions::table)
        .values((
            link_versions::link_id.eq(Id(*version.link.as_uuid())),
            link_versions::number.eq(number),
            link_versions::action.eq(version.action.as_str()),
            link_versions::changed_at.eq(version.at),
            link_versions::user_id.eq(by),
            link_versions::before.eq(before),
            link_versions::after.eq(snapshot::write(&version.after)?),
        ))
        .execute(connection)
        .await?;
    thin(connection, version).await
}

/// Drops old versions that a later one of the same day supersedes.
async fn thin(connection: &mut Connection, version: &NewVersion) -> Result<(), WorkError> {
    let Some(newest) = newest_thinned(version.number) else {
        return Ok(());
    };
    let newest = i32::try_from(newest.saturating_add(1)).map_err(StoreError::internal)?;
    let of_link = link_versions::link_id.eq(Id(*version.link.as_uuid()));
    let examined: Vec<(i32, OffsetDateTime)> = link_versions::table
        .filter(of_link)
        .filter(link_versions::number.le(newest))
        .order(link_versions::number.desc())
        .limit(i64::from(VERSIONS_THINNED))
        .select((link_versions::number, link_versions::changed_at))
        .load(connection)
        .await?;
    let examined: Vec<(u32, OffsetDateTime)> = examined
        .into_iter()
        .filter_map(|(number, at)| Some((u32::try_from(number).ok()?, at)))
        .collect();
    let dropped = superseded(&examined).into_iter();
    let dropped: Vec<i32> = dropped
        .filter_map(|number| i32::try_from(number).ok())
        .collect();
    if !dropped.is_empty() {
        let dropped = link_versions::table
            .filter(of_link)
            .filter(link_versions::number.eq_any(dropped));
        diesel::delete(dropped).execute(connection).await?;
    }
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = link_versions)]
struct VersionRow {
    number: i32,
    action: String,
    changed_at: OffsetDateTime,
    before: Option<String>,
    after: String,
}

fn version(row: VersionRow, by: Option<PersonRow>) -> Result<LinkVersion, StoreError> {
    let corrupt = |column| StoreError::Corrupt {
        table: "link_versions",
        column,
    };
    let before = row.before.map(|json| snapshot::read(&json, "before"));
    Ok(LinkVersion {
        number: u32::try_from(row.number).map_err(|_| corrupt("number"))?,
        action: row.action.parse().map_err(|_| corrupt("action"))?,
        at: micros(row.changed_at),
        by: by.map(PersonRow::try_into).transpose()?,
        before: before.transpose()?,
        after: snapshot::read(&row.after, "after")?,
    })
}

pub(super) async fn of_link(
    connection: &mut Connection,
    link: LinkId,
    before: Option<u32>,
    limit: u32,
) -> Result<Vec<LinkVersion>, WorkError> {
    let mut query = link_versions::table
        .left_join(users::table)
        .filter(link_versions::link_id.eq(Id(*link.as_uuid())))
        .order(link_versions::number.desc())
        .limit(i64::from(limit))
        .select((VersionRow::as_select(), Option::<PersonRow>::as_select()))
        .into_boxed();
    if let Some(Ok(before)) = before.map(i32::try_from) {
        query = query.filter(link_versions::number.lt(before));
    }
    let rows: Vec<(VersionRow, Option<PersonRow>)> = query.load(connection).await?;
    let versions = rows.into_iter().map(|(row, by)| version(row, by));
    Ok(versions.collect::<Result<_, StoreError>>()?)
}
