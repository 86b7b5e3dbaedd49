//! Shared parts of the fault tests: their length, servers with links, and the final comparison of
//! counts.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use waypost_e2e::load::{Expected, Load, differences};
use waypost_e2e::{Visitor, wait_until_resident};
use waypost_test_harness::{
    Invocation, Kind, ServerOptions, ServerProcess, TestDatabase, wait_until,
};

/// Timeout that is long enough for a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);
/// Number of concurrent clients.
pub(crate) const CLIENTS: usize = 8;

/// Returns the number for the long or the short form.
pub(crate) fn long_or_short<T>(long: T, short: T) -> T {
    match std::env::var("WAYPOST_TEST_FAULTS").as_deref() {
        Ok("long") => long,
        _ => short,
    }
}

/// Prints an observation; shown by `make test-faults`.
pub(crate) fn report(text: impl std::fmt::Display) {
    println!("{text}");
}

/// Returns options with a durability.
pub(crate) fn durability(durability: &str) -> ServerOptions {
    ServerOptions::new()
        .env("WAYPOST_CLICK_DURABILITY", durability)
        .env("WAYPOST_LOG", "warn,waypost_analytics=info")
}

/// A server with links.
pub(crate) async fn server_with_links(
    kind: Kind,
    options: ServerOptions,
    links: usize,
) -> (TestDatabase, ServerProcess, Vec<String>) {
    let database = TestDatabase::new(kind);
    let server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    let codes = links_of(&server, links).await;
    (database, server, codes)
}

/// Creates links.
pub(crate) async fn links_of(server: &ServerProcess, links: usize) -> Vec<String> {
    let visitor = Visitor::of(server);
    join_all((0..links).map(|_| visitor.shorten("https://example.com/"))).await
}

/// Links that the server redirects also while the database is unavailable.
pub(crate) async fn resident_links_of(
    database: &TestDatabase,
    server: &ServerProcess,
    links: usize,
) -> Vec<String> {
    let codes = links_of(server, links).await;
    wait_until_resident(database, &[server], &codes).await;
    codes
}

/// Waits until this number of further redirects was answered.
pub(crate) async fn redirects(load: &Load, more: u64) {
    redirects_of(load, None, more).await;
}

/// Like [`redirects`], and a failure shows the output of the server.
pub(crate) async fn redirects_of(load: &Load, server: Option<&ServerProcess>, more: u64) {
    let goal = load.redirected() + more;
    let continues = Continues { load, server };
    wait_until(continues, SOON, async || load.redirected() >= goal).await;
}

/// What is waited for. Formatted when that was in vain, it says what the clients have seen by then.
struct Continues<'a> {
    load: &'a Load,
    server: Option<&'a ServerProcess>,
}

impl fmt::Display for Continues<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the load continues: {}", self.load)?;
        self.server
            .map_or(Ok(()), |server| write!(f, "\n{}", server.output()))
    }
}

/// Returns the value of a metric.
pub(crate) async fn metric(server: &ServerProcess, series: &str) -> f64 {
    let text = Visitor::of(server).get("/metrics").await.text().await;
    let text = text.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    line.unwrap_or_else(|| panic!("{series} in\n{text}"))
        .trim()
        .parse()
        .unwrap()
}

/// Returns the number of clicks dropped for a reason.
pub(crate) async fn dropped(server: &ServerProcess, reason: &str) -> f64 {
    let series = format!("waypost_clicks_dropped_total{{reason=\"{reason}\"}}");
    metric(server, &series).await
}

/// An unoptimised server stores some thousand clicks per second, and hundreds of thousands can be
/// pending.
const UNTIL_DRAINED: Duration = Duration::from_secs(300);

/// Waits until no click is pending in the journal.
pub(crate) async fn drained(server: &ServerProcess) {
    wait_until("the journal is drained", UNTIL_DRAINED, async || {
        metric(server, "waypost_clicks_pending").await < 0.5
            && metric(server, "waypost_click_lag_seconds").await < 0.001
    })
    .await;
}

/// Asserts that the database has exactly the expected clicks, and that all its counts agree.
/// Returns the output of `linkctl verify`.
pub(crate) async fn assert_counted(
    database: &TestDatabase,
    server: &ServerProcess,
    expected: &BTreeMap<String, Expected>,
) -> Value {
    let wrong = differences(database, expected).await;
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", server.output());
    let verified = verify(database, server);
    assert_eq!(verified["agrees"], true, "{verified}");
    verified
}

/// Like [`assert_counted`] if no link was deleted: all clicks that journals ever stored exist.
pub(crate) async fn assert_exact(
    database: &TestDatabase,
    server: &ServerProcess,
    expected: &BTreeMap<String, Expected>,
) {
    let verified = assert_counted(database, server, expected).await;
    let journals = verified["journals"].as_array().unwrap().iter();
    let stored: u64 = journals
        .map(|journal| journal["stored"].as_u64().unwrap())
        .sum();
    assert_eq!(verified["clicks"], stored, "{verified}");
}

/// Returns the output of `linkctl verify`.
pub(crate) fn verify(database: &TestDatabase, server: &ServerProcess) -> Value {
    let finished = tokio::task::block_in_place(|| {
        Invocation::of("linkctl")
            .args(["verify", "--json"])
            .database(database)
            .env("WAYPOST_DATA_DIR", server.data_dir().path())
            .run()
    });
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}

/// Stops loads on the same links of several servers, and returns the expected counts.
pub(crate) async fn stop_all(loads: Vec<Load>) -> BTreeMap<String, Expected> {
    let mut all = BTreeMap::new();
    for load in loads {
        for (code, Expected { least, most }) in load.stop().await {
            let sum = all.entry(code).or_insert(Expected { least: 0, most: 0 });
            sum.least += least;
            sum.most += most;
        }
    }
    all
}

/// Returns the sums of the minimum and maximum expected counts.
pub(crate) fn sums(expected: &BTreeMap<String, Expected>) -> (i64, i64) {
    expected.values().fold((0, 0), |(least, most), one| {
        (least + one.least, most + one.most)
    })
}
