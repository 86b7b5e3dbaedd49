//! Stores clicks in MySQL and MariaDB with few statements of many rows. Click records use prepared
//! statements with fixed numbers of rows, each prepared once; IDs and numbers are sent as text.
//! diesel would prepare each of them anew, so this uses `mysql_async` itself.

use std::collections::BTreeMap;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Value};
use tokio::sync::mpsc;
use uuid::Uuid;
use waypost_core::Click;
use waypost_store::{Ingested, StoreError, hold_point};

use super::budget::store_beyond;
pub(super) use super::client::Client;
use super::client::Reader;
use super::fault::of_driver;
use super::insert::{
    CLICKS, Day, KNOWN_DAYS, NEW_DAYS, VISITORS, parts, push_click, push_day, push_visitor,
};
use super::known::{KEYS, Known, Visit, push_ids};
use super::literals::{push_datetime_literal, push_id, push_number};
use crate::hosts::Servers;
use crate::job::{Job, Step, place};
use crate::retry::Failure;
use crate::tally::{LinkTally, Tally};

/// Maximum number of links in an update.
pub(super) const LINKS: usize = 2_000;
/// Number of documents written between two insertions.
const DOCUMENTS: usize = 256;
/// From this batch size on, a second connection pays off.
pub(super) const WORTH_A_READER: usize = 500;

/// Begins the transaction. The links of clicks are locked before any row refers to them: looking
/// each of them up again for each of its clicks takes 5% of the time. Users are not locked.
/// (`unique_checks` stays on: without both, MariaDB locks an entire empty table.)
const BEGIN: &str = "SET foreign_key_checks = 0; BEGIN";
const BEGIN_WITH_USERS: &str = "SET foreign_key_checks = 1; BEGIN";

/// When to read the stored data of the days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// While the click records are inserted, if there is a reader. Usually no day has used up its
    /// budget of records; if one has, everything is rolled back, and done again in the other order.
    Beside,
    /// Before.
    DaysFirst,
}

