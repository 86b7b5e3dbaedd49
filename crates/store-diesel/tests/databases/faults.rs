//! How the errors of a database are reported: its codes decide, whatever the texts say.
//!
//! The databases are made to fail by triggers, which raise an error of any code with an unspecific
//! text, and by real failures.

use std::sync::Arc;

use waypost_store::{Store, StoreError};
use waypost_store_diesel::{Database, DatabaseSettings};
use waypost_store_testkit::samples::Samples;
use waypost_test_harness::{DatabaseServer, Kind, PATIENCE, TestDatabase, wait_until};

/// Number of attempts of an operation that fails for a possibly temporary reason.
const TRIES: i64 = 6;

/// The result of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Done,
    Conflict,
    NotFound,
    Unavailable,
    Corrupt,
    Refused,
    Internal,
}

impl<T> From<&Result<T, StoreError>> for Answer {
    fn from(result: &Result<T, StoreError>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(StoreError::Conflict) => Self::Conflict,
            Err(StoreError::NotFound) => Self::NotFound,
            Err(StoreError::Unavailable { .. }) => Self::Unavailable,
            Err(StoreError::Corrupt { .. }) => Self::Corrupt,
            Err(StoreError::Refused { .. }) => Self::Refused,
            Err(StoreError::Internal { .. }) => Self::Internal,
        }
    }
}

/// A migrated database and two stores on it, each with connections of its own.
struct Setup {
    database: TestDatabase,
    opened: Database,
    samples: Samples,
}

impl Setup {
    async fn of(kind: Kind) -> Self {
        let database = tokio::task::spawn_blocking(move || TestDatabase::new(kind));
        Self::on(database.await.unwrap()).await
    }

    async fn on(database: TestDatabase) -> Self {
        let opened = open(database.url()).await;
        opened.prepare_schema(true).await.unwrap();
        Self {
            database,
            opened,
            samples: Samples::new(1),
        }
    }

    fn store(&self) -> Arc<dyn Store> {
        self.opened.store()
    }

    /// Counts the attempts to insert a row, including those that are rolled back.
    async fn count_tries(&self) {
        self.database
            .execute(match self.database.kind() {
                Kind::Postgres => "create sequence tries",
                _ => {
                    "create table tries (number bigint not null) engine = MyISAM; \
                     insert into tries values (0)"
                }
            })
            .await;
    }

    /// Returns the number of attempts since the last call.
    async fn tries(&self) -> i64 {
        // An unused sequence has the same value as after the first use.
        let (query, reset) = match self.database.kind() {
            Kind::Postgres => (
                "select case when is_called then last_value else 0 end from tries",
                "alter sequence tries restart",
            ),
            _ => ("select number from tries", "update tries set number = 0"),
        };
        let tries = self.database.number(query).await;
        self.database.execute(reset).await;
        tries
    }

    /// Makes the database reject rows of this table with this code.
    async fn refuse(&self, table: &str, code: Code) {
        let is_postgres = self.database.kind() == Kind::Postgres;
        let sql = match code {
            Code::State(state) if is_postgres => format!(
                "create or replace function refuse_{table}() returns trigger language plpgsql as $$ begin \
                 perform nextval('tries'); \
                 raise exception using errcode = '{state}', message = 'etwas ging schief'; \
                 end $$; \
                 create or replace trigger refused before insert on {table} \
                 for each row execute function refuse_{table}()"
            ),
            Code::State(state) => signal(table, &format!("'{state}' set")),
            Code::Number(number) => signal(table, &format!("'HY000' set mysql_errno = {number},")),
        };
        self.database.execute(&sql).await;
    }

    async fn insert_user(&self, name: &str) -> Answer {
        let user = self.samples.user(&format!("{name}@example.com"));
        Answer::from(&self.store().insert_user(&user, None).await)
    }
}

/// Returns a MariaDB trigger that rejects rows of a table.
fn signal(table: &str, what: &str) -> String {
    format!(
        "drop trigger if exists refused_{table}; \
         create trigger refused_{table} before insert on {table} for each row begin \
         update tries set number = number + 1; \
         signal sqlstate {what} message_text = 'etwas ging schief'; \
         end"
    )
}

async fn open(url: &str) -> Database {
    let settings = DatabaseSettings::for_url(url).unwrap();
    Database::connect(&settings).await.unwrap()
}

