//! Requests for statistics, one at a time, as an admin.

use std::time::{Duration, Instant};

use reqwest::Client;
use serde::Serialize;
use time::Duration as Days;
use waypost_test_harness::{ServerOptions, ServerProcess};

use super::StatsOptions;
use super::data::{Data, END, HOT};
use crate::database::LinkDatabase;
use crate::statistics::median;
use crate::{Result, links};

/// The token of the operator.
const OPERATOR: &str = "the-operator-of-a-benchmark-12345678";

/// The time of a response.
#[derive(Debug, Serialize)]
pub(super) struct Asked {
    pub(super) name: &'static str,
    pub(super) median_ms: f64,
    pub(super) p95_ms: f64,
}

/// Runs the measurement.
///
/// # Errors
/// When the server does not start, or rejects a request.
pub(super) async fn measure(
    data: &Data,
    database: &LinkDatabase,
    options: &StatsOptions,
) -> Result<Vec<Asked>> {
    let server_options = ServerOptions::new().env("WAYPOST_ADMIN_TOKEN", OPERATOR);
    let server = ServerProcess::start(&database.database, server_options);
    let client = Client::builder().no_proxy().build()?;
    let link = format!("/api/v1/links/{}", links::id(HOT));
    let last = (END - Days::DAY).date();
    let days = |days: i64| {
        let from = last - Days::days(days - 1);
        format!("from={from}&to={last}")
    };
    // The page after 99 others, or the last one if there are fewer.
    let newest = data.hot_click(4_950);
    let mut asked = Vec::new();
    for (name, path) in [
        ("stats, 30 days", format!("{link}/stats?{}", days(30))),
        ("stats, 365 days", format!("{link}/stats?{}", days(365))),
        (
            "breakdown by referrer, 30 days",
            format!("{link}/breakdown?by=referrer&{}", days(30)),
        ),
        (
            "breakdown by referrer, 365 days",
            format!("{link}/breakdown?by=referrer&{}", days(365)),
        ),
        (
            "breakdown by country, 365 days",
            format!("{link}/breakdown?by=country&{}", days(365)),
        ),
        ("first page of clicks", format!("{link}/clicks")),
        (
            "hundredth page of clicks",
            format!("{link}/clicks?cursor={newest}"),
        ),
    ] {
        let url = server.url(&path);
        let mut times = Vec::new();
        for _ in 0..options.requests {
            times.push(ask(&client, &url).await?.as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let p95_ms = times[(times.len() * 95 / 100).min(times.len() - 1)];
        let one = Asked {
            name,
            median_ms: median(times).unwrap_or_default(),
            p95_ms,
        };
        eprintln!("{:>8.2} ms  {:>8.2} ms  {name}", one.median_ms, one.p95_ms);
        asked.push(one);
    }
    Ok(asked)
}

async fn ask(client: &Client, url: &str) -> Result<Duration> {
    let started = Instant::now();
    let answer = client.get(url).bearer_auth(OPERATOR).send().await?;
    let status = answer.status();
    let body = answer.text().await?;
    let took = started.elapsed();
    if !status.is_success() {
        return Err(format!("{url} returned {status}: {body}").into());
    }
    Ok(took)
}
