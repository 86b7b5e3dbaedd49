//! Stores clicks in SQLite: the whole transaction on a connection of its own, with prepared
//! statements of one row each, which is fastest here.
//!
//! It runs on a thread for blocking work of the caller's runtime, not on that of the pool, so a
//! low-priority ingester keeps its priority. While it runs it holds the pooled connection that
//! writes. SQLite itself lets writers retry, and some of them never succeed; the pool lets them in
//! one after the other, in order of arrival.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager as _};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Binary, Text};
use diesel_async::pooled_connection::deadpool::Pool;
use time::Date;
use uuid::Uuid;
use waypost_core::{
    Click, Country, DeviceClass, Family, IpHash, Referrer, UserAgent, VisitClass, micros,
};
use waypost_store::{Ingested, StoreError, hold_point};

use super::budget::{newest, store_beyond};
use super::connection::{Connection, begin_blocking, connect_blocking};
use super::dialect::{Backend, IdColumn};
use super::fault::of_error;
use super::instant::Instant;
use super::sql::id::Id;
use super::sql::pool::connection;
use super::sql::schema::{click_journals, link_clicks, link_days};
use crate::job::{Job, Step, count, place};
use crate::metrics::OperationName;
use crate::retry::{Failure, retrying};
use crate::tally::{DayTally, LinkTally, Tally};

/// Additional settings of this connection. Clicks change pages all over the database: for each link
/// the last page of its index and of its days; the next batch changes the same ones again. With a
/// cache that has room for them (64 MB, used only as far as there are pages; 2 MB is the default),
/// none is read twice or written before the transaction ends. With a write-ahead log of 128 MB (4
/// MB is the default), they are written back to the database once for several batches: of a million
/// clicks on 10,000 links, 17,800 instead of 14,000 a second are stored. The file of the log is
/// truncated afterwards.
const PRAGMAS: &str = "
    PRAGMA cache_size = -64000;
    PRAGMA wal_autocheckpoint = 32000;
    PRAGMA journal_size_limit = 16777216;
";

/// Stores clicks.
#[derive(Clone)]
pub(super) struct Ingester {
    path: Arc<str>,
    /// The pool of the one connection that writes.
    turns: Pool<Connection>,
    /// Absent before the first use and while it is busy.
    idle: Arc<Mutex<Option<SqliteConnection>>>,
}

impl Ingester {
    pub(super) fn new(path: &str, turns: Pool<Connection>) -> Self {
        Self {
            path: path.into(),
            turns,
            idle: Arc::default(),
        }
    }

    /// Stores all clicks of a job, or none.
    pub(super) async fn settle(
        &self,
        name: OperationName,
        job: Job,
    ) -> Result<Ingested, StoreError> {
        retrying(name, |_| self.try_once(job.clone())).await
    }

    /// Closes the connection; a busy one is closed when it finishes.
    pub(super) fn close(&self) {
        self.turns.close();
        drop(self.idle().take());
    }

    fn idle(&self) -> MutexGuard<'_, Option<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Needs no time limit: there is no network, and SQLite waits at most 10 s for another process.
    async fn try_once(&self, job: Job) -> Result<Ingested, Failure> {
        let turn = connection(&self.turns).await.map_err(Failure::last)?;
        let ingester = self.clone();
        // Not interrupted when the caller stops waiting; the turn ends with the work.
        let work = tokio::task::spawn_blocking(move || {
            let done = ingester.at_work(&job);
            drop(turn);
            done
        });
        work.await
            .unwrap_or_else(|error| Err(Failure::last(StoreError::internal(error))))
    }

    fn at_work(&self, job: &Job) -> Result<Ingested, Failure> {
        let idle = self.idle().take();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.open()?,
        };
        let done = in_transaction(&mut connection, job)?;
        // A connection on which something failed is not used again.
        if !self.turns.is_closed() {
            *self.idle() = Some(connection);
        }
        Ok(done)
    }

    fn open(&self) -> Result<SqliteConnection, Failure> {
        let mut connection = connect_blocking(&self.path)
            .map_err(|error| Failure::last(StoreError::unavailable(error)))?;
        connection.batch_execute(PRAGMAS).map_err(failed)?;
        Ok(connection)
    }
}

