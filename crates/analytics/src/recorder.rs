//! Recording a click: from what a redirect saw to a record in the journal.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use time::{Date, OffsetDateTime};
use waypost_core::{ClickId, Clock, LinkId, Random, Zone};
use waypost_store::StoreError;

use crate::journal::{Appending, ClickRecord, Journal, Settled};
use crate::metrics::{self, DropReason};
use crate::settings::Durability;
use crate::signals::Signals;
use crate::{Countries, DailySalts, TrustedProxies, Visit, ip_hash};

/// With durability `commit`, how long a redirect waits for its click to be stored.
const COMMIT_LIMIT: Duration = Duration::from_secs(5);
/// Whoever reads a number waits no longer than this for clicks that are still on their way.
const SETTLE_LIMIT: Duration = Duration::from_secs(1);

/// What a [`Recorder`] works with.
#[derive(Clone)]
pub struct RecorderParts {
    /// Where clicks are written to.
    pub journal: Arc<Journal>,
    /// The salts to hash addresses with.
    pub salts: Arc<DailySalts>,
    /// Tells when a click happened.
    pub clock: Arc<dyn Clock>,
    /// Draws ids; cryptographic in production.
    pub random: Arc<dyn Random>,
    /// Where the days of rollups and salts begin.
    pub zone: Zone,
    /// Whose forwarding headers count.
    pub trusted_proxies: TrustedProxies,
    /// Tells the country of an address, where there is something that can.
    pub countries: Option<Arc<Countries>>,
}

/// Records clicks. Clones are cheap.
#[derive(Clone)]
pub struct Recorder(Arc<RecorderParts>);

/// What became of a click.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is accepted, as [`Durability`] says, and will be counted once.
    Accepted,
    /// It will not be counted, for this reason, which is counted instead.
    Dropped(DropReason),
}

/// Clicks that are accepted and not stored yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub clicks: u64,
    /// How long the oldest of them waits; nothing where none does.
    pub lag: time::Duration,
    /// What the journal takes, in bytes.
    pub bytes: u64,
    /// What it may take, in bytes.
    pub max_bytes: u64,
}

impl Recorder {
    /// A recorder over these parts.
    #[must_use]
    pub fn new(parts: RecorderParts) -> Self {
        Self(Arc::new(parts))
    }

    /// Whose forwarding headers count.
    #[must_use]
    pub fn trusted_proxies(&self) -> &TrustedProxies {
        &self.0.trusted_proxies
    }

    /// Where days begin.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.0.zone
    }

    /// The day that it is there.
    #[must_use]
    pub fn today(&self) -> Date {
        self.0.zone.day_of(self.0.clock.now())
    }

    /// When a click is accepted.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.0.journal.durability()
    }

    /// Records that `link` was followed now.
    ///
    /// The visit is read before this returns; the future holds nothing of it, is `Send`, and may be
    /// spawned or dropped: the click is written to the journal all the same. It lets other tasks of its
    /// thread have a turn, so that the clicks of visitors who came together are written together. With
    /// [`Durability::Commit`] it then waits until the click is stored.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], with [`Durability::Commit`] alone: the database is away, or the
    /// click was not stored within 5 s. Then it is still in the journal and will be.
    pub fn record(
        &self,
        link: LinkId,
        visit: &Visit<'_>,
    ) -> impl Future<Output = Result<Outcome, StoreError>> + Send + use<> {
        let parts = &*self.0;
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
        let parts = &*self.0;
        let clicked_at = parts.clock.now();
        let day = parts.zone.day_of(clicked_at);
        let id = ClickId::new(clicked_at, &*parts.random);
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
                signals,
                user_agent: b"",
                referrer: b"",
            });
        }
        let address = parts.trusted_proxies.client_address(visit);
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
            // Here, because the address is known nowhere else.
            country: countries
                .zip(address)
                .and_then(|(countries, address)| countries.of(address)),
            signals,
            user_agent: visit.headers.first("user-agent").unwrap_or_default(),
            referrer: visit.headers.first("referer").unwrap_or_default(),
        })
    }

    /// The address that a request is believed to come from.
    #[must_use]
    pub fn client_address(&self, visit: &Visit<'_>) -> Option<IpAddr> {
        self.0.trusted_proxies.client_address(visit)
    }

    /// Waits until what this node has accepted is stored, for at most 1 s, and tells up to when
    /// clicks that it accepted are in the numbers: whoever clicks and then looks sees the click.
    pub async fn settle(&self) -> OffsetDateTime {
        let RecorderParts { journal, clock, .. } = &*self.0;
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

    /// Waits until what this node has accepted is stored, for at most `limit`, and tells how many
    /// clicks are not.
    pub async fn drain(&self, limit: Duration) -> u64 {
        let journal = &self.0.journal;
        journal.progress().reached(journal.end(), limit).await;
        journal.pending()
    }

    /// Brings up to date what the metrics say about clicks on their way.
    pub fn observe(&self) {
        let Waiting { clicks, lag, .. } = self.waiting();
        metrics::clicks_waiting(clicks, lag);
    }

    /// The clicks that this node accepted and that are not stored yet.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        let RecorderParts { journal, clock, .. } = &*self.0;
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

    /// Whether the database took clicks the last time that this node had some to store.
    #[must_use]
    pub fn stores_clicks(&self) -> bool {
        !self.0.journal.progress().is_away()
    }

    /// Whether the country of a click is known.
    #[must_use]
    pub fn knows_countries(&self) -> bool {
        self.0.countries.is_some()
    }
}

fn away() -> StoreError {
    StoreError::unavailable("clicks are not being stored at the moment")
}

#[cfg(test)]
mod tests;
