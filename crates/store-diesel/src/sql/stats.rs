//! Queries for statistics: days of the rollup, and the clicks of a link.

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use diesel_async::RunQueryDsl;
use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;
use waypost_core::{
    ClickFacts, ClickId, Country, DisplayName, Family, Link, LinkId, Referrer, UserAgent, UserId,
    micros,
};
use waypost_store::rollup::{Counted, DayFacts, FactsSum, Part};
use waypost_store::{
    ClickSpan, ClicksQuery, KeptClick, LeaseName, LinkDay, LinkDayFacts, StoreError,
};

use super::id::Id;
use super::schema::{link_clicks, link_days, link_owners, link_visitors, links, users};
use super::transaction::WorkError;
use super::{Connection, SEEKS_BY_WHOLE_KEY, SUM_OF_DAYS, SUM_OF_HUMANS, SUM_OF_TOTALS};
use crate::tally::CORRUPT_FACTS;

/// The turn to purge visitors.
const PURGE_VISITORS: LeaseName = LeaseName::new("purge-visitors");

/// Maximum number of pairs in one statement: databases limit the number of values.
const PAIRS: usize = 500;

const fn corrupt(table: &'static str, column: &'static str) -> StoreError {
    StoreError::Corrupt { table, column }
}

fn number(value: i64, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| corrupt("link_days", column))
}

fn counted(clicks: i64, humans: i64) -> Result<Counted, StoreError> {
    Ok(Counted {
        clicks: number(clicks, "clicks")?,
        humans: number(humans, "humans")?,
    })
}

pub(super) async fn link_days(
    connection: &mut Connection,
    link: LinkId,
    from: Date,
    to: Date,
) -> Result<Vec<LinkDay>, WorkError> {
    let rows: Vec<(Date, i64, i64, i64)> = link_days::table
        .filter(link_days::link_id.eq(Id(*link.as_uuid())))
        .filter(link_days::day.between(from, to))
        .order(link_days::day)
        .select((
            link_days::day,
            link_days::clicks,
            link_days::humans,
            link_days::visitors,
        ))
        .load(connection)
        .await?;
    let day = |(day, clicks, humans, visitors)| {
        Ok(LinkDay {
            day,
            counted: counted(clicks, humans)?,
            visitors: number(visitors, "visitors")?,
        })
    };
    let days: Result<_, StoreError> = rows.into_iter().map(day).collect();
    Ok(days?)
}

/// The rows come in order, because the primary key begins with the link and the day.
pub(super) async fn days_of_links(
    connection: &mut Connection,
    links: &[LinkId],
    from: Date,
    to: Date,
) -> Result<BTreeMap<LinkId, Vec<(Date, Counted)>>, WorkError> {
    let mut found: BTreeMap<LinkId, Vec<(Date, Counted)>> = BTreeMap::new();
    for links in links.chunks(PAIRS) {
        let ids = links.iter().map(|link| Id(*link.as_uuid()));
        let rows: Vec<(Id, Date, i64, i64)> = link_days::table
            .filter(link_days::link_id.eq_any(ids))
            .filter(link_days::day.between(from, to))
            .order((link_days::link_id, link_days::day))
            .select((
                link_days::link_id,
                link_days::day,
                link_days::clicks,
                link_days::humans,
            ))
            .load(connection)
            .await?;
        for (link, day, clicks, humans) in rows {
            let days = found.entry(LinkId::from_uuid(link.0)).or_default();
            days.push((day, counted(clicks, humans)?));
        }
    }
    Ok(found)
}

pub(super) async fn link_totals(
    connection: &mut Connection,
    asked: &[LinkId],
) -> Result<BTreeMap<LinkId, Counted>, WorkError> {
    let mut found = BTreeMap::new();
    for asked in asked.chunks(PAIRS) {
        let ids = asked.iter().map(|link| Id(*link.as_uuid()));
        let rows: Vec<(Id, i64, i64)> = links::table
            .filter(links::id.eq_any(ids))
            .select((links::id, links::clicks, links::humans))
            .load(connection)
            .await?;
        for (link, clicks, humans) in rows {
            found.insert(LinkId::from_uuid(link.0), counted(clicks, humans)?);
        }
    }
    Ok(found)
}

