//! What is there already of the days of a tally: documents and visitors. Whoever asks has locked the links, so
//! that nobody else changes it. Each question is about one day: with the day in each key, it would take up to
//! twice as long.

use std::collections::{BTreeMap, HashMap, HashSet};

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};
use time::Date;
use uuid::Uuid;

use super::literals::{push_date_literal, push_id};
use crate::job::count;
use crate::tally::Tally;

/// So many keys are named in a question: from 1,000 on, MariaDB would make a table of them.
pub(super) const KEYS: usize = 900;
/// All visitors of a day are asked for, when they are at most so many times as many as have come. One of them
/// costs a sixteenth of a look-up by its key.
const ALL_VISITORS: i64 = 16;

/// What is there. Days are named by their places in the tally.
pub(super) struct Known {
    days: HashMap<usize, StoredDay>,
    /// Those of the visitors that are there, and others of the same days.
    visitors: HashSet<Visit>,
}

/// A visitor, and the place of the day among those of the tally.
pub(super) type Visit = (usize, Uuid);

struct StoredDay {
    visitors: i64,
    facts: String,
}

impl Known {
    pub(super) async fn of(tally: &Tally<'_>, client: &mut Conn) -> Result<Self, Error> {
        let mut known = Self {
            days: HashMap::new(),
            visitors: HashSet::new(),
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

    /// The document of a day.
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
                    "SELECT link_id, visitors, COALESCE(facts, '{}') FROM link_days WHERE day = ",
                );
                push_date_literal(&mut sql, day);
                sql.push_str(" AND link_id IN (");
                push_ids(&mut sql, links);
                sql.push(')');
                let rows: Vec<(Vec<u8>, i64, String)> = client.query(sql).await?;
                for (link, visitors, facts) in rows {
                    let link = Uuid::from_slice(&link).ok();
                    if let Some(place) = link.and_then(|link| tally.place(link, day)) {
                        self.days.insert(place, StoredDay { visitors, facts });
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

/// What visitors of a day are asked for.
#[derive(Default)]
struct Asked {
    /// All of these links.
    links: Vec<Uuid>,
    /// These of a link.
    keys: Vec<(Uuid, Uuid)>,
}

/// The beginning of a question: what is asked about follows, and a bracket.
fn visitors_of(day: Date, key: &str) -> String {
    let mut sql = String::from(
        "SELECT link_id, visitor FROM link_visitors FORCE INDEX (PRIMARY) WHERE day = ",
    );
    push_date_literal(&mut sql, day);
    sql.extend([" AND ", key, " IN ("]);
    sql
}

/// Ids, separated by commas.
pub(super) fn push_ids(sql: &mut String, ids: &[Uuid]) {
    let mut first = true;
    for id in ids {
        if !std::mem::take(&mut first) {
            sql.push(',');
        }
        push_id(sql, *id);
    }
}
