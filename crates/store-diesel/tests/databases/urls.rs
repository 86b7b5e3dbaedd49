//! The ways in which people name a database server: each of them connects, for queries, migrations
//! and the connections that store clicks.

use tokio::net::{TcpListener, TcpStream};
use waypost_store_diesel::{Database, DatabaseSettings};
use waypost_store_testkit::samples::Samples;
use waypost_test_harness::{DatabaseServer, Kind, TestDatabase};

/// A server with a socket, an empty database on it, and the parts of its URL.
struct Server {
    user: String,
    port: u16,
    socket: String,
    database: TestDatabase,
    _process: DatabaseServer,
}

impl Server {
    async fn start(kind: Kind) -> Self {
        let started = tokio::task::spawn_blocking(move || {
            let server = DatabaseServer::start_with_socket(kind);
            (TestDatabase::on(&server), server)
        });
        let (database, process) = started.await.unwrap();
        let (_, rest) = database.url().split_once("://").unwrap();
        let (user, place) = rest.split_once('@').unwrap();
        let (_, port) = place.split('/').next().unwrap().split_once(':').unwrap();
        Self {
            user: user.to_owned(),
            port: port.parse().unwrap(),
            socket: process.socket().to_str().unwrap().to_owned(),
            database,
            _process: process,
        }
    }

    /// Fills in the user, the name, the port and the socket of this server.
    fn url(&self, template: &str, port6: u16) -> String {
        let (_, name) = self.database.url().rsplit_once('/').unwrap();
        let encoded = self.socket.replace('/', "%2F");
        template
            .replace("USER", &self.user)
            .replace("NAME", name)
            .replace("PORT6", &port6.to_string())
            .replace("PORT", &self.port.to_string())
            .replace("ENCODED", &encoded)
            .replace("SOCKET", &self.socket)
    }
}

/// Passes connections to a port of the IPv6 loopback address on to the server.
async fn listen_on_ipv6(server: u16) -> u16 {
    let listener = TcpListener::bind("[::1]:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    port
}

async fn each_connects(kind: Kind, templates: &[&str]) {
    let server = Server::start(kind).await;
    let port6 = listen_on_ipv6(server.port).await;
    let samples = Samples::new(1);
    for (number, template) in (1_u64..).zip(templates) {
        let url = server.url(template, port6);
        let settings = DatabaseSettings::for_url(&url);
        let settings = settings.map_err(|error| format!("{template}: {error}"));
        let opened = Database::connect(&settings.unwrap()).await;
        let opened = opened.map_err(|error| format!("{template}: {error:?}"));
        let opened = opened.unwrap();
        opened.prepare_schema(true).await.unwrap();
        let store = opened.store();
        let link = samples.link(&format!("link{number}"));
        store.insert_link(&link, None).await.unwrap();
        store
            .record_clicks(&samples.clicks(&link, 2))
            .await
            .unwrap();
        // All of them name the same database.
        assert_eq!(store.counts().await.unwrap().links, number, "{template}");
        assert!(opened.version().await.is_ok(), "{template}");
        opened.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_found_by_addresses_and_sockets() {
    let templates = [
        "postgres://USER@127.0.0.1:PORT/NAME",
        "POSTGRESQL://USER@localhost:PORT/NAME?sslmode=prefer",
        "postgres://USER@[::1]:PORT6/NAME",
        "postgres://USER@/NAME?host=SOCKET&port=PORT",
        "postgres://USER@ENCODED:PORT/NAME",
        "postgres://USER@:PORT/NAME?hostaddr=127.0.0.1",
        "postgres://USER@127.0.0.1:1,127.0.0.1:PORT/NAME?target_session_attrs=read-write",
        "postgres://USER@/NAME?host=127.0.0.1,localhost&port=1,PORT&target_session_attrs=primary",
        "postgres://USER@localhost:PORT?dbname=NAME&application_name=links@example.com",
    ];
    each_connects(Kind::Postgres, &templates).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_is_found_by_addresses_and_sockets() {
    let templates = [
        "mysql://USER@127.0.0.1:PORT/NAME",
        "MariaDB://USER@localhost:PORT/NAME?charset=utf8mb4&ssl-mode=PREFERRED",
        "mysql://USER@[::1]:PORT6/NAME",
        "mysql://USER@localhost/NAME?socket=SOCKET",
        "mysql://USER@/NAME?unix_socket=SOCKET",
        "mysql://USER@ENCODED/NAME",
        "mysql://USER@127.0.0.1/NAME?port=PORT",
        "mysql://USER@[::1]:1,[::1]:PORT6,127.0.0.1:1/NAME",
    ];
    each_connects(Kind::MariaDb, &templates).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_with_every_character_is_accepted_when_it_is_encoded() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let server = Server::start(kind).await;
        let (scheme, create, grant) = if kind == Kind::Postgres {
            (
                "postgres",
                "create role odd login superuser password 'p#/?@:%41&=+ ä'",
                "select 1",
            )
        } else {
            (
                "mysql",
                "create user odd identified by 'p#/?@:%41&=+ ä'",
                "grant all on *.* to odd",
            )
        };
        server.database.execute(create).await;
        server.database.execute(grant).await;
        for password in [
            "p%23%2F%3F%40%3A%2541%26%3D%2B%20%C3%A4",
            "p%23%2F%3F@:%2541&=+ ä",
        ] {
            let url = format!("{scheme}://odd:{password}@127.0.0.1:PORT/NAME");
            let url = server.url(&url, 0);
            let opened = Database::connect(&DatabaseSettings::for_url(&url).unwrap()).await;
            opened
                .unwrap_or_else(|error| panic!("{kind} {password}: {error:?}"))
                .close();
        }
    }
}
