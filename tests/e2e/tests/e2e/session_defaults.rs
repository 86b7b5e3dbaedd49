//! Database servers whose defaults for sessions differ from what Waypost needs.

use waypost_e2e::{Kept, Visitor};
use waypost_test_harness::{DatabaseServer, Kind, ServerOptions, ServerProcess, TestDatabase};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clicks_are_stored_by_a_mariadb_that_begins_a_transaction_with_each_statement() {
    let database_server = tokio::task::block_in_place(|| DatabaseServer::start(Kind::MariaDb));
    let database = TestDatabase::on(&database_server);
    database.execute("set global autocommit = 0").await;
    let mut server =
        tokio::task::block_in_place(|| ServerProcess::start(&database, ServerOptions::new()));
    let visitor = Visitor::of(&server);
    let code = visitor.shorten("https://example.com/").await;
    for _ in 0..20 {
        visitor.visit(&code).await.unwrap();
    }
    assert_eq!(visitor.clicks(&code).await, 20);
    assert!(tokio::task::block_in_place(|| server.terminate()).success());
    // Read by another session.
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(20));
}
