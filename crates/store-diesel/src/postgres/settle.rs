//! Storing clicks in PostgreSQL: one statement for each table, and `COPY` for the rows, which is twice
//! as fast as the fastest insert. diesel-async has no `COPY`; this is tokio-postgres itself.

use std::collections::HashMap;
use std::pin::pin;

use futures_util::SinkExt;
use time::Date;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row, Statement};
use uuid::Uuid;
use waypost_core::Click;
use waypost_store::{Ingested, StoreError, hold_point};

use super::copy::Rows;
use super::{SET_UP, chain};
use crate::error::Fault;
use crate::job::{Job, Step, count, position};
use crate::retry::Failure;
use crate::tally::{DayTally, LinkTally, Tally};

const ADVANCE: &str = "
    UPDATE click_journals
    SET committed = $3,
        stored = stored + $4,
        dropped_link_deleted = dropped_link_deleted + $5,
        dropped_rejected = dropped_rejected + $6,
        dropped_unreadable = dropped_unreadable + $7,
        dropped_lost = dropped_lost + $8,
        updated_at = $9
    WHERE id = $1 AND committed = $2";
const POSITION: &str = "SELECT committed FROM click_journals WHERE id = $1";
const CORRECT: &str = "
    UPDATE click_journals
    SET stored = stored - $2, dropped_link_deleted = dropped_link_deleted + $2
    WHERE id = $1";
/// Tells which links are there, and locks them: what refers to a link may be inserted meanwhile, but nobody
/// deletes it or adds to its total. [`IN_ORDER`] makes it go from one to the next in the order in which
/// they are given.
const ADD_TO_LINKS: &str = "
    UPDATE links SET clicks = links.clicks + added.clicks,
        humans = links.humans + added.humans,
        clicks_purged = links.clicks_purged + added.purged
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) AS added (id, clicks, humans, purged)
    WHERE links.id = added.id
    RETURNING links.id";
/// Rows that are given are looked up one after the other. Any other plan could lock links in an order of
/// its own, and two transactions could wait for each other.
const IN_ORDER: &str = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; \
     SET enable_bitmapscan = off; SET enable_material = off; SET enable_memoize = off";
