//! A user of the REST API with a token, and the operator with `linkctl`.

use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;
use waypost_test_harness::{Finished, Invocation, ServerOptions, ServerProcess, TestDatabase};

/// The operator's token of a server with [`closed`] options.
pub const OPERATOR: &str = "an-operators-token-of-32-characters";

/// Returns options of a server that requires a token, with [`OPERATOR`] as the operator's token.
pub fn closed() -> ServerOptions {
    ServerOptions::new()
        .env("WAYPOST_ANONYMOUS_LINKS", "false")
        .env("WAYPOST_ADMIN_TOKEN", OPERATOR)
}

/// Runs `linkctl` on a database.
pub fn linkctl(database: &TestDatabase, arguments: &[&str]) -> Finished {
    Invocation::of("linkctl")
        .args(arguments)
        .database(database)
        .run()
}

/// The password of [`add_with_password`].
pub const PASSWORD: &str = "correct horse";

/// Adds a user with [`PASSWORD`] by `linkctl user add` and these additional arguments.
pub fn add_with_password(database: &TestDatabase, email: &str, arguments: &[&str]) {
    Invocation::of("linkctl")
        .args(["user", "add", email, "--password-stdin"])
        .args(arguments.iter().copied())
        .stdin(format!("{PASSWORD}\n"))
        .database(database)
        .run()
        .assert_success();
}

/// Returns the path and query of the set-up link that a server has printed.
///
/// # Panics
/// Never: the line was found by its path.
pub fn set_up_link(server: &ServerProcess) -> Option<String> {
    let stdout = server.stdout();
    let mut lines = stdout.lines();
    let link = lines.find(|line| line.contains("/setup?token="))?;
    let (_, path) = link.split_once("/setup").expect("a path");
    Some(format!("/setup{path}"))
}

/// A user with a token.
#[derive(Clone)]
pub struct Member {
    client: Client,
    base: String,
    /// The token of the user.
    pub token: String,
}

impl Member {
    /// Creates a user with this token, on this server.
    pub fn with_token(server: &ServerProcess, token: &str) -> Self {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client needs nothing");
        Self {
            client,
            base: server.url(""),
            token: token.to_owned(),
        }
    }

    /// Returns the same client with another token.
    #[must_use]
    pub fn using(&self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    /// Adds a user with `linkctl`, creates a token, and returns the user on this server.
    pub fn add(server: &ServerProcess, database: &TestDatabase, email: &str) -> Self {
        linkctl(database, &["user", "add", email]).assert_success();
        let made = ["token", "create", "--user", email, "--name", "test"];
        let made = linkctl(database, &made).assert_success();
        let secret = made.stdout.strip_suffix('\n').expect("a line");
        Self::with_token(server, secret)
    }

    /// Returns the same user on another server.
    #[must_use]
    pub fn on(&self, server: &ServerProcess) -> Self {
        Self {
            base: server.url(""),
            ..self.clone()
        }
    }

    /// Sends a request.
    ///
    /// # Panics
    /// When the server does not respond.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let url = format!("{}{path}", self.base);
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.expect("an answer")
    }

    /// Returns the status of `GET path`.
    ///
    /// # Panics
    /// As [`Member::send`].
    pub async fn status(&self, path: &str) -> StatusCode {
        self.send(Method::GET, path, None).await.status()
    }

    /// Returns the JSON of `GET path`.
    ///
    /// # Panics
    /// When the status is not 200.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, None).await;
        json(answer, StatusCode::OK).await
    }

    /// Sends JSON and returns the JSON of the response.
    ///
    /// # Panics
    /// When the response has another status.
    pub async fn call(&self, method: Method, path: &str, body: Value, status: StatusCode) -> Value {
        json(self.send(method, path, Some(body)).await, status).await
    }

    /// Sends `DELETE path`.
    ///
    /// # Panics
    /// When the status is not 204.
    pub async fn delete(&self, path: &str) {
        let answer = self.send(Method::DELETE, path, None).await;
        let (status, text) = (answer.status(), answer.text().await);
        assert_eq!(status, StatusCode::NO_CONTENT, "{path}: {text:?}");
    }

    /// Creates a link and returns it as JSON.
    ///
    /// # Panics
    /// When the link is not created.
    pub async fn make(&self, body: Value) -> Value {
        let links = "/api/v1/links";
        self.call(Method::POST, links, body, StatusCode::CREATED)
            .await
    }

    /// Requests a link and returns the status.
    ///
    /// # Panics
    /// When the server does not respond.
    pub async fn follow(&self, code: &str) -> StatusCode {
        self.status(&format!("/{code}")).await
    }
}

async fn json(answer: Response, status: StatusCode) -> Value {
    let (path, found) = (answer.url().path().to_owned(), answer.status());
    let text = answer.text().await.expect("a body");
    assert_eq!(found, status, "{path}: {text}");
    serde_json::from_str(&text).expect("JSON")
}
