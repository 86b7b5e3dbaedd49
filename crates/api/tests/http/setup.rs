//! A server for each test, and a client that checks what all responses have in common.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect};
use serde_json::{Value, json};
use tempfile::TempDir;
use time::macros::datetime;
use tokio_util::sync::{CancellationToken, DropGuard};
use waypost_analytics::{
    DailySalts, DiskSettings, DiskSpace, Durability, Ingester, IngesterParts, Journal,
    JournalSettings, Orphans, OrphansParts, Privacy, Recorder, RecorderParts, UserAgents,
};
use waypost_api::{
    ApiParts, ExposureSettings, HttpSettings, Installation, LimitSettings, LiveSettings, Metrics,
    RunningServer, ServeError, reserved_words, serve,
};
use waypost_core::{
    Clock as _, JournalId, ManualClock, SessionLifetime, SystemRandom, TokenHash, Zone,
};
use waypost_service::{
    Accounts, AccountsParts, CacheSettings, Links, Resolver, Shortener, ShortenerParts,
};
use waypost_store::{DatabaseClock, Store as _};

use crate::gated_store::GatedStore;
use crate::log;

/// Shared by all tests, because compiling its lists takes long.
static USER_AGENTS: LazyLock<Arc<UserAgents>> = LazyLock::new(|| {
    let user_agents = UserAgents::new();
    user_agents.load();
    Arc::new(user_agents)
});

/// The operator's token.
pub(crate) const OPERATOR: &str = "0123456789abcdef0123456789abcdef";

pub(crate) struct TestServer {
    pub(crate) store: Arc<GatedStore>,
    /// The clock of the server.
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) database_clock: Arc<DatabaseClock>,
    pub(crate) accounts: Accounts,
    pub(crate) server: RunningServer,
    disk_space: DiskSpace,
    client: Client,
    /// Stops the ingester.
    _stop: DropGuard,
    _directory: TempDir,
}

/// A response with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// Returns the settings of a server on free ports.
pub(crate) fn settings() -> HttpSettings {
    HttpSettings {
        listen: Some(vec![SocketAddr::from(([127, 0, 0, 1], 0)).into()]),
        base_url: "https://go.example".parse().unwrap(),
        workers: 2,
        max_connections: 1_000,
        max_connections_per_client: None,
        proxy_protocol: false,
        metrics_listen: Vec::new(),
        shutdown_grace: Duration::from_secs(30),
    }
}

