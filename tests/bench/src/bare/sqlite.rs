//! SQLite: one prepared statement, run once per row. The connection has Waypost's settings.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, ExpressionMethods as _, RunQueryDsl as _, SqliteConnection};

use super::Row;
use crate::Result;

const PRAGMAS: &str = "
    pragma busy_timeout = 10000;
    pragma journal_mode = WAL;
    pragma synchronous = NORMAL;
    pragma foreign_keys = ON;
";

diesel::table! {
    link_clicks (id) {
        id -> Binary,
        link_id -> Binary,
        ip_hash -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        referrer -> Nullable<Text>,
        clicked_at -> TimestamptzSqlite,
        class -> Nullable<Text>,
        browser -> Nullable<Text>,
        os -> Nullable<Text>,
        device -> Nullable<Text>,
        country -> Nullable<Text>,
    }
}

pub(crate) struct Inserts(SqliteConnection);

impl Inserts {
    pub(super) fn connect(url: &str) -> Result<Self> {
        let path = url.strip_prefix("sqlite://").ok_or("no URL of SQLite")?;
        let mut connection = SqliteConnection::establish(path)?;
        connection.batch_execute(PRAGMAS)?;
        Ok(Self(connection))
    }

    pub(super) fn insert(&mut self, rows: &[Row]) -> Result<()> {
        self.0.batch_execute("begin immediate")?;
        for row in rows {
            diesel::insert_into(link_clicks::table)
                .values((
                    link_clicks::id.eq(row.id.as_bytes().as_slice()),
                    link_clicks::link_id.eq(row.link_id.as_bytes().as_slice()),
                    link_clicks::ip_hash.eq(&row.ip_hash),
                    link_clicks::user_agent.eq(&row.user_agent),
                    link_clicks::referrer.eq(&row.referrer),
                    link_clicks::clicked_at.eq(row.clicked_at),
                    link_clicks::class.eq(row.class),
                    link_clicks::browser.eq(&row.browser),
                    link_clicks::os.eq(&row.os),
                    link_clicks::device.eq(row.device),
                    link_clicks::country.eq(&row.country),
                ))
                .execute(&mut self.0)?;
        }
        self.0.batch_execute("commit")?;
        Ok(())
    }
}
