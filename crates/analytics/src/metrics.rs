//! The metrics of this crate: names, descriptions, units and label values.
//!
//! They are recorded with the recorder that the program has installed for the `metrics` facade.
//! Call [`describe`] once after installing it. Every series then exists from the start, at 0, so
//! that a missing series means that the program does not run.

use metrics::{Counter, Unit, counter, describe_counter, describe_gauge, gauge};
use time::Duration;

/// Clicks stored: added to the totals, and written as click records if they are kept.
pub const CLICKS_RECORDED: &str = "waypost_clicks_recorded_total";
/// Failed attempts to store clicks.
pub const CLICK_RECORD_ERRORS: &str = "waypost_clicks_record_errors_total";
/// Clicks that are not stored and never will be, by [`DropReason`].
pub const CLICKS_DROPPED: &str = "waypost_clicks_dropped_total";
/// Clicks stored without a record, because their link had the maximum number of the day.
pub const CLICKS_WITHOUT_RECORD: &str = "waypost_clicks_without_record_total";
/// Clicks stored again, after the database was restored from a backup without them.
pub const CLICKS_STORED_AGAIN: &str = "waypost_clicks_stored_again_total";
/// Clicks that were already stored from another journal.
pub const CLICKS_DUPLICATE: &str = "waypost_clicks_duplicate_total";
/// Click records purged by this process because of their age.
pub const CLICKS_PURGED: &str = "waypost_clicks_purged_total";

/// Pending clicks.
pub const CLICKS_PENDING: &str = "waypost_clicks_pending";
/// Age of the oldest pending click.
pub const CLICK_LAG: &str = "waypost_click_lag_seconds";
/// Failed attempts to sync the journal to disk.
pub const JOURNAL_SYNC_ERRORS: &str = "waypost_journal_sync_errors_total";

/// Free disk space of the data directory.
pub const DISK_FREE: &str = "waypost_disk_free_bytes";
/// Whether changes are refused because there is too little of it.
pub const DISK_LOW: &str = "waypost_disk_low";

/// Requests recorded as orphan paths.
pub const ORPHANS_RECORDED: &str = "waypost_orphans_recorded_total";
/// Requests to unknown paths that were not recorded, by [`OrphanIgnored`].
pub const ORPHANS_IGNORED: &str = "waypost_orphans_ignored_total";

/// Why a request to an unknown path was not recorded as an orphan path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrphanIgnored {
    /// The visitor requests too many unknown paths.
    Scanner,
    /// The path cannot be meant as a code.
    NotACode,
    /// The request is not a page view of a browser, or its user agent is that of a program.
    NotAPerson,
    /// The limit of the memory or of the day is reached.
    Full,
}

impl OrphanIgnored {
    /// Returns the value of the label `reason`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scanner => "scanner",
            Self::NotACode => "not_a_code",
            Self::NotAPerson => "not_a_person",
            Self::Full => "full",
        }
    }
}

/// The counters of orphan paths, looked up once, because every unknown path uses them.
pub(crate) struct OrphanCounters {
    recorded: Counter,
    scanner: Counter,
    not_a_code: Counter,
    not_a_person: Counter,
    full: Counter,
}

impl OrphanCounters {
    /// Registers the counters with the installed recorder.
    pub(crate) fn register() -> Self {
        let of = |reason: OrphanIgnored| counter!(ORPHANS_IGNORED, "reason" => reason.as_str());
        Self {
            recorded: counter!(ORPHANS_RECORDED),
            scanner: of(OrphanIgnored::Scanner),
            not_a_code: of(OrphanIgnored::NotACode),
            not_a_person: of(OrphanIgnored::NotAPerson),
            full: of(OrphanIgnored::Full),
        }
    }

    pub(crate) fn recorded(&self, number: u64) {
        self.recorded.increment(number);
    }

    pub(crate) fn ignored(&self, reason: OrphanIgnored, number: u64) {
        let counter = match reason {
            OrphanIgnored::Scanner => &self.scanner,
            OrphanIgnored::NotACode => &self.not_a_code,
            OrphanIgnored::NotAPerson => &self.not_a_person,
            OrphanIgnored::Full => &self.full,
        };
        counter.increment(number);
    }
}

/// Why a click is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// Its link was deleted before the click was stored.
    LinkDeleted,
    /// The journal, or the queue in memory, has reached its maximum size.
    JournalFull,
    /// The disk of the journal is full.
    DiskFull,
    /// The journal could not be written for another reason.
    JournalFailed,
    /// The database rejected it; it is set aside in the journal's directory.
    Rejected,
    /// It was damaged in the journal.
    Unreadable,
    /// It was in the memory of a killed process.
    Lost,
}

impl DropReason {
    /// All values.
    pub const ALL: [Self; 7] = [
        Self::LinkDeleted,
        Self::JournalFull,
        Self::DiskFull,
        Self::JournalFailed,
        Self::Rejected,
        Self::Unreadable,
        Self::Lost,
    ];