/// Why a transaction was not committed.
enum Stopped {
    Failed(Failure),
    /// More click records were inserted than their days have room for.
    BeyondBudget,
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Runs the job in one transaction. After a failure the connection must not be used again: the
/// transaction may still be open.
pub(super) async fn settle(client: &mut Client, job: &Job) -> Result<Ingested, Failure> {
    let order = if client.is_near_budget {
        Order::DaysFirst
    } else {
        Order::Beside
    };
    let done = match attempt(client, job, order).await {
        Err(Stopped::BeyondBudget) => {
            client.writer.query_drop("ROLLBACK").await.map_err(failed)?;
            attempt(client, job, Order::DaysFirst).await
        }
        done => done,
    };
    done.map_err(|stopped| match stopped {
        Stopped::Failed(failure) => failure,
        Stopped::BeyondBudget => Failure::last(StoreError::Conflict),
    })
}

async fn attempt(client: &mut Client, job: &Job, order: Order) -> Result<Ingested, Stopped> {
    let step = job.step().map_err(Failure::last)?;
    let clicks = job.clicks();
    let Client { writer, reader, .. } = client;
    let with_users = clicks.iter().any(|click| click.user_id.is_some());
    let begin = if with_users { BEGIN_WITH_USERS } else { BEGIN };
    writer.query_drop(begin).await.map_err(failed)?;
    if let Some(step) = &step
        && !advance(writer, step).await.map_err(failed)?
    {
        let found = found(writer, step.journal).await.map_err(failed)?;
        writer.query_drop("ROLLBACK").await.map_err(failed)?;
        let found = found.map(|(owner, committed)| {
            let owner = owner.map(|owner| Uuid::from_slice(&owner));
            place(owner.transpose().map_err(StoreError::internal)?, committed)
        });
        return Ok(Ingested::Elsewhere(
            found.transpose().map_err(Failure::last)?,
        ));
    }
    let mut tally = Tally::of(job);
    let added = add_to_links(writer, &mut tally).await;
    added.map_err(failed)?;
    if let Some(step) = &step
        && tally.left_out() > 0
    {
        let corrected = correct(writer, step.journal, tally.left_out()).await;
        corrected.map_err(failed)?;
    }
    let (known, documents) = insert_clicks(writer, reader, clicks, &mut tally, order).await?;
    let rows: Vec<&Click> = tally.rows(clicks).collect();
    store_beyond(writer, &tally, &rows, known.newest_id()).await?;
    let visited = add_visitors(writer, &mut tally, &known).await;
    visited.map_err(failed)?;
    let added = add_to_days(writer, &tally, &documents, &known).await;
    added.map_err(failed)?;
    hold_point("ingest.inside");
    let committed = writer.query_drop("COMMIT").await;
    committed.map_err(|error| Failure::of_commit(of_driver(&error), error))?;
    client.is_near_budget = tally.is_near_budget();
    Ok(Ingested::Settled(tally.recorded()))
}

/// Connects. The connections live on this runtime.
pub(super) async fn open(servers: &Servers) -> Result<Client, StoreError> {
    Client::open(servers).await
}

/// A closed connection is only noticed when it is used.
pub(super) const fn is_closed(_: &Client) -> bool {
    false
}

/// Moves the position of the journal. Returns `false` when it is not at the start of the step, or
/// another process owns the journal.
async fn advance(client: &mut Conn, step: &Step) -> Result<bool, Error> {
    let mut sql = String::from("UPDATE click_journals SET committed = ");
    push_number(&mut sql, step.end);
    for (column, added) in [
        ("stored", step.stored),
        ("dropped_link_deleted", step.link_deleted),
        ("dropped_rejected", step.rejected),
        ("dropped_unreadable", step.unreadable),
        ("dropped_lost", step.lost),
        ("duplicates", step.duplicates),
    ] {
        sql.extend([", ", column, " = ", column, " + "]);
        push_number(&mut sql, added);
    }
    sql.push_str(", updated_at = ");
    push_datetime_literal(&mut sql, step.at);
    sql.push_str(" WHERE id = ");
    push_id(&mut sql, step.journal);
    sql.push_str(" AND committed = ");
    push_number(&mut sql, step.start);
    sql.push_str(" AND owner = ");
    push_id(&mut sql, step.owner);
    client.query_drop(sql).await?;
    Ok(client.affected_rows() > 0)
}

/// Returns the owner and the position of a journal.
async fn found(client: &mut Conn, journal: Uuid) -> Result<Option<(Option<Vec<u8>>, i64)>, Error> {
    let mut sql = String::from("SELECT owner, committed FROM click_journals WHERE id = ");
    push_id(&mut sql, journal);
    client.query_first(sql).await
}

/// Counts clicks on deleted links as dropped instead of stored.
async fn correct(client: &mut Conn, journal: Uuid, gone: i64) -> Result<(), Error> {
    let mut sql = String::from("UPDATE click_journals SET stored = stored - ");
    push_number(&mut sql, gone);
    sql.push_str(", dropped_link_deleted = dropped_link_deleted + ");
    push_number(&mut sql, gone);
    sql.push_str(" WHERE id = ");
    push_id(&mut sql, journal);
    client.query_drop(sql).await
}

/// Adds to the totals of the links, which locks them in the order of their IDs, and finds out which
/// are deleted.
async fn add_to_links(client: &mut Conn, tally: &mut Tally<'_>) -> Result<(), Error> {
    let links: Vec<LinkTally> = tally.links().collect();
    let mut found = Vec::with_capacity(links.len());
    for links in links.chunks(LINKS) {
        let ids: Vec<Uuid> = links.iter().map(|tally| tally.link).collect();
        add_numbers(client, links).await?;
        if usize::try_from(client.affected_rows()).is_ok_and(|rows| rows == ids.len()) {
            found.extend(ids);
            continue;
        }
        for ids in ids.chunks(KEYS) {
            let mut sql = String::from("SELECT id FROM links WHERE id IN (");
            push_ids(&mut sql, ids);
            sql.push_str(") FOR UPDATE");
            let rows: Vec<Vec<u8>> = client.query(sql).await?;
            found.extend(rows.iter().filter_map(|id| Uuid::from_slice(id).ok()));
        }
    }
    tally.keep(found);
    Ok(())
}

/// Adds to the numbers of links, at most [`LINKS`].
pub(super) async fn add_numbers(client: &mut Conn, links: &[LinkTally]) -> Result<(), Error> {
    let ids: Vec<Uuid> = links.iter().map(|tally| tally.link).collect();
    // Force look-ups by ID, in order, whatever other plan is possible.
    let mut sql = String::from("UPDATE links FORCE INDEX (PRIMARY) SET clicks = clicks + ");
    push_added(&mut sql, links, |tally| tally.clicks);
    sql.push_str(", humans = humans + ");
    push_added(&mut sql, links, |tally| tally.humans);
    sql.push_str(", clicks_purged = clicks_purged + ");
    push_added(&mut sql, links, |tally| tally.purged);
    sql.push_str(" WHERE id IN (");
    push_ids(&mut sql, &ids);
    sql.push(')');
    client.query_drop(sql).await
}

/// Appends the number added to each link, as an expression of their IDs, short if most add the
/// same.
fn push_added(sql: &mut String, links: &[LinkTally], number: fn(&LinkTally) -> i64) {
    let mut by_number: BTreeMap<i64, Vec<Uuid>> = BTreeMap::new();
    for tally in links {
        by_number.entry(number(tally)).or_default().push(tally.link);
    }
    let most = by_number.iter().max_by_key(|(_, ids)| ids.len());
    let most = most.map_or(0, |(number, _)| *number);
    by_number.remove(&most);
    if by_number.is_empty() {
        push_number(sql, most);
        return;
    }
    sql.push_str("CASE");
    for (number, ids) in by_number {
        sql.push_str(" WHEN id IN (");
        push_ids(sql, &ids);
        sql.push_str(") THEN ");
        push_number(sql, number);
    }
    sql.push_str(" ELSE ");
    push_number(sql, most);
    sql.push_str(" END");
}

/// Inserts the new visitors and counts them. On new days, all are new.
async fn add_visitors(
    client: &mut Conn,
    tally: &mut Tally<'_>,
    known: &Known,
) -> Result<(), Error> {
    let visits = (0..)
        .zip(tally.days())
        .flat_map(|(place, day)| day.visitors.iter().map(move |visitor| (place, *visitor)));
    let new: Vec<Visit> = visits.filter(|visit| !known.has_visit(visit)).collect();
    for (place, _) in &new {
        if let Some(day) = tally.days_mut().get_mut(*place) {
            day.new_visitors += 1;
        }
    }
    let push = |values: &mut Vec<Value>, (place, visitor): &Visit| {
        if let Some(day) = tally.days().get(*place) {
            push_visitor(values, day, *visitor);
        }
    };
    VISITORS.run(client, &new, push).await
}

/// Inserts the new days, and adds to the existing ones.
async fn add_to_days(
    client: &mut Conn,
    tally: &Tally<'_>,
    documents: &[String],
    known: &Known,
) -> Result<(), Error> {
    let days = tally.days().iter().zip(documents).zip(0..);
    let (old, new): (Vec<_>, Vec<_>) = days.partition(|(_, place)| known.has_day(*place));
    for (insert, days) in [(NEW_DAYS, new), (KNOWN_DAYS, old)] {
        let days: Vec<Day<'_>> = days.into_iter().map(|(day, _)| day).collect();
        insert.run(client, &days, push_day).await?;
    }
    Ok(())
}

/// Inserts the click records. Meanwhile the reader, if there is one, reads the stored data, and the
/// next rows and the documents of the days are prepared.
async fn insert_clicks(
    writer: &mut Conn,
    reader: &mut Option<Reader>,
    clicks: &[Click],
    tally: &mut Tally<'_>,
    order: Order,
) -> Result<(Known, Vec<String>), Stopped> {
    let mut rows: Vec<&Click> = tally.rows(clicks).collect();
    let is_beside = order == Order::Beside && rows.len() >= WORTH_A_READER;
    let used = reader.as_mut().filter(|_| is_beside);
    let mut known = None;
    if used.is_none() {
        let read = Known::of(tally, writer).await.map_err(failed)?;
        read.count_before(tally);
        known = Some(read);
        rows = tally.rows(clicks).collect();
    }
    let (written, to_insert) = mpsc::channel(1);
    let days = &*tally;
    let read = async {
        let known = match (known, used) {
            (None, Some(reader)) => reader.read(days).await,
            (known, _) => known,
        };
        let Some(known) = known else {
            return Ok(None);
        };
        let documents = documents(days, &known).await?;
        Ok(Some((known, documents)))
    };
    let ((), (), read) = tokio::try_join!(
        write_rows(&rows, written),
        insert_rows(writer, to_insert),
        read
    )?;
    let (known, documents) = if let Some(read) = read {
        read
    } else {
        *reader = None;
        let known = Known::of(tally, writer).await.map_err(failed)?;
        let documents = documents(tally, &known).await?;
        (known, documents)
    };
    known.count_before(tally);
    if tally.rows(clicks).count() < rows.len() {
        return Err(Stopped::BeyondBudget);
    }
    Ok((known, documents))
}

type Rows = (usize, Vec<Value>);

async fn write_rows(clicks: &[&Click], written: mpsc::Sender<Rows>) -> Result<(), Failure> {
    for rows in parts(clicks) {
        let values = CLICKS.values(rows, |values, click| push_click(values, click));
        // Closed when an insertion failed.
        if written.send((rows.len(), values)).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn insert_rows(client: &mut Conn, mut rows: mpsc::Receiver<Rows>) -> Result<(), Failure> {
    while let Some((rows, values)) = rows.recv().await {
        let inserted = CLICKS.run_part(client, rows, values).await;
        inserted.map_err(failed)?;
    }
    Ok(())
}

/// Computes the new documents of the days, some at a time.
async fn documents(tally: &Tally<'_>, known: &Known) -> Result<Vec<String>, Failure> {
    let places: Vec<usize> = (0..tally.days().len()).collect();
    let mut documents = Vec::with_capacity(places.len());
    for places in places.chunks(DOCUMENTS) {
        let written = tally.documents(places, |place| known.facts(place));
        documents.extend(written.map_err(Failure::last)?);
        tokio::task::yield_now().await;
    }
    Ok(documents)
}

pub(super) fn failed(error: Error) -> Failure {
    Failure::of(of_driver(&error), error)
}
