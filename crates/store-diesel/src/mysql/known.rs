//! The stored documents and visitors of the days of a tally. The caller has locked the links, so no
//! other transaction changes them. Each query is about one day: with the day in each key, it would
//! take up to twice as long.

use std::collections::{BTreeMap, HashMap, HashSet};

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};
use time::Date;
use uuid::Uuid;

use super::literals::{push_date_literal, push_id};
use crate::job::count;
use crate::tally::Tally;

/// Maximum number of keys in a query: from 1,000 on, MariaDB would create a temporary table of
/// them.
pub(super) const KEYS: usize = 900;
/// All visitors of a day are read if there are at most this many times as many as in the batch.
/// Reading one this way costs a sixteenth of a look-up by its key.
const ALL_VISITORS: i64 = 16;

/// The stored data. Days are identified by their places in the tally.
pub(super) struct Known {
    days: HashMap<usize, StoredDay>,
    /// The stored visitors among those of the batch, and others of the same days.
    visitors: HashSet<Visit>,
    /// The newest ID of a click without a record, of all links and days.
    newest_id: Option<Uuid>,
}

/// A visitor, and the place of the day in the tally.
pub(super) type Visit = (usize, Uuid);

struct StoredDay {
    clicks: i64,
    visitors: i64,
    facts: String,
}

/// A row of `link_days`, and the newest ID of a click without a record.
type DayRow = (Vec<u8>, i64, i64, String, Option<Vec<u8>>);

impl Known {
    pub(super) async fn of(tally: &Tally<'_>, client: &mut Conn) -> Result<Self, Error> {
        let mut known = Self {
            days: HashMap::new(),
            visitors: HashSet::new(),
            newest_id: None,
        };
        known.ask_for_days(tally, client).await?;
        known.ask_for_visitors(tally, client).await?;
        Ok(known)
    }

    pub(super) fn has_day(&self, place: usize) -> bool {
        self.days.contains_key(&place)
    }

    pub(super) fn has_visit(&self, visit: &Visit) -> bool {
        self.visitors.contains(visit)
    }

    pub(super) const fn newest_id(&self) -> Option<Uuid> {
        self.newest_id
    }

    /// Tells the tally how many clicks of its days are stored.
    pub(super) fn count_before(&self, tally: &mut Tally<'_>) {
        for (place, stored) in &self.days {
            if let Some(day) = tally.days_mut().get_mut(*place) {
                day.before = stored.clicks;
            }
        }
    }

    /// Returns the document of a day.
    pub(super) fn facts(&self, place: usize) -> Option<&str> {
        self.days.get(&place).map(|day| day.facts.as_str())
    }

    async fn ask_for_days(&mut self, tally: &Tally<'_>, client: &mut Conn) -> Result<(), Error> {
        let mut by_day: BTreeMap<Date, Vec<Uuid>> = BTreeMap::new();
        for day in tally.days() {
            by_day.entry(day.day).or_default().push(day.link);
        }
        for (day, links) in by_day {
            for links in links.chunks(KEYS) {
                let mut sql = String::from(
                    "SELECT link_id, clicks, visitors, COALESCE(facts, '{}'), \
                     (SELECT MAX(id) FROM click_ids) FROM link_days WHERE day = ",
                );
                push_date_literal(&mut sql, day);
                sql.push_str(" AND link_id IN (");
                push_ids(&mut sql, links);
                sql.push(')');
                let rows: Vec<DayRow> = client.query(sql).await?;
                for (link, clicks, visitors, facts, newest_id) in rows {
                    self.newest_id = newest_id.and_then(|id| Uuid::from_slice(&id).ok());
                    let link = Uuid::from_slice(&link).ok();
                    if let Some(place) = link.and_then(|link| tally.place(link, day)) {
                        let day = StoredDay {
                            clicks,
                            visitors,
                            facts,
                        };
                        self.days.insert(place, day);
                    }
                }
            }
        }
        Ok(())
    }

    async fn ask_for_visitors(
        &mut self,
        tally: &Tally<'_>,
        client: &mut Conn,
    ) -> Result<(), Error> {
        let mut by_day: BTreeMap<Date, Asked> = BTreeMap::new();
        for (place, day) in (0..).zip(tally.days()) {
            let Some(stored) = self.days.get(&place).filter(|stored| stored.visitors > 0) else {
                continue;
            };
            let asked = by_day.entry(day.day).or_default();
            if stored.visitors <= count(day.visitors.len()).saturating_mul(ALL_VISITORS) {
                asked.links.push(day.link);
            } else {
                let visitors = day.visitors.iter();
                asked
                    .keys
                    .extend(visitors.map(|visitor| (day.link, *visitor)));
            }
        }
        for (day, Asked { links, keys }) in by_day {
            for links in links.chunks(KEYS) {
                let mut sql = visitors_of(day, "link_id");
                push_ids(&mut sql, links);
                sql.push(')');
                self.add_visitors(tally, day, client, sql).await?;
            }
            for keys in keys.chunks(KEYS) {
                let mut sql = visitors_of(day, "(link_id, visitor)");
                let mut first = true;
                for (link, visitor) in keys {
                    sql.push_str(if std::mem::take(&mut first) {
                        "("
                    } else {
                        ",("
                    });
                    push_ids(&mut sql, &[*link, *visitor]);
                    sql.push(')');
                }
                sql.push(')');
                self.add_visitors(tally, day, client, sql).await?;
            }
        }
        Ok(())
    }

    async fn add_visitors(
        &mut self,
        tally: &Tally<'_>,
        day: Date,
        client: &mut Conn,
        sql: String,
    ) -> Result<(), Error> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = client.query(sql).await?;
        self.visitors
            .extend(rows.iter().filter_map(|(link, visitor)| {
                let place = tally.place(Uuid::from_slice(link).ok()?, day)?;
                Some((place, Uuid::from_slice(visitor).ok()?))
            }));
        Ok(())
    }
}

/// Which visitors of a day to read.
#[derive(Default)]
struct Asked {
    /// All visitors of these links.
    links: Vec<Uuid>,
    /// These visitors of these links.
    keys: Vec<(Uuid, Uuid)>,
}

/// Returns the beginning of a query, to be continued with the keys and a closing bracket.
fn visitors_of(day: Date, key: &str) -> String {
    let mut sql = String::from(
        "SELECT link_id, visitor FROM link_visitors FORCE INDEX (PRIMARY) WHERE day = ",
    );
    push_date_literal(&mut sql, day);
    sql.extend([" AND ", key, " IN ("]);
    sql
}

/// Appends IDs, separated by commas.
pub(super) fn push_ids(sql: &mut String, ids: &[Uuid]) {
    let mut first = true;
    for id in ids {
        if !std::mem::take(&mut first) {
            sql.push(',');
        }
        push_id(sql, *id);
    }
}
