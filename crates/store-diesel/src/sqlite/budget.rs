//! Clicks beyond the budget of records: what is stored of them instead of a record.
//!
//! A click that is stored already is a conflict, whether it has a record or not. Two with records,
//! and two without, have the same key. The other two cases are looked up here: the links are
//! locked, so no other transaction stores their clicks.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::Binary;
use uuid::Uuid;
use waypost_core::Click;
use waypost_store::StoreError;

use super::dialect::Backend;
use super::settle::{AddToLink, failed};
use super::sql::id::Id;
use super::sql::schema::click_ids;
use crate::retry::Failure;
use crate::tally::{Tally, doubtful};

/// Maximum number of IDs in one statement.
const IDS_OF_A_STATEMENT: usize = 1_000;

/// Returns the newest of the kept IDs.
pub(super) fn newest(connection: &mut SqliteConnection) -> Result<Option<Id>, Failure> {
    let newest = click_ids::table.order(click_ids::id.desc());
    let newest = newest.select(click_ids::id).first(connection);
    newest.optional().map_err(failed)
}

/// Stores what is left of the clicks beyond the budget, after the records are inserted.
pub(super) fn store_beyond(
    connection: &mut SqliteConnection,
    tally: &Tally<'_>,
    rows: &[&Click],
    newest: Option<Id>,
) -> Result<(), Failure> {
    let doubtful = doubtful(rows, newest.map(|id| id.0));
    for ids in doubtful.chunks(IDS_OF_A_STATEMENT) {
        let ids = ids.iter().map(|id| Id(*id));
        let known = click_ids::table.filter(click_ids::id.eq_any(ids));
        if diesel::select(exists(known))
            .get_result(connection)
            .map_err(failed)?
        {
            return Err(Failure::last(StoreError::Conflict));
        }
    }
    if !tally.has_beyond() {
        return Ok(());
    }
    for id in tally.beyond() {
        if InsertId(id).execute(connection).map_err(failed)? == 0 {
            return Err(Failure::last(StoreError::Conflict));
        }
    }
    for added in tally.beyond_of_links() {
        AddToLink(added).execute(connection).map_err(failed)?;
    }
    Ok(())
}

/// Inserts the ID of a click, unless the click has a record.
#[derive(QueryId)]
struct InsertId(Uuid);

impl QueryFragment<Backend> for InsertId {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("INSERT INTO click_ids (id) SELECT ");
        out.push_bind_param::<Binary, [u8]>(self.0.as_bytes())?;
        out.push_sql(" WHERE NOT EXISTS (SELECT 1 FROM link_clicks WHERE id = ");
        out.push_bind_param::<Binary, [u8]>(self.0.as_bytes())?;
        out.push_sql(")");
        Ok(())
    }
}

impl RunQueryDsl<SqliteConnection> for InsertId {}
