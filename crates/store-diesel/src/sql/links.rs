//! Queries on links.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{Link, LinkCursor, LinkId, Page, PageRequest, ShortCode, TargetUrl, micros};
use waypost_store::{Counts, StoreError};

use super::Connection;
use super::id::Id;
use super::schema::{links, users};
use super::transaction::WorkError;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = links)]
struct LinkRow {
    id: Id,
    code: String,
    code_spelling: String,
    target_url: String,
    clicks: i64,
    created_at: OffsetDateTime,
}

impl From<&Link> for LinkRow {
    fn from(link: &Link) -> Self {
        Self {
            id: Id(*link.id.as_uuid()),
            code: link.code.as_str().to_owned(),
            code_spelling: link.code.spelling().to_owned(),
            target_url: link.target.as_str().to_owned(),
            clicks: 0,
            created_at: micros(link.created_at),
        }
    }
}

impl TryFrom<LinkRow> for Link {
    type Error = StoreError;

    fn try_from(row: LinkRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: LinkId::from_uuid(row.id.0),
            code: code(&row.code, &row.code_spelling)?,
            target: TargetUrl::from_stored(row.target_url).map_err(|_| corrupt("target_url"))?,
            clicks: u64::try_from(row.clicks).map_err(|_| corrupt("clicks"))?,
            created_at: micros(row.created_at),
        })
    }
}

const fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt {
        table: "links",
        column,
    }
}

/// The code of a row: the spelling, whose normal form must be the code.
pub(super) fn code(code: &str, spelling: &str) -> Result<ShortCode, StoreError> {
    ShortCode::parse(spelling)
        .ok()
        .filter(|parsed| parsed.as_str() == code)
        .ok_or_else(|| corrupt("code_spelling"))
}

fn all(rows: Vec<LinkRow>) -> Result<Vec<Link>, WorkError> {
    Ok(rows
        .into_iter()
        .map(Link::try_from)
        .collect::<Result<_, _>>()?)
}

pub(super) async fn insert(connection: &mut Connection, link: &Link) -> Result<(), WorkError> {
    diesel::insert_into(links::table)
        .values(LinkRow::from(link))
        .execute(connection)
        .await?;
    super::changes::note(connection, link.code.as_str()).await
}

pub(super) async fn by_code(
    connection: &mut Connection,
    code: &ShortCode,
) -> Result<Option<Link>, WorkError> {
    let row: Option<LinkRow> = links::table
        .filter(links::code.eq(code.as_str()))
        .select(LinkRow::as_select())
        .first(connection)
        .await
        .optional()?;
    Ok(row.map(Link::try_from).transpose()?)
}

pub(super) async fn page(
    connection: &mut Connection,
    page: PageRequest,
) -> Result<Page<Link>, WorkError> {
    let total: i64 = links::table.count().get_result(connection).await?;
    let rows: Vec<LinkRow> = links::table
        .order((links::created_at.desc(), links::id.desc()))
        .offset(i64::try_from(page.offset()).unwrap_or(i64::MAX))
        .limit(i64::from(page.limit()))
        .select(LinkRow::as_select())
        .load(connection)
        .await?;
    Ok(Page {
        items: all(rows)?,
        total: u64::try_from(total).unwrap_or(0),
    })
}

pub(super) async fn after(
    connection: &mut Connection,
    cursor: Option<LinkCursor>,
    limit: u32,
) -> Result<Vec<Link>, WorkError> {
    let boxed = links::table.select(LinkRow::as_select()).into_boxed();
    let query = newest_behind!(boxed, links, cursor, limit);
    all(query.load(connection).await?)
}

pub(super) async fn delete(connection: &mut Connection, id: LinkId) -> Result<bool, WorkError> {
    let link = links::table.find(Id(*id.as_uuid()));
    let code: Option<String> = link
        .select(links::code)
        .first(connection)
        .await
        .optional()?;
    let Some(code) = code else {
        return Ok(false);
    };
    let deleted = diesel::delete(link).execute(connection).await?;
    if deleted == 0 {
        // Somebody else was quicker, and has noted it.
        return Ok(false);
    }
    super::changes::note(connection, &code).await?;
    Ok(true)
}

pub(super) async fn counts(connection: &mut Connection) -> Result<Counts, WorkError> {
    let links: i64 = links::table.count().get_result(connection).await?;
    let users: i64 = users::table.count().get_result(connection).await?;
    Ok(Counts {
        links: u64::try_from(links).unwrap_or(0),
        users: u64::try_from(users).unwrap_or(0),
    })
}

/// Notes that rows of a link were purged.
pub(super) async fn add_purged(
    connection: &mut Connection,
    link: Id,
    clicks: i64,
) -> Result<(), WorkError> {
    diesel::update(links::table.find(link))
        .set(links::clicks_purged.eq(links::clicks_purged + clicks))
        .execute(connection)
        .await?;
    Ok(())
}
