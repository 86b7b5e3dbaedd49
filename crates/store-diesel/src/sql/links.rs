//! Queries that look up links. Changing them is in `edits`, searching them in `catalog`.

use std::collections::BTreeMap;

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Bool, Nullable, Text};
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use waypost_core::{
    Description, Link, LinkCursor, LinkDetails, LinkId, Page, PageRequest, ShortCode, Tag,
    TargetUrl, Template, Title, micros,
};
use waypost_store::{CodeRoute, Counts, PageOf, StoreError};

use super::id::Id;
use super::schema::{keywords, link_codes, links, users};
use super::statement::Statement;
use super::transaction::WorkError;
use super::{Backend, Connection, TAGS_OF_LINK, TO_INDEX, WITH_LINKS};

/// Maximum number of links in one statement: databases limit the number of values.
const BY_ID: usize = 500;

#[derive(Queryable, Selectable)]
#[diesel(table_name = links)]
pub(super) struct LinkRow {
    id: Id,
    code: String,
    code_spelling: String,
    target_url: String,
    title: String,
    description: String,
    visibility: String,
    forward_query: bool,
    template: Option<bool>,
    disabled: bool,
    expires_at: Option<OffsetDateTime>,
    clicks: i64,
    humans: i64,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    version: i32,
    deleted_at: Option<OffsetDateTime>,
    #[diesel(select_expression = IsKeyword, select_expression_type = IsKeyword)]
    is_keyword: bool,
    #[diesel(select_expression = TagsOfLink, select_expression_type = TagsOfLink)]
    tags: Option<String>,
}

impl TryFrom<LinkRow> for Link {
    type Error = StoreError;

    fn try_from(row: LinkRow) -> Result<Self, StoreError> {
        let target = TargetUrl::from_stored(row.target_url).map_err(|_| corrupt("target_url"))?;
        let details = LinkDetails {
            title: Title::parse(&row.title).map_err(|_| corrupt("title"))?,
            description: Description::parse(&row.description)
                .map_err(|_| corrupt("description"))?,
            visibility: row.visibility.parse().map_err(|_| corrupt("visibility"))?,
            tags: Tag::parse_all(row.tags.iter().flat_map(|tags| tags.split(','))).map_err(
                |_| StoreError::Corrupt {
                    table: "link_tags",
                    column: "tag",
                },
            )?,
            expires_at: row.expires_at.map(micros),
            disabled: row.disabled,
            forward_query: row.forward_query,
            template: !row.is_keyword && Template::is_on(row.template, &target),
        };
        Ok(Self {
            id: LinkId::from_uuid(row.id.0),
            code: code(&row.code, &row.code_spelling)?,
            target,
            details,
            is_keyword: row.is_keyword,
            clicks: u64::try_from(row.clicks).map_err(|_| corrupt("clicks"))?,
            humans: u64::try_from(row.humans).map_err(|_| corrupt("humans"))?,
            created_at: micros(row.created_at),
            updated_at: micros(row.updated_at),
            version: u32::try_from(row.version).map_err(|_| corrupt("version"))?,
            deleted_at: row.deleted_at.map(micros),
        })
    }
}

/// The tags of a link, separated by commas. Part of the row, so that both are consistent.
#[derive(Debug, Clone, Copy, QueryId, ValidGrouping)]
pub(super) struct TagsOfLink;

impl Expression for TagsOfLink {
    type SqlType = Nullable<Text>;
}

impl QueryFragment<Backend> for TagsOfLink {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql(TAGS_OF_LINK);
        Ok(())
    }
}

impl<Table> AppearsOnTable<Table> for TagsOfLink {}
impl<Table> SelectableExpression<Table> for TagsOfLink {}

/// Whether a link is a keyword.
#[derive(Debug, Clone, Copy, QueryId, ValidGrouping)]
pub(super) struct IsKeyword;

impl Expression for IsKeyword {
    type SqlType = Bool;
}

impl QueryFragment<Backend> for IsKeyword {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("EXISTS (SELECT 1 FROM keywords AS k WHERE k.link_id = links.id)");
        Ok(())
    }
}

