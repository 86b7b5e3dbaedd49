//! Each kind of database is available, empty, isolated, and read the same way.

use std::time::Instant;

use waypost_test_harness::{DatabaseServer, Kind, TestDatabase};

#[test]
fn servers_start_in_a_few_seconds() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let start = Instant::now();
        let server = DatabaseServer::start(kind);
        let taken = start.elapsed();
        println!("{kind} started in {taken:?}");
        assert!(taken.as_secs() < 30, "{kind} took {taken:?}");
        assert!(server.log_tail().contains("ready"), "{kind}");
    }
}

#[tokio::test]
async fn every_kind_answers() {
    for kind in Kind::ALL {
        let database = TestDatabase::new(kind);
        assert_eq!(database.kind(), kind);
        assert_eq!(database.number("select 1").await, 1, "{kind}");
    }
}

#[tokio::test]
async fn two_databases_do_not_see_each_other() {
    for kind in Kind::ALL {
        let (one, other) = (TestDatabase::new(kind), TestDatabase::new(kind));
        assert_ne!(one.url(), other.url());
        for (database, n) in [(&one, 1), (&other, 2)] {
            database
                .execute(&format!(
                    "create table t (n integer); insert into t values ({n});"
                ))
                .await;
        }
        assert_eq!(one.number("select n from t").await, 1, "{kind}");
        assert_eq!(other.number("select n from t").await, 2, "{kind}");
    }
}

#[tokio::test]
async fn values_are_spelled_alike() {
    for kind in Kind::ALL {
        let (id, bytes, value) = match kind {
            Kind::Sqlite => ("blob", "blob", "x'0001feff0001feff0001feff0001feff'"),
            Kind::Postgres => ("uuid", "bytea", "'0001feff-0001-feff-0001-feff0001feff'"),
            Kind::MariaDb => (
                "binary(16)",
                "varbinary(9)",
                "x'0001feff0001feff0001feff0001feff'",
            ),
        };
        let blob = match kind {
            Kind::Postgres => r"'\x00ff'",
            _ => "x'00ff'",
        };
        let database = TestDatabase::new(kind);
        database
            .execute(&format!(
                "create table t (id {id}, bytes {bytes}, flag boolean, number bigint, name varchar(20));
                 insert into t values ({value}, {blob}, true, -7, 'Zoë');
                 insert into t values (null, null, false, null, '');"
            ))
            .await;
        let rows = database
            .rows("select id, bytes, flag, number, name from t order by flag desc")
            .await;
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            rows,
            [
                vec![
                    text("0001feff0001feff0001feff0001feff"),
                    text("00ff"),
                    text("1"),
                    text("-7"),
                    text("Zoë"),
                ],
                vec![None, None, text("0"), None, text("")],
            ],
            "{kind}"
        );
        assert_eq!(database.number("select sum(number) from t").await, -7);
    }
}

#[tokio::test]
#[should_panic(expected = "PostgreSQL refused `select nothing from nowhere`: ")]
async fn a_refused_query_says_why() {
    TestDatabase::postgres()
        .rows("select nothing from nowhere")
        .await;
}

#[tokio::test]
async fn a_dropped_database_is_gone_even_while_somebody_is_connected() {
    let observer = TestDatabase::postgres();
    let database = TestDatabase::postgres();
    let url = database.url().to_owned();
    let name = url.rsplit('/').next().expect("has a name").to_owned();
    let (_client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .expect("can connect");
    tokio::spawn(connection);
    let count = format!("select count(*) from pg_database where datname = '{name}'");
    assert_eq!(observer.number(&count).await, 1);
    drop(database);
    assert_eq!(observer.number(&count).await, 0);

    let observer = TestDatabase::mariadb();
    let database = TestDatabase::mariadb();
    let name = database.url().rsplit('/').next().expect("has a name");
    let count =
        format!("select count(*) from information_schema.schemata where schema_name = '{name}'");
    assert_eq!(observer.number(&count).await, 1);
    drop(database);
    assert_eq!(observer.number(&count).await, 0);
}

#[test]
fn the_password_is_asked_for() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let url = TestDatabase::new(kind).url().to_owned();
        let (before, after) = url.split_once('@').expect("has an account");
        let (before, _password) = before.rsplit_once(':').expect("has a password");
        let wrong = format!("{before}:wrong@{after}");
        let answer = tokio::runtime::Runtime::new()
            .expect("can start a runtime")
            .block_on(async {
                if kind == Kind::Postgres {
                    let connected = tokio_postgres::connect(&wrong, tokio_postgres::NoTls).await;
                    connected.err().map(|error| format!("{error:?}"))
                } else {
                    let connected = mysql_async::Conn::from_url(&wrong).await;
                    connected.err().map(|error| format!("{error:?}"))
                }
            });
        let answer = answer.expect("is refused");
        assert!(
            answer.contains("password authentication failed") || answer.contains("Access denied"),
            "{kind}: {answer}"
        );
    }
}

#[test]
fn databases_can_be_made_on_many_threads_at_once() {
    std::thread::scope(|scope| {
        for index in 0..12 {
            scope.spawn(move || TestDatabase::new(Kind::ALL[index % 3]));
        }
    });
}
