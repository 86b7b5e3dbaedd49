//! Shared code of the end-to-end tests: a visitor that talks to a real server over HTTP, and the
//! clicks of a link as the database stores them.

pub mod browser;
pub mod chromium;
pub mod load;
pub mod member;
pub mod profiles;
pub mod provider;

use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode, redirect};
use serde_json::{Value, json};
use waypost_test_harness::{DatabaseProxy, PATIENCE, ServerProcess, TestDatabase, wait_until};

/// An HTTP client of one server. It does not follow redirects.
#[derive(Clone)]
pub struct Visitor {
    client: Client,
    base: String,
}

impl Visitor {
    /// Creates a visitor of this server.
    pub fn of(server: &ServerProcess) -> Self {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client needs nothing");
        Self {
            client,
            base: server.url(""),
        }
    }

    /// Sends a request without a body.
    ///
    /// # Errors
    /// When the server does not respond.
    pub async fn send(&self, method: Method, path: &str) -> reqwest::Result<Response> {
        self.client
            .request(method, format!("{}{path}", self.base))
            .send()
            .await
    }

    /// Sends `GET path`.
    ///
    /// # Panics
    /// When the server does not respond.
    pub async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path).await.expect("an answer")
    }

    /// Returns the JSON of `GET path`.
    ///
    /// # Panics
    /// When the response is not JSON.
    pub async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.expect("JSON")
    }

    /// Sends `POST /shorten` with this body.
    ///
    /// # Panics
    /// When the server does not respond.
    pub async fn post(&self, body: Value) -> Response {
        self.client
            .post(format!("{}/shorten", self.base))
            .json(&body)
            .send()
            .await
            .expect("an answer")
    }

    /// Creates a link and returns its code.
    ///
    /// # Panics
    /// When the link is not created.
    pub async fn shorten(&self, url: &str) -> String {
        let response = self.post(json!({ "url": url })).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let body: Value = response.json().await.expect("JSON");
        body["shortCode"].as_str().expect("a code").to_owned()
    }

    /// Requests a link. Returns the status and the `Location` header of the response.
    ///
    /// # Errors
    /// When the server does not respond.
    pub async fn visit(&self, code: &str) -> reqwest::Result<(StatusCode, Option<String>)> {
        let response = self.send(Method::GET, &format!("/{code}")).await?;
        let location = response
            .headers()
            .get("location")
            .map(|value| value.to_str().expect("a URL").to_owned());
        Ok((response.status(), location))
    }

    /// Returns the number of clicks of a link, as the server reports it.
    ///
    /// # Panics
    /// When the link does not exist.
    pub async fn clicks(&self, code: &str) -> i64 {
        let record = self.json(&format!("/urls/{code}/stats")).await;
        record["clicks"].as_i64().expect("a number")
    }
}

/// Maximum time until a server notices a change by another process. The documented time is 2 s; on
/// a busy machine it may take as long as anything else in the tests.
pub const FRESH_WITHIN: Duration = PATIENCE;

/// Waits until these servers keep these links in memory until one of them changes.
///
/// A server evicts a new link once more when the change feed reports it. This adds a keyword from
/// another process, with HEAD requests that are not counted, to learn when the feed has been read.
///
/// # Panics
/// When a server does not redirect the links.
pub async fn wait_until_resident(
    database: &TestDatabase,
    servers: &[&ServerProcess],
    codes: &[String],
) {
    const LAST: &str = "the-last-change";
    let visitors: Vec<_> = servers.iter().map(|server| Visitor::of(server)).collect();
    let heads = async |visitor: &Visitor, code: &str| {
        let answer = visitor.send(Method::HEAD, &format!("/{code}/")).await;
        answer.expect("an answer").status()
    };
    for visitor in &visitors {
        // It keeps that there is no such link.
        assert_eq!(heads(visitor, LAST).await, StatusCode::NOT_FOUND);
    }
    let added = ["keyword", "add", LAST, "https://example.com/{slug}"];
    tokio::task::block_in_place(|| member::linkctl(database, &added)).assert_success();
    for visitor in &visitors {
        wait_until("the change feed is read", FRESH_WITHIN, async || {
            heads(visitor, LAST).await == StatusCode::FOUND
        })
        .await;
        for code in codes {
            assert_eq!(heads(visitor, code).await, StatusCode::FOUND);
        }
    }
}

/// Cuts the connection to the database while these links are in the cache of the server.
///
/// The server evicts a new link once more when the change feed reports it. If that happens just
/// before the cut, this function restores the connection and tries again.
///
/// # Panics
/// When the server does not redirect the links while it can reach the database.
pub async fn cut_while_cached(proxy: &DatabaseProxy, visitor: &Visitor, codes: &[&str]) {
    let all_are_followed = async || {
        for code in codes {
            // `HEAD` is not counted.
            let answer = visitor.send(Method::HEAD, &format!("/{code}")).await;
            if answer.expect("an answer").status() != StatusCode::FOUND {
                return false;
            }
        }
        true
    };
    loop {
        wait_until("the links are followed", FRESH_WITHIN, all_are_followed).await;
        proxy.cut().await;
        if all_are_followed().await {
            return;
        }
        proxy.restore();
    }
}

/// The numbers of clicks of a link in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// `links.clicks`.
    pub total: i64,
    /// The sum over `link_days`.
    pub rollup: i64,
    /// The number of rows in `link_clicks`.
    pub rows: i64,
}

impl Kept {
    /// Creates a value with the same number in all three places.
    pub const fn thrice(clicks: i64) -> Self {
        Self {
            total: clicks,
            rollup: clicks,
            rows: clicks,
        }
    }

    /// Reads the numbers from the database, without the server.
    ///
    /// # Panics
    /// When the link does not exist.
    pub async fn of(database: &TestDatabase, code: &str) -> Self {
        let number = async |what: &str| {
            let sql = format!("select {what} from links l where l.code = '{code}'");
            database.number(&sql).await
        };
        Self {
            total: number("l.clicks").await,
            rollup: number(
                "(select coalesce(sum(d.clicks), 0) from link_days d where d.link_id = l.id)",
            )
            .await,
            rows: number("(select count(*) from link_clicks c where c.link_id = l.id)").await,
        }
    }
}

/// Defines a test of each case on each database: `on_each_database!(case, …)`, where `case` is an
/// `async fn(Kind)`.
#[macro_export]
macro_rules! on_each_database {
    ($($case:ident),* $(,)?) => {
        $crate::on_each_database!(@ sqlite Sqlite $($case)*);
        $crate::on_each_database!(@ postgres Postgres $($case)*);
        $crate::on_each_database!(@ mariadb MariaDb $($case)*);
    };
    (@ $module:ident $kind:ident $($case:ident)*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$case(waypost_test_harness::Kind::$kind).await;
                }
            )*
        }
    };
}
