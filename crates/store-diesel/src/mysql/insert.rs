//! Insertions of any number of rows, with prepared statements of fixed numbers of rows, each
//! prepared once.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Value};
use time::{Date, OffsetDateTime, UtcOffset};
use uuid::Uuid;
use waypost_core::{Click, Country, DeviceClass, Family, Referrer, UserAgent, VisitClass};

use crate::tally::DayTally;

/// Maximum number of clicks per insertion. More is not faster, and 256 of the longest are 1 MB,
/// which every server accepts. All numbers of rows are powers of two, so that there are few
/// statements to prepare and to keep: each takes about a kilobyte of memory per row.
const ROWS: usize = 256;

/// The click records.
pub(super) const CLICKS: Insert = Insert {
    into: "INSERT INTO link_clicks (id, link_id, user_id, ip_hash, user_agent, referrer, clicked_at, \
           class, browser, os, device, country) VALUES ",
    row: "(?,?,?,?,?,?,?,?,?,?,?,?)",
    end: "",
};
/// The visitors of a day. Some may be left over from a day that no longer exists.
pub(super) const VISITORS: Insert = Insert {
    into: "INSERT IGNORE INTO link_visitors (day, link_id, visitor) VALUES ",
    row: "(?,?,?)",
    end: "",
};
/// New days.
pub(super) const NEW_DAYS: Insert = Insert {
    into: "INSERT INTO link_days \
           (link_id, day, clicks, humans, visitors, first_click_us, last_click_us, facts) VALUES ",
    row: "(?,?,?,?,?,?,?,?)",
    end: "",
};
/// Existing days: the numbers are added, and the document is replaced.
pub(super) const KNOWN_DAYS: Insert = Insert {
    end: " ON DUPLICATE KEY UPDATE clicks = clicks + VALUES(clicks), \
          humans = humans + VALUES(humans), visitors = visitors + VALUES(visitors), \
          first_click_us = LEAST(COALESCE(first_click_us, VALUES(first_click_us)), VALUES(first_click_us)), \
          last_click_us = GREATEST(COALESCE(last_click_us, VALUES(last_click_us)), VALUES(last_click_us)), \
          facts = VALUES(facts)",
    ..NEW_DAYS
};

/// The IDs of clicks without records.
pub(super) const IDS: Insert = Insert {
    into: "INSERT INTO click_ids (id) VALUES ",
    row: "(?)",
    end: "",
};

/// An insertion of any number of rows.
#[derive(Clone, Copy)]
pub(super) struct Insert {
    into: &'static str,
    row: &'static str,
    end: &'static str,
}

impl Insert {
    pub(super) async fn run<T>(
        &self,
        client: &mut Conn,
        rows: &[T],
        push: impl Fn(&mut Vec<Value>, &T),
    ) -> Result<(), Error> {
        for rows in parts(rows) {
            self.run_part(client, rows.len(), self.values(rows, &push))
                .await?;
        }
        Ok(())
    }

    pub(super) fn values<T>(&self, rows: &[T], push: impl Fn(&mut Vec<Value>, &T)) -> Vec<Value> {
        let mut values = Vec::with_capacity(rows.len() * self.row.len() / 2);
        for row in rows {
            push(&mut values, row);
        }
        values
    }

    pub(super) async fn run_part(
        &self,
        client: &mut Conn,
        rows: usize,
        values: Vec<Value>,
    ) -> Result<(), Error> {
        let mut sql = String::from(self.into);
        sql.push_str(self.row);
        for _ in 1..rows {
            sql.push(',');
            sql.push_str(self.row);
        }
        sql.push_str(self.end);
        // Prepared once: the connection caches it.
        client.exec_drop(sql, values).await
    }
}

/// Splits rows into parts whose sizes are powers of two.
pub(super) fn parts<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let power = rest.len().checked_ilog2()?;
        let (now, later) = rest.split_at((1 << power).min(ROWS));
        rest = later;
        Some(now)
    })
}

/// A day, with its document.
pub(super) type Day<'a> = (&'a DayTally<'a>, &'a String);

pub(super) fn push_day(values: &mut Vec<Value>, (day, document): &Day<'_>) {
    values.extend([
        id(day.link),
        date(day.day),
        Value::Int(day.clicks),
        Value::Int(day.humans),
        Value::Int(day.new_visitors),
        Value::Int(day.first),
        Value::Int(day.last),
        Value::Bytes(document.as_bytes().to_vec()),
    ]);
}

pub(super) fn push_uuid(values: &mut Vec<Value>, uuid: &Uuid) {
    values.push(id(*uuid));
}

pub(super) fn push_visitor(values: &mut Vec<Value>, day: &DayTally<'_>, visitor: Uuid) {
    values.extend([date(day.day), id(day.link), id(visitor)]);
}

fn id(id: Uuid) -> Value {
    Value::Bytes(id.as_bytes().to_vec())
}

fn date(date: Date) -> Value {
    Value::Date(
        // The server rejects the year 0.
        u16::try_from(date.year()).unwrap_or(0),
        date.month().into(),
        date.day(),
        0,
        0,
        0,
        0,
    )
}

pub(super) fn push_click(values: &mut Vec<Value>, click: &Click) {
    fn bytes(bytes: impl AsRef<[u8]>) -> Value {
        Value::Bytes(bytes.as_ref().to_vec())
    }
    fn text(text: Option<&str>) -> Value {
        text.map_or(Value::NULL, bytes)
    }
    let user = click.user_id.as_ref();
    let facts = &click.facts;
    values.extend([
        id(*click.id.as_uuid()),
        id(*click.link_id.as_uuid()),
        user.map_or(Value::NULL, |user| id(*user.as_uuid())),
        click
            .ip_hash
            .map_or(Value::NULL, |hash| bytes(hash.to_hex())),
        text(click.user_agent.as_ref().map(UserAgent::as_str)),
        text(click.referrer.as_ref().map(Referrer::as_str)),
        datetime(click.clicked_at),
        text(facts.class.map(VisitClass::as_str)),
        text(facts.browser.as_ref().map(Family::as_str)),
        text(facts.os.as_ref().map(Family::as_str)),
        text(facts.device.map(DeviceClass::as_str)),
        text(facts.country.as_ref().map(Country::as_str)),
    ]);
}

/// Converts a UTC time, truncated to microseconds.
fn datetime(at: OffsetDateTime) -> Value {
    let at = at.to_offset(UtcOffset::UTC);
    Value::Date(
        // The server rejects the year 0.
        u16::try_from(at.year()).unwrap_or(0),
        at.month().into(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.microsecond(),
    )
}
