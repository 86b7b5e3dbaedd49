//! The state of the handlers, shared by all workers.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use waypost_analytics::live::Live;
use waypost_analytics::statistics::Statistics;
use waypost_analytics::{DiskSpace, Orphans, Recorder, UserAgents};
use waypost_core::{BaseUrl, Clock, Link, Random};
use waypost_service::{Accounts, Blocklist, Links, Resolver, Router, Shortener};
use waypost_store::{ClockSkew, Counts, DatabaseClock, SaltTraces, Store, StoreError};

use crate::headers::ExposureSettings;
use crate::installation::Installation;
use crate::metrics::{LastCount, Metrics};
use crate::oidc::Oidc;
use crate::request::csrf::OriginNotes;
use crate::request::limits::Limits;
use crate::request::streams::{LiveSettings, Streams};
use crate::request::throttle::SignInThrottle;
use crate::settings::LimitSettings;
use crate::site::Site;

/// The parts that the API uses.
#[derive(Clone)]
pub struct ApiParts {
    /// Creates, finds, changes and deletes links. The reserved words of its shortener must be
    /// [`crate::reserved_words`].
    pub links: Links,
    /// Manages users and their tokens.
    pub accounts: Accounts,
    /// Finds the destinations of redirects. The shortener must use the same resolver.
    pub resolver: Resolver,
    /// Counts clicks.
    pub recorder: Recorder,
    /// Collects orphan paths.
    pub orphans: Orphans,
    /// Decides what has expired. Its difference from the clock of this server is a detail of
    /// readiness.
    pub clock: Arc<DatabaseClock>,
    /// Generates request IDs.
    pub random: Arc<dyn Random>,
    /// The metrics of the server.
    pub metrics: Metrics,
    /// Whether anyone may create, list and delete links without an owner.
    pub anonymous_links: bool,
    /// The limits on the use of the API.
    pub limits: LimitSettings,
    /// The free disk space, without which changes are refused.
    pub disk_space: DiskSpace,
    /// The limits on live streams.
    pub live: LiveSettings,
    /// What the server shows to everyone.
    pub exposure: ExposureSettings,
    /// Signs users in with an OpenID provider, if one is set.
    pub oidc: Option<Arc<Oidc>>,
    /// Names the browsers of sessions.
    pub user_agents: Arc<UserAgents>,
    /// Facts about this installation, for admins.
    pub installation: Installation,
}

/// The parts, and what is derived from them once.
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
    streams: Streams,
    closing: CancellationToken,
    last_count: LastCount,
    origin_notes: OriginNotes,
}

impl State {
    /// Creates the state. `closing` is cancelled when the server stops.
    pub(crate) fn new(parts: ApiParts, base_url: BaseUrl, closing: CancellationToken) -> Self {
        Self {
            live: Live::new(parts.links.shortener().shared_store()),
            streams: Streams::new(parts.live, parts.metrics.clone()),
            closing,
            router: Router::new(parts.resolver.clone(), &base_url),
            blocklist: Blocklist::new(
                parts.links.shortener().shared_store(),
                parts.clock.clone(),
                Some(parts.resolver.clone()),
                parts.accounts.audit().clone(),
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
            origin_notes: OriginNotes::default(),
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

    pub(crate) const fn origin_notes(&self) -> &OriginNotes {
        &self.origin_notes
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

    /// Returns what is known about the traces of destroyed salts.
    pub(crate) async fn salt_traces(&self) -> Result<Option<SaltTraces>, StoreError> {
        self.store().salt_traces().await
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.parts.clock
    }

    /// Returns the difference between the clocks of this server and the database; `None` if
    /// unknown.
    pub(crate) fn clock_skew(&self) -> Option<ClockSkew> {
        self.parts.clock.skew()
    }

    pub(crate) fn resolver(&self) -> &Resolver {
        &self.parts.resolver
    }

    pub(crate) const fn router(&self) -> &Router {
        &self.router
    }

    pub(crate) const fn exposure(&self) -> ExposureSettings {
        self.parts.exposure
    }

    pub(crate) const fn disk_space(&self) -> &DiskSpace {
        &self.parts.disk_space
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.parts.recorder
    }

    pub(crate) const fn live(&self) -> &Live {
        &self.live
    }

    pub(crate) const fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Returns the token that is cancelled when the server stops, which ends streamed responses.
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

    /// Returns the URL of the record of a link. It is absolute, because a relative one would break
    /// with a proxy that serves this server under a path.
    pub(crate) fn record_url(&self, link: &Link) -> String {
        // The code is one segment of the path, even if it contains slashes.
        let code = link.code.spelling().replace('/', "%2F");
        format!("{}/urls/{code}/stats", self.base_url)
    }

    /// Returns the URL of a link in the REST API.
    pub(crate) fn resource_url(&self, link: &Link) -> String {
        self.api_url(&format!("links/{}", link.id))
    }

    /// Returns the absolute URL of a path of this server.
    pub(crate) fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// Returns the absolute URL of a path of the REST API.
    pub(crate) fn api_url(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.base_url)
    }

    /// Renders the metrics in the Prometheus text format, with fresh counts if the store is
    /// available.
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