impl<Table> AppearsOnTable<Table> for IsKeyword {}
impl<Table> SelectableExpression<Table> for IsKeyword {}

const fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt {
        table: "links",
        column,
    }
}

/// Returns the code of a row: its spelling, whose normal form must equal the code.
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

pub(super) async fn one(
    connection: &mut Connection,
    id: LinkId,
) -> Result<Option<Link>, WorkError> {
    let row: Option<LinkRow> = links::table
        .find(Id(*id.as_uuid()))
        .select(LinkRow::as_select())
        .first(connection)
        .await
        .optional()?;
    Ok(row.map(Link::try_from).transpose()?)
}

pub(super) async fn by_code(
    connection: &mut Connection,
    code: &ShortCode,
) -> Result<Option<Link>, WorkError> {
    let row: Option<LinkRow> = links::table
        .inner_join(link_codes::table)
        .filter(link_codes::code.eq(code.as_str()))
        .filter(links::deleted_at.is_null())
        .select(LinkRow::as_select())
        .first(connection)
        .await
        .optional()?;
    Ok(row.map(Link::try_from).transpose()?)
}

pub(super) async fn route(
    connection: &mut Connection,
    code: &ShortCode,
) -> Result<CodeRoute, WorkError> {
    let link = by_code(connection, code).await?;
    let is_blocked = match &link {
        Some(link) => {
            let host = link.target.host();
            super::blocklist::matching(connection, &host)
                .await?
                .is_some()
        }
        None => false,
    };
    Ok(CodeRoute {
        link,
        is_blocked,
        has_longer: has_longer(connection, code, None).await?,
    })
}

/// Returns whether links other than this one have longer codes that continue a code.
pub(super) async fn has_longer(
    connection: &mut Connection,
    code: &ShortCode,
    except: Option<Id>,
) -> Result<bool, WorkError> {
    // The codes that begin with `docs/` are between `docs/` and `docs0`, the next character after
    // the slash.
    let longer = link_codes::table
        .filter(link_codes::code.gt(format!("{code}/", code = code.as_str())))
        .filter(link_codes::code.lt(format!("{code}0", code = code.as_str())))
        .select(link_codes::link_id)
        .into_boxed();
    let longer = match except {
        Some(except) => longer.filter(link_codes::link_id.ne(except)),
        None => longer,
    };
    let first: Option<Id> = longer.first(connection).await.optional()?;
    Ok(first.is_some())
}

/// Returns the link that has a code or had it, or the keyword that the code continues.
pub(super) async fn holder(
    connection: &mut Connection,
    code: &ShortCode,
) -> Result<Option<LinkId>, WorkError> {
    let holder: Option<Id> = link_codes::table
        .find(code.as_str())
        .select(link_codes::link_id)
        .first(connection)
        .await
        .optional()?;
    let holder = match holder {
        Some(holder) => Some(holder),
        None => keyword_before(connection, code, None).await?,
    };
    Ok(holder.map(|holder| LinkId::from_uuid(holder.0)))
}

/// Returns the keyword, other than this link, whose code this one continues.
pub(super) async fn keyword_before(
    connection: &mut Connection,
    code: &ShortCode,
    except: Option<Id>,
) -> Result<Option<Id>, WorkError> {
    let prefixes: Vec<&str> = code.prefixes().collect();
    if prefixes.is_empty() {
        return Ok(None);
    }
    let keywords = link_codes::table
        .inner_join(links::table.inner_join(keywords::table))
        .filter(link_codes::code.eq_any(prefixes))
        .select(links::id)
        .into_boxed();
    let keywords = match except {
        Some(except) => keywords.filter(links::id.ne(except)),
        None => keywords,
    };
    Ok(keywords.first(connection).await.optional()?)
}

