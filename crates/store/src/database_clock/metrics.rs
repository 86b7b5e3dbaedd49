//! The metric that shows operators whether the clocks agree.
//!
//! It goes to the recorder of the `metrics` facade that is installed when a
//! [`DatabaseClock`](crate::DatabaseClock) is created.

use metrics::{Gauge, Unit, describe_gauge, gauge};
use time::Duration;

const CLOCK_SKEW: &str = "waypost_clock_skew_seconds";

/// Describes the metric of [`DatabaseClock`](crate::DatabaseClock) to the recorder of the process,
/// and sets it to 0. Call this once, after installing the recorder.
pub fn describe_metrics() {
    describe_gauge!(
        CLOCK_SKEW,
        Unit::Seconds,
        "Clock of this server minus that of the database, in seconds, as of the last second."
    );
    gauge!(CLOCK_SKEW).set(0.0);
}

/// The series of one clock.
pub(super) struct ClockMetrics {
    skew: Gauge,
}

impl ClockMetrics {
    /// Returns the series of the recorder that is installed now.
    pub(super) fn new() -> Self {
        Self {
            skew: gauge!(CLOCK_SKEW),
        }
    }

    pub(super) fn skew(&self, skew: Duration) {
        self.skew.set(skew.as_seconds_f64());
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn it_is_described_and_starts_at_zero() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, describe_metrics);
        let text = recorder.handle().render();
        for line in [
            "# TYPE waypost_clock_skew_seconds gauge",
            "waypost_clock_skew_seconds 0",
        ] {
            assert!(text.lines().any(|given| given == line), "{line} in\n{text}");
        }
        assert_eq!(text.matches("# HELP").count(), 1, "{text}");
    }
}