fn installation() -> Installation {
    Installation {
        database: "SQLite".to_owned(),
        database_version: Some("3.50.4".to_owned()),
        schema: Some((3, "0003_users".to_owned())),
        retention_days: Some(90),
        deleted_link_days: 30,
        privacy: Privacy::Full,
        cache_capacity: 1_000,
    }
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::with(&settings()).await
    }

    pub(crate) async fn with(settings: &HttpSettings) -> Self {
        Self::try_with(settings, Durability::Journal).await.unwrap()
    }

    /// Starts a server whose simple API is open without a token.
    pub(crate) async fn try_with(
        settings: &HttpSettings,
        durability: Durability,
    ) -> Result<Self, ServeError> {
        let (limits, exposure) = (LimitSettings::NONE, ExposureSettings::default());
        Self::begin(settings, durability, true, limits, exposure).await
    }

    /// Starts a server that requires a token, as is the default.
    pub(crate) async fn closed() -> Self {
        Self::limited(false, LimitSettings::NONE).await
    }

    /// Starts a server with these limits for its API.
    pub(crate) async fn limited(anonymous_links: bool, limits: LimitSettings) -> Self {
        let (http, exposure) = (settings(), ExposureSettings::default());
        Self::begin(
            &http,
            Durability::Journal,
            anonymous_links,
            limits,
            exposure,
        )
        .await
        .unwrap()
    }

    /// Starts a server with all of these settings.
    pub(crate) async fn begin(
        settings: &HttpSettings,
        durability: Durability,
        anonymous_links: bool,
        limits: LimitSettings,
        exposure: ExposureSettings,
    ) -> Result<Self, ServeError> {
        log::capture();
        let store = GatedStore::new();
        let clock = Arc::new(ManualClock::new(datetime!(2026-03-01 12:00:00.25 UTC)));
        let database_clock = Arc::new(DatabaseClock::new(store.clone(), clock.clone()));
        let random = Arc::new(SystemRandom);
        let resolver = Resolver::new(store.clone(), &CacheSettings::default());
        let shortener = Shortener::new(ShortenerParts {
            store: store.clone(),
            clock: clock.clone(),
            random: random.clone(),
            reserved: reserved_words(),
            base_url: settings.base_url.clone(),
            resolver: Some(resolver.clone()),
        });
        let directory = tempfile::tempdir().unwrap();
        let journal = Journal::open(
            directory.path(),
            &JournalSettings {
                durability,
                sync_interval: Duration::from_millis(100),
                max_bytes: 1_024 * 1_024,
                keep: std::time::Duration::ZERO,
            },
            JournalId::new(clock.now(), &*random),
        )
        .unwrap();
        let ingester = Ingester::begin(IngesterParts {
            journal: journal.clone(),
            store: store.clone(),
            clock: clock.clone(),
            random: random.clone(),
            user_agents: Arc::clone(&USER_AGENTS),
            privacy: Privacy::Full,
            records_per_day: None,
        })
        .await
        .unwrap();
        let salts = DailySalts::new(store.clone(), random.clone(), Zone::utc());
        salts.prepare(clock.now()).await.unwrap();
        let recorder = Recorder::new(RecorderParts {
            journal,
            salts: Arc::new(salts),
            clock: clock.clone(),
            random: random.clone(),
            zone: Zone::utc(),
            trusted_proxies: "127.0.0.1".parse().unwrap(),
            countries: None,
            user_agents: Arc::clone(&USER_AGENTS),
        });
        let accounts = Accounts::new(AccountsParts {
            store: store.clone(),
            clock: clock.clone(),
            random: random.clone(),
            operator: Some(TokenHash::of(OPERATOR)),
            sessions: SessionLifetime::default(),
            resolver: Some(resolver.clone()),
        });
        let disk_space = DiskSpace::of(Vec::new(), DiskSettings { min_free_mib: 256 });
        let parts = ApiParts {
            links: Links::new(shortener),
            accounts: accounts.clone(),
            resolver,
            recorder,
            orphans: Orphans::new(OrphansParts {
                store: store.clone(),
                clock: database_clock.clone(),
                zone: Zone::utc(),
                is_human: Box::new(|agent| agent != Some("robot")),
            }),
            clock: database_clock.clone(),
            random,
            metrics: Metrics::detached().unwrap(),
            anonymous_links,
            limits,
            disk_space: disk_space.clone(),
            live: LiveSettings::default(),
            exposure,
            oidc: None,
            user_agents: Arc::clone(&USER_AGENTS),
            installation: installation(),
        };
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .build()
            .unwrap();
        let server = serve(settings, parts)?;
        let stop = CancellationToken::new();
        tokio::spawn(ingester.run(stop.clone()));
        Ok(Self {
            store,
            clock,
            database_clock,
            accounts,
            server,
            disk_space,
            client,
            _stop: stop.drop_guard(),
            _directory: directory,
        })
    }

    /// Leaves a megabyte of free disk space.
    pub(crate) fn fill_disk(&self) {
        self.disk_space.note(1 << 20, std::path::Path::new("/data"));
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// The address that the server listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.addresses()[0].socket_address().unwrap()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn head(&self, path: &str) -> Answer {
        send(self.request(Method::HEAD, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    /// Sends `GET` as a browser does.
    pub(crate) async fn browse(&self, path: &str) -> Answer {
        let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        send(self.request(Method::GET, path).header("Accept", accept)).await
    }

    /// Sends `POST /shorten` with this text as JSON.
    pub(crate) async fn shorten_text(&self, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(Method::POST, "/shorten");
        send(request.header(CONTENT_TYPE, "application/json").body(body)).await
    }

    pub(crate) async fn shorten(&self, url: &str, code: &str) -> Answer {
        self.shorten_text(json!({ "url": url, "code": code }).to_string())
            .await
    }

    /// Creates a link with this code.
    pub(crate) async fn link(&self, code: &str) {
        let made = self.shorten("https://example.com/target", code).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    }

    /// Returns the clicks of a link from its statistics.
    pub(crate) async fn clicks(&self, code: &str) -> u64 {
        let record = self.get(&format!("/urls/{code}/stats")).await.json();
        record["clicks"].as_u64().unwrap()
    }

    pub(crate) async fn stored_links(&self) -> u64 {
        self.store.memory().counts().await.unwrap().links
    }

    /// Reads the metrics as the operator.
    pub(crate) async fn scrape(&self) -> Answer {
        send(self.request(Method::GET, "/metrics").bearer_auth(OPERATOR)).await
    }

    /// Returns the value of a metric, by its name with labels.
    pub(crate) async fn metric(&self, series: &str) -> f64 {
        let text = self.scrape().await.body;
        value(&text, series).unwrap_or_else(|| panic!("no {series} in\n{text}"))
    }
}

/// Reads the value of a series from a text in the format of Prometheus.
pub(crate) fn value(text: &str, series: &str) -> Option<f64> {
    text.lines()
        .filter_map(|line| line.rsplit_once(' '))
        .find(|(name, _)| *name == series)
        .and_then(|(_, value)| value.parse().ok())
}

/// Sends a request and checks what all responses have in common: errors have the error body, all
/// responses except redirects of links have an ID and a referrer policy, only assets are cacheable,
/// and browsers are protected.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let path = response.url().path();
    let at_the_root = ["/robots.txt", "/opensearch.xml", "/manifest.webmanifest"];
    // The base URL may have a path.
    let is_a_file = ["/static/", "/api/docs/", "/api/openapi.json"]
        .iter()
        .any(|files| path.contains(files))
        || at_the_root.iter().any(|file| path.ends_with(file));
    let answer = Answer {
        status: response.status(),
        headers: response.headers().clone(),
        body: response.text().await.unwrap(),
    };
    let id = answer.headers.contains_key("x-request-id");
    let of_a_link = answer.status == StatusCode::FOUND && answer.header("location") != "docs/";
    assert_ne!(id, of_a_link, "{answer:?}");
    let referrer = answer.header("referrer-policy");
    assert_eq!(referrer == "same-origin", !of_a_link, "{answer:?}");
    assert_protected(&answer.headers);
    let caching = answer.header("cache-control");
    assert!(is_a_file || caching.contains("no-store"), "{answer:?}");
    answer
}

/// Asserts that no browser guesses the type of a response or shows it in a frame of another site.
#[track_caller]
pub(crate) fn assert_protected(headers: &HeaderMap) {
    let value = |name| {
        headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    };
    assert_eq!(value("x-content-type-options"), "nosniff", "{headers:?}");
    let policy = value("content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{headers:?}");
    }
    assert!(!policy.contains("unsafe"), "{headers:?}");
    for (name, _) in headers {
        assert!(
            headers.get_all(name).iter().count() == 1 || name == "set-cookie" || name == "vary"
        );
    }
}

impl Answer {
    /// Returns the value of a header; empty if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    /// Asserts that it is an error with this status and code and the body of all errors.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, code: &str) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        let body = self.json();
        let mut fields: Vec<_> = body.as_object().unwrap().keys().collect();
        // The order of the fields depends on the features of other crates in the build.
        fields.sort();
        assert_eq!(fields, ["code", "error", "message"], "{self:?}");
        assert_eq!(body["code"], code, "{self:?}");
        assert_eq!(body["error"], self.status.canonical_reason().unwrap());
        assert!(!body["message"].as_str().unwrap().is_empty());
        assert!(!self.headers.contains_key("location"), "{self:?}");
    }
}
