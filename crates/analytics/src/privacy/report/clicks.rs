//! What is stored of the clicks of visitors.

use super::{Add, NOBODY, OWNERS, WITH_LINK};
use crate::{Age, ClickSettings};

/// The fields that are not stored of visitors who ask not to be tracked. The documents of daily
/// totals count them by click type only.
pub(super) const OF_TRACKED_VISITORS: &[(&str, &[&str])] = &[
    (
        "journal",
        &[
            "IP address hash",
            "session hash",
            "country",
            "user agent",
            "referrer",
        ],
    ),
    (
        "link_clicks",
        &[
            "user_id",
            "ip_hash",
            "user_agent",
            "referrer",
            "browser",
            "os",
            "device",
            "country",
        ],
    ),
    ("link_days", &["visitors"]),
    ("link_visitors", &["link_id", "day", "visitor"]),
];

/// Whether a field is stored only of visitors who do not ask not to be tracked.
pub(super) fn is_of_tracked_visitors(place: &str, field: &str) -> bool {
    let fields = OF_TRACKED_VISITORS.iter().find(|(of, _)| *of == place);
    fields.is_some_and(|(_, fields)| fields.contains(&field))
}

/// Pending clicks.
pub(super) fn journal(add: &mut Add<'_>, settings: &ClickSettings) {
    let has_countries = settings.geoip_db.is_some();
    // A segment is closed, and deleted, once an hour.
    let kept = match settings.journal.keep.as_secs() / 3_600 {
        0 => "until the click is stored, usually less than a second, up to an hour \
            longer"
            .to_owned(),
        hours => format!(
            "until {hours} h after the click is stored (WAYPOST_JOURNAL_KEEP_HOURS), up to an \
             hour longer"
        ),
    };
    for (field, source, is_stored) in [
        ("link", "the link that was followed", true),
        ("time and day", "the clock of the database", true),
        (
            "IP address hash",
            "SHA-256 of the IP address and the salt of the day; the IP address itself is never \
             stored",
            true,
        ),
        (
            "session hash",
            "SHA-256 of the session cookie of a signed-in user",
            true,
        ),
        (
            "country",
            "country of the IP address, from the file in WAYPOST_GEOIP_DB",
            has_countries,
        ),
        (
            "user agent",
            "the header User-Agent, at most 512 characters",
            true,
        ),
        (
            "referrer",
            "the header Referer without query, fragment and credentials",
            true,
        ),
        (
            "class",
            "the click type, if the headers Sec-Purpose, Purpose, X-Purpose, X-Moz announce a \
             prefetch or a preview, or if the visitor sent Sec-GPC or DNT, from the user agent, which \
             is then not written",
            true,
        ),
    ] {
        add("journal", field, source, &kept, NOBODY, is_stored);
    }
}

/// Click records.
pub(super) fn clicks(add: &mut Add<'_>, settings: &ClickSettings) {
    let (has_rows, has_who) = (settings.privacy.keeps_rows(), settings.privacy.keeps_who());
    let has_countries = settings.geoip_db.is_some();
    let rows = settings.retention_days.map_or_else(
        || "until purged with linkctl or the link is permanently deleted".to_owned(),
        |days| {
            format!(
                "{} (WAYPOST_RETENTION_DAYS), or until the link is permanently deleted",
                Age::days(days)
            )
        },
    );
    for (field, source, seen_by, is_stored) in [
        (
            "id",
            "time of the click followed by random bits",
            NOBODY,
            has_rows,
        ),
        ("link_id", "the link that was followed", OWNERS, has_rows),
        (
            "user_id",
            "the session of a signed-in user; removed when the user is deleted",
            OWNERS,
            has_who,
        ),
        (
            "ip_hash",
            "SHA-256 of the IP address and the salt of the day, which is deleted after 48 hours",
            NOBODY,
            has_rows,
        ),
        (
            "user_agent",
            "the header User-Agent, at most 512 characters",
            NOBODY,
            has_who,
        ),
        (
            "referrer",
            "the header Referer without query, fragment and credentials",
            OWNERS,
            has_rows,
        ),
        ("clicked_at", "the clock of the database", OWNERS, has_rows),
        (
            "class",
            "the click type: human, bot, preview, prefetch or self; from the user agent, the session \
             and the headers Sec-Purpose, Purpose, X-Purpose, X-Moz",
            OWNERS,
            has_rows,
        ),
        (
            "browser",
            "the family of the browser, from the user agent",
            OWNERS,
            has_rows,
        ),
        (
            "os",
            "the family of the operating system, from the user agent",
            OWNERS,
            has_rows,
        ),
        (
            "device",
            "the kind of device, from the user agent",
            OWNERS,
            has_rows,
        ),
        (
            "country",
            "country of the IP address, from the file in WAYPOST_GEOIP_DB",
            OWNERS,
            has_rows && has_countries,
        ),
    ] {
        add("link_clicks", field, source, &rows, seen_by, is_stored);
    }
    add(
        "click_ids",
        "id",
        "the ID of a click without a record, if its link had the maximum number of records of the \
         day: time of the click followed by random bits",
        "30 days",
        NOBODY,
        has_rows && settings.records_per_day.is_some(),
    );
}

/// Totals, which are kept when click records are purged.
pub(super) fn rollups(add: &mut Add<'_>) {
    for (field, source) in [
        ("clicks", "total number of clicks"),
        ("humans", "number of clicks by people"),
        (
            "clicks_purged",
            "number of clicks whose record was purged or never stored",
        ),
    ] {
        add("links", field, source, WITH_LINK, OWNERS, true);
    }
    for (field, source) in [
        ("link_id", "the link"),
        ("day", "the day in WAYPOST_TIMEZONE"),
        ("clicks", "number of clicks"),
        ("humans", "number of clicks by people"),
        ("visitors", "number of different IP address hashes"),
        ("first_click_us", "time of the first click of the day"),
        ("last_click_us", "time of the last click of the day"),
        (
            "facts",
            "numbers of clicks by class, referrer host, browser, operating system, device and \
             country",
        ),
    ] {
        add("link_days", field, source, WITH_LINK, OWNERS, true);
    }
    for (field, source) in [
        ("link_id", "the link"),
        ("day", "the day in WAYPOST_TIMEZONE"),
        (
            "visitor",
            "half of the IP address hash, to count unique visitors of a day",
        ),
    ] {
        add(
            "link_visitors",
            field,
            source,
            "about four days",
            NOBODY,
            true,
        );
    }
    for (field, source) in [("day", "the day in WAYPOST_TIMEZONE"), ("salt", "random")] {
        let kept = "until 48 hours after its day began";
        add("daily_salts", field, source, kept, NOBODY, true);
    }
    for (field, source) in [
        ("day", "the day in WAYPOST_TIMEZONE"),
        (
            "path",
            "a path that matches no link; nothing is stored about the visitors",
        ),
        ("hits", "number of requests"),
        ("first_at", "time of the first request"),
        ("last_at", "time of the last request"),
    ] {
        add("orphan_paths", field, source, "90 days", "admins", true);
    }
}
