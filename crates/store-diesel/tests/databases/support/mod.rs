//! Stores for the conformance suite, and access to their rows that bypasses the store.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use time::macros::format_description;
use time::{Date, PrimitiveDateTime};
use uuid::Uuid;
use waypost_core::{
    ClickFacts, ClickId, Country, Family, IpHash, LinkId, Referrer, UserAgent, UserId,
};
use waypost_store::Store;
use waypost_store_diesel::{Database, DatabaseSettings};
use waypost_store_testkit::conformance::{ClickRow, DayRow, StoreFactory, StoredRows};
use waypost_test_harness::{Kind, TestDatabase};

/// Creates a database per store, and drops it with the factory.
pub(crate) struct Databases {
    kind: Kind,
    made: Mutex<Vec<Made>>,
}

struct Made {
    store: Database,
    _database: Arc<TestDatabase>,
}

impl Databases {
    pub(crate) fn of(kind: Kind) -> Self {
        Self {
            kind,
            made: Mutex::default(),
        }
    }

    async fn make(&self) -> (Arc<dyn Store>, Arc<TestDatabase>) {
        let kind = self.kind;
        let database = tokio::task::spawn_blocking(move || TestDatabase::new(kind))
            .await
            .unwrap();
        let settings = DatabaseSettings::for_url(database.url()).unwrap();
        let opened = Database::connect(&settings).await.unwrap();
        opened.prepare_schema(true).await.unwrap();
        let store = opened.store();
        let database = Arc::new(database);
        self.made.lock().unwrap().push(Made {
            store: opened,
            _database: Arc::clone(&database),
        });
        (store, database)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        self.store.close();
    }
}

#[async_trait]
impl StoreFactory for Databases {
    async fn empty_store(&self) -> Arc<dyn Store> {
        self.make().await.0
    }

    async fn empty_store_with_rows(&self) -> (Arc<dyn Store>, Option<Arc<dyn StoredRows>>) {
        let (store, database) = self.make().await;
        (store, Some(Arc::new(Rows(database))))
    }
}

struct Rows(Arc<TestDatabase>);

#[async_trait]
impl StoredRows for Rows {
    async fn clicks(&self) -> Vec<ClickRow> {
        let time = match self.0.kind() {
            Kind::Sqlite => "clicked_at",
            Kind::Postgres => "to_char(clicked_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
            Kind::MariaDb => "date_format(clicked_at, '%Y-%m-%d %H:%i:%s.%f')",
        };
        let sql = format!(
            "select id, link_id, user_id, ip_hash, user_agent, referrer, {time}, class, browser, os, \
             device, country from link_clicks"
        );
        let rows = self.0.rows(&sql).await;
        rows.into_iter()
            .map(|row| {
                let [
                    id,
                    link_id,
                    user_id,
                    ip_hash,
                    user_agent,
                    referrer,
                    clicked_at,
                    class,
                    browser,
                    os,
                    device,
                    country,
                ] = row.try_into().unwrap();
                ClickRow {
                    id: ClickId::from_uuid(uuid(id)),
                    link_id: LinkId::from_uuid(uuid(link_id)),
                    user_id: user_id.map(|id| UserId::from_uuid(uuid(Some(id)))),
                    ip_hash: ip_hash.map(|hash| IpHash::from_hex(&hash).unwrap()),
                    user_agent: user_agent.map(UserAgent::from_stored),
                    referrer: referrer.map(Referrer::from_stored),
                    clicked_at: instant(&clicked_at.unwrap()),
                    facts: ClickFacts {
                        class: class.map(|class| class.parse().unwrap()),
                        browser: browser.and_then(|browser| Family::of(&browser)),
                        os: os.and_then(|os| Family::of(&os)),
                        device: device.map(|device| device.parse().unwrap()),
                        country: country.and_then(|country| Country::parse(&country)),
                    },
                }
            })
            .collect()
    }

    async fn days(&self) -> Vec<DayRow> {
        let rows = self
            .0
            .rows("select link_id, day, clicks, humans, visitors from link_days")
            .await;
        rows.into_iter()
            .map(|row| {
                let [link_id, day, clicks, humans, visitors] = row.try_into().unwrap();
                let number = |text: Option<String>| text.unwrap().parse().unwrap();
                DayRow {
                    link_id: LinkId::from_uuid(uuid(link_id)),
                    day: Date::parse(&day.unwrap(), format_description!("[year]-[month]-[day]"))
                        .unwrap(),
                    clicks: number(clicks),
                    humans: number(humans),
                    visitors: number(visitors),
                }
            })
            .collect()
    }
}

fn uuid(hex: Option<String>) -> Uuid {
    Uuid::try_parse(&hex.unwrap()).unwrap()
}

/// Parses a time as each database spells it: UTC, with up to six digits of the second.
fn instant(text: &str) -> time::OffsetDateTime {
    let format = format_description!(
        version = 2,
        "[year]-[month]-[day] [hour]:[minute]:[second][optional [.[subsecond]]]"
    );
    let text = text.strip_suffix("+00:00").unwrap_or(text);
    PrimitiveDateTime::parse(text, format).unwrap().assume_utc()
}
