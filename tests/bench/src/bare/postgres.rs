//! PostgreSQL: `COPY` in its binary format.

use std::pin::pin;

use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls};

use super::Row;
use crate::Result;

const COPY: &str = "copy link_clicks (id, link_id, ip_hash, user_agent, referrer, clicked_at, class, browser, os, device, country) from stdin binary";
const TYPES: [Type; 11] = [
    Type::UUID,
    Type::UUID,
    Type::VARCHAR,
    Type::VARCHAR,
    Type::VARCHAR,
    Type::TIMESTAMPTZ,
    Type::VARCHAR,
    Type::VARCHAR,
    Type::VARCHAR,
    Type::VARCHAR,
    Type::VARCHAR,
];

pub(crate) struct Inserts(Client);

impl Inserts {
    pub(super) async fn connect(url: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        // Ends when the client is dropped.
        tokio::spawn(connection);
        Ok(Self(client))
    }

    /// Inserts the rows. A statement is a transaction.
    pub(super) async fn insert(&mut self, rows: &[Row]) -> Result<()> {
        let sink = self.0.copy_in(COPY).await?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &TYPES));
        for row in rows {
            let values: [&(dyn ToSql + Sync); 11] = [
                &row.id,
                &row.link_id,
                &row.ip_hash,
                &row.user_agent,
                &row.referrer,
                &row.clicked_at,
                &row.class,
                &row.browser,
                &row.os,
                &row.device,
                &row.country,
            ];
            writer.as_mut().write(&values).await?;
        }
        writer.finish().await?;
        Ok(())
    }
}
