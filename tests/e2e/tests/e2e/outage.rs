//! Database outages.

use reqwest::StatusCode;
use serde_json::Value;
use waypost_e2e::{Kept, Visitor, cut_while_cached};
use waypost_test_harness::{
    DatabaseProxy, Kind, PATIENCE, ServerOptions, ServerProcess, TestDatabase, wait_until,
};

async fn a_server_outlives_its_database(kind: Kind) {
    let database = TestDatabase::new(kind);
    let proxy = DatabaseProxy::before(&database).await;
    let options = ServerOptions::new().env("WAYPOST_DATABASE_URL", proxy.url());
    let server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    let visitor = Visitor::of(&server);
    let code = visitor.shorten("https://example.com/").await;
    let uncached = visitor.shorten("https://example.com/").await;
    visitor.visit(&code).await.unwrap();
    assert_eq!(visitor.get("/health/ready").await.status(), StatusCode::OK);

    cut_while_cached(&proxy, &visitor, &[&code]).await;
    for path in [
        "/health/ready".to_owned(),
        format!("/{uncached}"),
        "/urls".to_owned(),
    ] {
        let response = visitor.get(&path).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(response.headers().contains_key("retry-after"), "{path}");
        assert!(!response.headers().contains_key("location"), "{path}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["code"], "UNAVAILABLE", "{path}");
    }
    assert_eq!(visitor.get("/health").await.status(), StatusCode::OK);
    // Cached links need no database.
    let (status, _) = visitor.visit(&code).await.unwrap();
    assert_eq!(status, StatusCode::FOUND);
    let metrics = visitor.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("waypost_database_up 0"), "{metrics}");

    proxy.restore();
    wait_until("the server is ready again", PATIENCE, async || {
        visitor.get("/health/ready").await.status() == StatusCode::OK
    })
    .await;
    visitor.visit(&code).await.unwrap();
    wait_until("all clicks are stored", PATIENCE, async || {
        Kept::of(&database, &code).await == Kept::thrice(3)
    })
    .await;
    let secret = database.url().split(['/', '@']).nth(2).unwrap();
    let password = secret.split(':').nth(1).unwrap();
    assert!(!server.output().contains(password), "{}", server.output());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_outlives_postgres() {
    a_server_outlives_its_database(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_outlives_mariadb() {
    a_server_outlives_its_database(Kind::MariaDb).await;
}
