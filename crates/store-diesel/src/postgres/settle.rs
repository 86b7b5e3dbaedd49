//! Stores clicks in PostgreSQL with one statement per table, and `COPY` for all new rows, which is
//! twice as fast as the fastest insert.

use std::collections::HashMap;
use std::pin::pin;

use futures_util::SinkExt;
use time::Date;
use tokio::sync::oneshot;
use tokio_postgres::error::DbError;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Statement};
use uuid::Uuid;
use waypost_core::Click;
use waypost_store::{Ingested, StoreError, hold_point};

use super::client::failed;
pub(super) use super::client::{Client, is_closed, open};
use super::columns::{DayValues, LinkValues, VisitValues};
use super::copy::Rows;
use super::fault::of_driver;
use crate::error::Fault;
use crate::job::{self, Job, Step, place};
use crate::retry::Failure;
use crate::tally::Tally;

/// Runs the job in one transaction. After a failure the connection must not be used again: the
/// transaction may still be open.
pub(super) async fn settle(client: &mut Client, job: &Job) -> Result<Ingested, Failure> {
    match client.settle(job, LeftOver::Nobody).await {
        Err(Stopped::LeftOver) => {
            client.undo().await?;
            let done = client.settle(job, LeftOver::Visitors).await;
            done.map_err(Stopped::into_failure)
        }
        done => done.map_err(Stopped::into_failure),
    }
}

/// Rows that may exist for days that do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LeftOver {
    /// None, as it should be.
    Nobody,
    /// Visitors, for example in a database that was restored or repaired by hand.
    Visitors,
}

/// Why a transaction was not committed.
#[derive(Debug)]
pub(super) enum Stopped {
    Failed(Failure),
    /// There are visitors of days that do not exist.
    LeftOver,
}

impl Stopped {
    fn into_failure(self) -> Failure {
        match self {
            Self::Failed(failure) => failure,
            Self::LeftOver => Failure::last(StoreError::Conflict),
        }
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        let table = error.as_db_error().and_then(DbError::table);
        if of_driver(&error) == Fault::Conflict && table == Some("link_visitors") {
            return Self::LeftOver;
        }
        Self::Failed(failed(error))
    }
}

/// The position of the journal.
enum Begun {
    /// At the start of the job, or there is no journal.
    Here(Stored),
    /// At another position, owned by another process, or not registered.
    Elsewhere(Option<(Option<Uuid>, i64)>),
}

/// The stored data that the new rows depend on.
#[derive(Default)]
struct Stored {
    /// The documents of the existing days, by their places among the days.
    documents: HashMap<usize, String>,
    /// The newest ID of a click without a record, of all links and days.
    newest_id: Option<Uuid>,
}

impl Client {
    async fn settle(&self, job: &Job, left_over: LeftOver) -> Result<Ingested, Stopped> {
        let step = job.step().map_err(Failure::last)?;
        let clicks = job.clicks();
        let mut tally = Tally::of(job);
        match self.begin(step.as_ref(), &mut tally).await? {
            Begun::Here(stored) => {
                if let Some(step) = &step
                    && tally.left_out() > 0
                {
                    self.correct(step, tally.left_out()).await?;
                }
                let rows: Vec<&Click> = tally.rows(clicks).collect();
                self.add(&mut tally, &rows, &stored.documents, left_over)
                    .await?;
                self.store_beyond(&tally, &rows, stored.newest_id).await?;
                hold_point("ingest.inside");
                let committed = self.server.batch_execute("COMMIT").await;
                committed.map_err(|error| Failure::of_commit(of_driver(&error), error))?;
                Ok(Ingested::Settled(tally.recorded()))
            }
            Begun::Elsewhere(found) => {
                self.undo().await?;
                let found = found.map(|(owner, committed)| place(owner, committed));
                Ok(Ingested::Elsewhere(
                    found.transpose().map_err(Failure::last)?,
                ))
            }
        }
    }