/// Tells which days are new.
const INSERT_DAYS: &str = "
    INSERT INTO link_days (link_id, day, clicks, humans, visitors, first_click_us, last_click_us, facts)
    SELECT * FROM unnest($1::uuid[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[])
    ON CONFLICT DO NOTHING
    RETURNING link_id, day";
/// The visitors of new days are new.
const INSERT_VISITORS: &str = "
    INSERT INTO link_visitors (day, link_id, visitor)
    SELECT * FROM unnest($1::date[], $2::uuid[], $3::uuid[])
    ON CONFLICT DO NOTHING";
/// Tells which visitors are new.
const ADD_VISITORS: &str = "
    INSERT INTO link_visitors (day, link_id, visitor)
    SELECT * FROM unnest($1::date[], $2::uuid[], $3::uuid[])
    ON CONFLICT DO NOTHING
    RETURNING link_id, day";
const STORED_FACTS: &str = "
    SELECT link_days.link_id, link_days.day, link_days.facts
    FROM unnest($1::uuid[], $2::date[]) AS asked (link_id, day)
    JOIN link_days ON link_days.link_id = asked.link_id AND link_days.day = asked.day
    WHERE link_days.facts IS NOT NULL";
const ADD_TO_DAYS: &str = "
    UPDATE link_days SET clicks = link_days.clicks + added.clicks,
        humans = link_days.humans + added.humans,
        visitors = link_days.visitors + added.visitors,
        first_click_us = least(link_days.first_click_us, added.first_us),
        last_click_us = greatest(link_days.last_click_us, added.last_us),
        facts = added.facts
    FROM unnest($1::uuid[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[])
        AS added (link_id, day, clicks, humans, visitors, first_us, last_us, facts)
    WHERE link_days.link_id = added.link_id AND link_days.day = added.day";
const COPY: &str = "
    COPY link_clicks (id, link_id, user_id, ip_hash, user_agent, referrer, clicked_at, class, browser, os, device, country)
    FROM STDIN (FORMAT binary)";

/// A connection and its prepared statements.
pub(super) struct Client {
    server: tokio_postgres::Client,
    advance: Statement,
    position: Statement,
    correct: Statement,
    add_to_links: Statement,
    insert_days: Statement,
    insert_visitors: Statement,
    add_visitors: Statement,
    stored_facts: Statement,
    add_to_days: Statement,
    copy: Statement,
}

/// Connects. The connection lives on this runtime, and ends with the client.
pub(super) async fn open(url: &str) -> Result<Client, StoreError> {
    let unavailable = |error: Error| StoreError::unavailable(chain(&error));
    let (server, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .map_err(unavailable)?;
    tokio::spawn(connection);
    server.batch_execute(SET_UP).await.map_err(unavailable)?;
    server.batch_execute(IN_ORDER).await.map_err(unavailable)?;
    let client = prepare(server).await;
    client.map_err(|error| classify(&error).into_store_error(error))
}

async fn prepare(server: tokio_postgres::Client) -> Result<Client, Error> {
    let (advance, position, correct, add_to_links, copy) = tokio::try_join!(
        server.prepare(ADVANCE),
        server.prepare(POSITION),
        server.prepare(CORRECT),
        server.prepare(ADD_TO_LINKS),
        server.prepare(COPY),
    )?;
    let (insert_days, insert_visitors, add_visitors, stored_facts, add_to_days) = tokio::try_join!(
        server.prepare(INSERT_DAYS),
        server.prepare(INSERT_VISITORS),
        server.prepare(ADD_VISITORS),
        server.prepare(STORED_FACTS),
        server.prepare(ADD_TO_DAYS),
    )?;
    Ok(Client {
        server,
        advance,
        position,
        correct,
        add_to_links,
        insert_days,
        insert_visitors,
        add_visitors,
        stored_facts,
        add_to_days,
        copy,
    })
}

pub(super) fn is_closed(client: &Client) -> bool {
    client.server.is_closed()
}

/// Does the job in one transaction. After a failure the connection is not to be used again: the
/// transaction may still be open.
pub(super) async fn settle(client: &mut Client, job: &Job) -> Result<Ingested, Failure> {
    let step = job.step().map_err(Failure::last)?;
    let clicks = job.clicks();
    let mut tally = Tally::of(job);
    let begun = client.begin(step.as_ref(), &mut tally).await;
    match begun.map_err(failed)? {
        Begun::Here => {
            if let Some(step) = &step
                && tally.left_out() > 0
            {
                let corrected = client.correct(step, tally.left_out()).await;
                corrected.map_err(failed)?;
            }
            client.add(&mut tally, clicks).await?;
            hold_point("ingest.inside");
            let committed = client.server.batch_execute("COMMIT").await;
            committed.map_err(|error| Failure::of_commit(classify(&error), error))?;
            Ok(Ingested::Settled(tally.recorded()))
        }
        Begun::Elsewhere(committed) => {
            let rolled_back = client.server.batch_execute("ROLLBACK").await;
            rolled_back.map_err(failed)?;
            let position = committed.map(position).transpose();
            Ok(Ingested::PositionMoved(position.map_err(Failure::last)?))
        }
    }
}

/// Where the journal is.
enum Begun {
    /// Where the job begins, or there is none.
    Here,
    /// Somewhere else, or nowhere.
    Elsewhere(Option<i64>),
}

impl Client {
    /// Begins the transaction, moves the journal and adds to the totals of the links, all of it sent at once.
    async fn begin(&self, step: Option<&Step>, tally: &mut Tally<'_>) -> Result<Begun, Error> {
        let of_link = |number: fn(LinkTally) -> i64| tally.links().map(number).collect::<Vec<_>>();
        let ids: Vec<Uuid> = tally.links().map(|tally| tally.link).collect();
        let links: [&(dyn ToSql + Sync); 4] = [
            &ids,
            &of_link(|tally| tally.clicks),
            &of_link(|tally| tally.humans),
            &of_link(|tally| tally.purged),
        ];
        let ((), here, found) = tokio::try_join!(
            // In this order.
            biased;
            self.server.batch_execute("BEGIN"),
            self.advance(step),
            self.server.query(&self.add_to_links, &links),
        )?;
        if let Some(step) = step
            && !here
        {
            let values: [&(dyn ToSql + Sync); 1] = [&step.journal];
            let row = self.server.query_opt(&self.position, &values).await?;
            let committed = row.map(|row| row.try_get(0)).transpose()?;
            return Ok(Begun::Elsewhere(committed));
        }
        let found: Vec<Uuid> = found
            .iter()
            .map(|row| row.try_get(0))
            .collect::<Result<_, _>>()?;
        tally.keep(found);
        Ok(Begun::Here)
    }

    async fn advance(&self, step: Option<&Step>) -> Result<bool, Error> {
        let Some(step) = step else {
            return Ok(true);
        };
        let values: [&(dyn ToSql + Sync); 9] = [
            &step.journal,
            &step.start,
            &step.end,
            &step.stored,
            &step.link_deleted,
            &step.rejected,
            &step.unreadable,
            &step.lost,
            &step.at,
        ];
        let moved = self.server.execute(&self.advance, &values).await?;
        Ok(moved > 0)
    }

    /// Counts clicks whose links turned out to be gone as dropped instead of stored.
    async fn correct(&self, step: &Step, gone: i64) -> Result<(), Error> {
        let values: [&(dyn ToSql + Sync); 2] = [&step.journal, &gone];
        self.server.execute(&self.correct, &values).await?;
        Ok(())
    }

    /// Adds the rows and the rollup: first the days that are new, then what is to be added to others.
    async fn add(&self, tally: &mut Tally<'_>, clicks: &[Click]) -> Result<(), Failure> {
        if tally.days().is_empty() {
            return Ok(());
        }
        let all: Vec<usize> = (0..tally.days().len()).collect();
        let documents = tally
            .documents(&all, &HashMap::new())
            .map_err(Failure::last)?;
        let days = DayValues::of(tally, &all, documents, |day| count(day.visitors.len()));
        let values = days.values();
        let (inserted, ()) = tokio::try_join!(
            biased;
            self.server.query(&self.insert_days, &values),
            self.copy(tally.rows(clicks)),
        )
        .map_err(failed)?;
        let mut is_new = vec![false; all.len()];
        for row in inserted {
            let place = place(tally, &row).map_err(failed)?;
            if let Some(is_new) = place.and_then(|place| is_new.get_mut(place)) {
                *is_new = true;
            }
        }
        let (new, known): (Vec<usize>, Vec<usize>) = all
            .into_iter()
            .partition(|place| is_new.get(*place).copied().unwrap_or(false));
        let stored = self.visit(tally, &new, &known).await.map_err(failed)?;
        if known.is_empty() {
            return Ok(());
        }
        let documents = tally.documents(&known, &stored).map_err(Failure::last)?;
        let days = DayValues::of(tally, &known, documents, |day| day.new_visitors);
        let added = self.server.execute(&self.add_to_days, &days.values()).await;
        added.map_err(failed)?;
        Ok(())
    }

    /// Adds the visitors, and gives back the documents of the days that were there already: each with its
    /// place among the days. All of it is sent at once.
    async fn visit(
        &self,
        tally: &mut Tally<'_>,
        new: &[usize],
        known: &[usize],
    ) -> Result<HashMap<usize, String>, Error> {
        let of_new = VisitValues::of(tally, new);
        let inserted = async {
            if !new.is_empty() {
                let visits = of_new.values();
                self.server.execute(&self.insert_visitors, &visits).await?;
            }
            Ok::<_, Error>(())
        };
        let of_known = VisitValues::of(tally, known);
        let looked = async {
            if known.is_empty() {
                return Ok((Vec::new(), Vec::new()));
            }
            let days = known.iter().filter_map(|place| tally.days().get(*place));
            let (links, dates): (Vec<Uuid>, Vec<Date>) =
                days.map(|day| (day.link, day.day)).unzip();
            let days: [&(dyn ToSql + Sync); 2] = [&links, &dates];
            let visits = of_known.values();
            tokio::try_join!(
                self.server.query(&self.stored_facts, &days),
                self.server.query(&self.add_visitors, &visits),
            )
        };
        let ((), (stored, came)) = tokio::try_join!(inserted, looked)?;
        for row in came {
            let place = place(tally, &row)?;
            if let Some(day) = place.and_then(|place| tally.days_mut().get_mut(place)) {
                day.new_visitors += 1;
            }
        }
        let mut documents = HashMap::new();
        for row in stored {
            if let Some(place) = place(tally, &row)? {
                documents.insert(place, row.try_get(2)?);
            }
        }
        Ok(documents)
    }

    async fn copy(&self, clicks: impl Iterator<Item = &Click>) -> Result<(), Error> {
        let mut sink = pin!(self.server.copy_in(&self.copy).await?);
        let mut rows = Rows::new();
        for click in clicks {
            rows.push(click);
            if let Some(full) = rows.take_full() {
                sink.feed(full).await?;
            }
        }
        sink.feed(rows.finish()).await?;
        sink.finish().await?;
        Ok(())
    }
}

/// The place among the days of the one that a row begins with.
fn place(tally: &Tally<'_>, row: &Row) -> Result<Option<usize>, Error> {
    Ok(tally.place(row.try_get(0)?, row.try_get(1)?))
}

/// Days, column by column.
struct DayValues {
    links: Vec<Uuid>,
    days: Vec<Date>,
    numbers: [Vec<i64>; 5],
    documents: Vec<String>,
}

impl DayValues {
    fn of(
        tally: &Tally<'_>,
        places: &[usize],
        documents: Vec<String>,
        new_visitors: fn(&DayTally<'_>) -> i64,
    ) -> Self {
        let numbers: [fn(&DayTally<'_>) -> i64; 5] = [
            |day| day.clicks,
            |day| day.humans,
            new_visitors,
            |day| day.first,
            |day| day.last,
        ];
        let days = || places.iter().filter_map(|place| tally.days().get(*place));
        Self {
            links: days().map(|day| day.link).collect(),
            days: days().map(|day| day.day).collect(),
            numbers: numbers.map(|number| days().map(number).collect()),
            documents,
        }
    }

    fn values(&self) -> [&(dyn ToSql + Sync); 8] {
        let [clicks, humans, visitors, first, last] = &self.numbers;
        [
            &self.links,
            &self.days,
            clicks,
            humans,
            visitors,
            first,
            last,
            &self.documents,
        ]
    }
}

/// Visitors of days, column by column.
struct VisitValues {
    days: Vec<Date>,
    links: Vec<Uuid>,
    visitors: Vec<Uuid>,
}

impl VisitValues {
    fn of(tally: &Tally<'_>, places: &[usize]) -> Self {
        let (mut days, mut links, mut visitors) = (Vec::new(), Vec::new(), Vec::new());
        for day in places.iter().filter_map(|place| tally.days().get(*place)) {
            visitors.extend_from_slice(&day.visitors);
            links.resize(visitors.len(), day.link);
            days.resize(visitors.len(), day.day);
        }
        Self {
            days,
            links,
            visitors,
        }
    }

    fn values(&self) -> [&(dyn ToSql + Sync); 3] {
        [&self.days, &self.links, &self.visitors]
    }
}

fn failed(error: Error) -> Failure {
    Failure::of(classify(&error), error)
}

/// PostgreSQL, appendix A: error codes.
fn classify(error: &Error) -> Fault {
    let Some(state) = error.code() else {
        // Not from the server.
        return Fault::ConnectionLost;
    };
    match *state {
        SqlState::UNIQUE_VIOLATION => Fault::Conflict,
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Fault::Contention,
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => Fault::ConnectionLost,
        SqlState::CANNOT_CONNECT_NOW
        | SqlState::QUERY_CANCELED
        | SqlState::LOCK_NOT_AVAILABLE
        | SqlState::READ_ONLY_SQL_TRANSACTION => Fault::Unavailable,
        _ => match state.code().get(..2) {
            // Connection exceptions.
            Some("08") => Fault::ConnectionLost,
            // Insufficient resources, system errors.
            Some("53" | "58") => Fault::Unavailable,
            _ => Fault::Other,
        },
    }
}