pub(super) async fn keywords(
    connection: &mut Connection,
    after: Option<&ShortCode>,
    limit: u32,
) -> Result<Vec<Link>, WorkError> {
    let all_of_them = links::table
        .inner_join(keywords::table)
        .filter(links::deleted_at.is_null())
        .order(links::code)
        .limit(i64::from(limit))
        .select(LinkRow::as_select())
        .into_boxed();
    let behind = match after {
        Some(after) => all_of_them.filter(links::code.gt(after.as_str())),
        None => all_of_them,
    };
    all(behind.load(connection).await?)
}

/// Returns the links with these IDs, in this order. Missing ones are left out.
pub(super) async fn by_ids(
    connection: &mut Connection,
    ids: &[Id],
) -> Result<Vec<Link>, WorkError> {
    let mut found = BTreeMap::new();
    for ids in ids.chunks(BY_ID) {
        let rows: Vec<LinkRow> = links::table
            .filter(links::id.eq_any(ids.iter().copied()))
            .select(LinkRow::as_select())
            .load(connection)
            .await?;
        found.extend(rows.into_iter().map(|row| (row.id, row)));
    }
    all(ids.iter().filter_map(|id| found.remove(id)).collect())
}

pub(super) async fn codes(
    connection: &mut Connection,
    id: LinkId,
) -> Result<Vec<ShortCode>, WorkError> {
    let rows: Vec<(String, String)> = link_codes::table
        .filter(link_codes::link_id.eq(Id(*id.as_uuid())))
        .order(link_codes::code)
        .select((link_codes::code, link_codes::spelling))
        .load(connection)
        .await?;
    let codes = rows.iter().map(|(code, spelling)| {
        self::code(code, spelling).map_err(|_| StoreError::Corrupt {
            table: "link_codes",
            column: "spelling",
        })
    });
    Ok(codes.collect::<Result<_, _>>()?)
}

/// Counts all links minus the deleted ones, which are few and have an index of their own.
fn total(of: PageOf) -> Statement {
    let mut statement = Statement::default();
    match of {
        PageOf::All => statement.sql(
            "SELECT (SELECT COUNT(*) FROM links) \
             - (SELECT COUNT(*) FROM links WHERE deleted_at IS NOT NULL) AS counted",
        ),
        PageOf::Owner(user) => statement
            .sql("SELECT (SELECT COUNT(*) FROM link_owners WHERE user_id = ")
            .id(user.as_uuid())
            .sql(") - (SELECT COUNT(*) FROM links AS l WHERE l.deleted_at IS NOT NULL AND ")
            .sql("EXISTS (SELECT 1 FROM link_owners AS p WHERE p.link_id = l.id AND p.user_id = ")
            .id(user.as_uuid())
            .sql(")) AS counted"),
        PageOf::Nobody => statement.sql(
            "SELECT (SELECT COUNT(*) FROM links WHERE owned = FALSE) \
             - (SELECT COUNT(*) FROM links WHERE deleted_at IS NOT NULL AND owned = FALSE) \
             AS counted",
        ),
    };
    statement
}

/// Selects the IDs of a number of links after an offset, from the newest or from the oldest.
fn stretch(of: PageOf, is_newest_first: bool, offset: u64, limit: u64) -> Statement {
    let mut statement = Statement::default();
    match of {
        PageOf::All => statement.sql("SELECT l.id AS id FROM links AS l WHERE "),
        PageOf::Owner(user) => statement
            .sql("SELECT l.id AS id FROM link_owners AS d")
            .sql(WITH_LINKS)
            .sql(" WHERE d.user_id = ")
            .id(user.as_uuid())
            .sql(" AND "),
        PageOf::Nobody => {
            statement.sql("SELECT l.id AS id FROM links AS l WHERE l.owned = FALSE AND ")
        }
    };
    statement.sql("l.deleted_at IS NULL ORDER BY ");
    statement.sql(match (of, is_newest_first) {
        (PageOf::Owner(_), true) => "d.link_created_at DESC, d.link_id DESC",
        (PageOf::Owner(_), false) => "d.link_created_at, d.link_id",
        (_, true) => "l.created_at DESC, l.id DESC",
        (_, false) => "l.created_at, l.id",
    });
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    statement.sql(" LIMIT ").number(number(limit));
    statement.sql(" OFFSET ").number(number(offset));
    statement
}

