//! Storing clicks in MySQL and MariaDB: few statements of many rows. The rows of clicks have prepared
//! statements, which always have as many rows and so are prepared once; what is only ids and numbers
//! goes as text. diesel would prepare each of them anew; this is `mysql_async` itself.

use std::collections::{BTreeMap, HashMap, HashSet};

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Opts, OptsBuilder};
use time::Date;
use tokio::sync::mpsc;
use uuid::Uuid;
use waypost_core::Click;
use waypost_store::{Ingested, StoreError, hold_point};

use super::SET_UP;
use super::insert::{CLICKS, Day, KNOWN_DAYS, NEW_DAYS, parts, push_click, push_day};
use super::literals::{push_bytes, push_date_literal, push_datetime_literal, push_number};
use crate::error::Fault;
use crate::job::{Job, Step, position};
use crate::retry::Failure;
use crate::tally::{LinkTally, Tally};

/// So many links are named in a change.
const LINKS: usize = 2_000;
/// So many keys are named in a question: from 1,000 on, MariaDB would make a table of them.
const KEYS: usize = 900;
/// So many visitors are inserted at once: less than 200 kB.
const NEW_VISITORS: usize = 2_000;
/// So many documents are written between two insertions.
const DOCUMENTS: usize = 256;

pub(super) type Client = Conn;

/// Connects. The connection lives on this runtime.
pub(super) async fn open(url: &str) -> Result<Client, StoreError> {
    let opts = Opts::from_url(url).map_err(StoreError::internal)?;
    let opts = OptsBuilder::from_opts(opts)
        .init(vec![
            "SET NAMES utf8mb4",
            "SET time_zone = '+00:00'",
            SET_UP,
        ])
        // An update that finds its row is one, even if it changes nothing.
        .client_found_rows(true);
    Conn::new(opts).await.map_err(StoreError::unavailable)
}

/// Only known when it is used.
pub(super) const fn is_closed(_: &Client) -> bool {
    false
}

/// Does the job in one transaction. After a failure the connection is not to be used again: the
/// transaction may still be open.
pub(super) async fn settle(client: &mut Client, job: &Job) -> Result<Ingested, Failure> {
    let step = job.step().map_err(Failure::last)?;
    client.query_drop("BEGIN").await.map_err(failed)?;
    if let Some(step) = &step
        && !advance(client, step).await.map_err(failed)?
    {
        let committed = committed(client, step.journal).await.map_err(failed)?;
        client.query_drop("ROLLBACK").await.map_err(failed)?;
        let position = committed.map(position).transpose();
        return Ok(Ingested::PositionMoved(position.map_err(Failure::last)?));
    }
    let clicks = job.clicks();
    let mut tally = Tally::of(job);
    let added = add_to_links(client, &mut tally).await;
    added.map_err(failed)?;
    if let Some(step) = &step
        && tally.left_out() > 0
    {
        let corrected = correct(client, step.journal, tally.left_out()).await;
        corrected.map_err(failed)?;
    }
    let stored = stored_facts(client, &tally).await.map_err(failed)?;
    let visited = add_visitors(client, &mut tally, &stored).await;
    visited.map_err(failed)?;
    let rows: Vec<&Click> = tally.rows(clicks).collect();
    let documents = insert_clicks(client, &rows, &tally, &stored).await?;
    let added = add_to_days(client, &tally, &documents, &stored).await;
    added.map_err(failed)?;
    hold_point("ingest.inside");
    let committed = client.query_drop("COMMIT").await;
    committed.map_err(|error| Failure::of_commit(classify(&error), error))?;
    Ok(Ingested::Settled(tally.recorded()))
}

/// Moves the journal. `false` when it is not where the step begins.
async fn advance(client: &mut Client, step: &Step) -> Result<bool, Error> {
    let mut sql = String::from("UPDATE click_journals SET committed = ");
    push_number(&mut sql, step.end);
    for (column, added) in [
        ("stored", step.stored),
        ("dropped_link_deleted", step.link_deleted),
        ("dropped_rejected", step.rejected),
        ("dropped_unreadable", step.unreadable),
        ("dropped_lost", step.lost),
    ] {
        sql.extend([", ", column, " = ", column, " + "]);
        push_number(&mut sql, added);
    }
    sql.push_str(", updated_at = ");
    push_datetime_literal(&mut sql, step.at);
    sql.push_str(" WHERE id = ");
    push_bytes(&mut sql, step.journal.as_bytes());
    sql.push_str(" AND committed = ");
    push_number(&mut sql, step.start);
    client.query_drop(sql).await?;
    Ok(client.affected_rows() > 0)
}

async fn committed(client: &mut Client, journal: Uuid) -> Result<Option<i64>, Error> {
    let mut sql = String::from("SELECT committed FROM click_journals WHERE id = ");
    push_bytes(&mut sql, journal.as_bytes());
    client.query_first(sql).await
}

