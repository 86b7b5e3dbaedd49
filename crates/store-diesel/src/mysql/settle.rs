//! Storing clicks in MySQL and MariaDB: few statements of many rows. The rows of clicks have prepared
//! statements, which always have as many rows and so are prepared once; what is only ids and numbers
//! goes as text. diesel would prepare each of them anew; this is `mysql_async` itself.

use std::collections::BTreeMap;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Opts, OptsBuilder, Value};
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;
use waypost_core::{Click, Referrer, UserAgent};
use waypost_store::{Ingested, StoreError, hold_point};

use super::SET_UP;
use super::literals::{push_bytes, push_date_literal, push_datetime_literal, push_number};
use crate::error::Fault;
use crate::job::{Job, Step, Tally, position};
use crate::retry::Failure;

/// At most so many clicks are inserted at once. More is not faster, and 256 of the longest are 1 MB, which
/// every server takes. A power of two, as all numbers of rows are: so there are few statements to prepare
/// and to keep, each of which takes about a kilobyte of memory for each row.
const ROWS: usize = 256;
/// So many links are named in a statement, so that the server looks them up one by one.
const LINKS: usize = 2_000;

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
    let mut tally = Tally::of(clicks);
    lock(client, &mut tally).await.map_err(failed)?;
    if let Some(step) = &step
        && tally.left_out() > 0
    {
        let corrected = correct(client, step.journal, tally.left_out()).await;
        corrected.map_err(failed)?;
    }
    add_to_links(client, &tally).await.map_err(failed)?;
    add_to_days(client, &tally).await.map_err(failed)?;
    let inserted = insert(client, tally.kept(clicks)).await;
    inserted.map_err(failed)?;
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

/// Locks the links in the order of their ids, and finds out which are gone.
async fn lock(client: &mut Client, tally: &mut Tally) -> Result<(), Error> {
    let ids: Vec<Uuid> = tally.links().map(|(link, _)| link).collect();
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(LINKS) {
        let mut sql = String::from("SELECT id FROM links WHERE id IN (");
        push_ids(&mut sql, ids);
        sql.push_str(") ORDER BY id FOR UPDATE");
        let rows: Vec<Vec<u8>> = client.query(sql).await?;
        found.extend(rows.iter().filter_map(|id| Uuid::from_slice(id).ok()));
    }
    tally.keep(found);
    Ok(())
}

/// Links with as many clicks share a statement. They are locked: the order does not matter any more.
async fn add_to_links(client: &mut Client, tally: &Tally) -> Result<(), Error> {
    let mut by_clicks: BTreeMap<i64, Vec<Uuid>> = BTreeMap::new();
    for (link, clicks) in tally.links() {
        by_clicks.entry(clicks).or_default().push(link);
    }
    for (clicks, ids) in by_clicks {
        for ids in ids.chunks(LINKS) {
            let mut sql = String::from("UPDATE links SET clicks = clicks + ");
            push_number(&mut sql, clicks);
            sql.push_str(" WHERE id IN (");
            push_ids(&mut sql, ids);
            sql.push(')');
            client.query_drop(sql).await?;
        }
    }
    Ok(())
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

async fn add_to_days(client: &mut Client, tally: &Tally) -> Result<(), Error> {
    for days in tally.days().chunks(LINKS) {
        let mut sql = String::from("INSERT INTO link_days (link_id, day, clicks) VALUES ");
        let mut first = true;
        for day in days {
            sql.push_str(if std::mem::take(&mut first) {
                "("
            } else {
                ",("
            });
            push_bytes(&mut sql, day.link.as_bytes());
            sql.push(',');
            push_date_literal(&mut sql, day.day);
            sql.push(',');
            push_number(&mut sql, day.clicks);
            sql.push(')');
        }
        sql.push_str(" ON DUPLICATE KEY UPDATE clicks = clicks + VALUES(clicks)");
        client.query_drop(sql).await?;
    }
    Ok(())
}

async fn insert(client: &mut Client, clicks: impl Iterator<Item = &Click>) -> Result<(), Error> {
    let clicks: Vec<&Click> = clicks.collect();
    let mut rest = clicks.as_slice();
    while let Some(power) = rest.len().checked_ilog2() {
        let (now, later) = rest.split_at((1 << power).min(ROWS));
        rest = later;
        let mut values = Vec::with_capacity(now.len() * 7);
        for click in now {
            push_row(&mut values, click);
        }
        let mut sql = String::from(
            "INSERT INTO link_clicks \
             (id, link_id, user_id, ip_hash, user_agent, referrer, clicked_at) VALUES \
             (?,?,?,?,?,?,?)",
        );
        sql.push_str(&",(?,?,?,?,?,?,?)".repeat(now.len() - 1));
        // Prepared once: the connection keeps what it prepared.
        client.exec_drop(sql, values).await?;
    }
    Ok(())
}

fn push_row(values: &mut Vec<Value>, click: &Click) {
    fn bytes(bytes: impl AsRef<[u8]>) -> Value {
        Value::Bytes(bytes.as_ref().to_vec())
    }
    fn text(text: Option<&str>) -> Value {
        text.map_or(Value::NULL, bytes)
    }
    let user = click.user_id.as_ref();
    values.extend([
        bytes(click.id.as_uuid().as_bytes()),
        bytes(click.link_id.as_uuid().as_bytes()),
        user.map_or(Value::NULL, |user| bytes(user.as_uuid().as_bytes())),
        click
            .ip_hash
            .map_or(Value::NULL, |hash| bytes(hash.to_hex())),
        text(click.user_agent.as_ref().map(UserAgent::as_str)),
        text(click.referrer.as_ref().map(Referrer::as_str)),
        datetime(click.clicked_at),
    ]);
}

/// A time in UTC, cut to microseconds.
fn datetime(at: OffsetDateTime) -> Value {
    let at = at.to_offset(UtcOffset::UTC);
    Value::Date(
        // The server refuses the year 0.
        u16::try_from(at.year()).unwrap_or(0),
        at.month().into(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.microsecond(),
    )
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