    async fn undo(&self) -> Result<(), Failure> {
        let rolled_back = self.server.batch_execute("ROLLBACK").await;
        rolled_back.map_err(failed)
    }

    /// Begins the transaction, moves the journal, adds to the totals of the links, and reads their
    /// days, all sent at once.
    async fn begin(&self, step: Option<&Step>, tally: &mut Tally<'_>) -> Result<Begun, Error> {
        let links = LinkValues::of(tally.links());
        let links = links.values();
        let days = tally.days().iter();
        let (of, days): (Vec<Uuid>, Vec<Date>) = days.map(|day| (day.link, day.day)).unzip();
        let days: [&(dyn ToSql + Sync); 2] = [&of, &days];
        let ((), here, found, stored) = tokio::try_join!(
            // In this order; each statement sees what was committed before it.
            biased;
            self.server.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED"),
            self.advance(step),
            self.server.query(&self.add_to_links, &links),
            self.server.query(&self.stored_days, &days),
        )?;
        if let Some(step) = step
            && !here
        {
            let values: [&(dyn ToSql + Sync); 1] = [&step.journal];
            let row = self.server.query_opt(&self.place, &values).await?;
            let place = row.map(|row| Ok::<_, Error>((row.try_get(0)?, row.try_get(1)?)));
            return Ok(Begun::Elsewhere(place.transpose()?));
        }
        let found: Vec<Uuid> = found
            .iter()
            .map(|row| row.try_get(0))
            .collect::<Result<_, _>>()?;
        tally.keep(found);
        let mut read = Stored::default();
        for row in stored {
            if let Some(place) = tally.place(row.try_get(0)?, row.try_get(1)?) {
                let facts: Option<String> = row.try_get(2)?;
                let facts = facts.unwrap_or_else(|| "{}".to_owned());
                read.documents.insert(place, facts);
                if let Some(day) = tally.days_mut().get_mut(place) {
                    day.before = row.try_get(3)?;
                }
            }
            read.newest_id = row.try_get(4)?;
        }
        Ok(Begun::Here(read))
    }

    async fn advance(&self, step: Option<&Step>) -> Result<bool, Error> {
        let Some(step) = step else {
            return Ok(true);
        };
        let values: [&(dyn ToSql + Sync); 11] = [
            &step.journal,
            &step.start,
            &step.end,
            &step.stored,
            &step.link_deleted,
            &step.rejected,
            &step.unreadable,
            &step.lost,
            &step.at,
            &step.duplicates,
            &step.owner,
        ];
        let moved = self.server.execute(&self.advance, &values).await?;
        Ok(moved > 0)
    }

    /// Counts clicks on deleted links as dropped instead of stored.
    async fn correct(&self, step: &Step, gone: i64) -> Result<(), Error> {
        let values: [&(dyn ToSql + Sync); 2] = [&step.journal, &gone];
        self.server.execute(&self.correct, &values).await?;
        Ok(())
    }

    /// Inserts the rows, and adds the rollup to `stored`. The new rollup is computed while the
    /// database is busy with the rows.
    async fn add(
        &self,
        tally: &mut Tally<'_>,
        rows: &[&Click],
        stored: &HashMap<usize, String>,
        left_over: LeftOver,
    ) -> Result<(), Stopped> {
        let all = 0..tally.days().len();
        let (known, new): (Vec<usize>, Vec<usize>) =
            all.partition(|place| stored.contains_key(place));
        let (sent, are_sent) = oneshot::channel();
        let count = async {
            let visits = self.new_visits(tally, &known).await?;
            for (day, visitors) in tally.days_mut().iter_mut().zip(&visits) {
                day.new_visitors = job::count(visitors.len());
            }
            // Wait until the database has enough to do.
            let _ = are_sent.await;
            let documents = tally.documents(&[&*new, &known].concat(), |place| {
                stored.get(&place).map(String::as_str)
            });
            Ok((visits, documents.map_err(Failure::last)?))
        };
        let ((visits, mut documents), ()) = tokio::try_join!(
            biased;
            count,
            self.insert_clicks(rows, sent),
        )?;
        let of_known = DayValues::of(tally, &known, documents.split_off(new.len()));
        let add_to_days = async {
            if !known.is_empty() {
                let values = of_known.values();
                self.server.execute(&self.add_to_days, &values).await?;
            }
            Ok(())
        };
        // On its own: if it fails, the connection is used again, so nothing else may be in flight.
        self.insert_visits(tally, &visits, left_over).await?;
        tokio::try_join!(
            biased;
            self.insert_days(tally, &new, &documents),
            add_to_days,
        )?;
        Ok(())
    }

