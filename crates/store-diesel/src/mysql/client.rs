//! The connections that store clicks: one that writes, and one that reads existing rows meanwhile.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};
use tokio::time::timeout;
use uuid::Uuid;
use waypost_core::{Random as _, SystemRandom};
use waypost_store::StoreError;

use super::known::Known;
use super::session::{self, Session};
use crate::hosts::Servers;
use crate::tally::Tally;

/// Maximum time of the reader; afterwards the writer reads itself. The results of tests must not
/// depend on the load of the machine, hence the longer limit there.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 60 } else { 2 });

/// Number of prepared statements that a connection keeps: the default of the driver.
const STATEMENTS: usize = 32;

pub(super) struct Client {
    pub(super) writer: Conn,
    /// `None`: the writer reads itself.
    pub(super) reader: Option<Reader>,
    /// Whether the last batch had a day near its budget of records.
    pub(super) is_near_budget: bool,
}

impl Client {
    /// Connects. The connections live on this runtime.
    pub(super) async fn open(servers: &Servers) -> Result<Self, StoreError> {
        let session = Session {
            statements: STATEMENTS,
            has_choice: servers.are_several(),
        };
        let connect = |url: String| async move {
            let writer = session::open(&url, session).await?;
            Ok((writer, url))
        };
        let connected = servers.connect(connect).await;
        let (mut writer, url) = connected.map_err(StoreError::unavailable)?;
        let reader = Reader::beside(&mut writer, &url, session).await;
        Ok(Self {
            writer,
            reader,
            is_near_budget: false,
        })
    }
}

/// A connection that reads what a writer has locked. No other transaction changes it, so both see
/// the same, but only if both are connected to the same server: a proxy, or a name with several
/// addresses, may choose different servers, and another node of a cluster or a replica may lag
/// behind. So the writer takes a lock under a secret name
/// ([`GET_LOCK`](https://mariadb.com/docs/server/reference/sql-functions/secondary-functions/miscellaneous-functions/get_lock):
/// such locks exist on one server only), and before each read the reader checks that it sees this
/// lock.
pub(super) struct Reader {
    connection: Conn,
    name: String,
}

impl Reader {
    /// Returns `None` if there cannot be one: too many connections, a server without such locks, or
    /// another server.
    async fn beside(writer: &mut Conn, url: &str, session: Session) -> Option<Self> {
        let mut secret = [0; 16];
        SystemRandom.fill(&mut secret);
        let name = format!("waypost-{}", Uuid::from_bytes(secret).simple());
        let sql = format!("SELECT GET_LOCK('{name}', 0)");
        let taken = writer.query_first::<Option<i64>, _>(sql).await;
        if !matches!(taken, Ok(Some(Some(1)))) {
            return None;
        }
        let connection = timeout(PATIENCE, session::open(url, session))
            .await
            .ok()?
            .ok()?;
        let mut reader = Self { connection, name };
        let sees = timeout(PATIENCE, reader.sees_writer()).await;
        matches!(sees, Ok(Ok(true))).then_some(reader)
    }

    /// Reads the stored data of the days whose links the writer has locked. Returns `None` if this
    /// connection cannot read it, now or ever.
    pub(super) async fn read(&mut self, tally: &Tally<'_>) -> Option<Known> {
        let read = timeout(PATIENCE, self.try_to_read(tally)).await;
        match read {
            Ok(Ok(known)) => known,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the second connection failed");
                None
            }
            Err(_) => None,
        }
    }

    async fn try_to_read(&mut self, tally: &Tally<'_>) -> Result<Option<Known>, Error> {
        // One transaction, because a proxy does not change the server within one.
        self.connection.query_drop("START TRANSACTION").await?;
        if !self.sees_writer().await? {
            return Ok(None);
        }
        let known = Known::of(tally, &mut self.connection).await?;
        self.connection.query_drop("COMMIT").await?;
        Ok(Some(known))
    }

    async fn sees_writer(&mut self) -> Result<bool, Error> {
        let sql = format!("SELECT IS_USED_LOCK('{}') IS NOT NULL", self.name);
        let sees: Option<bool> = self.connection.query_first(sql).await?;
        Ok(sees == Some(true))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use waypost_core::{Click, Link};
    use waypost_store::Store;
    use waypost_store_testkit::samples::{START, Samples};
    use waypost_test_harness::{Kind, TestDatabase};

    use super::super::settle::{WORTH_A_READER, settle};
    use super::*;
    use crate::job::Job;
    use crate::{Database, DatabaseSettings};

    const LINKS: usize = 5;

    /// Returns for each link its total, and the clicks and visitors of the day.
    async fn numbers(store: &dyn Store, links: &[Link]) -> Vec<(u64, u64, u64)> {
        let mut numbers = Vec::new();
        for link in links {
            let kept = store.link(link.id).await.unwrap().unwrap();
            let days = store.link_days(link.id, START.date(), START.date());
            let days = days.await.unwrap();
            let day = days.first().unwrap();
            numbers.push((kept.clicks, day.counted.clicks, day.visitors));
        }
        numbers
    }

    #[tokio::test]
    async fn what_is_there_is_read_beside_the_writer_only_on_the_same_server() {
        let database = tokio::task::spawn_blocking(|| TestDatabase::new(Kind::MariaDb));
        let database = database.await.unwrap();
        let settings = DatabaseSettings::for_url(database.url()).unwrap();
        let opened = Database::connect(&settings).await.unwrap();
        opened.prepare_schema(true).await.unwrap();
        let store: Arc<dyn Store> = opened.store();
        let samples = Samples::new(1);
        let links = samples.links(LINKS);
        for link in &links {
            store.insert_link(link, None).await.unwrap();
        }
        let mut clicks: Vec<Click> = Vec::new();
        for link in &links {
            clicks.extend((0..WORTH_A_READER / LINKS).map(|_| samples.click_at(link, START)));
        }
        let again = |come_again: usize| -> Job {
            let clicks = clicks.iter().enumerate().map(|(number, click)| {
                let link = links.iter().find(|link| link.id == click.link_id).unwrap();
                let next = samples.click_at(link, START);
                Click {
                    ip_hash: if number % 2 < come_again {
                        click.ip_hash
                    } else {
                        next.ip_hash
                    },
                    ..next
                }
            });
            Job::Clicks(clicks.collect())
        };
        let each = u64::try_from(WORTH_A_READER / LINKS).unwrap();

        let mut client = Client::open(&settings.url.servers()).await.unwrap();
        let first = Job::Clicks(clicks.clone().into());
        settle(&mut client, &first)
            .await
            .map_err(|failure| failure.error)
            .unwrap();
        // All visitors come again.
        settle(&mut client, &again(2))
            .await
            .map_err(|failure| failure.error)
            .unwrap();
        assert!(client.reader.is_some());
        let expected = (2 * each, 2 * each, each);
        assert_eq!(numbers(&*store, &links).await, [expected; LINKS]);

        // As if the reader were connected to another server: it sees no lock.
        let released = "SELECT RELEASE_ALL_LOCKS()";
        client.writer.query_drop(released).await.unwrap();
        // Every other visitor comes again, and some are new.
        settle(&mut client, &again(1))
            .await
            .map_err(|failure| failure.error)
            .unwrap();
        assert!(client.reader.is_none());
        let expected = (3 * each, 3 * each, each + each / 2);
        assert_eq!(numbers(&*store, &links).await, [expected; LINKS]);
        opened.close();
    }
}
