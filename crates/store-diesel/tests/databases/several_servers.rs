//! URLs with several hosts, of which one accepts writes.

use std::sync::Arc;

use waypost_store::{ClickBatch, Dropped, Ingested};
use waypost_store_diesel::{Database, DatabaseSettings};
use waypost_store_testkit::samples::{START, Samples, owner_of, take_journal};
use waypost_test_harness::{DatabaseServer, Kind, PATIENCE, TestDatabase, wait_until};

/// A server with an account that its read-only mode applies to.
struct Server {
    administrator: TestDatabase,
    address: String,
    _process: DatabaseServer,
}

impl Server {
    async fn start(kind: Kind) -> Self {
        let started = tokio::task::spawn_blocking(move || {
            let server = DatabaseServer::start(kind);
            (TestDatabase::on(&server), server)
        });
        let (administrator, server) = started.await.unwrap();
        let statements = if kind == Kind::Postgres {
            [
                "create user app password 'app'",
                "create database app owner app",
            ]
        } else {
            [
                "create database app",
                "create user app@'%' identified by 'app'; grant all on app.* to app@'%'",
            ]
        };
        for sql in statements {
            administrator.execute(sql).await;
        }
        let (_, place) = server.url().split_once('@').unwrap();
        let (address, _) = place.split_once('/').unwrap();
        Self {
            administrator,
            address: address.to_owned(),
            _process: server,
        }
    }

    async fn set_read_only(&self, read_only: bool) {
        let number = i64::from(read_only);
        if self.administrator.kind() != Kind::Postgres {
            let sql = format!("set global read_only = {number}");
            self.administrator.execute(&sql).await;
            return;
        }
        let setting = "default_transaction_read_only";
        let sql = format!("alter system set {setting} = {read_only}");
        self.administrator.execute(&sql).await;
        self.administrator.execute("select pg_reload_conf()").await;
        let asked = format!("select (current_setting('{setting}') = 'on')::int");
        wait_until("the server has read its settings", PATIENCE, async || {
            self.administrator.number(&asked).await == number
        })
        .await;
    }
}

async fn open(kind: Kind, addresses: &str) -> Database {
    let scheme = if kind == Kind::Postgres {
        "postgres"
    } else {
        "mysql"
    };
    let url = format!("{scheme}://app:app@{addresses}/app");
    let settings = DatabaseSettings::for_url(&url).unwrap();
    let database = Database::connect(&settings).await.unwrap();
    database.prepare_schema(true).await.unwrap();
    database
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_postgres_servers_the_one_that_takes_writes_is_used() {
    the_one_that_takes_writes_is_used(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_mariadb_servers_the_one_that_takes_writes_is_used() {
    the_one_that_takes_writes_is_used(Kind::MariaDb).await;
}

async fn the_one_that_takes_writes_is_used(kind: Kind) {
    let (one, two) = tokio::join!(Server::start(kind), Server::start(kind));
    let alone = open(kind, &one.address).await;
    one.set_read_only(true).await;
    // Nothing listens on port 1 of this machine.
    let addresses = format!("127.0.0.1:1,{},{}", one.address, two.address);
    let both = open(kind, &addresses).await;
    let store = both.store();
    let samples = Samples::new(1);
    let (first, second) = (samples.link("first"), samples.link("second"));
    store.insert_link(&first, None).await.unwrap();
    let journal = samples.journal();
    take_journal(&*store, journal, 0).await;
    let batch = Arc::new(ClickBatch {
        journal,
        owner: owner_of(journal),
        start: 0,
        clicks: samples.clicks(&first, 2),
        dropped: Dropped::default(),
        duplicates: 0,
        records: waypost_store::KeptRecords::All,
    });
    let settled = store.ingest(Arc::clone(&batch), START).await.unwrap();
    assert!(matches!(settled, Ingested::Settled(_)), "{settled:?}");
    assert_eq!(alone.store().counts().await.unwrap().links, 0);

    // The other one takes over while there are connections.
    two.set_read_only(true).await;
    one.set_read_only(false).await;
    let elsewhere = store.ingest(batch, START).await.unwrap();
    assert!(
        matches!(elsewhere, Ingested::Elsewhere(None)),
        "{elsewhere:?}"
    );
    store.insert_link(&second, None).await.unwrap();
    let store = alone.store();
    assert_eq!(store.link(first.id).await.unwrap(), None);
    assert!(store.link(second.id).await.unwrap().is_some());
    both.close();
    alone.close();
}