/// Counts from the nearer end, because skipping takes time.
pub(super) async fn page(
    connection: &mut Connection,
    of: PageOf,
    page: PageRequest,
) -> Result<Page<Link>, WorkError> {
    let total = total(of).counted(connection).await?;
    let offset = page.offset();
    let limit = u64::from(page.limit()).min(total.saturating_sub(offset));
    if limit == 0 {
        let items = Vec::new();
        return Ok(Page { items, total });
    }
    let behind = total - offset - limit;
    let ids = if offset <= behind {
        let stretch = stretch(of, true, offset, limit);
        stretch.ids(connection).await?
    } else {
        let stretch = stretch(of, false, behind, limit);
        let mut ids = stretch.ids(connection).await?;
        ids.reverse();
        ids
    };
    let items = by_ids(connection, &ids).await?;
    Ok(Page { items, total })
}

pub(super) async fn after(
    connection: &mut Connection,
    cursor: Option<LinkCursor>,
    limit: u32,
) -> Result<Vec<Link>, WorkError> {
    let boxed = links::table
        .filter(links::deleted_at.is_null())
        .select(LinkRow::as_select())
        .into_boxed();
    let query = newest_behind!(boxed, links, cursor, limit);
    all(query.load(connection).await?)
}

/// A link whose words must be indexed.
pub(super) struct ToIndex {
    pub(super) id: Id,
    pub(super) version: i32,
    /// `None` if its row is corrupt: no list can show the link.
    pub(super) link: Option<Link>,
}

/// Returns the first links whose words must be indexed, in the order of their IDs.
pub(super) async fn to_index(
    connection: &mut Connection,
    limit: u32,
) -> Result<Vec<ToIndex>, WorkError> {
    let mut statement = Statement::of("SELECT id FROM links WHERE ");
    statement.sql(TO_INDEX).sql(" ORDER BY id LIMIT ");
    statement.number(i64::from(limit));
    let ids = statement.ids(connection).await?;
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(BY_ID) {
        let rows: Vec<LinkRow> = links::table
            .filter(links::id.eq_any(ids))
            .order(links::id)
            .select(LinkRow::as_select())
            .load(connection)
            .await?;
        found.extend(rows.into_iter().map(|row| ToIndex {
            id: row.id,
            version: row.version,
            link: Link::try_from(row).ok(),
        }));
    }
    Ok(found)
}

pub(super) async fn counts(connection: &mut Connection) -> Result<Counts, WorkError> {
    let links = total(PageOf::All).counted(connection).await?;
    let users: i64 = users::table.count().get_result(connection).await?;
    Ok(Counts {
        links,
        users: u64::try_from(users).unwrap_or(0),
    })
}

pub(super) async fn deleted_before(
    connection: &mut Connection,
    before: OffsetDateTime,
) -> Result<u64, WorkError> {
    let count: i64 = links::table
        .filter(links::deleted_at.lt(micros(before)))
        .count()
        .get_result(connection)
        .await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// In the order in which [`purge_deleted`](super::edits::purge_deleted) deletes them.
pub(super) async fn first_deleted(
    connection: &mut Connection,
    before: OffsetDateTime,
) -> Result<Option<LinkId>, WorkError> {
    let first: Option<Id> = links::table
        .filter(links::deleted_at.lt(micros(before)))
        .order(links::id)
        .select(links::id)
        .first(connection)
        .await
        .optional()?;
    Ok(first.map(|id| LinkId::from_uuid(id.0)))
}

/// Adds the numbers of purged rows to their links.
pub(super) async fn add_purged(
    connection: &mut Connection,
    links: &[Id],
    clicks: i64,
) -> Result<(), WorkError> {
    diesel::update(links::table.filter(links::id.eq_any(links)))
        .set(links::clicks_purged.eq(links::clicks_purged + clicks))
        .execute(connection)
        .await?;
    Ok(())
}
