//! SQLite: one prepared statement, run once per row. The connection is set up as Waypost's.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, ExpressionMethods as _, RunQueryDsl as _, SqliteConnection};
use waypost_core::Click;

use super::texts;
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

    pub(super) fn insert(&mut self, clicks: &[Click]) -> Result<()> {
        self.0.batch_execute("begin immediate")?;
        for click in clicks {
            let [ip_hash, user_agent, referrer] = texts(click);
            diesel::insert_into(link_clicks::table)
                .values((
                    link_clicks::id.eq(click.id.as_uuid().as_bytes().as_slice()),
                    link_clicks::link_id.eq(click.link_id.as_uuid().as_bytes().as_slice()),
                    link_clicks::ip_hash.eq(ip_hash),
                    link_clicks::user_agent.eq(user_agent),
                    link_clicks::referrer.eq(referrer),
                    link_clicks::clicked_at.eq(click.clicked_at),
                ))
                .execute(&mut self.0)?;
        }
        self.0.batch_execute("commit")?;
        Ok(())
    }
}
