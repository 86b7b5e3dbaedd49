//! Turns: only one transaction at a time does work of the same kind. The others wait, and then find
//! rows of their own. Without turns, two concurrent purges choose the same oldest rows, and one of
//! them works in vain.
//!
//! A turn is a row of `leases` that no process holds: it is only locked. A transaction takes its
//! turn before it locks anything else, so turns never lead to a deadlock. Without concurrent writes
//! there are no turns ([`TAKES_TURNS`]).

use uuid::Uuid;
use waypost_store::LeaseName;

use super::statement::Statement;
use super::transaction::WorkError;
use super::{Connection, FOR_UPDATE, INSERT_NEW, INSERT_NEW_END, TAKES_TURNS};

/// Waits until no other transaction has the turn, and keeps it until this transaction ends.
pub(super) async fn take(connection: &mut Connection, turn: LeaseName) -> Result<(), WorkError> {
    if !TAKES_TURNS {
        return Ok(());
    }
    // Lock an existing row first: two insertions that find the row would each share its lock and
    // then wait for the other.
    if lock(connection, turn).await? {
        return Ok(());
    }
    let mut insert = Statement::of(INSERT_NEW);
    insert.sql(" INTO leases (name, holder, expires_at) VALUES (");
    insert.text(turn.as_str()).sql(", ").id(&Uuid::nil());
    insert.sql(", ").instant(time::OffsetDateTime::UNIX_EPOCH);
    insert.sql(")").sql(INSERT_NEW_END);
    insert.run(connection).await?;
    lock(connection, turn).await?;
    Ok(())
}

/// Locks the row. Returns `false` when there is no row yet.
async fn lock(connection: &mut Connection, turn: LeaseName) -> Result<bool, WorkError> {
    let mut select = Statement::of("SELECT name FROM leases WHERE name = ");
    select.text(turn.as_str()).sql(FOR_UPDATE);
    Ok(!select.names(connection).await?.is_empty())
}
