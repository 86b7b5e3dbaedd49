//! MariaDB: prepared statements with many rows each.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder, Params, Value};

use super::Row;
use crate::Result;

const INSERT: &str = "insert into link_clicks (id, link_id, ip_hash, user_agent, referrer, clicked_at, class, browser, os, device, country) values ";
const PLACES: &str = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
/// Rows per statement.
const ROWS: usize = 1_000;

pub(crate) struct Inserts(Conn);

impl Inserts {
    pub(super) async fn connect(url: &str) -> Result<Self> {
        let options = OptsBuilder::from_opts(Opts::from_url(url)?).prefer_socket(false);
        Ok(Self(Conn::new(options).await?))
    }

    pub(super) async fn insert(&mut self, rows: &[Row]) -> Result<()> {
        self.0.query_drop("begin").await?;
        for some in rows.chunks(ROWS) {
            // Prepared once: the connection caches it.
            let sql = INSERT.to_owned() + &vec![PLACES; some.len()].join(", ");
            let values = some.iter().flat_map(values).collect();
            self.0.exec_drop(sql, Params::Positional(values)).await?;
        }
        self.0.query_drop("commit").await?;
        Ok(())
    }
}

fn values(row: &Row) -> [Value; 11] {
    let at = row.clicked_at;
    let (date, time) = (at.date(), at.time());
    let year = u16::try_from(date.year()).expect("is of our time");
    [
        Value::from(row.id.as_bytes()),
        Value::from(row.link_id.as_bytes()),
        Value::from(&row.ip_hash),
        Value::from(&row.user_agent),
        Value::from(&row.referrer),
        Value::Date(
            year,
            date.month().into(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.microsecond(),
        ),
        Value::from(row.class),
        Value::from(&row.browser),
        Value::from(&row.os),
        Value::from(row.device),
        Value::from(&row.country),
    ]
}
