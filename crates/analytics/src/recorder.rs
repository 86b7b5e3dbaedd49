//! Recording a click: from what a redirect saw to what the store keeps.

use std::sync::Arc;

use waypost_core::{Click, ClickId, Clock, LinkId, Random, Referrer, UserAgent, Zone};
use waypost_store::{Store, StoreError};

use crate::metrics::{self, DropReason};
use crate::{DailySalts, TrustedProxies, Visit, ip_hash};

/// What a [`Recorder`] works with.
#[derive(Clone)]
pub struct RecorderParts {
    /// Where clicks are kept.
    pub store: Arc<dyn Store>,
    /// Tells when a click happened.
    pub clock: Arc<dyn Clock>,
    /// Draws ids and salts; cryptographic in production.
    pub random: Arc<dyn Random>,
    /// Where the days of rollups and salts begin.
    pub zone: Zone,
    /// Whose forwarding headers count.
    pub trusted_proxies: TrustedProxies,
}

/// Records clicks. Clones are cheap and share the salts.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    parts: RecorderParts,
    salts: Arc<DailySalts>,
}

/// What became of a click.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored and counted.
    Counted,
    /// Its link does not exist any more; nothing is stored.
    LinkGone,
}

impl Recorder {
    /// A recorder over these parts.
    #[must_use]
    pub fn new(parts: RecorderParts) -> Self {
        let (store, random) = (Arc::clone(&parts.store), Arc::clone(&parts.random));
        let salts = DailySalts::new(store, random, parts.zone.clone());
        Self(Arc::new(Inner {
            parts,
            salts: Arc::new(salts),
        }))
    }

    /// The salts it hashes with, for [`Maintenance`](crate::Maintenance) to destroy in time.
    #[must_use]
    pub fn salts(&self) -> Arc<DailySalts> {
        Arc::clone(&self.0.salts)
    }

    /// Records that `link` was followed now.
    ///
    /// The visit is read before this returns; the future holds nothing of it, is `Send`, and may be
    /// spawned. When it ends with [`Outcome::Counted`], the click is stored in the database and every
    /// total includes it.
    ///
    /// This is where what stands between a redirect and the database is decided: nothing, today.
    /// A journal that is appended to and ingested in batches takes the place of the single
    /// `record_clicks` below, and callers stay as they are.
    ///
    /// # Errors
    /// [`StoreError`] when the store failed, or the day's salt could not be had from it. A click that
    /// ends with [`StoreError::Unavailable`] is either stored whole or not at all, and which of the
    /// two cannot be known when the connection broke during the commit.
    pub fn record(
        &self,
        link: LinkId,
        visit: &Visit<'_>,
    ) -> impl Future<Output = Result<Outcome, StoreError>> + Send + use<> {
        let inner = Arc::clone(&self.0);
        let parts = &inner.parts;
        let clicked_at = parts.clock.now();
        let address = parts.trusted_proxies.client_address(visit);
        let mut click = Click {
            id: ClickId::new(clicked_at, &*parts.random),
            link_id: link,
            user_id: None,
            ip_hash: None,
            user_agent: header(visit, "user-agent", UserAgent::from_header),
            referrer: header(visit, "referer", Referrer::from_header),
            clicked_at,
            day: parts.zone.day_of(clicked_at),
        };
        async move {
            let recorded = async {
                if let Some(address) = address {
                    let salt = inner.salts.of(click.day).await?;
                    click.ip_hash = Some(ip_hash(address, &salt));
                }
                inner.parts.store.record_clicks(&[click]).await
            };
            let recorded = recorded
                .await
                .inspect_err(|_| metrics::click_record_failed())?;
            metrics::clicks_recorded(recorded.stored);
            metrics::clicks_dropped(DropReason::LinkDeleted, recorded.link_gone);
            Ok(if recorded.stored == 0 {
                Outcome::LinkGone
            } else {
                Outcome::Counted
            })
        }
    }
}

fn header<T>(visit: &Visit<'_>, name: &str, parse: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    visit.headers.first(name).and_then(parse)
}

#[cfg(test)]
mod tests;
