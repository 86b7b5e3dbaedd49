//! Storing clicks in PostgreSQL: one statement for each table, and `COPY` for the rows, which is twice
//! as fast as the fastest insert. diesel-async has no `COPY`; this is tokio-postgres itself.

use std::collections::HashMap;
use std::pin::pin;

use futures_util::SinkExt;
use time::Date;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Statement};
use uuid::Uuid;
use waypost_core::Click;
use waypost_store::{Ingested, StoreError, hold_point};

use super::copy::Rows;
use super::{SET_UP, chain};
use crate::error::Fault;
use crate::job::{Job, Step, position};
use crate::retry::Failure;
use crate::tally::{DayTally, LinkTally, Tally, documents};

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
/// What refers to a link may be inserted meanwhile, but nobody deletes it or adds to its total.
const LOCK: &str = "SELECT id FROM links WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE";
const ADD_TO_LINKS: &str = "
    UPDATE links SET clicks = links.clicks + added.clicks,
        humans = links.humans + added.humans,
        clicks_purged = links.clicks_purged + added.purged
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) AS added (id, clicks, humans, purged)
    WHERE links.id = added.id";
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
    INSERT INTO link_days (link_id, day, clicks, humans, visitors, first_click_us, last_click_us, facts)
    SELECT * FROM unnest($1::uuid[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[])
    ON CONFLICT (link_id, day) DO UPDATE SET clicks = link_days.clicks + excluded.clicks,
        humans = link_days.humans + excluded.humans,
        visitors = link_days.visitors + excluded.visitors,
        first_click_us = least(link_days.first_click_us, excluded.first_click_us),
        last_click_us = greatest(link_days.last_click_us, excluded.last_click_us),
        facts = excluded.facts";
const COPY: &str = "
    COPY link_clicks (id, link_id, user_id, ip_hash, user_agent, referrer, clicked_at, class, browser, os, device, country)
    FROM STDIN (FORMAT binary)";

/// A connection and its prepared statements.
pub(super) struct Client {
    server: tokio_postgres::Client,
    advance: Statement,
    position: Statement,
    correct: Statement,
    lock: Statement,
    add_to_links: Statement,
    add_to_days: Statement,
    add_visitors: Statement,
    stored_facts: Statement,
    copy: Statement,
}

/// Connects. The connection lives on this runtime, and ends with the client.
pub(super) async fn open(url: &str) -> Result<Client, StoreError> {
    let unavailable = |error: Error| StoreError::unavailable(chain(&error));
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .map_err(unavailable)?;
    tokio::spawn(connection);
    client.batch_execute(SET_UP).await.map_err(unavailable)?;
    let prepared = tokio::try_join!(
        client.prepare(ADVANCE),
        client.prepare(POSITION),
        client.prepare(CORRECT),
        client.prepare(LOCK),
        client.prepare(ADD_TO_LINKS),
        client.prepare(ADD_TO_DAYS),
        client.prepare(ADD_VISITORS),
        client.prepare(STORED_FACTS),
        client.prepare(COPY),
    );
    let (
        advance,
        position,
        correct,
        lock,
        add_to_links,
        add_to_days,
        add_visitors,
        stored_facts,
        copy,
    ) = prepared.map_err(|error| classify(&error).into_store_error(error))?;
    Ok(Client {
        server: client,
        advance,
        position,
        correct,
        lock,
        add_to_links,
        add_to_days,
        add_visitors,
        stored_facts,
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
            let stored = client.look(&mut tally).await.map_err(failed)?;
            let documents = documents(&tally, &stored).map_err(Failure::last)?;
            let added = client.add(step.as_ref(), &tally, &documents, clicks).await;
            added.map_err(failed)?;
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
    /// Begins the transaction, moves the journal and locks the links, all of it sent at once.
    async fn begin(&self, step: Option<&Step>, tally: &mut Tally<'_>) -> Result<Begun, Error> {
        let ids: Vec<Uuid> = tally.links().map(|tally| tally.link).collect();
        let ids: [&(dyn ToSql + Sync); 1] = [&ids];
        let ((), here, found) = tokio::try_join!(
            // In this order.
            biased;
            self.server.batch_execute("BEGIN"),
            self.advance(step),
            self.server.query(&self.lock, &ids),
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

    /// Adds the visitors, and gives back the documents of the days that are there already: each with its
    /// place among the days. Both are sent at once.
    async fn look(&self, tally: &mut Tally<'_>) -> Result<HashMap<usize, String>, Error> {
        let days = tally.days();
        let links: Vec<Uuid> = days.iter().map(|day| day.link).collect();
        let dates: Vec<Date> = days.iter().map(|day| day.day).collect();
        let (mut visited, mut on, mut visitors) = (Vec::new(), Vec::new(), Vec::new());
        for day in days {
            visitors.extend_from_slice(&day.visitors);
            visited.resize(visitors.len(), day.link);
            on.resize(visitors.len(), day.day);
        }
        let days: [&(dyn ToSql + Sync); 2] = [&links, &dates];
        let visits: [&(dyn ToSql + Sync); 3] = [&on, &visited, &visitors];
        let (stored, new) = tokio::try_join!(
            self.server.query(&self.stored_facts, &days),
            self.server.query(&self.add_visitors, &visits),
        )?;
        for row in new {
            let place = tally.place(row.try_get(0)?, row.try_get(1)?);
            if let Some(day) = place.and_then(|place| tally.days_mut().get_mut(place)) {
                day.new_visitors += 1;
            }
        }
        let mut documents = HashMap::new();
        for row in stored {
            if let Some(place) = tally.place(row.try_get(0)?, row.try_get(1)?) {
                documents.insert(place, row.try_get(2)?);
            }
        }
        Ok(documents)
    }

    /// Adds rows, totals and rollup, sent at once.
    async fn add(
        &self,
        step: Option<&Step>,
        tally: &Tally<'_>,
        documents: &[String],
        clicks: &[Click],
    ) -> Result<(), Error> {
        let of_link = |number: fn(LinkTally) -> i64| tally.links().map(number).collect::<Vec<_>>();
        let of_day =
            |number: fn(&DayTally<'_>) -> i64| tally.days().iter().map(number).collect::<Vec<_>>();
        let links: Vec<Uuid> = tally.links().map(|tally| tally.link).collect();
        let day_links: Vec<Uuid> = tally.days().iter().map(|day| day.link).collect();
        let dates: Vec<Date> = tally.days().iter().map(|day| day.day).collect();
        if let Some(step) = step
            && tally.left_out() > 0
        {
            let values: [&(dyn ToSql + Sync); 2] = [&step.journal, &tally.left_out()];
            self.server.execute(&self.correct, &values).await?;
        }
        if links.is_empty() {
            return Ok(());
        }
        let links: [&(dyn ToSql + Sync); 4] = [
            &links,
            &of_link(|tally| tally.clicks),
            &of_link(|tally| tally.humans),
            &of_link(|tally| tally.purged),
        ];
        let days: [&(dyn ToSql + Sync); 8] = [
            &day_links,
            &dates,
            &of_day(|day| day.clicks),
            &of_day(|day| day.humans),
            &of_day(|day| day.new_visitors),
            &of_day(|day| day.first),
            &of_day(|day| day.last),
            &documents,
        ];
        tokio::try_join!(
            self.server.execute(&self.add_to_links, &links),
            self.server.execute(&self.add_to_days, &days),
            self.copy(tally.rows(clicks)),
        )?;
        Ok(())
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