/// Counts clicks whose links turned out to be gone as dropped instead of stored.
async fn correct(client: &mut Client, journal: Uuid, gone: i64) -> Result<(), Error> {
    let mut sql = String::from("UPDATE click_journals SET stored = stored - ");
    push_number(&mut sql, gone);
    sql.push_str(", dropped_link_deleted = dropped_link_deleted + ");
    push_number(&mut sql, gone);
    sql.push_str(" WHERE id = ");
    push_bytes(&mut sql, journal.as_bytes());
    client.query_drop(sql).await
}

/// Adds to the totals of the links, which locks them in the order of their ids, and finds out which are gone.
async fn add_to_links(client: &mut Client, tally: &mut Tally<'_>) -> Result<(), Error> {
    let links: Vec<LinkTally> = tally.links().collect();
    let mut found = Vec::with_capacity(links.len());
    for links in links.chunks(LINKS) {
        let ids: Vec<Uuid> = links.iter().map(|tally| tally.link).collect();
        // Whatever else could be chosen, rows are looked up by their ids, in order.
        let mut sql = String::from("UPDATE links FORCE INDEX (PRIMARY) SET clicks = clicks + ");
        push_added(&mut sql, links, |tally| tally.clicks);
        sql.push_str(", humans = humans + ");
        push_added(&mut sql, links, |tally| tally.humans);
        sql.push_str(", clicks_purged = clicks_purged + ");
        push_added(&mut sql, links, |tally| tally.purged);
        sql.push_str(" WHERE id IN (");
        push_ids(&mut sql, &ids);
        sql.push(')');
        client.query_drop(sql).await?;
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

/// What is added to each of the links: as an expression of their ids, short where most add the same.
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

fn push_ids(sql: &mut String, ids: &[Uuid]) {
    let mut first = true;
    for id in ids {
        if !std::mem::take(&mut first) {
            sql.push(',');
        }
        push_bytes(sql, id.as_bytes());
    }
}

/// Adds the visitors that are new, and counts them. Links are locked: nobody else adds any. On days that are
/// not among `stored`, all are new.
async fn add_visitors(
    client: &mut Client,
    tally: &mut Tally<'_>,
    stored: &HashMap<usize, String>,
) -> Result<(), Error> {
    let visits = (0..)
        .zip(tally.days())
        .flat_map(|(place, day)| day.visitors.iter().map(move |visitor| (place, *visitor)));
    let (of_known, mut new): (Vec<Visit>, Vec<Visit>) =
        visits.partition(|(place, _)| stored.contains_key(place));
    let known = known_visits(client, tally, &of_known).await?;
    new.extend(of_known.iter().filter(|visit| !known.contains(visit)));
    for (place, _) in &new {
        if let Some(day) = tally.days_mut().get_mut(*place) {
            day.new_visitors += 1;
        }
    }
    for visits in new.chunks(NEW_VISITORS) {
        let keys = keys(tally, visits);
        let sql = format!("INSERT IGNORE INTO link_visitors (day, link_id, visitor) VALUES {keys}");
        client.query_drop(sql).await?;
    }
    Ok(())
}

/// A visitor, and the place of the day among those of the tally.
type Visit = (usize, Uuid);

/// Which of them there are. Each statement asks about one day: with the day in each key, it would take half as
/// long again.
async fn known_visits(
    client: &mut Client,
    tally: &Tally<'_>,
    visits: &[Visit],
) -> Result<HashSet<Visit>, Error> {
    let mut by_day: BTreeMap<Date, Vec<(Uuid, Uuid)>> = BTreeMap::new();
    for (place, visitor) in visits {
        if let Some(day) = tally.days().get(*place) {
            by_day
                .entry(day.day)
                .or_default()
                .push((day.link, *visitor));
        }
    }
    let mut known = HashSet::new();
    for (day, visits) in by_day {
        for visits in visits.chunks(KEYS) {
            let mut sql = String::from("SELECT link_id, visitor FROM link_visitors WHERE day = ");
            push_date_literal(&mut sql, day);
            sql.push_str(" AND (link_id, visitor) IN ");
            let mut next = '(';
            for (link, visitor) in visits {
                sql.push(next);
                sql.push('(');
                push_bytes(&mut sql, link.as_bytes());
                sql.push(',');
                push_bytes(&mut sql, visitor.as_bytes());
                sql.push(')');
                next = ',';
            }
            sql.push(')');
            let rows: Vec<(Vec<u8>, Vec<u8>)> = client.query(sql).await?;
            known.extend(rows.iter().filter_map(|(link, visitor)| {
                let place = tally.place(Uuid::from_slice(link).ok()?, day)?;
                Some((place, Uuid::from_slice(visitor).ok()?))
            }));
        }
    }
    Ok(known)
}

fn keys(tally: &Tally<'_>, visits: &[Visit]) -> String {
    let mut sql = String::new();
    for (place, visitor) in visits {
        let Some(day) = tally.days().get(*place) else {
            continue;
        };
        sql.push_str(if sql.is_empty() { "(" } else { ",(" });
        push_date_literal(&mut sql, day.day);
        for id in [day.link, *visitor] {
            sql.push(',');
            push_bytes(&mut sql, id.as_bytes());
        }
        sql.push(')');
    }
    sql
}

/// The documents of the days that are there already: each with its place among the days. Each statement asks
/// about one day: with the day in each key, it would take twice as long.
async fn stored_facts(
    client: &mut Client,
    tally: &Tally<'_>,
) -> Result<HashMap<usize, String>, Error> {
    let mut by_day: BTreeMap<Date, Vec<Uuid>> = BTreeMap::new();
    for day in tally.days() {
        by_day.entry(day.day).or_default().push(day.link);
    }
    let mut documents = HashMap::new();
    for (day, links) in by_day {
        for links in links.chunks(KEYS) {
            let mut sql =
                String::from("SELECT link_id, COALESCE(facts, '{}') FROM link_days WHERE day = ");
            push_date_literal(&mut sql, day);
            sql.push_str(" AND link_id IN (");
            push_ids(&mut sql, links);
            sql.push(')');
            let rows: Vec<(Vec<u8>, String)> = client.query(sql).await?;
            for (link, facts) in rows {
                let link = Uuid::from_slice(&link).ok();
                if let Some(place) = link.and_then(|link| tally.place(link, day)) {
                    documents.insert(place, facts);
                }
            }
        }
    }
    Ok(documents)
}

/// Adds the days that are new, and what is to be added to others.
async fn add_to_days(
    client: &mut Client,
    tally: &Tally<'_>,
    documents: &[String],
    stored: &HashMap<usize, String>,
) -> Result<(), Error> {
    let days = tally.days().iter().zip(documents).zip(0..);
    let (known, new): (Vec<_>, Vec<_>) = days.partition(|(_, place)| stored.contains_key(place));
    let (known, new): (Vec<Day<'_>>, Vec<Day<'_>>) = (
        known.into_iter().map(|(day, _)| day).collect(),
        new.into_iter().map(|(day, _)| day).collect(),
    );
    NEW_DAYS.run(client, &new, push_day).await?;
    KNOWN_DAYS.run(client, &known, push_day).await
}

/// Inserts the rows of the clicks. While the database is busy with some of them, the next ones are written,
/// and the documents of the days, which it gives back.
async fn insert_clicks(
    client: &mut Client,
    clicks: &[&Click],
    tally: &Tally<'_>,
    stored: &HashMap<usize, String>,
) -> Result<Vec<String>, Failure> {
    let places: Vec<usize> = (0..tally.days().len()).collect();
    let (written, mut to_insert) = mpsc::channel(1);
    let write = async {
        let mut documents = Vec::with_capacity(places.len());
        let mut places = places.chunks(DOCUMENTS);
        for rows in parts(clicks) {
            let values = CLICKS.values(rows, |values, click| push_click(values, click));
            // It is closed when the insertion failed.
            if written.send((rows.len(), values)).await.is_err() {
                break;
            }
            if let Some(places) = places.next() {
                documents.extend(tally.documents(places, stored).map_err(Failure::last)?);
            }
            tokio::task::yield_now().await;
        }
        drop(written);
        for places in places {
            documents.extend(tally.documents(places, stored).map_err(Failure::last)?);
        }
        Ok(documents)
    };
    let run = async {
        while let Some((rows, values)) = to_insert.recv().await {
            let inserted = CLICKS.run_part(client, rows, values).await;
            inserted.map_err(failed)?;
        }
        Ok(())
    };
    let (documents, ()) = tokio::try_join!(write, run)?;
    Ok(documents)
}

fn failed(error: Error) -> Failure {
    Failure::of(classify(&error), error)
}

/// MySQL, "Server Error Message Reference"; MariaDB has the same numbers, and its own from 1900 on.
fn classify(error: &Error) -> Fault {
    let number = match error {
        Error::Server(error) => error.code,
        Error::Io(_) | Error::Driver(_) => return Fault::ConnectionLost,
        Error::Other(_) | Error::Url(_) => return Fault::Other,
    };
    match number {
        // Duplicate entry.
        1062 | 1586 => Fault::Conflict,
        // Record has changed; lock wait timeout; deadlock, and what Galera reports as one.
        1020 | 1205 | 1213 => Fault::Contention,
        // Shutdown, aborted and killed connections.
        1053 | 1077..=1079 | 1152 | 1158..=1161 | 1184 | 1927 => Fault::ConnectionLost,
        // Disk or table full, too many connections, Galera not ready, read-only, interrupted, time
        // is up.
        1021 | 1040 | 1047 | 1114 | 1203 | 1290 | 1317 | 1836 | 1969 | 3024 => Fault::Unavailable,
        _ => Fault::Other,
    }
}