    /// Returns the value of the label `reason`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LinkDeleted => "link_deleted",
            Self::JournalFull => "journal_full",
            Self::DiskFull => "disk_full",
            Self::JournalFailed => "journal_failed",
            Self::Rejected => "rejected",
            Self::Unreadable => "unreadable",
            Self::Lost => "lost",
        }
    }
}

/// Describes every metric and starts every series at 0.
pub fn describe() {
    crate::disk_space::describe();
    describe_counter!(
        CLICKS_RECORDED,
        Unit::Count,
        "Clicks stored: added to the totals, and written as click records if they are kept."
    );
    describe_counter!(
        CLICKS_WITHOUT_RECORD,
        Unit::Count,
        "Clicks stored without a record, because their link had the maximum number of the day; \
         totals and statistics count them."
    );
    describe_counter!(
        CLICK_RECORD_ERRORS,
        Unit::Count,
        "Failed attempts to store clicks."
    );
    describe_counter!(
        CLICKS_DROPPED,
        Unit::Count,
        "Clicks that are not stored and never will be, by reason."
    );
    describe_counter!(
        CLICKS_STORED_AGAIN,
        Unit::Count,
        "Clicks stored again from the journal after the database was restored from a backup."
    );
    describe_counter!(
        CLICKS_DUPLICATE,
        Unit::Count,
        "Clicks that were already stored, because another process used a copy of the journal."
    );
    describe_counter!(
        CLICKS_PURGED,
        Unit::Count,
        "Click records purged because of their age; totals and statistics still count them."
    );
    describe_gauge!(
        CLICKS_PENDING,
        Unit::Count,
        "Pending clicks: accepted and not stored yet."
    );
    describe_gauge!(
        CLICK_LAG,
        Unit::Seconds,
        "Age of the oldest pending click in seconds; 0 if there is none."
    );
    describe_counter!(
        JOURNAL_SYNC_ERRORS,
        Unit::Count,
        "Failed attempts to sync the journal to disk."
    );
    describe_counter!(
        ORPHANS_RECORDED,
        Unit::Count,
        "Requests recorded as orphan paths."
    );
    describe_counter!(
        ORPHANS_IGNORED,
        Unit::Count,
        "Requests to unknown paths that were not recorded, by reason."
    );
    // Registering the counters starts their series.
    drop(OrphanCounters::register());
    clicks_recorded(0);
    clicks_without_record(0);
    clicks_stored_again(0);
    clicks_duplicate(0);
    clicks_purged(0);
    counter!(CLICK_RECORD_ERRORS).increment(0);
    counter!(JOURNAL_SYNC_ERRORS).increment(0);
    clicks_waiting(0, Duration::ZERO);
    for reason in DropReason::ALL {
        clicks_dropped(reason, 0);
    }
}

pub(crate) fn clicks_recorded(number: u64) {
    counter!(CLICKS_RECORDED).increment(number);
}

pub(crate) fn clicks_without_record(number: u64) {
    counter!(CLICKS_WITHOUT_RECORD).increment(number);
}

pub(crate) fn clicks_stored_again(number: u64) {
    counter!(CLICKS_STORED_AGAIN).increment(number);
}

pub(crate) fn clicks_duplicate(number: u64) {
    counter!(CLICKS_DUPLICATE).increment(number);
}

pub(crate) fn clicks_purged(number: u64) {
    counter!(CLICKS_PURGED).increment(number);
}

pub(crate) fn clicks_waiting(pending: u64, lag: Duration) {
    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "there is no other conversion, and no journal holds 2^53 clicks"
    )]
    gauge!(CLICKS_PENDING).set(pending as f64);
    gauge!(CLICK_LAG).set(lag.as_seconds_f64());
}

pub(crate) fn journal_sync_failed() {
    counter!(JOURNAL_SYNC_ERRORS).increment(1);
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
            "waypost_clicks_without_record_total 0",
            "waypost_clicks_stored_again_total 0",
            "waypost_clicks_duplicate_total 0",
            "waypost_clicks_record_errors_total 0",
            "waypost_clicks_dropped_total{reason=\"link_deleted\"} 0",
            "waypost_clicks_dropped_total{reason=\"disk_full\"} 0",
            "waypost_clicks_purged_total 0",
            "waypost_clicks_pending 0",
            "waypost_click_lag_seconds 0",
            "waypost_journal_sync_errors_total 0",
            "waypost_orphans_recorded_total 0",
            "waypost_orphans_ignored_total{reason=\"not_a_code\"} 0",
            "waypost_orphans_ignored_total{reason=\"scanner\"} 0",
        ] {
            assert!(text.lines().any(|given| given == line), "{line} in\n{text}");
        }
        assert_eq!(text.matches("# HELP").count(), 14, "{text}");
    }
}