pub(super) fn failed(error: DieselError) -> Failure {
    Failure::of(of_error(&error), error)
}

fn in_transaction(connection: &mut SqliteConnection, job: &Job) -> Result<Ingested, Failure> {
    begin_blocking(connection).map_err(failed)?;
    match work(connection, job) {
        Ok(done @ Ingested::Settled(_)) => {
            hold_point("ingest.inside");
            AnsiTransactionManager::commit_transaction(connection)
                .map_err(|error| Failure::of_commit(of_error(&error), error))?;
            Ok(done)
        }
        Ok(done @ Ingested::Elsewhere(_)) => {
            AnsiTransactionManager::rollback_transaction(connection).map_err(failed)?;
            Ok(done)
        }
        Err(failure) => {
            if let Err(rollback) = AnsiTransactionManager::rollback_transaction(connection) {
                // Closing the connection rolls back, too.
                tracing::debug!(error = %rollback, "rolling back failed");
            }
            Err(failure)
        }
    }
}

fn work(connection: &mut SqliteConnection, job: &Job) -> Result<Ingested, Failure> {
    let step = job.step().map_err(Failure::last)?;
    if let Some(step) = step
        && !advance(connection, &step).map_err(failed)?
    {
        let found: Option<(Option<Id>, i64)> = click_journals::table
            .find(Id(step.journal))
            .select((click_journals::owner, click_journals::committed))
            .first(connection)
            .optional()
            .map_err(failed)?;
        let found = found.map(|(owner, committed)| place(owner.map(|owner| owner.0), committed));
        return Ok(Ingested::Elsewhere(
            found.transpose().map_err(Failure::last)?,
        ));
    }
    let clicks = job.clicks();
    let mut tally = Tally::of(job);
    add_to_links(connection, &mut tally).map_err(failed)?;
    let mut is_known = false;
    for day in tally.days_mut() {
        if let Some(before) = add_to_day(connection, day)? {
            (day.before, is_known) = (before, true);
        }
    }
    // No click of a new day is stored yet.
    let newest_id = if is_known { newest(connection)? } else { None };
    let rows: Vec<&Click> = tally.rows(clicks).collect();
    for click in &rows {
        let digits = click.ip_hash.as_ref().map(IpHash::to_hex);
        diesel::insert_into(link_clicks::table)
            .values(ClickRow::of(click, digits.as_ref()))
            .execute(connection)
            .map_err(failed)?;
    }
    store_beyond(connection, &tally, &rows, newest_id)?;
    if let Some(step) = step
        && tally.left_out() > 0
    {
        correct(connection, step.journal, tally.left_out()).map_err(failed)?;
    }
    Ok(Ingested::Settled(tally.recorded()))
}

/// Moves the position of the journal. Returns `false` when it is not at the start of the step, or
/// another process owns the journal.
fn advance(connection: &mut SqliteConnection, step: &Step) -> QueryResult<bool> {
    use click_journals as journal;
    let here = journal::table
        .find(Id(step.journal))
        .filter(journal::owner.eq(Id(step.owner)))
        .filter(journal::committed.eq(step.start));
    let moved = diesel::update(here)
        .set((
            journal::committed.eq(step.end),
            journal::stored.eq(journal::stored + step.stored),
            journal::dropped_link_deleted.eq(journal::dropped_link_deleted + step.link_deleted),
            journal::dropped_rejected.eq(journal::dropped_rejected + step.rejected),
            journal::dropped_unreadable.eq(journal::dropped_unreadable + step.unreadable),
            journal::dropped_lost.eq(journal::dropped_lost + step.lost),
            journal::duplicates.eq(journal::duplicates + step.duplicates),
            journal::updated_at.eq(step.at),
        ))
        .execute(connection)?;
    Ok(moved > 0)
}

