//! Purges while redirects run: the same load before and during the purge.

use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use waypost_core::{Clock as _, SystemClock};
use waypost_test_harness::{Invocation, ServerOptions, ServerProcess};

use super::StatsOptions;
use super::data::Data;
use crate::database::LinkDatabase;
use crate::load::{Job, Load, Report, float};
use crate::subject::WORKERS;
use crate::{Result, cores, links};

const CONNECTIONS: u32 = 16;
const WARM_UP_S: f64 = 2.0;
const SECONDS: f64 = 20.0;
/// A longer purge is given up.
const LONGEST: Duration = Duration::from_secs(3_600);
/// Number of visited links.
const VISITED: u32 = 1_000;

/// The results of a purge.
#[derive(Debug, Serialize)]
pub(super) struct Purged {
    pub(super) rows: u64,
    pub(super) per_s: f64,
    pub(super) before: Report,
    pub(super) during: Report,
}

/// Runs the measurement.
///
/// # Errors
/// When something does not start or ends too early.
pub(super) async fn measure(
    data: &Data,
    database: &LinkDatabase,
    options: &StatsOptions,
    cores: &cores::Cores,
) -> Result<Purged> {
    let server_options = ServerOptions::new().env("WAYPOST_WORKERS", WORKERS.to_string());
    let server = cores::on(cores.server, || {
        ServerProcess::try_start(&database.database, server_options)
    })??;
    let job = Job {
        port: server.port(),
        server_pid: server.pid(),
        connections: CONNECTIONS,
        codes: (0..VISITED.min(options.links)).map(links::code).collect(),
        rate: Some(float(options.rate.into())),
        warm_up_s: WARM_UP_S,
        seconds: SECONDS,
        requests: None,
    };
    let before = Load::start(cores.load, &job)?.finish()?;
    let cutoff = data.at(data.clicks / 10);
    let hours = (SystemClock.now() - cutoff).whole_hours();
    let purging = thread::scope(|scope| -> Result<(u64, f64, Report)> {
        let purging = scope.spawn(|| {
            let began = Instant::now();
            let purged = Invocation::of("linkctl")
                .args([
                    "purge",
                    "--older-than",
                    &format!("{hours}h"),
                    "--yes",
                    "--json",
                ])
                .database(&database.database)
                .timeout(LONGEST)
                .run()
                .assert_success();
            (purged.stdout, began.elapsed().as_secs_f64())
        });
        let during = Load::start(cores.load, &job)?.finish()?;
        let (told, took) = purging.join().map_err(|_| "the purge failed")?;
        let told: serde_json::Value = serde_json::from_str(&told)?;
        Ok((told["purged"].as_u64().unwrap_or(0), took, during))
    });
    let (rows, took, during) = purging?;
    let purged = Purged {
        rows,
        per_s: float(rows) / took,
        before,
        during,
    };
    eprintln!(
        "purged {rows} rows, {:.0}/s; p99 {:.0} µs, {:.0} µs before",
        purged.per_s, purged.during.p99_us, purged.before.p99_us
    );
    Ok(purged)
}
