//! After a load: how fast the pending clicks are stored, and whether all of them are.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::Result;
use crate::database::LinkDatabase;
use crate::load::{Report, float};
use crate::metrics::Scraper;

/// A server that stores nothing for this long will not store more.
const PATIENCE: Duration = Duration::from_secs(20);
const SHORTEST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// Fewer clicks do not give a reliable rate.
const ENOUGH_FOR_A_RATE: f64 = 5_000.0;

/// How the clicks were stored that were pending at the end of a load.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Drained {
    /// The number of pending clicks.
    pub(crate) pending: f64,
    /// The age of the oldest of them.
    pub(crate) lag_s: f64,
    /// The time to store them.
    pub(crate) seconds: f64,
    /// The number of clicks still pending: the server stopped storing.
    pub(crate) left: f64,
}

impl Drained {
    /// Returns the clicks stored per second; `None` if there was nothing to store.
    pub(crate) fn rate(&self) -> Option<f64> {
        let stored = self.pending - self.left;
        (stored >= ENOUGH_FOR_A_RATE).then(|| stored / self.seconds)
    }
}

/// Waits until everything is stored; returns `None` for a server without a journal.
///
/// Reads the metrics rarely, to limit the disturbance, and more often near the end.
///
/// # Errors
/// When the server does not answer.
pub(super) async fn drain(scraper: &Scraper) -> Result<Option<Drained>> {
    let begin = Instant::now();
    let first = scraper.clicks().await?;
    let (Some(pending), lag_s) = (first.pending, first.lag_s.unwrap_or_default()) else {
        return Ok(None);
    };
    let mut left = pending;
    let mut moved = begin;
    while left > 0.0 && moved.elapsed() < PATIENCE {
        let stored = pending - left;
        let remaining = begin.elapsed().as_secs_f64() * left / stored.max(1.0);
        let wait = Duration::try_from_secs_f64(remaining / 2.0).unwrap_or(LONGEST_WAIT);
        tokio::time::sleep(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT)).await;
        let now = scraper.clicks().await?.pending.unwrap_or_default();
        if now < left {
            moved = Instant::now();
        }
        left = now;
    }
    Ok(Some(Drained {
        pending,
        lag_s,
        seconds: begin.elapsed().as_secs_f64(),
        left,
    }))
}

/// The redirects that visitors got, compared with the clicks in the database.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Counted {
    /// Redirects that visitors got.
    pub(crate) redirects: u64,
    /// The sum of the links' totals.
    pub(crate) stored: u64,
    /// Clicks that the server reports as dropped.
    pub(crate) dropped: u64,
    /// Links whose total differs from the number of their redirects.
    pub(crate) different_links: u64,
    /// Requests without a response: they may have been counted.
    pub(crate) unanswered: u64,
}

impl Counted {
    /// Reads the totals and compares them link by link.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(super) async fn of(
        database: &LinkDatabase,
        scraper: &Scraper,
        codes: &[String],
        report: &Report,
    ) -> Result<Self> {
        let dropped = scraper.clicks().await?.dropped;
        let stored = database.clicks().await;
        Ok(Self::compare(&stored, codes, report, dropped as u64))
    }

    fn compare(
        stored: &HashMap<String, u64>,
        codes: &[String],
        report: &Report,
        dropped: u64,
    ) -> Self {
        let pairs = codes.iter().zip(&report.found);
        let different =
            pairs.filter(|(code, found)| stored.get(*code).copied().unwrap_or_default() != **found);
        Self {
            redirects: report.total(),
            stored: stored.values().sum(),
            dropped,
            different_links: different.count() as u64,
            unanswered: report.unanswered,
        }
    }

    /// Returns `exact`, the dropped clicks if they explain everything, or the difference.
    pub(crate) fn verdict(&self) -> String {
        if self.different_links == 0 && self.stored == self.redirects {
            return "exact".to_owned();
        }
        if self.dropped > 0 && self.stored + self.dropped == self.redirects {
            return format!("{} dropped", self.dropped);
        }
        let difference = float(self.stored) - float(self.redirects);
        let mut verdict = if self.stored == self.redirects {
            format!("{} links differ", self.different_links)
        } else {
            format!("{difference:+}")
        };
        if self.dropped > 0 {
            verdict.push_str(&format!(", {} dropped", self.dropped));
        }
        if self.unanswered > 0 {
            verdict.push_str(&format!(", {} unanswered", self.unanswered));
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::{Counted, Drained};
    use crate::load::Report;

    fn compared(stored: &[(&str, u64)], dropped: u64, unanswered: u64) -> String {
        let stored: HashMap<_, _> = stored
            .iter()
            .map(|(code, clicks)| ((*code).to_owned(), *clicks))
            .collect();
        let report = Report {
            elapsed_s: 1.0,
            redirects: 3,
            p50_us: 0.0,
            p99_us: 0.0,
            max_us: 0.0,
            server_cpu_s: 0.0,
            load_cpu_s: 0.0,
            found: vec![2, 3, 0],
            others: BTreeMap::new(),
            broken: 0,
            unanswered,
        };
        let codes = ["a", "b", "c"].map(str::to_owned);
        Counted::compare(&stored, &codes, &report, dropped).verdict()
    }

    #[test]
    fn totals_are_compared_link_by_link() {
        assert_eq!(compared(&[("a", 2), ("b", 3)], 0, 0), "exact");
        assert_eq!(compared(&[("a", 2), ("b", 2)], 1, 0), "1 dropped");
        assert_eq!(compared(&[("a", 2), ("b", 1)], 1, 0), "-2, 1 dropped");
        assert_eq!(compared(&[("a", 3), ("b", 3)], 0, 1), "+1, 1 unanswered");
        // The same sum, on the wrong links.
        assert_eq!(compared(&[("a", 3), ("b", 2)], 0, 0), "2 links differ");
    }

    #[test]
    fn a_few_clicks_tell_no_rate() {
        let drained = Drained {
            pending: 20_000.0,
            lag_s: 1.0,
            seconds: 2.0,
            left: 0.0,
        };
        assert_eq!(drained.rate(), Some(10_000.0));
        assert_eq!(
            Drained {
                pending: 9.0,
                ..drained
            }
            .rate(),
            None
        );
    }
}
