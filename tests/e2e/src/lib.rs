//! What the end-to-end tests share: a visitor who talks to a real server over HTTP, and the truth
//! about a link as the database tells it.

pub mod browser;
pub mod chromium;
pub mod load;
pub mod member;
pub mod provider;

use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode, redirect};
use serde_json::{Value, json};
use waypost_test_harness::{DatabaseProxy, PATIENCE, ServerProcess, TestDatabase, wait_until};

/// Talks to a server and follows no redirect.
#[derive(Clone)]
pub struct Visitor {
    client: Client,
    base: String,
}

impl Visitor {
    /// A visitor of this server.
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
    /// When the server does not answer.
    pub async fn send(&self, method: Method, path: &str) -> reqwest::Result<Response> {
        self.client
            .request(method, format!("{}{path}", self.base))
            .send()
            .await
    }

    /// `GET path`.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path).await.expect("an answer")
    }

    /// The JSON of `GET path`.
    ///
    /// # Panics
    /// When the answer is no JSON.
    pub async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.expect("JSON")
    }

    /// `POST /shorten` with this body.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn post(&self, body: Value) -> Response {
        self.client
            .post(format!("{}/shorten", self.base))
            .json(&body)
            .send()
            .await
            .expect("an answer")
    }

    /// Makes a link and gives back its code.
    ///
    /// # Panics
    /// When none is made.
    pub async fn shorten(&self, url: &str) -> String {
        let response = self.post(json!({ "url": url })).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let body: Value = response.json().await.expect("JSON");
        body["shortCode"].as_str().expect("a code").to_owned()
    }

    /// Follows a link: the answer's status and where it leads.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn visit(&self, code: &str) -> reqwest::Result<(StatusCode, Option<String>)> {
        let response = self.send(Method::GET, &format!("/{code}")).await?;
        let location = response
            .headers()
            .get("location")
            .map(|value| value.to_str().expect("a URL").to_owned());
        Ok((response.status(), location))
    }

    /// The clicks of a link as the server shows them.
    ///
    /// # Panics
    /// When there is no such link.
    pub async fn clicks(&self, code: &str) -> i64 {
        let record = self.json(&format!("/urls/{code}/stats")).await;
        record["clicks"].as_i64().expect("a number")
    }
}

/// A change that one process made is known to the others after 2 s; as much more is allowed as in all tests, while
/// others have the processors.
pub const FRESH_WITHIN: Duration = PATIENCE;

/// Cuts the database off while the server has these links in its memory.
///
/// It forgets a link that was just made once more, when it reads the change feed: where that was the last
/// thing before the cut, the database comes back for another try.
///
/// # Panics
/// When the links are not followed while the database is there.
pub async fn cut_while_cached(proxy: &DatabaseProxy, visitor: &Visitor, codes: &[&str]) {
    let all_are_followed = async || {
        for code in codes {
            // Not counted.
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

/// The clicks of a link as the database itself keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// `links.clicks`.
    pub total: i64,
    /// The sum over `link_days`.
    pub rollup: i64,
    /// The rows of `link_clicks`.
    pub rows: i64,
}

impl Kept {
    /// The same number in all three places.
    pub const fn thrice(clicks: i64) -> Self {
        Self {
            total: clicks,
            rollup: clicks,
            rows: clicks,
        }
    }

    /// Reads the database without the server.
    ///
    /// # Panics
    /// When there is no such link.
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

/// Makes a test of each case for each database: `on_each_database!(case, …)` where `case` is an
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
