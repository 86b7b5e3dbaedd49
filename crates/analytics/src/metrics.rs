//! The numbers that this crate gives operators: names, descriptions, units and label values.
//!
//! They go to whatever recorder of the `metrics` facade the program has installed. Call
//! [`describe`] once after installing it: then every series exists from the start, at 0, and a
//! missing series means a missing program, never a quiet one.

use metrics::{Unit, counter, describe_counter};

/// Clicks stored: rows written and counted.
pub const CLICKS_RECORDED: &str = "waypost_clicks_recorded_total";
/// Attempts to store a click that failed.
pub const CLICK_RECORD_ERRORS: &str = "waypost_clicks_record_errors_total";
/// Clicks that are not stored and never will be, by [`DropReason`].
pub const CLICKS_DROPPED: &str = "waypost_clicks_dropped_total";

/// Why a click is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// Its link was deleted between the redirect and the recording.
    LinkDeleted,
}

impl DropReason {
    /// Every reason there is.
    pub const ALL: [Self; 1] = [Self::LinkDeleted];

    /// The value of the label `reason`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LinkDeleted => "link_deleted",
        }
    }
}

/// Describes every metric and starts every series at 0.
pub fn describe() {
    describe_counter!(
        CLICKS_RECORDED,
        Unit::Count,
        "Clicks stored: rows written and added to the totals."
    );
    describe_counter!(
        CLICK_RECORD_ERRORS,
        Unit::Count,
        "Attempts to store a click that failed."
    );
    describe_counter!(
        CLICKS_DROPPED,
        Unit::Count,
        "Clicks that are not stored and never will be, by reason."
    );
    clicks_recorded(0);
    counter!(CLICK_RECORD_ERRORS).increment(0);
    for reason in DropReason::ALL {
        clicks_dropped(reason, 0);
    }
}

pub(crate) fn clicks_recorded(number: u64) {
    counter!(CLICKS_RECORDED).increment(number);
}

pub(crate) fn click_record_failed() {
    counter!(CLICK_RECORD_ERRORS).increment(1);
}

pub(crate) fn clicks_dropped(reason: DropReason, number: u64) {
    counter!(CLICKS_DROPPED, "reason" => reason.as_str()).increment(number);
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn every_series_is_described_and_starts_at_zero() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, describe);
        let text = recorder.handle().render();
        for line in [
            "# TYPE waypost_clicks_recorded_total counter",
            "waypost_clicks_recorded_total 0",
            "waypost_clicks_record_errors_total 0",
            "waypost_clicks_dropped_total{reason=\"link_deleted\"} 0",
        ] {
            assert!(text.lines().any(|given| given == line), "{line} in\n{text}");
        }
        assert_eq!(text.matches("# HELP").count(), 3, "{text}");
    }
}
