//! Recording clicks: from the visit that a redirect sees to a record in the journal.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use time::{Date, OffsetDateTime};
use waypost_core::{
    ClickId, Clock, IdSequence, IpHash, LinkId, Random, UserAgent, VisitClass, Zone,
};
use waypost_store::StoreError;

use crate::journal::{Appending, ClickRecord, Journal, Settled};
use crate::metrics::{self, DropReason};
use crate::proxy_notice::ProxyNotice;
use crate::settings::Durability;
use crate::signals::Signals;
use crate::{Countries, DailySalts, TrustedProxies, UserAgents, Visit, ip_hash};

/// Maximum time that a redirect waits for its click to be stored, with durability `commit`.
const COMMIT_LIMIT: Duration = Duration::from_secs(5);
/// Maximum time that a reader of statistics waits for pending clicks.
const SETTLE_LIMIT: Duration = Duration::from_secs(1);

/// The parts that a [`Recorder`] uses.
#[derive(Clone)]
pub struct RecorderParts {
    /// The journal to which clicks are written.
    pub journal: Arc<Journal>,
    /// The salts with which IP addresses are hashed.
    pub salts: Arc<DailySalts>,
    /// The clock, for the times of clicks.
    pub clock: Arc<dyn Clock>,
    /// The generator of IDs, which must be cryptographic in production.
    pub random: Arc<dyn Random>,
    /// The time zone of daily totals and salts.
    pub zone: Zone,
    /// The proxies whose forwarding headers are trusted.
    pub trusted_proxies: TrustedProxies,
    /// The country database, if there is one.
    pub countries: Option<Arc<Countries>>,
    /// Tells the class of visitors who ask not to be tracked, whose user agent is not written.
    pub user_agents: Arc<UserAgents>,
}

/// Records clicks. Clones are cheap.
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

/// What the clones of a recorder share.
struct Shared {
    parts: RecorderParts,
    /// Orders the clicks of one microsecond.
    sequence: IdSequence,
    notice: ProxyNotice,
}

/// The outcome of recording a click.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The click is accepted, as [`Durability`] defines, and will be counted once.
    Accepted,
    /// The click is dropped, and counted by reason.
    Dropped(DropReason),
}

/// Pending clicks of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Number of clicks.
    pub clicks: u64,
    /// Age of the oldest; 0 if there is none.
    pub lag: time::Duration,
    /// Size of the journal in bytes.
    pub bytes: u64,
    /// Maximum size of the journal in bytes.
    pub max_bytes: u64,
}

impl Recorder {
    /// Creates a recorder with these parts.
    #[must_use]
    pub fn new(parts: RecorderParts) -> Self {
        Self(Arc::new(Shared {
            parts,
            sequence: IdSequence::new(),
            notice: ProxyNotice::default(),
        }))
    }

    /// Returns the proxies whose forwarding headers are trusted.
    #[must_use]
    pub fn trusted_proxies(&self) -> &TrustedProxies {
        &self.0.parts.trusted_proxies
    }

