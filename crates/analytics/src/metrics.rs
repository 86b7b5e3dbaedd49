//! The numbers that this crate gives operators: names, descriptions, units and label values.
//!
//! They go to whatever recorder of the `metrics` facade the program has installed. Call
//! [`describe`] once after installing it: then every series exists from the start, at 0, and a
//! missing series means a missing program, never a quiet one.

use metrics::{Counter, Unit, counter, describe_counter, describe_gauge, gauge};
use time::Duration;

/// Clicks stored: rows written and counted.
pub const CLICKS_RECORDED: &str = "waypost_clicks_recorded_total";
/// Attempts to store a click that failed.
pub const CLICK_RECORD_ERRORS: &str = "waypost_clicks_record_errors_total";
/// Clicks that are not stored and never will be, by [`DropReason`].
pub const CLICKS_DROPPED: &str = "waypost_clicks_dropped_total";
/// Clicks stored once more, after the database was set back and had forgotten them.
pub const CLICKS_STORED_AGAIN: &str = "waypost_clicks_stored_again_total";
/// Clicks that were found stored already, from another journal.
pub const CLICKS_DUPLICATE: &str = "waypost_clicks_duplicate_total";
/// Click rows deleted by this process because of their age.
pub const CLICKS_PURGED: &str = "waypost_clicks_purged_total";

/// Clicks in the journal that are not stored yet.
pub const CLICKS_PENDING: &str = "waypost_clicks_pending";
/// How long the oldest of them has been waiting.
pub const CLICK_LAG: &str = "waypost_click_lag_seconds";
/// Attempts to bring the journal onto the disk that failed.
pub const JOURNAL_SYNC_ERRORS: &str = "waypost_journal_sync_errors_total";

/// Tries of unknown paths that were added to the orphans.
pub const ORPHANS_RECORDED: &str = "waypost_orphans_recorded_total";
/// Tries of unknown paths that were not, by [`OrphanIgnored`].
pub const ORPHANS_IGNORED: &str = "waypost_orphans_ignored_total";

/// Why a try of an unknown path is not among the orphans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrphanIgnored {
    /// Whoever tried it tries too many.
    Scanner,
    /// It cannot be meant as a code.
    NotACode,
    /// It was no browser that goes to a page, or a program by its user agent.
    NotAPerson,
    /// There is no room, in memory or on its day.
    Full,
}

impl OrphanIgnored {
    /// The value of the label `reason`.
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

/// The counters of orphans, looked up once: they are on the way of every unknown path.
pub(crate) struct OrphanCounters {
    recorded: Counter,
    scanner: Counter,
    not_a_code: Counter,
    not_a_person: Counter,
    full: Counter,
}

impl OrphanCounters {
    /// Those of the recorder that is installed now.
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
    /// Its link was deleted between the redirect and the recording.
    LinkDeleted,
    /// The journal has reached its limit, or the queue in memory its own.
    JournalFull,
    /// The disk of the journal is full.
    DiskFull,
    /// The journal could not be written for another reason.
    JournalFailed,
    /// The database refused it; it is set aside in the journal's directory.
    Rejected,
    /// It was damaged in the journal.
    Unreadable,
    /// It was in the memory of a process that was killed.
    Lost,
}

impl DropReason {
    /// Every reason there is.
    pub const ALL: [Self; 7] = [
        Self::LinkDeleted,
        Self::JournalFull,
        Self::DiskFull,
        Self::JournalFailed,
        Self::Rejected,
        Self::Unreadable,
        Self::Lost,
    ];

    /// The value of the label `reason`.
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
    describe_counter!(
        CLICKS_STORED_AGAIN,
        Unit::Count,
        "Clicks stored again from the journal after the database was set back."
    );
    describe_counter!(
        CLICKS_DUPLICATE,
        Unit::Count,
        "Clicks found stored already, because another process used a copy of the journal."
    );
    describe_counter!(
        CLICKS_PURGED,
        Unit::Count,
        "Click rows deleted because of their age; totals and statistics keep counting them."
    );
    describe_gauge!(
        CLICKS_PENDING,
        Unit::Count,
        "Clicks that were accepted and are not stored yet."
    );
    describe_gauge!(
        CLICK_LAG,
        Unit::Seconds,
        "How long the oldest click that is not stored yet has been waiting, in seconds; 0 when none is."
    );
    describe_counter!(
        JOURNAL_SYNC_ERRORS,
        Unit::Count,
        "Attempts to bring the journal onto the disk that failed."
    );
    describe_counter!(
        ORPHANS_RECORDED,
        Unit::Count,
        "Tries of unknown paths that were added to the orphans."
    );
    describe_counter!(
        ORPHANS_IGNORED,
        Unit::Count,
        "Tries of unknown paths that were not added to the orphans, by reason."
    );
    // Registering them is what starts them.
    drop(OrphanCounters::register());
    clicks_recorded(0);
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
        assert_eq!(text.matches("# HELP").count(), 11, "{text}");
    }
}
