//! Clicks beyond the budget of records: what is stored of them instead of a record.
//!
//! A click that is stored already is a conflict, whether it has a record or not. Two with records,
//! and two without, have the same key. The other two cases are looked up here: the links are
//! locked, so no other transaction stores their clicks.

use tokio_postgres::Error;
use uuid::Uuid;
use waypost_core::Click;
use waypost_store::StoreError;

use super::client::Client;
use super::columns::LinkValues;
use super::settle::Stopped;
use crate::retry::Failure;
use crate::tally::{Tally, doubtful};

impl Client {
    /// Stores what is left of the clicks beyond the budget, after the records are inserted.
    pub(super) async fn store_beyond(
        &self,
        tally: &Tally<'_>,
        rows: &[&Click],
        newest_id: Option<Uuid>,
    ) -> Result<(), Stopped> {
        let doubtful = doubtful(rows, newest_id);
        if !doubtful.is_empty() && self.has_ids(&doubtful).await? {
            return Err(Failure::last(StoreError::Conflict).into());
        }
        if !tally.has_beyond() {
            return Ok(());
        }
        let ids = tally.beyond();
        let inserted = self.server.execute(&self.insert_ids, &[&ids]).await?;
        if usize::try_from(inserted) != Ok(ids.len()) {
            return Err(Failure::last(StoreError::Conflict).into());
        }
        let added = LinkValues::of(tally.beyond_of_links().into_iter());
        let add = &self.add_to_links;
        self.server.execute(add, &added.values()).await?;
        Ok(())
    }

    async fn has_ids(&self, ids: &[Uuid]) -> Result<bool, Error> {
        let row = self.server.query_one(&self.has_ids, &[&ids]).await?;
        row.try_get(0)
    }
}