    /// Returns the time zone of days.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.0.parts.zone
    }

    /// Returns the current day in this time zone.
    #[must_use]
    pub fn today(&self) -> Date {
        self.0.parts.zone.day_of(self.0.parts.clock.now())
    }

    /// Returns when a redirect is sent.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.0.parts.journal.durability()
    }

    /// Records a click on `link` now.
    ///
    /// The visit is read before this returns. The future does not borrow it, is `Send`, and may be
    /// spawned or dropped: the click is written to the journal in any case. The future yields to
    /// other tasks of its thread, so that clicks that arrive together are written together. With
    /// [`Durability::Commit`] it then waits until the click is stored.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], only with [`Durability::Commit`], if the database is
    /// unavailable, or the click was not stored within 5 s. In the latter case the click is in the
    /// journal and will be stored.
    pub fn record(
        &self,
        link: LinkId,
        visit: &Visit<'_>,
    ) -> impl Future<Output = Result<Outcome, StoreError>> + Send + use<> {
        let parts = &self.0.parts;
        let waits = parts.journal.durability() == Durability::Commit;
        let is_away = waits && parts.journal.progress().is_away();
        let appending = (!is_away).then(|| self.append(link, visit));
        let journal = waits.then(|| Arc::clone(&parts.journal));
        async move {
            let Some(appending) = appending else {
                return Err(away());
            };
            let position = match appending.written().await {
                Ok(position) => position,
                Err(reason) => return Ok(Outcome::Dropped(reason)),
            };
            let Some(journal) = journal else {
                return Ok(Outcome::Accepted);
            };
            let end = position.saturating_add(1);
            match journal.progress().reached(end, COMMIT_LIMIT).await {
                Settled::Yes => Ok(Outcome::Accepted),
                Settled::NotYet => Err(away()),
            }
        }
    }

    fn append(&self, link: LinkId, visit: &Visit<'_>) -> Appending {
        let parts = &self.0.parts;
        let clicked_at = parts.clock.now();
        let day = parts.zone.day_of(clicked_at);
        let id = ClickId::in_sequence(clicked_at, &self.0.sequence, &*parts.random);
        let signals = Signals::of(visit.headers);
        if signals.is_untracked {
            return parts.journal.append(&ClickRecord {
                id,
                link_id: link,
                clicked_at,
                day,
                ip_hash: None,
                session: None,
                country: None,
                class: Some(self.class(signals, visit)),
                user_agent: b"",
                referrer: b"",
            });
        }
        let address = self.client_address(visit);
        let salt = parts.salts.known(day);
        let countries = parts.countries.as_ref();
        parts.journal.append(&ClickRecord {
            id,
            link_id: link,
            clicked_at,
            day,
            ip_hash: address
                .zip(salt)
                .map(|(address, salt)| ip_hash(address, &salt)),
            session: visit.session,
            // Look up the country here, because the IP address is not stored.
            country: countries
                .zip(address)
                .and_then(|(countries, address)| countries.of(address)),
            class: signals.announced,
            user_agent: visit.headers.first("user-agent").unwrap_or_default(),
            referrer: visit.headers.first("referer").unwrap_or_default(),
        })
    }

    /// Tells the class of a visit whose user agent is not written.
    fn class(&self, signals: Signals, visit: &Visit<'_>) -> VisitClass {
        signals.announced.unwrap_or_else(|| {
            let header = visit.headers.first("user-agent").unwrap_or_default();
            let user_agent = UserAgent::from_header(header);
            let user_agent = user_agent.as_ref().map(UserAgent::as_str);
            self.0.parts.user_agents.class(user_agent)
        })
    }

    /// Returns the IP address of the client. Warns in the log, once per process, when a request has
    /// passed a proxy that is not trusted.
    #[must_use]
    pub fn client_address(&self, visit: &Visit<'_>) -> Option<IpAddr> {
        self.0.notice.check(&self.0.parts.trusted_proxies, visit);
        self.0.parts.trusted_proxies.client_address(visit)
    }

    /// Returns the hash of the IP address of the client with the salt of today; `None` if the
    /// client has no IP address, or the salt is not known yet.
    #[must_use]
    pub fn origin(&self, visit: &Visit<'_>) -> Option<IpHash> {
        let parts = &self.0.parts;
        let day = parts.zone.day_of(parts.clock.now());
        let salt = parts.salts.known(day)?;
        let address = self.client_address(visit)?;
        Some(ip_hash(address, &salt))
    }

    /// Waits at most 1 s until all clicks that this server accepted are stored. Returns the time up
    /// to which statistics include its clicks. Anyone who clicks and then reads statistics sees the
    /// click.
    pub async fn settle(&self) -> OffsetDateTime {
        let RecorderParts { journal, clock, .. } = &self.0.parts;
        let asked_at = clock.now();
        match journal
            .progress()
            .reached(journal.end(), SETTLE_LIMIT)
            .await
        {
            Settled::Yes => asked_at,
            Settled::NotYet => journal.waiting_since().unwrap_or(asked_at),
        }
    }

    /// Waits at most `limit` until all clicks that this server accepted are stored. Returns the
    /// number of clicks that are still pending.
    pub async fn drain(&self, limit: Duration) -> u64 {
        let journal = &self.0.parts.journal;
        journal.progress().reached(journal.end(), limit).await;
        journal.pending()
    }

    /// Updates the metrics of pending clicks.
    pub fn observe(&self) {
        let Waiting { clicks, lag, .. } = self.waiting();
        metrics::clicks_waiting(clicks, lag);
    }

    /// Returns the pending clicks of this server.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        let RecorderParts { journal, clock, .. } = &self.0.parts;
        let lag = journal
            .waiting_since()
            .map_or(time::Duration::ZERO, |since| clock.now() - since);
        let (bytes, max_bytes) = journal.size();
        Waiting {
            clicks: journal.pending(),
            lag: lag.max(time::Duration::ZERO),
            bytes,
            max_bytes,
        }
    }

    /// Whether the last attempt to store clicks succeeded.
    #[must_use]
    pub fn stores_clicks(&self) -> bool {
        !self.0.parts.journal.progress().is_away()
    }

    /// Whether the country of clicks is recorded.
    #[must_use]
    pub fn knows_countries(&self) -> bool {
        self.0.parts.countries.is_some()
    }
}

fn away() -> StoreError {
    StoreError::unavailable("clicks are not being stored at the moment")
}

#[cfg(test)]
mod tests;
