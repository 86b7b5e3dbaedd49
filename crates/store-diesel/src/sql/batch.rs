//! Storing many clicks with few statements, where the database takes rows in batches.

use diesel_async::RunQueryDsl;

use super::Connection;
use super::clicks::ClickRow;
use super::schema::link_clicks;
use super::transaction::WorkError;

/// A statement has at most 65,535 parameters, and a row of `link_clicks` seven.
const ROWS_PER_INSERT: usize = 5_000;

pub(super) async fn insert_clicks(
    connection: &mut Connection,
    rows: Vec<ClickRow<'_>>,
) -> Result<(), WorkError> {
    for rows in rows.chunks(ROWS_PER_INSERT) {
        diesel::insert_into(link_clicks::table)
            .values(rows)
            .execute(connection)
            .await?;
    }
    Ok(())
}
