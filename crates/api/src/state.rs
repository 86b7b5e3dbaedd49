//! What the handlers work with, shared by all workers.

use std::sync::Arc;

use actix_web::web::Bytes;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use waypost_analytics::live::Live;
use waypost_analytics::statistics::Statistics;
use waypost_analytics::{Orphans, Recorder, UserAgents};
use waypost_core::{BaseUrl, Clock, Link, Random};
use waypost_service::{Accounts, Blocklist, Links, Resolver, Router, Shortener};
use waypost_store::{ClockSkew, Counts, DatabaseClock, Store, StoreError};

use crate::installation::Installation;
use crate::metrics::{LastCount, Metrics};
use crate::oidc::Oidc;
use crate::request::limits::Limits;
use crate::request::throttle::SignInThrottle;
use crate::settings::LimitSettings;
use crate::site::Site;

/// So many watch links at once.
const STREAMS: usize = 500;

/// What the API is composed of.
#[derive(Clone)]
pub struct ApiParts {
    /// Makes, finds, changes and deletes links. The reserved words of its shortener must be
    /// [`crate::reserved_words`].
    pub links: Links,
    /// Knows users and their tokens.
    pub accounts: Accounts,
    /// Finds the targets of redirects. The shortener must have the same one.
    pub resolver: Resolver,
    /// Counts the clicks.
    pub recorder: Recorder,
    /// Collects the paths for which there is no link.
    pub orphans: Orphans,
    /// Tells what has expired; whether it agrees with that of this node is a detail of readiness.
    pub clock: Arc<DatabaseClock>,
    /// Draws the ids of requests.
    pub random: Arc<dyn Random>,
    /// Where the server counts what it does.
    pub metrics: Metrics,
    /// Whether everybody may make, list and delete links that nobody owns.
    pub anonymous_links: bool,
    /// How often somebody may use the API.
    pub limits: LimitSettings,
    /// Signs people in with an OpenID provider, where there is one.
    pub oidc: Option<Arc<Oidc>>,
    /// Tells people by what browser they are signed in.
    pub user_agents: Arc<UserAgents>,
    /// How the server was started, for admins to read.
    pub installation: Installation,
}

/// The parts, and what is made of them once.
pub(crate) struct State {
    parts: ApiParts,
    router: Router,
    blocklist: Blocklist,
    base_url: BaseUrl,
    site: Site,
    throttle: SignInThrottle,
    limits: Limits,
    statistics: Statistics,
    live: Live,
    streams: Arc<Semaphore>,
    closing: CancellationToken,
    last_count: LastCount,
    document: Bytes,
}

impl State {
    /// The parts, until `closing` is cancelled, and the description of the API.
    pub(crate) fn new(
        parts: ApiParts,
        base_url: BaseUrl,
        closing: CancellationToken,
        document: Bytes,
    ) -> Self {
        Self {
            live: Live::new(parts.links.shortener().shared_store()),
            streams: Arc::new(Semaphore::new(STREAMS)),
            closing,
            router: Router::new(parts.resolver.clone(), &base_url),
            blocklist: Blocklist::new(
                parts.links.shortener().shared_store(),
                parts.clock.clone(),
                Some(parts.resolver.clone()),
            ),
            limits: Limits::new(parts.limits),
            statistics: Statistics::new(
                parts.recorder.clone(),
                parts.links.shortener().shared_store(),
            ),
            parts,
            site: Site::of(&base_url),
            throttle: SignInThrottle::default(),
            base_url,
            last_count: LastCount::default(),
            document,
        }
    }

    pub(crate) fn shortener(&self) -> &Shortener {
        self.parts.links.shortener()
    }

    pub(crate) fn links(&self) -> &Links {
        &self.parts.links
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        &self.parts.accounts
    }

    pub(crate) const fn blocklist(&self) -> &Blocklist {
        &self.blocklist
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    pub(crate) fn throttle(&self) -> &SignInThrottle {
        &self.throttle
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn oidc(&self) -> Option<&Oidc> {
        self.parts.oidc.as_deref()
    }

    pub(crate) fn user_agents(&self) -> &UserAgents {
        &self.parts.user_agents
    }

    pub(crate) const fn installation(&self) -> &Installation {
        &self.parts.installation
    }

    pub(crate) const fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    pub(crate) fn anonymous_links(&self) -> bool {
        self.parts.anonymous_links
    }

    fn store(&self) -> &dyn Store {
        self.shortener().store()
    }

    /// Asks the database for a sign of life, and notes in the metrics whether it answers within 2 s.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.metrics().asked(self.store().ping()).await
    }

    /// Returns the numbers of links and users, and notes in the metrics whether the database answers within 2 s.
    pub(crate) async fn counts(&self) -> Result<Counts, StoreError> {
        self.metrics().asked(self.store().counts()).await
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.parts.clock
    }

    /// How far the clock of this node is from that of the database; `None` where that is not known.
    pub(crate) fn clock_skew(&self) -> Option<ClockSkew> {
        self.parts.clock.skew()
    }

    pub(crate) fn resolver(&self) -> &Resolver {
        &self.parts.resolver
    }

    pub(crate) const fn router(&self) -> &Router {
        &self.router
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.parts.recorder
    }

    pub(crate) const fn live(&self) -> &Live {
        &self.live
    }

    /// The places for those who watch links.
    pub(crate) fn streams(&self) -> Arc<Semaphore> {
        Arc::clone(&self.streams)
    }

    /// Cancelled when the server stops: answers that would go on end then.
    pub(crate) const fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    pub(crate) const fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    pub(crate) fn orphans(&self) -> &Orphans {
        &self.parts.orphans
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.parts.random
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.parts.metrics
    }

    pub(crate) fn document(&self) -> Bytes {
        self.document.clone()
    }

    /// Where the record of a link is read, absolute: a relative address would break behind a proxy
    /// that serves this server under a path of its own.
    pub(crate) fn record_url(&self, link: &Link) -> String {
        // In one segment of the path, whatever the code has.
        let code = link.code.spelling().replace('/', "%2F");
        format!("{}/urls/{code}/stats", self.base_url)
    }

    /// Where a link is read in the REST API.
    pub(crate) fn resource_url(&self, link: &Link) -> String {
        self.api_url(&format!("links/{}", link.id))
    }

    /// The absolute address of a path of this server.
    pub(crate) fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// The absolute address of something in the REST API.
    pub(crate) fn api_url(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.base_url)
    }

    /// The metrics in Prometheus' text format, with fresh numbers where the store can be asked.
    pub(crate) async fn scrape(&self) -> String {
        let Self {
            parts, last_count, ..
        } = self;
        last_count
            .refresh(self.store(), &*parts.clock, &parts.metrics)
            .await;
        parts.metrics.clicks_stored(parts.recorder.stores_clicks());
        parts.recorder.observe();
        parts.metrics.render()
    }
}
