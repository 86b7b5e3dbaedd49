//! Clicks beyond the budget of records: what is stored of them instead of a record.
//!
//! A click that is stored already is a conflict, whether it has a record or not. Two with records,
//! and two without, have the same key. The other two cases are looked up here: the links are
//! locked, so no other transaction stores their clicks.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};
use uuid::Uuid;
use waypost_core::Click;
use waypost_store::StoreError;

use super::insert::{IDS, push_uuid};
use super::known::{KEYS, push_ids};
use super::settle::{LINKS, add_numbers, failed};
use crate::retry::Failure;
use crate::tally::{Tally, doubtful};

/// Stores what is left of the clicks beyond the budget, after the records are inserted.
pub(super) async fn store_beyond(
    client: &mut Conn,
    tally: &Tally<'_>,
    rows: &[&Click],
    newest_id: Option<Uuid>,
) -> Result<(), Failure> {
    let doubtful = doubtful(rows, newest_id);
    refuse_known(client, "click_ids", &doubtful).await?;
    if !tally.has_beyond() {
        return Ok(());
    }
    let ids = tally.beyond();
    refuse_known(client, "link_clicks", &ids).await?;
    IDS.run(client, &ids, push_uuid).await.map_err(failed)?;
    for links in tally.beyond_of_links().chunks(LINKS) {
        add_numbers(client, links).await.map_err(failed)?;
    }
    Ok(())
}

/// Fails if a table has one of these clicks.
async fn refuse_known(client: &mut Conn, table: &'static str, ids: &[Uuid]) -> Result<(), Failure> {
    for ids in ids.chunks(KEYS) {
        let has = has_any(client, table, ids).await.map_err(failed)?;
        if has {
            return Err(Failure::last(StoreError::Conflict));
        }
    }
    Ok(())
}

async fn has_any(client: &mut Conn, table: &'static str, ids: &[Uuid]) -> Result<bool, Error> {
    let mut sql = String::from("SELECT 1 FROM ");
    sql.extend([table, " WHERE id IN ("]);
    push_ids(&mut sql, ids);
    sql.push_str(") LIMIT 1");
    let found: Option<i64> = client.query_first(sql).await?;
    Ok(found.is_some())
}