pub(super) async fn link_day_facts(
    connection: &mut Connection,
    link: LinkId,
    from: Date,
    to: Date,
    part: Part,
) -> Result<Vec<LinkDayFacts>, WorkError> {
    let mut days = Vec::new();
    each_document(connection, link, from, to, part, |day, counted, facts| {
        days.push(LinkDayFacts {
            day,
            counted,
            facts: facts.into_owned(),
        });
    })
    .await?;
    Ok(days)
}

pub(super) async fn sum_of_facts(
    connection: &mut Connection,
    link: LinkId,
    from: Date,
    to: Date,
    part: Part,
) -> Result<FactsSum, WorkError> {
    let mut sum = FactsSum::default();
    each_document(connection, link, from, to, part, |_, counted, facts| {
        sum.add(counted, &facts);
    })
    .await?;
    Ok(sum)
}

/// Reads the documents of some days, in order.
async fn each_document(
    connection: &mut Connection,
    link: LinkId,
    from: Date,
    to: Date,
    part: Part,
    mut take: impl FnMut(Date, Counted, DayFacts<'_>),
) -> Result<(), WorkError> {
    let rows: Vec<(Date, i64, i64, Option<String>)> = link_days::table
        .filter(link_days::link_id.eq(Id(*link.as_uuid())))
        .filter(link_days::day.between(from, to))
        .order(link_days::day)
        .select((
            link_days::day,
            link_days::clicks,
            link_days::humans,
            link_days::facts,
        ))
        .load(connection)
        .await?;
    for (day, clicks, humans, facts) in rows {
        let facts = DayFacts::parse_part(facts.as_deref().unwrap_or("{}"), part);
        let facts = facts.map_err(|_| CORRUPT_FACTS)?;
        take(day, counted(clicks, humans)?, facts);
    }
    Ok(())
}

/// The first and the last day of a link are at the two ends of its range of the primary key.
pub(super) async fn click_span(
    connection: &mut Connection,
    link: LinkId,
) -> Result<Option<ClickSpan>, WorkError> {
    let days = link_days::table
        .filter(link_days::link_id.eq(Id(*link.as_uuid())))
        .filter(link_days::first_click_us.is_not_null())
        .filter(link_days::last_click_us.is_not_null());
    let first: Option<Option<i64>> = days
        .order(link_days::day.asc())
        .select(link_days::first_click_us)
        .first(connection)
        .await
        .optional()?;
    let last: Option<Option<i64>> = days
        .order(link_days::day.desc())
        .select(link_days::last_click_us)
        .first(connection)
        .await
        .optional()?;
    let at = |micros: i64| OffsetDateTime::UNIX_EPOCH + Duration::microseconds(micros);
    let ends = first.flatten().zip(last.flatten());
    Ok(ends.map(|(first, last)| ClickSpan {
        first: at(first),
        last: at(last),
    }))
}

pub(super) async fn oldest_click(
    connection: &mut Connection,
    link: LinkId,
) -> Result<Option<OffsetDateTime>, WorkError> {
    let oldest: Option<OffsetDateTime> = link_clicks::table
        .filter(link_clicks::link_id.eq(Id(*link.as_uuid())))
        .order(link_clicks::id)
        .select(link_clicks::clicked_at)
        .first(connection)
        .await
        .optional()?;
    Ok(oldest.map(micros))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = link_clicks)]
pub(super) struct ClickRow {
    pub(super) id: Id,
    pub(super) clicked_at: OffsetDateTime,
    pub(super) referrer: Option<String>,
    pub(super) user_agent: Option<String>,
    class: Option<String>,
    browser: Option<String>,
    os: Option<String>,
    device: Option<String>,
    country: Option<String>,
}

impl ClickRow {
    pub(super) fn facts(&self) -> Result<ClickFacts, StoreError> {
        fn parsed<T>(
            text: Option<&str>,
            parse: impl Fn(&str) -> Option<T>,
            column: &'static str,
        ) -> Result<Option<T>, StoreError> {
            let read = |text| parse(text).ok_or(corrupt("link_clicks", column));
            text.map(read).transpose()
        }
        Ok(ClickFacts {
            class: parsed(self.class.as_deref(), |text| text.parse().ok(), "class")?,
            browser: parsed(self.browser.as_deref(), Family::of, "browser")?,
            os: parsed(self.os.as_deref(), Family::of, "os")?,
            device: parsed(self.device.as_deref(), |text| text.parse().ok(), "device")?,
            country: parsed(self.country.as_deref(), Country::parse, "country")?,
        })
    }
}

