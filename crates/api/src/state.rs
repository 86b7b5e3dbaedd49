//! What the handlers work with, shared by all workers.

use std::sync::Arc;

use waypost_analytics::Recorder;
use waypost_core::{BaseUrl, Clock, Link, Random};
use waypost_store::{Shortener, Store};

use crate::metrics::{LastCount, Metrics};
use crate::openapi::Document;

/// What the API is composed of.
#[derive(Clone)]
pub struct ApiParts {
    /// Makes, finds and deletes links. Its reserved words must be [`crate::reserved_words`].
    pub shortener: Shortener,
    /// Counts the clicks.
    pub recorder: Recorder,
    /// Decides when the numbers of `/metrics` are read again.
    pub clock: Arc<dyn Clock>,
    /// Draws the ids of requests.
    pub random: Arc<dyn Random>,
    /// Where the server counts what it does.
    pub metrics: Metrics,
}

/// The parts, and what is made of them once.
pub(crate) struct State {
    parts: ApiParts,
    base_url: BaseUrl,
    last_count: LastCount,
    document: Document,
}

impl State {
    pub(crate) fn new(parts: ApiParts, base_url: BaseUrl) -> Self {
        Self {
            parts,
            base_url,
            last_count: LastCount::default(),
            document: Document::generate(),
        }
    }

    pub(crate) fn shortener(&self) -> &Shortener {
        &self.parts.shortener
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.parts.shortener.store()
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.parts.recorder
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.parts.random
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.parts.metrics
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    /// Where the record of a link is read, absolute: a relative address would break behind a proxy
    /// that serves this server under a path of its own.
    pub(crate) fn record_url(&self, link: &Link) -> String {
        format!("{}/urls/{}/stats", self.base_url, link.code.spelling())
    }

    /// The metrics in Prometheus' text format, with fresh numbers where the store can be asked.
    pub(crate) async fn scrape(&self) -> String {
        let Self {
            parts, last_count, ..
        } = self;
        last_count
            .refresh(parts.shortener.store(), &*parts.clock, &parts.metrics)
            .await;
        parts.recorder.observe();
        parts.metrics.render()
    }
}
