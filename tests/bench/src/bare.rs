//! Inserts click records without Waypost, in the fastest way that a database offers: only the
//! records, into the same table, without totals and rollup.

mod mariadb;
mod postgres;
mod sqlite;

use time::OffsetDateTime;
use uuid::Uuid;
use waypost_core::{Click, DeviceClass, VisitClass};
use waypost_test_harness::TestDatabase;

use crate::Result;
use crate::options::Database;

/// A connection to a database.
pub(crate) enum Bare {
    Sqlite(sqlite::Inserts),
    Postgres(postgres::Inserts),
    Mariadb(mariadb::Inserts),
}

impl Bare {
    /// Returns how it inserts.
    pub(crate) fn name(database: Database) -> &'static str {
        match database {
            Database::Sqlite => "prepared row by row",
            Database::Postgres => "binary COPY",
            Database::Mariadb => "many rows at once",
        }
    }

    /// Connects.
    ///
    /// # Errors
    /// When the database rejects it.
    pub(crate) async fn connect(which: Database, database: &TestDatabase) -> Result<Self> {
        let url = database.url();
        Ok(match which {
            Database::Sqlite => Self::Sqlite(sqlite::Inserts::connect(url)?),
            Database::Postgres => Self::Postgres(postgres::Inserts::connect(url).await?),
            Database::Mariadb => Self::Mariadb(mariadb::Inserts::connect(url).await?),
        })
    }

    /// Inserts the rows in one transaction.
    ///
    /// # Errors
    /// When the database rejects it.
    pub(crate) async fn insert(&mut self, rows: &[Row]) -> Result<()> {
        match self {
            Self::Sqlite(inserts) => inserts.insert(rows),
            Self::Postgres(inserts) => inserts.insert(rows).await,
            Self::Mariadb(inserts) => inserts.insert(rows).await,
        }
    }
}

/// A row as the drivers take it, prepared before the time is measured.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    id: Uuid,
    link_id: Uuid,
    ip_hash: Option<String>,
    user_agent: Option<String>,
    referrer: Option<String>,
    clicked_at: OffsetDateTime,
    class: Option<&'static str>,
    browser: Option<String>,
    os: Option<String>,
    device: Option<&'static str>,
    country: Option<String>,
}

impl Row {
    pub(crate) fn of(click: &Click) -> Self {
        Self {
            id: *click.id.as_uuid(),
            link_id: *click.link_id.as_uuid(),
            ip_hash: click.ip_hash.map(|hash| hash.to_string()),
            user_agent: click.user_agent.as_ref().map(|it| it.as_str().to_owned()),
            referrer: click.referrer.as_ref().map(|it| it.as_str().to_owned()),
            clicked_at: click.clicked_at,
            class: click.facts.class.map(VisitClass::as_str),
            browser: click
                .facts
                .browser
                .as_ref()
                .map(|it| it.as_str().to_owned()),
            os: click.facts.os.as_ref().map(|it| it.as_str().to_owned()),
            device: click.facts.device.map(DeviceClass::as_str),
            country: click
                .facts
                .country
                .as_ref()
                .map(|it| it.as_str().to_owned()),
        }
    }
}