    /// Returns the visitors of each day that are not stored yet. The links are locked, so no other
    /// transaction adds any.
    async fn new_visits(
        &self,
        tally: &Tally<'_>,
        known: &[usize],
    ) -> Result<Vec<Vec<Uuid>>, Error> {
        let mut visits: Vec<Vec<Uuid>> = tally
            .days()
            .iter()
            .map(|day| day.visitors.clone())
            .collect();
        if known.is_empty() {
            return Ok(visits);
        }
        let asked = VisitValues::of(tally, &visits, known);
        let rows = self
            .server
            .query(&self.known_visits, &asked.values())
            .await?;
        let mut is_new = vec![true; asked.visitors.len()];
        for row in rows {
            let place: i64 = row.try_get(0)?;
            let place = usize::try_from(place - 1).ok();
            if let Some(is_new) = place.and_then(|place| is_new.get_mut(place)) {
                *is_new = false;
            }
        }
        let mut is_new = is_new.into_iter();
        for place in known {
            if let Some(visitors) = visits.get_mut(*place) {
                visitors.retain(|_| is_new.next().unwrap_or(true));
            }
        }
        Ok(visits)
    }

    async fn insert_visits(
        &self,
        tally: &Tally<'_>,
        visits: &[Vec<Uuid>],
        left_over: LeftOver,
    ) -> Result<(), Stopped> {
        if left_over == LeftOver::Visitors {
            let all: Vec<usize> = (0..visits.len()).collect();
            let visits = VisitValues::of(tally, visits, &all);
            let insert = &self.insert_visitors_left_over;
            self.server.execute(insert, &visits.values()).await?;
            return Ok(());
        }
        let mut rows = Rows::new();
        for (day, visitors) in tally.days().iter().zip(visits) {
            for visitor in visitors {
                rows.push_visit(day.day, day.link, *visitor);
            }
        }
        self.copy(&self.insert_visitors, rows).await
    }

    async fn insert_days(
        &self,
        tally: &Tally<'_>,
        places: &[usize],
        documents: &[String],
    ) -> Result<(), Stopped> {
        let mut rows = Rows::new();
        for (place, document) in places.iter().zip(documents) {
            if let Some(day) = tally.days().get(*place) {
                rows.push_day(day, document);
            }
        }
        self.copy(&self.insert_days, rows).await
    }

    /// Copies rows into a table, if there are any.
    async fn copy(&self, into: &Statement, rows: Rows) -> Result<(), Stopped> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut sink = pin!(self.server.copy_in(into).await?);
        sink.feed(rows.finish()).await?;
        sink.finish().await?;
        Ok(())
    }

    /// Does the same for click records, whose rows are long; signals when all of them are sent.
    async fn insert_clicks(
        &self,
        clicks: &[&Click],
        sent: oneshot::Sender<()>,
    ) -> Result<(), Stopped> {
        if clicks.is_empty() {
            return Ok(());
        }
        let mut sink = pin!(self.server.copy_in(&self.insert_clicks).await?);
        let mut rows = Rows::new();
        for click in clicks {
            rows.push_click(click);
            if let Some(full) = rows.take_full() {
                sink.feed(full).await?;
            }
        }
        sink.feed(rows.finish()).await?;
        // The receiver may have failed.
        let _ = sent.send(());
        sink.finish().await?;
        Ok(())
    }
}