#[derive(Debug, Clone, Copy)]
enum Code {
    State(&'static str),
    Number(u16),
}

/// Checks both ways to a database: that of diesel, and that by which clicks are stored.
async fn codes_decide(kind: Kind, cases: &[(Code, Answer, i64)]) {
    let setup = Setup::of(kind).await;
    let link = setup.samples.link("wiki");
    setup.store().insert_link(&link, None).await.unwrap();
    setup.count_tries().await;
    for (code, answer, tries) in cases {
        setup.refuse("users", *code).await;
        let given = setup.insert_user("ada").await;
        assert_eq!((given, setup.tries().await), (*answer, *tries), "{code:?}");

        setup.refuse("link_clicks", *code).await;
        let clicks = setup.samples.clicks(&link, 1);
        let given = setup.store().record_clicks(&clicks).await;
        let told = (Answer::from(&given), setup.tries().await);
        assert_eq!(told, (*answer, *tries), "{code:?} of a click: {given:?}");
    }
    setup.opened.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_decide_on_postgres() {
    use Answer::{Conflict, Internal, Refused, Unavailable};
    let cases = [
        ("23505", Conflict, 1),
        ("40001", Unavailable, TRIES),
        ("40P01", Unavailable, TRIES),
        ("57P01", Unavailable, TRIES),
        ("08P01", Unavailable, TRIES),
        ("26000", Unavailable, TRIES),
        ("55P03", Unavailable, 1),
        ("57014", Unavailable, 1),
        ("25006", Unavailable, TRIES),
        ("42501", Unavailable, 1),
        ("53100", Unavailable, 1),
        ("22001", Refused, 1),
        ("22021", Refused, 1),
        ("23502", Refused, 1),
        ("23503", Refused, 1),
        ("23514", Refused, 1),
        ("42P01", Internal, 1),
        ("42703", Internal, 1),
        ("P0001", Internal, 1),
    ];
    let cases = cases.map(|(state, answer, tries)| (Code::State(state), answer, tries));
    codes_decide(Kind::Postgres, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_decide_on_mariadb() {
    use Answer::{Conflict, Internal, Refused, Unavailable};
    let cases = [
        (1062, Conflict, 1),
        (1020, Unavailable, TRIES),
        (1205, Unavailable, TRIES),
        (1213, Unavailable, TRIES),
        (1053, Unavailable, TRIES),
        (1927, Unavailable, TRIES),
        (1243, Unavailable, TRIES),
        (1047, Unavailable, TRIES),
        (1114, Unavailable, 1),
        (1142, Unavailable, 1),
        (1290, Unavailable, TRIES),
        (1317, Unavailable, 1),
        (1792, Unavailable, TRIES),
        (1836, Unavailable, TRIES),
        (1048, Refused, 1),
        (1264, Refused, 1),
        (1366, Refused, 1),
        (1406, Refused, 1),
        (1452, Refused, 1),
        (3819, Refused, 1),
        (4025, Refused, 1),
        (1054, Internal, 1),
        (1146, Internal, 1),
        (1644, Internal, 1),
    ];
    let signalled = [
        ("22003", Refused, 1),
        ("23000", Refused, 1),
        ("45000", Internal, 1),
    ];
    let numbers = cases.map(|(number, answer, tries)| (Code::Number(number), answer, tries));
    let states = signalled.map(|(state, answer, tries)| (Code::State(state), answer, tries));
    let cases: Vec<_> = numbers.into_iter().chain(states).collect();
    codes_decide(Kind::MariaDb, &cases).await;
}

/// Makes each insertion of a user count as an attempt and then wait for the advisory lock 1.
async fn wait_for_a_lock(setup: &Setup) {
    setup.count_tries().await;
    let sql = "create function wait() returns trigger language plpgsql as $$ begin \
         perform nextval('tries'); perform pg_advisory_xact_lock(2); \
         perform pg_advisory_xact_lock(1); return new; end $$; \
         create trigger waits before insert on users for each row execute function wait()";
    setup.database.execute(sql).await;
}

/// Opens another session.
async fn session(setup: &Setup) -> tokio_postgres::Client {
    let connecting = tokio_postgres::connect(setup.database.url(), tokio_postgres::NoTls);
    let (client, connection) = connecting.await.unwrap();
    tokio::spawn(connection);
    client
}

/// Waits until this many sessions wait for a lock.
async fn until_waiting(setup: &Setup, sessions: i64) {
    let waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted \
                   and database = (select oid from pg_database where datname = current_database())";
    let is_waiting = async || setup.database.number(waiting).await == sessions;
    wait_until("sessions wait for the lock", PATIENCE, is_waiting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_deadlock_is_run_again() {
    let setup = Arc::new(Setup::of(Kind::Postgres).await);
    wait_for_a_lock(&setup).await;
    let other = session(&setup).await;
    // The store's session is to find the deadlock, not this one.
    let begin = "set deadlock_timeout = '1h'; begin; select pg_advisory_xact_lock(1)";
    other.batch_execute(begin).await.unwrap();
    let inserting = tokio::spawn({
        let setup = setup.clone();
        async move { setup.insert_user("ada").await }
    });
    until_waiting(&setup, 1).await;
    let both = "select pg_advisory_xact_lock(2); rollback";
    other.batch_execute(both).await.unwrap();
    assert_eq!(inserting.await.unwrap(), Answer::Done);
    assert_eq!(setup.tries().await, 2);
    setup.opened.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_statement_is_not_run_again_and_that_of_a_terminated_session_is() {
    for (end, answer, tries) in [
        ("pg_cancel_backend", Answer::Unavailable, 1),
        ("pg_terminate_backend", Answer::Done, 2),
    ] {
        let setup = Arc::new(Setup::of(Kind::Postgres).await);
        wait_for_a_lock(&setup).await;
        let other = session(&setup).await;
        let lock = "select pg_advisory_lock(1)";
        other.batch_execute(lock).await.unwrap();
        let inserting = tokio::spawn({
            let setup = setup.clone();
            async move { setup.insert_user("ada").await }
        });
        until_waiting(&setup, 1).await;
        let end = format!(
            "select {end}(pid) from pg_locks where locktype = 'advisory' and not granted \
             and database = (select oid from pg_database where datname = current_database())"
        );
        other.batch_execute(&end).await.unwrap();
        other
            .batch_execute("select pg_advisory_unlock(1)")
            .await
            .unwrap();
        assert_eq!(inserting.await.unwrap(), answer, "{end}");
        assert_eq!(setup.tries().await, tries, "{end}");
        setup.opened.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_only_reads_is_unavailable_until_it_writes_again() {
    let setup = Setup::of(Kind::Postgres).await;
    let name = url::Url::parse(setup.database.url()).unwrap();
    let name = name.path().trim_start_matches('/').to_owned();
    let read_only = async |is: &str| {
        let sql = format!("alter database {name} set default_transaction_read_only = {is}");
        // It applies to new sessions; and a read-only session must not change it.
        let sql = format!("begin read write; {sql}; commit");
        setup.database.execute(&sql).await;
    };
    let link = setup.samples.link("wiki");
    setup.store().insert_link(&link, None).await.unwrap();

    read_only("on").await;
    let other = open(setup.database.url()).await;
    let user = setup.samples.user("ada@example.com");
    let insert = async || Answer::from(&other.store().insert_user(&user, None).await);
    let record = async || {
        let clicks = setup.samples.clicks(&link, 1);
        Answer::from(&other.store().record_clicks(&clicks).await)
    };
    assert_eq!(insert().await, Answer::Unavailable);
    assert_eq!(record().await, Answer::Unavailable);
    assert!(other.store().link(link.id).await.unwrap().is_some());

    // Read-only sessions are not used again.
    read_only("off").await;
    assert_eq!(insert().await, Answer::Done);
    assert_eq!(record().await, Answer::Done);
    other.close();
    setup.opened.close();
}

/// MariaDB answers in German, is read-only, and removes rights.
#[tokio::test(flavor = "multi_thread")]
async fn mariadb_is_understood_in_any_language() {
    let started = tokio::task::spawn_blocking(|| {
        let server = DatabaseServer::start(Kind::MariaDb);
        let database = TestDatabase::on(&server);
        (server, database)
    });
    let (_server, database) = started.await.unwrap();
    let setup = Setup::on(database).await;
    let mut url = url::Url::parse(setup.database.url()).unwrap();
    let name = url.path().trim_start_matches('/').to_owned();
    let sql = format!(
        "set global lc_messages = 'de_DE'; create user little identified by 'little'; \
         grant select, update, delete on {name}.* to little; \
         grant insert on {name}.users to little; grant insert on {name}.link_clicks to little; \
         grant insert on {name}.link_days to little; grant insert on {name}.link_visitors to little"
    );
    setup.database.execute(&sql).await;
    url.set_username("little").unwrap();
    url.set_password(Some("little")).unwrap();
    let link = setup.samples.link("wiki");
    setup.store().insert_link(&link, None).await.unwrap();

    let other = open(url.as_str()).await;
    let user = |name: &str| setup.samples.user(&format!("{name}@example.com"));
    let insert = async |name: &str| other.store().insert_user(&user(name), None).await;
    assert_eq!(Answer::from(&insert("ada").await), Answer::Done);
    let refused = insert("ada").await;
    assert_eq!(Answer::from(&refused), Answer::Conflict);

    setup.database.execute("set global read_only = 1").await;
    let refused = insert("bob").await;
    assert_eq!(Answer::from(&refused), Answer::Unavailable);
    let text = chain(&refused.unwrap_err());
    assert!(text.contains("MariaDB-Server läuft mit"), "{text}");
    setup.database.execute("set global read_only = 0").await;
    assert_eq!(Answer::from(&insert("bob").await), Answer::Done);

    let record = async || {
        let clicks = setup.samples.clicks(&link, 1);
        Answer::from(&other.store().record_clicks(&clicks).await)
    };
    for table in ["users", "link_clicks"] {
        let take = format!("revoke insert on {name}.{table} from little");
        setup.database.execute(&take).await;
    }
    assert_eq!(Answer::from(&insert("cleo").await), Answer::Unavailable);
    assert_eq!(record().await, Answer::Unavailable);
    for table in ["users", "link_clicks"] {
        let give = format!("grant insert on {name}.{table} to little");
        setup.database.execute(&give).await;
    }
    assert_eq!(Answer::from(&insert("cleo").await), Answer::Done);
    assert_eq!(record().await, Answer::Done);

    setup.database.execute("drop table setup_tokens").await;
    let secret = setup.samples.setup_secret();
    let (now, later) = (link.created_at, link.created_at + time::Duration::HOUR);
    let missing = other
        .store()
        .insert_setup_token(&secret.hash(), later, now)
        .await;
    assert_eq!(Answer::from(&missing), Answer::Internal, "{missing:?}");

    other.close();
    setup.opened.close();
}

/// Returns the whole chain of an error, as the programs print it.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