/// Counts clicks on deleted links as dropped instead of stored.
fn correct(connection: &mut SqliteConnection, journal: Uuid, gone: i64) -> QueryResult<()> {
    let (stored, deleted) = (click_journals::stored, click_journals::dropped_link_deleted);
    diesel::update(click_journals::table.find(Id(journal)))
        .set((stored.eq(stored - gone), deleted.eq(deleted + gone)))
        .execute(connection)?;
    Ok(())
}

/// Adds to the totals, and finds out which links are deleted.
fn add_to_links(connection: &mut SqliteConnection, tally: &mut Tally<'_>) -> QueryResult<()> {
    let mut found = Vec::new();
    for tally in tally.links() {
        let updated = AddToLink(tally).execute(connection)?;
        if updated > 0 {
            found.push(tally.link);
        }
    }
    tally.keep(found);
    Ok(())
}

/// Adds to the rollup of a day, to which no other transaction writes. Returns the number of clicks
/// before, unless the day is new.
fn add_to_day(
    connection: &mut SqliteConnection,
    day: &DayTally<'_>,
) -> Result<Option<i64>, Failure> {
    let insertion = InsertDay(DayRow {
        day,
        // All are new if the day is.
        new_visitors: count(day.visitors.len()),
        facts: day.document(None).map_err(Failure::last)?,
    });
    let is_new = insertion.execute(connection).map_err(failed)? > 0;
    let mut new_visitors = 0;
    for visitor in &day.visitors {
        let statement = AddVisitor {
            day: day.day,
            link: Id(day.link),
            visitor: Id(*visitor),
        };
        new_visitors += count(statement.execute(connection).map_err(failed)?);
    }
    if is_new {
        return Ok(None);
    }
    let stored: Option<(Option<String>, i64)> = link_days::table
        .find((Id(day.link), day.day))
        .select((link_days::facts, link_days::clicks))
        .first(connection)
        .optional()
        .map_err(failed)?;
    let (facts, before) = stored.unwrap_or_default();
    let facts = day.document(facts.as_deref());
    let addition = AddToDay(DayRow {
        day,
        new_visitors,
        facts: facts.map_err(Failure::last)?,
    });
    addition.execute(connection).map_err(failed)?;
    Ok(Some(before))
}

/// Adds to the totals of a link. Written as SQL, like the next ones: diesel would prepare its own
/// updates anew each time, which takes longer than running them.
#[derive(QueryId)]
pub(super) struct AddToLink(pub(super) LinkTally);

impl QueryFragment<Backend> for AddToLink {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("UPDATE links SET clicks = clicks + ");
        out.push_bind_param::<BigInt, _>(&self.0.clicks)?;
        out.push_sql(", humans = humans + ");
        out.push_bind_param::<BigInt, _>(&self.0.humans)?;
        out.push_sql(", clicks_purged = clicks_purged + ");
        out.push_bind_param::<BigInt, _>(&self.0.purged)?;
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<Binary, [u8]>(self.0.link.as_bytes())
    }
}

impl RunQueryDsl<SqliteConnection> for AddToLink {}

/// The stored or added numbers of a day.
struct DayRow<'a> {
    day: &'a DayTally<'a>,
    new_visitors: i64,
    facts: String,
}

/// Inserts the rollup of a link and a day, unless it exists.
struct InsertDay<'a>(DayRow<'a>);

impl QueryId for InsertDay<'_> {
    type QueryId = InsertDay<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Backend> for InsertDay<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        let DayRow {
            day,
            new_visitors,
            facts,
        } = &self.0;
        out.push_sql(
            "INSERT INTO link_days \
             (link_id, day, clicks, humans, visitors, first_click_us, last_click_us, facts) VALUES (",
        );
        out.push_bind_param::<Binary, [u8]>(day.link.as_bytes())?;
        out.push_sql(", ");
        out.push_bind_param::<diesel::sql_types::Date, _>(&day.day)?;
        for number in [
            &day.clicks,
            &day.humans,
            new_visitors,
            &day.first,
            &day.last,
        ] {
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(number)?;
        }
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(facts)?;
        out.push_sql(") ON CONFLICT DO NOTHING");
        Ok(())
    }
}

