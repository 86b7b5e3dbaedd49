//! Queries on codes above and below each other.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use waypost_core::{LinkId, ShortCode};
use waypost_store::{LinkedCode, NestedCode, StoreError};

use super::Connection;
use super::id::Id;
use super::links::code;
use super::schema::{keywords, link_codes};
use super::transaction::WorkError;

/// Number of codes with a slash that are read at a time.
const CHUNK: usize = 200;

/// A row of `link_codes`, and whether its link is a keyword.
type Row = (String, String, Id, Option<Id>);

fn linked((normal, spelling, link, keyword): Row) -> Result<LinkedCode, StoreError> {
    let code = code(&normal, &spelling).map_err(|_| StoreError::Corrupt {
        table: "link_codes",
        column: "spelling",
    })?;
    Ok(LinkedCode {
        code,
        link: LinkId::from_uuid(link.0),
        is_keyword: keyword.is_some(),
    })
}

/// Selects rows of `link_codes` with their keywords.
macro_rules! rows {
    () => {
        link_codes::table
            .left_join(keywords::table.on(keywords::link_id.eq(link_codes::link_id)))
            .select((
                link_codes::code,
                link_codes::spelling,
                link_codes::link_id,
                keywords::link_id.nullable(),
            ))
    };
}

/// Returns the codes among these that links have, by their normal form.
async fn exact(
    connection: &mut Connection,
    codes: Vec<&str>,
) -> Result<BTreeMap<String, LinkedCode>, WorkError> {
    let mut found = BTreeMap::new();
    for codes in codes.chunks(CHUNK) {
        let rows: Vec<Row> = rows!()
            .filter(link_codes::code.eq_any(codes))
            .load(connection)
            .await?;
        for row in rows {
            found.insert(row.0.clone(), linked(row)?);
        }
    }
    Ok(found)
}

pub(super) async fn above(
    connection: &mut Connection,
    code: &ShortCode,
) -> Result<Option<LinkedCode>, WorkError> {
    let prefixes: Vec<&str> = code.prefixes().collect();
    if prefixes.is_empty() {
        return Ok(None);
    }
    // A longer one of two beginnings of a code sorts after the shorter one.
    let longest = exact(connection, prefixes).await?.pop_last();
    Ok(longest.map(|(_, linked)| linked))
}

pub(super) async fn below(
    connection: &mut Connection,
    link: LinkId,
    after: Option<&ShortCode>,
    limit: u32,
) -> Result<Vec<LinkedCode>, WorkError> {
    let own = super::links::codes(connection, link).await?;
    let normal: BTreeSet<&str> = own.iter().map(ShortCode::as_str).collect();
    let is_below_another =
        |code: &&ShortCode| !code.prefixes().any(|prefix| normal.contains(prefix));
    let mut found = BTreeMap::new();
    for code in own.iter().filter(is_below_another) {
        // See `links::has_longer`.
        let mut from = format!("{}/", code.as_str());
        if let Some(after) = after.filter(|after| after.as_str() > from.as_str()) {
            after.as_str().clone_into(&mut from);
        }
        let rows: Vec<Row> = rows!()
            .filter(link_codes::code.gt(from))
            .filter(link_codes::code.lt(format!("{}0", code.as_str())))
            .filter(link_codes::link_id.ne(Id(*link.as_uuid())))
            .order(link_codes::code)
            .limit(i64::from(limit))
            .load(connection)
            .await?;
        for row in rows {
            found.insert(row.0.clone(), linked(row)?);
        }
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(found.into_values().take(limit).collect())
}

/// Reads all codes with a slash in turn: no database can compare them with their beginnings by an
/// index.
pub(super) async fn nested(
    connection: &mut Connection,
    after: Option<&ShortCode>,
    limit: u32,
) -> Result<Vec<NestedCode>, WorkError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut after = after.map_or_else(String::new, |after| after.as_str().to_owned());
    let mut nested = Vec::new();
    loop {
        let rows: Vec<Row> = rows!()
            .filter(link_codes::code.gt(after.as_str()))
            .filter(link_codes::code.like("%/%"))
            .order(link_codes::code)
            .limit(i64::try_from(CHUNK).unwrap_or(i64::MAX))
            .load(connection)
            .await?;
        let is_last = rows.len() < CHUNK;
        let chunk: Vec<LinkedCode> = rows.into_iter().map(linked).collect::<Result<_, _>>()?;
        let prefixes: BTreeSet<&str> = chunk
            .iter()
            .flat_map(|linked| linked.code.prefixes())
            .collect();
        let above = exact(connection, prefixes.into_iter().collect()).await?;
        for below in &chunk {
            let nearest = below.code.prefixes().filter_map(|prefix| above.get(prefix));
            if let Some(above) = nearest.last().filter(|above| above.link != below.link) {
                nested.push(NestedCode {
                    below: below.clone(),
                    above: above.clone(),
                });
            }
        }
        let last = chunk.last().filter(|_| !is_last && nested.len() < limit);
        let Some(last) = last else {
            nested.truncate(limit);
            return Ok(nested);
        };
        last.code.as_str().clone_into(&mut after);
    }
}