type Visitor = (Option<Id>, Option<String>);

pub(super) async fn clicks_of(
    connection: &mut Connection,
    query: &ClicksQuery,
) -> Result<Vec<KeptClick>, WorkError> {
    let of_link = link_clicks::table
        .left_join(users::table)
        .order(link_clicks::id.desc())
        .limit(i64::from(query.limit))
        .select((
            ClickRow::as_select(),
            (users::id.nullable(), users::display_name.nullable()),
        ))
        .into_boxed();
    let is_of_link = link_clicks::link_id.eq(Id(*query.link.as_uuid()));
    let older = |before| link_clicks::id.lt(Id(before));
    let of_link = match query.before {
        None => of_link.filter(is_of_link),
        Some(before) if SEEKS_BY_WHOLE_KEY => {
            of_link.filter(is_of_link.and(older(*before.as_uuid())))
        }
        Some(before) => {
            let is_nothing = link_clicks::link_id
                .eq(Id(Uuid::nil()))
                .and(older(Uuid::nil()));
            of_link
                .filter(is_of_link.and(older(*before.as_uuid())).or(is_nothing))
                .order((link_clicks::link_id.desc(), link_clicks::id.desc()))
        }
    };
    let rows: Vec<(ClickRow, Visitor)> = of_link.load(connection).await?;
    let clicks: Result<_, StoreError> = rows.into_iter().map(kept).collect();
    Ok(clicks?)
}

fn kept((row, visitor): (ClickRow, Visitor)) -> Result<KeptClick, StoreError> {
    let user = match visitor {
        (Some(id), Some(name)) => Some((UserId::from_uuid(id.0), DisplayName::from_stored(&name))),
        _ => None,
    };
    Ok(KeptClick {
        id: ClickId::from_uuid(row.id.0),
        clicked_at: micros(row.clicked_at),
        facts: row.facts()?,
        referrer: row.referrer.map(Referrer::from_stored),
        user_agent: row.user_agent.map(UserAgent::from_stored),
        user,
    })
}

pub(super) async fn owned_days(
    connection: &mut Connection,
    owner: UserId,
    from: Date,
    to: Date,
) -> Result<Vec<(Date, Counted)>, WorkError> {
    let rows: Vec<(Date, Option<i64>, Option<i64>)> = link_owners::table
        .inner_join(links::table.on(links::id.eq(link_owners::link_id)))
        .inner_join(link_days::table.on(link_days::link_id.eq(link_owners::link_id)))
        .filter(link_owners::user_id.eq(Id(*owner.as_uuid())))
        .filter(links::deleted_at.is_null())
        .filter(link_days::day.between(from, to))
        .group_by(link_days::day)
        .order(link_days::day)
        .select((
            link_days::day,
            sql::<Nullable<BigInt>>(SUM_OF_DAYS),
            sql::<Nullable<BigInt>>(SUM_OF_HUMANS),
        ))
        .load(connection)
        .await?;
    let day = |(day, clicks, humans): (Date, Option<i64>, Option<i64>)| {
        Ok((day, counted(clicks.unwrap_or(0), humans.unwrap_or(0))?))
    };
    let days: Result<_, StoreError> = rows.into_iter().map(day).collect();
    Ok(days?)
}

pub(super) async fn owned_total(
    connection: &mut Connection,
    owner: UserId,
) -> Result<(u64, Counted), WorkError> {
    let (clicks, humans) = SUM_OF_TOTALS;
    let (links, clicks, humans): (i64, Option<i64>, Option<i64>) = link_owners::table
        .inner_join(links::table.on(links::id.eq(link_owners::link_id)))
        .filter(link_owners::user_id.eq(Id(*owner.as_uuid())))
        .filter(links::deleted_at.is_null())
        .select((
            sql::<BigInt>("COUNT(*)"),
            sql::<Nullable<BigInt>>(clicks),
            sql::<Nullable<BigInt>>(humans),
        ))
        .first(connection)
        .await?;
    let total = counted(clicks.unwrap_or(0), humans.unwrap_or(0))?;
    Ok((u64::try_from(links).unwrap_or(0), total))
}

