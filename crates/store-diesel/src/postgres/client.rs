//! The connection that stores clicks, and its prepared statements. diesel-async has no `COPY`, so
//! this uses tokio-postgres itself.

use diesel::ConnectionError;
use tokio_postgres::{Error, NoTls, Statement};
use waypost_store::StoreError;

use super::connection::{SET_UP, chain, configuration};
use super::fault::of_driver;
use crate::hosts::Servers;
use crate::retry::Failure;

const ADVANCE: &str = "
    UPDATE click_journals
    SET committed = $3,
        stored = stored + $4,
        dropped_link_deleted = dropped_link_deleted + $5,
        dropped_rejected = dropped_rejected + $6,
        dropped_unreadable = dropped_unreadable + $7,
        dropped_lost = dropped_lost + $8,
        updated_at = $9,
        duplicates = duplicates + $10
    WHERE id = $1 AND committed = $2 AND owner = $11";
const PLACE: &str = "SELECT owner, committed FROM click_journals WHERE id = $1";
const CORRECT: &str = "
    UPDATE click_journals
    SET stored = stored - $2, dropped_link_deleted = dropped_link_deleted + $2
    WHERE id = $1";
/// Finds the existing links, and locks them: rows that refer to a link can be inserted meanwhile,
/// but no other transaction deletes it or adds to its total. [`IN_ORDER`] makes it process them one
/// by one in the given order.
const ADD_TO_LINKS: &str = "
    UPDATE links SET clicks = links.clicks + added.clicks,
        humans = links.humans + added.humans,
        clicks_purged = links.clicks_purged + added.purged
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) AS added (id, clicks, humans, purged)
    WHERE links.id = added.id
    RETURNING links.id";
/// Makes the planner look up given rows one after the other. Any other plan could lock links in
/// another order, and two transactions could deadlock.
const IN_ORDER: &str = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; \
     SET enable_bitmapscan = off; SET enable_material = off; SET enable_memoize = off";
/// The documents and the clicks of the existing days, and the newest ID of a click without a
/// record, of all links. The links are locked: no other transaction adds days.
const STORED_DAYS: &str = "
    SELECT link_days.link_id, link_days.day, link_days.facts, link_days.clicks,
        (SELECT id FROM click_ids ORDER BY id DESC LIMIT 1)
    FROM unnest($1::uuid[], $2::date[]) AS asked (link_id, day)
    JOIN link_days ON link_days.link_id = asked.link_id AND link_days.day = asked.day";
const INSERT_DAYS: &str = "
    COPY link_days (link_id, day, clicks, humans, visitors, first_click_us, last_click_us, facts)
    FROM STDIN (FORMAT binary)";
/// The visitors of new days are new.
const INSERT_VISITORS: &str =
    "COPY link_visitors (day, link_id, visitor) FROM STDIN (FORMAT binary)";
/// As [`INSERT_VISITORS`], if some visitors exist although their day does not.
const INSERT_VISITORS_LEFT_OVER: &str = "
    INSERT INTO link_visitors (day, link_id, visitor)
    SELECT * FROM unnest($1::date[], $2::uuid[], $3::uuid[])
    ON CONFLICT DO NOTHING";
/// The known visitors, by their places from 1.
const KNOWN_VISITS: &str = "
    SELECT asked.place
    FROM unnest($1::date[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS asked (day, link_id, visitor, place)
    JOIN link_visitors AS known
        ON known.day = asked.day AND known.link_id = asked.link_id AND known.visitor = asked.visitor";
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
const INSERT_CLICKS: &str = "
    COPY link_clicks (id, link_id, user_id, ip_hash, user_agent, referrer, clicked_at, class, browser, os, device, country)
    FROM STDIN (FORMAT binary)";
/// Whether some of these clicks are stored without a record.
const HAS_IDS: &str = "SELECT EXISTS (SELECT FROM click_ids WHERE id = ANY ($1::uuid[]))";
/// Inserts the IDs of clicks that have no records.
const INSERT_IDS: &str = "
    INSERT INTO click_ids (id)
    SELECT new.id FROM unnest($1::uuid[]) AS new (id)
    WHERE NOT EXISTS (SELECT FROM link_clicks WHERE link_clicks.id = new.id)";

/// A connection and its prepared statements.
pub(super) struct Client {
    pub(super) server: tokio_postgres::Client,
    pub(super) advance: Statement,
    pub(super) place: Statement,
    pub(super) correct: Statement,
    pub(super) add_to_links: Statement,
    pub(super) stored_days: Statement,
    pub(super) known_visits: Statement,
    pub(super) insert_clicks: Statement,
    pub(super) insert_visitors: Statement,
    pub(super) insert_visitors_left_over: Statement,
    pub(super) insert_days: Statement,
    pub(super) add_to_days: Statement,
    pub(super) has_ids: Statement,
    pub(super) insert_ids: Statement,
}

/// Longer than a batch may take. A process that is suspended while its rows are copied is not idle
/// to the database, and would block its rows for others forever.
const LIMIT: &str = "SET statement_timeout = '30s'";

/// Connects. The connection lives on this runtime and ends with the client.
pub(super) async fn open(servers: &Servers) -> Result<Client, StoreError> {
    let connect = |url: String| async move {
        let bad = |error: Error| ConnectionError::BadConnection(chain(&error));
        let config = configuration(&url).map_err(bad)?;
        let connected = config.connect(NoTls).await;
        let (server, connection) = connected.map_err(bad)?;
        tokio::spawn(connection);
        server.batch_execute(SET_UP).await.map_err(bad)?;
        server.batch_execute(IN_ORDER).await.map_err(bad)?;
        server.batch_execute(LIMIT).await.map_err(bad)?;
        Ok(server)
    };
    let server = servers.connect(connect).await;
    let client = prepare(server.map_err(StoreError::unavailable)?).await;
    client.map_err(|error| of_driver(&error).into_store_error(error))
}

async fn prepare(server: tokio_postgres::Client) -> Result<Client, Error> {
    let (advance, place, correct, add_to_links, stored_days, known_visits) = tokio::try_join!(
        server.prepare(ADVANCE),
        server.prepare(PLACE),
        server.prepare(CORRECT),
        server.prepare(ADD_TO_LINKS),
        server.prepare(STORED_DAYS),
        server.prepare(KNOWN_VISITS),
    )?;
    let (insert_clicks, insert_visitors, insert_visitors_left_over, insert_days, add_to_days) = tokio::try_join!(
        server.prepare(INSERT_CLICKS),
        server.prepare(INSERT_VISITORS),
        server.prepare(INSERT_VISITORS_LEFT_OVER),
        server.prepare(INSERT_DAYS),
        server.prepare(ADD_TO_DAYS),
    )?;
    let (has_ids, insert_ids) =
        tokio::try_join!(server.prepare(HAS_IDS), server.prepare(INSERT_IDS))?;
    Ok(Client {
        server,
        advance,
        place,
        correct,
        add_to_links,
        stored_days,
        known_visits,
        insert_clicks,
        insert_visitors,
        insert_visitors_left_over,
        insert_days,
        add_to_days,
        has_ids,
        insert_ids,
    })
}

pub(super) fn is_closed(client: &Client) -> bool {
    client.server.is_closed()
}

pub(super) fn failed(error: Error) -> Failure {
    Failure::of(of_driver(&error), error)
}
