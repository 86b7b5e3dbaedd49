//! Finds links: translates a query into one statement that returns IDs, and reads the links with
//! these IDs.

use waypost_core::{Link, LinkOrder, LinkPlace, NearCodes, micros};
use waypost_store::{LinkQuery, LinkReader};

use super::route::{Eyes, Part, parts};
use super::sets::{Rows, Set};
use super::statement::Statement;
use super::transaction::WorkError;
use super::{Connection, WITH_LINKS};

/// Maximum number of reads of a list if links of it are deleted meanwhile.
const TRIES: u32 = 3;

pub(super) async fn list(
    connection: &mut Connection,
    query: &LinkQuery,
) -> Result<Vec<Link>, WorkError> {
    let mut tries = 1;
    loop {
        let parts = parts(connection, query).await?;
        let ids = merged(query, &parts).ids(connection).await?;
        let mut links = super::links::by_ids(connection, &ids).await?;
        links.retain(|link| link.is_deleted() == query.deleted);
        // A page that is not full would be taken for the last one.
        if links.len() == ids.len() || tries == TRIES {
            return Ok(links);
        }
        tries += 1;
    }
}

/// The columns by which a list is ordered.
struct Columns {
    created_at: &'static str,
    id: &'static str,
}

impl Part<'_> {
    /// Writes the selection of the IDs found, with the columns they are sorted by.
    fn write(&self, query: &LinkQuery, out: &mut Statement) {
        out.sql("SELECT l.id AS id, l.created_at AS created_at, l.code AS code FROM ");
        let mut columns = Columns {
            created_at: "l.created_at",
            id: "l.id",
        };
        match self.through.map(|set| (set, set.rows())) {
            Some((set, Rows::Beside { table, by_date })) => {
                if by_date {
                    out.sql(table).sql(" AS d");
                } else {
                    out.sql("(SELECT DISTINCT d.link_id FROM ").sql(table);
                    out.sql(" AS d WHERE ");
                    set.condition("d", out);
                    out.sql(") AS d");
                }
                out.sql(WITH_LINKS).sql(" WHERE ");
                columns.id = "d.link_id";
                if by_date {
                    columns.created_at = "d.link_created_at";
                    set.condition("d", out);
                    out.sql(" AND ");
                }
            }
            Some((set, Rows::Links)) => {
                out.sql("links AS l WHERE ");
                set.condition("l", out);
                out.sql(" AND ");
            }
            None => {
                out.sql("links AS l WHERE ");
            }
        }
        out.sql(if query.deleted {
            "l.deleted_at IS NOT NULL"
        } else {
            "l.deleted_at IS NULL"
        });
        for set in &self.others {
            out.sql(" AND ");
            set.probe(columns.id, out);
        }
        if let Some(eyes) = self.seen_by {
            out.sql(" AND ");
            seen_by(eyes, columns.id, out);
        }
        if let Some(place) = &query.after {
            behind(query.order, place, &columns, out);
        }
        in_order(query, &columns, "l.code", out);
    }
}

/// Writes the condition that a user can see a row of `links` called `l`, whose ID is also in column
/// `id`.
fn seen_by(Eyes { user, public }: Eyes, id: &'static str, out: &mut Statement) {
    out.sql("(");
    if public {
        out.sql("l.visibility = 'public' OR ");
    }
    Set::Owner(user).probe(id, out);
    out.sql(" OR ");
    Set::Share(user).probe(id, out);
    out.sql(")");
}

/// Writes the condition for rows after a place. The first condition is where a database enters its
/// index.
fn behind(order: LinkOrder, place: &LinkPlace, columns: &Columns, out: &mut Statement) {
    let Columns { created_at, id } = columns;
    let at = micros(place.after.created_at);
    let signs = match order {
        LinkOrder::NewestFirst => [" <= ", " < "],
        LinkOrder::OldestFirst => [" >= ", " > "],
        LinkOrder::Code => {
            out.sql(" AND l.code > ").text(place.code.as_str());
            return;
        }
        LinkOrder::CodeReversed => {
            out.sql(" AND l.code < ").text(place.code.as_str());
            return;
        }
    };
    out.sql(" AND ").sql(created_at).sql(signs[0]).instant(at);
    out.sql(" AND (").sql(created_at).sql(signs[1]).instant(at);
    out.sql(" OR ").sql(id).sql(signs[1]);
    out.id(place.after.id.as_uuid()).sql(")");
}

fn in_order(query: &LinkQuery, columns: &Columns, code: &'static str, out: &mut Statement) {
    let Columns { created_at, id } = columns;
    out.sql(" ORDER BY ");
    match query.order {
        LinkOrder::NewestFirst => {
            let newest = out.sql(created_at).sql(" DESC, ");
            newest.sql(id).sql(" DESC")
        }
        LinkOrder::OldestFirst => out.sql(created_at).sql(", ").sql(id),
        LinkOrder::Code => out.sql(code),
        LinkOrder::CodeReversed => out.sql(code).sql(" DESC"),
    };
    out.sql(" LIMIT ").number(i64::from(query.limit));
}

/// Returns the IDs of a list with these parts. A link may be in several of them.
fn merged(query: &LinkQuery, parts: &[Part<'_>]) -> Statement {
    let mut out = Statement::default();
    if let [part] = parts {
        part.write(query, &mut out);
        return out;
    }
    out.sql("SELECT u.id AS id FROM (");
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            out.sql(" UNION ");
        }
        out.sql("SELECT * FROM (");
        part.write(query, &mut out);
        out.sql(") AS p");
    }
    out.sql(") AS u");
    let columns = Columns {
        created_at: "u.created_at",
        id: "u.id",
    };
    in_order(query, &columns, "u.code", &mut out);
    out
}

/// Maximum number of codes in one statement.
const CODES: usize = 500;
/// Sorts after all characters of codes.
const END: char = '~';

pub(super) async fn near(
    connection: &mut Connection,
    reader: LinkReader,
    near: &NearCodes,
    limit: u32,
) -> Result<Vec<Link>, WorkError> {
    let begun = || {
        let mut out = Statement::of("SELECT l.id AS id FROM links AS l WHERE l.deleted_at IS NULL");
        if let Some(eyes) = Eyes::of(reader) {
            out.sql(" AND ");
            seen_by(eyes, "l.id", &mut out);
        }
        out
    };
    let mut ids = Vec::new();
    for codes in near.exact().chunks(CODES) {
        let mut out = begun();
        for (place, code) in codes.iter().enumerate() {
            let before = if place == 0 { " AND l.code IN (" } else { ", " };
            out.sql(before).text(code);
        }
        out.sql(")");
        ids.extend(out.ids(connection).await?);
    }
    let mut out = begun();
    let beginning = near.beginning();
    out.sql(" AND l.code >= ").text(beginning);
    let end = format!("{beginning}{END}");
    out.sql(" AND l.code < ")
        .text(end)
        .sql(" ORDER BY l.code LIMIT ");
    out.number(i64::from(limit));
    ids.extend(out.ids(connection).await?);
    ids.sort_unstable();
    ids.dedup();
    let mut links = super::links::by_ids(connection, &ids).await?;
    links.retain(|link| !link.is_deleted());
    links.sort_unstable_by(|a, b| a.code.cmp(&b.code));
    Ok(links)
}
