//! The metrics of this crate: how the cache of links performs, and how many links are to be indexed
//! for search.
//!
//! They go to the recorder of the `metrics` facade that is installed when a
//! [`Resolver`](crate::Resolver) is created. Their series are looked up only then: a redirect adds
//! to a number and looks nothing up.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

const LOOKUPS: &str = "waypost_cache_lookups_total";
const ENTRIES: &str = "waypost_cache_entries";
pub(crate) const LINKS_TO_INDEX: &str = "waypost_search_links_to_index";

/// The result of a look-up in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lookup {
    Hit,
    NegativeHit,
    Miss,
    Stale,
}

impl Lookup {
    const ALL: [Self; 4] = [Self::Hit, Self::NegativeHit, Self::Miss, Self::Stale];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::NegativeHit => "negative_hit",
            Self::Miss => "miss",
            Self::Stale => "stale",
        }
    }

    fn counter(self) -> Counter {
        counter!(LOOKUPS, "result" => self.as_str())
    }
}

/// What an entry of the cache represents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Link,
    Unknown,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Link, Self::Unknown];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Unknown => "unknown",
        }
    }

    fn gauge(self) -> Gauge {
        gauge!(ENTRIES, "kind" => self.as_str())
    }
}

/// Describes the metrics to the recorder of the process, and sets each series to 0. Call this once,
/// after installing the recorder.
pub fn describe_metrics() {
    describe_counter!(
        LOOKUPS,
        "Code look-ups, by result: hit (link in cache), negative_hit (unknown code in cache), \
         miss (read from the database), stale (in cache, due for a reload)."
    );
    describe_gauge!(
        ENTRIES,
        "Entries of the cache by kind, links and unknown codes, as of the last second"
    );
    describe_gauge!(
        LINKS_TO_INDEX,
        "Links of an earlier release that are still to be indexed for search."
    );
    gauge!(LINKS_TO_INDEX).set(0.0);
    for lookup in Lookup::ALL {
        lookup.counter().increment(0);
    }
    for kind in Kind::ALL {
        kind.gauge().set(0.0);
    }
}

/// The series of one cache.
#[derive(Clone)]
pub(crate) struct CacheMetrics {
    pub(crate) hits: Counter,
    pub(crate) negative_hits: Counter,
    pub(crate) misses: Counter,
    pub(crate) stale: Counter,
    links: Gauge,
    unknown: Gauge,
}

impl CacheMetrics {
    /// Returns the series of the recorder that is installed now.
    pub(crate) fn new() -> Self {
        Self {
            hits: Lookup::Hit.counter(),
            negative_hits: Lookup::NegativeHit.counter(),
            misses: Lookup::Miss.counter(),
            stale: Lookup::Stale.counter(),
            links: Kind::Link.gauge(),
            unknown: Kind::Unknown.gauge(),
        }
    }

    pub(crate) fn entries(&self, links: usize, unknown: usize) {
        let number = |length| f64::from(u32::try_from(length).unwrap_or(u32::MAX));
        self.links.set(number(links));
        self.unknown.set(number(unknown));
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn every_series_is_described_and_starts_at_zero() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, describe_metrics);
        let text = recorder.handle().render();
        for line in [
            "# TYPE waypost_cache_lookups_total counter",
            "waypost_cache_lookups_total{result=\"hit\"} 0",
            "waypost_cache_lookups_total{result=\"negative_hit\"} 0",
            "waypost_cache_lookups_total{result=\"miss\"} 0",
            "waypost_cache_lookups_total{result=\"stale\"} 0",
            "waypost_cache_entries{kind=\"link\"} 0",
            "waypost_cache_entries{kind=\"unknown\"} 0",
            "waypost_search_links_to_index 0",
        ] {
            assert!(text.lines().any(|given| given == line), "{line} in\n{text}");
        }
        assert_eq!(text.matches("# HELP").count(), 3, "{text}");
    }
}