pub(super) async fn owned_top(
    connection: &mut Connection,
    owner: UserId,
    from: Date,
    to: Date,
    limit: u32,
) -> Result<Vec<(Link, Counted)>, WorkError> {
    let rows: Vec<(Id, Option<i64>, Option<i64>)> = link_owners::table
        .inner_join(links::table.on(links::id.eq(link_owners::link_id)))
        .inner_join(link_days::table.on(link_days::link_id.eq(link_owners::link_id)))
        .filter(link_owners::user_id.eq(Id(*owner.as_uuid())))
        .filter(links::deleted_at.is_null())
        .filter(link_days::day.between(from, to))
        .group_by(link_owners::link_id)
        .order((
            sql::<Nullable<BigInt>>(SUM_OF_DAYS).desc(),
            link_owners::link_id.asc(),
        ))
        .limit(i64::from(limit))
        .select((
            link_owners::link_id,
            sql::<Nullable<BigInt>>(SUM_OF_DAYS),
            sql::<Nullable<BigInt>>(SUM_OF_HUMANS),
        ))
        .load(connection)
        .await?;
    let ids: Vec<Id> = rows.iter().map(|(id, ..)| *id).collect();
    let links = super::links::by_ids(connection, &ids).await?;
    let mut top = Vec::with_capacity(rows.len());
    for (id, clicks, humans) in rows {
        let found = links.iter().find(|link| *link.id.as_uuid() == id.0);
        if let Some(link) = found {
            let counted = counted(clicks.unwrap_or(0), humans.unwrap_or(0))?;
            top.push((link.clone(), counted));
        }
    }
    Ok(top)
}

/// Reads the owners of the links, of which there are few, and compares here.
pub(super) async fn filter_owned(
    connection: &mut Connection,
    pairs: &[(LinkId, UserId)],
) -> Result<Vec<(LinkId, UserId)>, WorkError> {
    let mut owned = Vec::new();
    for pairs in pairs.chunks(PAIRS) {
        let links = pairs.iter().map(|(link, _)| Id(*link.as_uuid()));
        let users = pairs.iter().map(|(_, user)| Id(*user.as_uuid()));
        let rows: Vec<(Id, Id)> = link_owners::table
            .filter(link_owners::link_id.eq_any(links))
            .filter(link_owners::user_id.eq_any(users))
            .select((link_owners::link_id, link_owners::user_id))
            .load(connection)
            .await?;
        let known: BTreeSet<(LinkId, UserId)> = rows
            .into_iter()
            .map(|(link, user)| (LinkId::from_uuid(link.0), UserId::from_uuid(user.0)))
            .collect();
        owned.extend(pairs.iter().filter(|pair| known.contains(pair)));
    }
    Ok(owned)
}

pub(super) async fn purge_visitors(
    connection: &mut Connection,
    day: Date,
    limit: u32,
) -> Result<u64, WorkError> {
    super::turns::take(connection, PURGE_VISITORS).await?;
    let old: Vec<(Date, Id, Id)> = link_visitors::table
        .filter(link_visitors::day.lt(day))
        .order((
            link_visitors::day,
            link_visitors::link_id,
            link_visitors::visitor,
        ))
        .limit(i64::from(limit))
        .select((
            link_visitors::day,
            link_visitors::link_id,
            link_visitors::visitor,
        ))
        .load(connection)
        .await?;
    let Some((last_day, last_link, last_visitor)) = old.last().copied() else {
        return Ok(0);
    };
    // All rows up to the last one that was found.
    let deleted = diesel::delete(
        link_visitors::table.filter(
            link_visitors::day
                .lt(last_day)
                .or(link_visitors::day.eq(last_day).and(
                    link_visitors::link_id
                        .lt(last_link)
                        .or(link_visitors::link_id
                            .eq(last_link)
                            .and(link_visitors::visitor.le(last_visitor))),
                )),
        ),
    )
    .execute(connection)
    .await?;
    Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
}