impl RunQueryDsl<SqliteConnection> for InsertDay<'_> {}

/// Adds to the existing rollup of a link and a day.
struct AddToDay<'a>(DayRow<'a>);

impl QueryId for AddToDay<'_> {
    type QueryId = AddToDay<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Backend> for AddToDay<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        let DayRow {
            day,
            new_visitors,
            facts,
        } = &self.0;
        out.push_sql("UPDATE link_days SET facts = ");
        out.push_bind_param::<Text, _>(facts)?;
        for (column, number) in [
            (", clicks = clicks + ", &day.clicks),
            (", humans = humans + ", &day.humans),
            (", visitors = visitors + ", new_visitors),
        ] {
            out.push_sql(column);
            out.push_bind_param::<BigInt, _>(number)?;
        }
        // Days from before these were recorded have neither.
        for (column, number) in [
            (
                ", first_click_us = min(ifnull(first_click_us, 9223372036854775807), ",
                &day.first,
            ),
            (
                "), last_click_us = max(ifnull(last_click_us, -9223372036854775807), ",
                &day.last,
            ),
        ] {
            out.push_sql(column);
            out.push_bind_param::<BigInt, _>(number)?;
        }
        out.push_sql(") WHERE link_id = ");
        out.push_bind_param::<Binary, [u8]>(day.link.as_bytes())?;
        out.push_sql(" AND day = ");
        out.push_bind_param::<diesel::sql_types::Date, _>(&day.day)
    }
}

impl RunQueryDsl<SqliteConnection> for AddToDay<'_> {}

/// Adds a visitor of a link and a day, unless it exists.
#[derive(QueryId)]
struct AddVisitor {
    day: Date,
    link: Id,
    visitor: Id,
}

impl QueryFragment<Backend> for AddVisitor {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("INSERT OR IGNORE INTO link_visitors (day, link_id, visitor) VALUES (");
        out.push_bind_param::<diesel::sql_types::Date, _>(&self.day)?;
        out.push_sql(", ");
        out.push_bind_param::<IdColumn, _>(&self.link)?;
        out.push_sql(", ");
        out.push_bind_param::<IdColumn, _>(&self.visitor)?;
        out.push_sql(")");
        Ok(())
    }
}

impl RunQueryDsl<SqliteConnection> for AddVisitor {}

#[derive(Insertable)]
#[diesel(table_name = link_clicks, treat_none_as_default_value = false)]
struct ClickRow<'a> {
    id: Id,
    link_id: Id,
    user_id: Option<Id>,
    ip_hash: Option<&'a str>,
    user_agent: Option<&'a str>,
    referrer: Option<&'a str>,
    clicked_at: Instant,
    class: Option<&'static str>,
    browser: Option<&'a str>,
    os: Option<&'a str>,
    device: Option<&'static str>,
    country: Option<&'a str>,
}

impl<'a> ClickRow<'a> {
    fn of(click: &'a Click, digits: Option<&'a [u8; 64]>) -> Self {
        Self {
            id: Id(*click.id.as_uuid()),
            link_id: Id(*click.link_id.as_uuid()),
            user_id: click.user_id.map(|id| Id(*id.as_uuid())),
            ip_hash: digits.and_then(|digits| std::str::from_utf8(digits).ok()),
            user_agent: click.user_agent.as_ref().map(UserAgent::as_str),
            referrer: click.referrer.as_ref().map(Referrer::as_str),
            clicked_at: Instant(micros(click.clicked_at)),
            class: click.facts.class.map(VisitClass::as_str),
            browser: click.facts.browser.as_ref().map(Family::as_str),
            os: click.facts.os.as_ref().map(Family::as_str),
            device: click.facts.device.map(DeviceClass::as_str),
            country: click.facts.country.as_ref().map(Country::as_str),
        }
    }
}
