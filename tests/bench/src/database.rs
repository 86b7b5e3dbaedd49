//! A database with links, used again in every round.

use std::collections::HashMap;

use serde::Serialize;
use waypost_test_harness::{Invocation, Kind, TestDatabase};

use crate::links;
use crate::options::Database;

/// Links per statement.
const BATCH: u32 = 2_000;

/// A database with links, whose clicks can be deleted.
pub(crate) struct LinkDatabase {
    pub(crate) which: Database,
    pub(crate) database: TestDatabase,
}

/// The settings of a measured database.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Description {
    pub(crate) which: Database,
    pub(crate) version: String,
    /// The settings that decide how fast and how safely it writes.
    pub(crate) settings: Vec<String>,
}

impl LinkDatabase {
    /// Creates a database with the schema of this workspace and this many links.
    ///
    /// # Panics
    /// When it cannot be created.
    pub(crate) async fn with_links(which: Database, count: u32) -> Self {
        let database = TestDatabase::new(which.kind());
        Invocation::of("linkctl")
            .args(["migrate", "up"])
            .database(&database)
            .run()
            .assert_success();
        let this = Self { which, database };
        for first in (0..count).step_by(usize::try_from(BATCH).expect("is small")) {
            let numbers = first..count.min(first + BATCH);
            let rows: Vec<_> = numbers.clone().map(|number| this.row(number)).collect();
            let sql = format!(
                "insert into links (id, code, code_spelling, target_url, created_at, updated_at) \
                 values {}",
                rows.join(", ")
            );
            this.database.execute(&sql).await;
            let codes: Vec<_> = numbers.map(|number| this.code_row(number)).collect();
            let sql = format!(
                "insert into link_codes (code, spelling, link_id, created_at) values {}",
                codes.join(", ")
            );
            this.database.execute(&sql).await;
        }
        this
    }

    /// Returns a link as the values of an `insert`.
    fn row(&self, number: u32) -> String {
        let code = links::code(number);
        let target = links::target(&code);
        let (id, made) = self.id_and_time(number);
        format!("({id}, '{code}', '{code}', '{target}', {made}, {made})")
    }

    /// Returns its code as the values of an `insert`.
    fn code_row(&self, number: u32) -> String {
        let code = links::code(number);
        let (id, made) = self.id_and_time(number);
        format!("('{code}', '{code}', {id}, {made})")
    }

    fn id_and_time(&self, number: u32) -> (String, String) {
        let id = links::id(number).simple();
        let (id, zone) = match self.which {
            Database::Sqlite => (format!("x'{id}'"), "+00:00"),
            Database::Postgres => (format!("'{id}'"), "+00:00"),
            Database::Mariadb => (format!("x'{id}'"), ""),
        };
        (id, format!("'2025-01-01 00:00:00{zone}'"))
    }

    /// Deletes all clicks, so that every round begins in the same state. No server may run on it.
    ///
    /// # Panics
    /// When the database rejects it.
    pub(crate) async fn forget_clicks(&self) {
        let statements: &[&str] = match self.which {
            Database::Sqlite => &[
                "delete from link_clicks",
                "delete from click_ids",
                "delete from link_days",
                "delete from link_visitors",
                "update links set clicks = 0, humans = 0, clicks_purged = 0 where clicks <> 0",
                "vacuum",
                "pragma wal_checkpoint(truncate)",
            ],
            Database::Postgres => &[
                "truncate link_clicks, click_ids, link_days, link_visitors",
                "update links set clicks = 0, humans = 0, clicks_purged = 0 where clicks <> 0",
                "vacuum analyze links",
                "checkpoint",
            ],
            Database::Mariadb => &[
                "truncate link_clicks",
                "truncate click_ids",
                "truncate link_days",
                "truncate link_visitors",
                "update links set clicks = 0, humans = 0, clicks_purged = 0 where clicks <> 0",
            ],
        };
        for statement in statements {
            self.database.execute(statement).await;
        }
    }

    /// Returns the totals of the links with clicks.
    ///
    /// # Panics
    /// When the database rejects it.
    pub(crate) async fn clicks(&self) -> HashMap<String, u64> {
        let rows = self
            .database
            .rows("select code, clicks from links where clicks <> 0")
            .await;
        let mut clicks = HashMap::new();
        for row in rows {
            if let [Some(code), Some(count)] = row.as_slice() {
                let count = count.parse().expect("totals are not negative");
                clicks.insert(code.clone(), count);
            }
        }
        clicks
    }

    /// Returns its settings.
    ///
    /// # Panics
    /// When the database rejects it.
    pub(crate) async fn describe(&self) -> Description {
        let text = async |sql: &str| {
            let rows = self.database.rows(sql).await;
            let value = rows
                .into_iter()
                .next()
                .and_then(|row| row.into_iter().last());
            value.flatten().unwrap_or_default()
        };
        let named = async |names: &[&str], sql: fn(&str) -> String| {
            let mut settings = Vec::new();
            for name in names {
                settings.push(format!("{name} = {}", text(&sql(name)).await));
            }
            settings
        };
        let (version, settings) = match self.which.kind() {
            Kind::Sqlite => (
                text("select sqlite_version()").await,
                // The other settings belong to a connection and are Waypost's own.
                vec![format!(
                    "journal_mode = {}",
                    text("pragma journal_mode").await
                )],
            ),
            Kind::Postgres => (
                text("show server_version").await,
                named(
                    &[
                        "fsync",
                        "synchronous_commit",
                        "full_page_writes",
                        "shared_buffers",
                    ],
                    |name| format!("show {name}"),
                )
                .await,
            ),
            Kind::MariaDb => (
                text("select version()").await,
                named(
                    &[
                        "innodb_flush_log_at_trx_commit",
                        "innodb_flush_method",
                        "innodb_doublewrite",
                        "innodb_buffer_pool_size",
                        "log_bin",
                    ],
                    |name| format!("show variables like '{name}'"),
                )
                .await,
            ),
        };
        Description {
            which: self.which,
            version,
            settings,
        }
    }
}
