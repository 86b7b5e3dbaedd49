//! Changing the facts of clicks. Links are locked in the order of their IDs, as when clicks are
//! stored, so that no other transaction changes the documents of their days.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::Date;
use waypost_core::{
    Click, ClickFacts, ClickId, Country, DeviceClass, Family, LinkId, Referrer, UserAgent, UserId,
    VisitClass, micros,
};
use waypost_store::rollup::DayFacts;
use waypost_store::{FactsChange, StoreError};

use super::id::Id;
use super::schema::{link_clicks, link_days, links};
use super::statement::Statement;
use super::stats::ClickRow;
use super::transaction::WorkError;
use super::{Connection, FOR_UPDATE};
use crate::tally::CORRUPT_FACTS;

pub(super) async fn clicks_after(
    connection: &mut Connection,
    after: Option<ClickId>,
    limit: u32,
) -> Result<Vec<Click>, WorkError> {
    let in_order = link_clicks::table
        .order(link_clicks::id)
        .limit(i64::from(limit))
        .select((
            ClickRow::as_select(),
            link_clicks::link_id,
            link_clicks::user_id,
        ))
        .into_boxed();
    let behind = match after {
        Some(after) => in_order.filter(link_clicks::id.gt(Id(*after.as_uuid()))),
        None => in_order,
    };
    let rows: Vec<(ClickRow, Id, Option<Id>)> = behind.load(connection).await?;
    let clicks: Result<_, StoreError> = rows
        .into_iter()
        .map(|(row, link, user)| {
            let clicked_at = micros(row.clicked_at);
            Ok(Click {
                id: ClickId::from_uuid(row.id.0),
                link_id: LinkId::from_uuid(link.0),
                user_id: user.map(|id| UserId::from_uuid(id.0)),
                ip_hash: None,
                facts: row.facts()?,
                user_agent: row.user_agent.map(UserAgent::from_stored),
                referrer: row.referrer.map(Referrer::from_stored),
                clicked_at,
                day: clicked_at.date(),
            })
        })
        .collect();
    Ok(clicks?)
}

pub(super) async fn change_facts(
    connection: &mut Connection,
    changes: &[FactsChange],
) -> Result<u64, WorkError> {
    let mut of_links: BTreeMap<Id, Vec<&FactsChange>> = BTreeMap::new();
    for change in changes {
        let link = Id(*change.click.link_id.as_uuid());
        of_links.entry(link).or_default().push(change);
    }
    let mut changed = 0;
    for (link, changes) in of_links {
        let mut lock = Statement::of("SELECT id FROM links WHERE id = ");
        lock.id(&link.0).sql(FOR_UPDATE);
        if !lock.ids(connection).await?.is_empty() {
            changed += change_link(connection, link, &changes).await?;
        }
    }
    Ok(changed)
}

/// Changes the clicks of one link, which is locked.
async fn change_link(
    connection: &mut Connection,
    link: Id,
    changes: &[&FactsChange],
) -> Result<u64, WorkError> {
    let ids = changes.iter().map(|change| Id(*change.click.id.as_uuid()));
    let rows: Vec<ClickRow> = link_clicks::table
        .filter(link_clicks::id.eq_any(ids))
        .select(ClickRow::as_select())
        .load(connection)
        .await?;
    let mut stored: BTreeMap<Id, ClickFacts> = BTreeMap::new();
    for row in &rows {
        stored.insert(row.id, row.facts()?);
    }
    let mut days: BTreeMap<Date, Vec<&FactsChange>> = BTreeMap::new();
    let mut changed = 0;
    for change in changes {
        let id = Id(*change.click.id.as_uuid());
        if stored.get(&id) != Some(&change.click.facts) {
            continue;
        }
        change_row(connection, id, &change.facts).await?;
        // The next change of the same click starts from this one.
        stored.insert(id, change.facts.clone());
        days.entry(change.click.day).or_default().push(change);
        changed += 1;
    }
    let mut humans = 0;
    for (day, changes) in days {
        humans += change_day(connection, link, day, &changes).await?;
    }
    if humans != 0 {
        diesel::update(links::table.find(link))
            .set(links::humans.eq(links::humans + humans))
            .execute(connection)
            .await?;
    }
    Ok(changed)
}

async fn change_row(
    connection: &mut Connection,
    id: Id,
    facts: &ClickFacts,
) -> Result<(), WorkError> {
    diesel::update(link_clicks::table.find(id))
        .set((
            link_clicks::class.eq(facts.class.map(VisitClass::as_str)),
            link_clicks::browser.eq(facts.browser.as_ref().map(Family::as_str)),
            link_clicks::os.eq(facts.os.as_ref().map(Family::as_str)),
            link_clicks::device.eq(facts.device.map(DeviceClass::as_str)),
            link_clicks::country.eq(facts.country.as_ref().map(Country::as_str)),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Recounts clicks of a day, and returns by how much the clicks by people increase.
async fn change_day(
    connection: &mut Connection,
    link: Id,
    day: Date,
    changes: &[&FactsChange],
) -> Result<i64, WorkError> {
    let of_day = link_days::table.find((link, day));
    let stored: Option<Option<String>> = of_day
        .select(link_days::facts)
        .first(connection)
        .await
        .optional()?;
    let stored = stored.flatten();
    let document = DayFacts::parse(stored.as_deref().unwrap_or("{}"));
    let mut document = document.map_err(|_| CORRUPT_FACTS)?.into_owned();
    let mut humans = 0;
    for change in changes {
        document.uncount(&change.click);
        let after = change.changed();
        document = document.and(&after);
        let is_human = |class| i64::from(class == Some(VisitClass::Human));
        humans += is_human(after.facts.class) - is_human(change.click.facts.class);
    }
    let changed = diesel::update(link_days::table.find((link, day)))
        .set((
            link_days::humans.eq(link_days::humans + humans),
            link_days::facts.eq(document.to_text()),
        ))
        .execute(connection)
        .await?;
    // The day of a click is computed again: if the time zone has changed since, the day may have no
    // row.
    Ok(if changed > 0 { humans } else { 0 })
}
