//! `bench api`: how long the lists of the REST API and the pages of the dashboard take, with many
//! links of many users in the database.
//!
//! Each list is requested from its first and its last page, by several users in turn, one request
//! at a time; each page by a user with an average number of links, and by a user who owns all of
//! them. The tables show the time that the client waited.

mod data;
mod lists;
mod pages;

use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::RangedU64ValueParser;
use reqwest::header::COOKIE;
use reqwest::{Client, StatusCode};
use serde::Serialize;
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Style};
use waypost_test_harness::{Invocation, ServerOptions, ServerProcess};

use self::data::Data;
use self::lists::{List, lists};
use self::pages::{Reader, pages, sign_in};
use crate::Result;
use crate::options::Database;
use crate::statistics::median;

/// The token of the operator.
const OPERATOR: &str = "the-operator-of-a-benchmark-12345678";

/// What is measured.
#[derive(Args, Debug, Clone, Serialize)]
pub(crate) struct ApiOptions {
    /// Databases, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["sqlite", "postgres", "mariadb"])]
    pub(crate) databases: Vec<Database>,
    /// Links in the database
    #[arg(long, default_value_t = 100_000, value_parser = RangedU64ValueParser::<u32>::new().range(1_000..=10_000_000))]
    pub(crate) links: u32,
    /// Users in the database
    #[arg(long, default_value_t = 1_000, value_parser = RangedU64ValueParser::<u32>::new().range(20..=100_000))]
    pub(crate) users: u32,
    /// Only the pages, without the lists of the REST API
    #[arg(long)]
    pub(crate) only_pages: bool,
    /// Requests of each list and page
    #[arg(long, default_value_t = 60, value_parser = RangedU64ValueParser::<u32>::new().range(1..=100_000))]
    pub(crate) requests: u32,
    /// Print one JSON document instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

/// The time of a list or a page.
#[derive(Debug, Serialize)]
struct Measured {
    database: Database,
    /// The list or page.
    list: String,
    /// Items in the last response of a list; bytes of a page.
    items: usize,
    median_ms: f64,
    p95_ms: f64,
}

impl Measured {
    fn of(database: Database, list: String, items: usize, mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let p95_ms = times[(times.len() * 95 / 100).min(times.len() - 1)];
        let one = Self {
            database,
            list,
            items,
            median_ms: median(times).unwrap_or_default(),
            p95_ms,
        };
        eprintln!(
            "{:>8.2} ms  {:>8.2} ms  {:>6}  {}",
            one.median_ms, one.p95_ms, one.items, one.list
        );
        one
    }
}

/// Measures and prints the results.
///
/// # Errors
/// What went wrong, and what to do about it.
pub(crate) fn run(options: &ApiOptions) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let mut of_lists = Vec::new();
    let mut of_pages = Vec::new();
    for database in &options.databases {
        let (lists, pages) = runtime.block_on(measure(*database, options))?;
        of_lists.extend(lists);
        of_pages.extend(pages);
    }
    if options.json {
        let measured: Vec<&Measured> = of_lists.iter().chain(&of_pages).collect();
        println!("{}", serde_json::to_string_pretty(&measured)?);
    } else {
        let size = format!(
            "{} links, {} users, {} requests each, one at a time",
            options.links, options.users, options.requests
        );
        if !options.only_pages {
            println!("## Lists: {size}\n\n{}\n", table(&of_lists, "items"));
        }
        println!("## Pages: {size}\n\n{}", table(&of_pages, "bytes"));
    }
    Ok(())
}

async fn measure(which: Database, options: &ApiOptions) -> Result<(Vec<Measured>, Vec<Measured>)> {
    eprintln!(
        "{}: writing {} links of {} users …",
        which.kind(),
        options.links,
        options.users
    );
    let data = Data::write(which, options.links, options.users).await;
    let server_options = ServerOptions::new().env("WAYPOST_ADMIN_TOKEN", OPERATOR);
    let server = ServerProcess::start(&data.database, server_options);
    let client = Client::builder().no_proxy().build()?;
    let of_lists = if options.only_pages {
        Vec::new()
    } else {
        measure_lists(which, &data, &server, &client, options.requests).await?
    };
    let of_pages = measure_pages(which, &data, &server, &client, options.requests).await?;
    Ok((of_lists, of_pages))
}

async fn measure_lists(
    which: Database,
    data: &Data,
    server: &ServerProcess,
    client: &Client,
    requests: u32,
) -> Result<Vec<Measured>> {
    let tokens: Vec<String> = data.askers().map(|email| token(data, &email)).collect();
    let mut measured = Vec::new();
    for list in lists(data) {
        let path = server.url(&list.path);
        let mut times = Vec::new();
        let mut items = 0;
        for request in 0..requests {
            let place = usize::try_from(request).unwrap_or(0) % tokens.len();
            let token = if list.as_operator {
                OPERATOR
            } else {
                &tokens[place]
            };
            let (took, found) = ask(client, &path, token, &list).await?;
            times.push(took.as_secs_f64() * 1e3);
            items = found;
        }
        measured.push(Measured::of(which, list.name, items, times));
    }
    Ok(measured)
}

async fn measure_pages(
    which: Database,
    data: &Data,
    server: &ServerProcess,
    client: &Client,
    requests: u32,
) -> Result<Vec<Measured>> {
    let [member, librarian] = sign_in(data, server).await?;
    let mut measured = Vec::new();
    for page in pages(data) {
        let url = server.url(&page.path);
        let cookie = match page.reader {
            Reader::Member => &member,
            Reader::Librarian => &librarian,
        };
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..requests {
            let started = Instant::now();
            let answer = client.get(&url).header(COOKIE, cookie).send().await?;
            let status = answer.status();
            bytes = answer.bytes().await?.len();
            times.push(started.elapsed().as_secs_f64() * 1e3);
            if status != StatusCode::OK {
                return Err(format!("{url} returned {status}").into());
            }
        }
        measured.push(Measured::of(which, page.name, bytes, times));
    }
    Ok(measured)
}

async fn ask(client: &Client, url: &str, token: &str, list: &List) -> Result<(Duration, usize)> {
    let started = Instant::now();
    let answer = client.get(url).bearer_auth(token).send().await?;
    let status = answer.status();
    let body = answer.bytes().await?;
    let took = started.elapsed();
    if !status.is_success() {
        let body = String::from_utf8_lossy(&body);
        return Err(format!("{} returned {status}: {body}", list.name).into());
    }
    let body: serde_json::Value = serde_json::from_slice(&body)?;
    let items = body[list.items].as_array().map_or(0, Vec::len);
    Ok((took, items))
}

fn token(data: &Data, email: &str) -> String {
    let made = Invocation::of("linkctl")
        .args(["token", "create", "--name", "bench", "--user", email])
        .database(&data.database)
        .run()
        .assert_success();
    made.stdout.trim_end().to_owned()
}

fn table(measured: &[Measured], items: &str) -> String {
    let mut rows = Builder::default();
    rows.push_record(["request", "database", items, "median ms", "95% ms"]);
    for one in measured {
        rows.push_record([
            one.list.clone(),
            one.database.kind().to_string(),
            one.items.to_string(),
            format!("{:.2}", one.median_ms),
            format!("{:.2}", one.p95_ms),
        ]);
    }
    let mut table = rows.build();
    table.with(Style::markdown());
    table.modify(Columns::new(2..), Alignment::right());
    table.to_string()
}
