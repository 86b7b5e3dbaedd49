//! What is stored of people, field by field: where it comes from, how long it is kept, and who can see
//! it. `linkctl privacy report` prints it; a test holds it against the columns that there are.

use super::Privacy;
use crate::{Age, ClickSettings};

/// A field in which something of a person is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredField {
    /// The table, or `journal` for the file in which accepted clicks wait.
    pub place: &'static str,
    /// The column, or what is in the file.
    pub field: &'static str,
    /// Where it comes from, and what is done to it before it is stored.
    pub source: &'static str,
    /// How long it is kept.
    pub kept: String,
    /// Who can see it, besides the operator of the database.
    pub seen_by: &'static str,
    /// Whether it is stored with these settings.
    pub is_stored: bool,
}

const OWNERS: &str = "owners of the link, admins";
const NOBODY: &str = "nobody";
const THEMSELVES: &str = "the user, admins";
const USERS: &str = "users";

const WITH_LINK: &str = "as long as the link";
const WITH_USER: &str = "as long as the user";

/// Every field, with these settings.
///
/// Visitors who send `Sec-GPC: 1` or `DNT: 1` are in none of those of clicks but `id`, `link_id`,
/// `clicked_at` and `class`, and in the numbers of days.
#[must_use]
pub fn report(settings: &ClickSettings) -> Vec<StoredField> {
    let mut fields = Vec::new();
    let mut add = |place, field, source, kept: &str, seen_by, is_stored| {
        fields.push(StoredField {
            place,
            field,
            source,
            kept: kept.to_owned(),
            seen_by,
            is_stored,
        });
    };
    journal(&mut add, settings);
    clicks(&mut add, settings);
    rollups(&mut add);
    users(&mut add);
    signing_in(&mut add);
    fields
}

type Add<'a> = dyn FnMut(&'static str, &'static str, &'static str, &str, &'static str, bool) + 'a;

/// Clicks on their way.
fn journal(add: &mut Add<'_>, settings: &ClickSettings) {
    let has_countries = settings.geoip_db.is_some();
    // A segment ends, and is deleted, by the hour.
    let kept = match settings.journal.keep.as_secs() / 3_600 {
        0 => "until the click is stored, normally less than a second, or an hour longer".to_owned(),
        hours => format!(
            "until {hours} h after the click is stored (WAYPOST_JOURNAL_KEEP_HOURS), or an hour longer"
        ),
    };
    for (field, source, is_stored) in [
        ("link", "the link that was followed", true),
        ("time and day", "the clock of the database", true),
        (
            "address hash",
            "SHA-256 of the address and the salt of the day; the address itself is never written",
            true,
        ),
        (
            "session hash",
            "SHA-256 of the session cookie of somebody signed in",
            true,
        ),
        (
            "country",
            "the address, by the file of WAYPOST_GEOIP_DB",
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
            "signals",
            "whether Sec-GPC, DNT or a prefetching browser was heard",
            true,
        ),
    ] {
        add("journal", field, source, &kept, NOBODY, is_stored);
    }
}

/// The rows of clicks.
fn clicks(add: &mut Add<'_>, settings: &ClickSettings) {
    let (has_rows, has_who) = (settings.privacy.keeps_rows(), settings.privacy.keeps_who());
    let has_countries = settings.geoip_db.is_some();
    let rows = settings.retention_days.map_or_else(
        || "until it is purged by hand, or as long as the link".to_owned(),
        |days| {
            format!(
                "{} (WAYPOST_RETENTION_DAYS), or as long as the link",
                Age::days(days)
            )
        },
    );
    for (field, source, seen_by, is_stored) in [
        (
            "id",
            "drawn at random, behind the time of the click",
            NOBODY,
            has_rows,
        ),
        ("link_id", "the link that was followed", OWNERS, has_rows),
        (
            "user_id",
            "the session of somebody signed in; nobody's when the user is deleted",
            OWNERS,
            has_who,
        ),
        (
            "ip_hash",
            "SHA-256 of the address and the salt of the day, which is destroyed after 48 hours",
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
            "user agent, session and the headers Sec-Purpose, Purpose, X-Purpose, X-Moz",
            OWNERS,
            has_rows,
        ),
        (
            "browser",
            "the family of the browser, by the user agent",
            OWNERS,
            has_rows,
        ),
        (
            "os",
            "the family of the operating system, by the user agent",
            OWNERS,
            has_rows,
        ),
        (
            "device",
            "the kind of device, by the user agent",
            OWNERS,
            has_rows,
        ),
        (
            "country",
            "the address, by the file of WAYPOST_GEOIP_DB",
            OWNERS,
            has_rows && has_countries,
        ),
    ] {
        add("link_clicks", field, source, &rows, seen_by, is_stored);
    }
}

/// What outlives them.
fn rollups(add: &mut Add<'_>) {
    for (field, source) in [
        ("clicks", "how many clicks there ever were"),
        ("humans", "how many of them were of people"),
        ("clicks_purged", "how many of them have no row any more"),
    ] {
        add("links", field, source, WITH_LINK, OWNERS, true);
    }
    for (field, source) in [
        ("link_id", "the link"),
        ("day", "the day in WAYPOST_TIMEZONE"),
        ("clicks", "how many clicks there were"),
        ("humans", "how many of them were of people"),
        ("visitors", "how many different address hashes there were"),
        ("first_click_us", "the first click of the day"),
        ("last_click_us", "the last click of the day"),
        (
            "facts",
            "clicks by class, referrer host, browser, system, device and country: numbers only",
        ),
    ] {
        add("link_days", field, source, WITH_LINK, OWNERS, true);
    }
    for (field, source) in [
        ("link_id", "the link"),
        ("day", "the day in WAYPOST_TIMEZONE"),
        (
            "visitor",
            "half of the address hash, to tell the visitors of a day apart",
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
    for (field, source) in [
        ("day", "the day in WAYPOST_TIMEZONE"),
        ("salt", "drawn at random"),
    ] {
        let kept = "48 hours after its day began, then destroyed";
        add("daily_salts", field, source, kept, NOBODY, true);
    }
    for (field, source) in [
        ("day", "the day in WAYPOST_TIMEZONE"),
        (
            "path",
            "a path that leads nowhere; nothing says who tried it",
        ),
        ("hits", "how often"),
        ("first_at", "when first"),
        ("last_at", "when last"),
    ] {
        add("orphan_paths", field, source, "90 days", "admins", true);
    }
}

/// Users, who are no visitors.
fn users(add: &mut Add<'_>) {
    for (field, source, seen_by) in [
        ("id", "drawn at random, behind the time", USERS),
        (
            "email",
            "given by the user or an admin, or by the OpenID provider",
            USERS,
        ),
        (
            "display_name",
            "given by the user, or by the OpenID provider",
            USERS,
        ),
        (
            "role",
            "given by an admin, or by a group of the OpenID provider",
            THEMSELVES,
        ),
        ("created_at", "the clock of the database", THEMSELVES),
        ("password_hash", "argon2id of the password", NOBODY),
        (
            "disabled_at",
            "since when an admin keeps them out",
            THEMSELVES,
        ),
    ] {
        add("users", field, source, WITH_USER, seen_by, true);
    }
}

/// What users sign in with, and what they have done.
fn signing_in(add: &mut Add<'_>) {
    for (field, source, seen_by) in [
        ("id", "drawn at random, behind the time", "the user"),
        ("user_id", "whose it is", "the user"),
        ("secret_hash", "SHA-256 of the session cookie", NOBODY),
        ("created_at", "when somebody signed in", "the user"),
        (
            "last_used_at",
            "when it was used last, to the minute",
            "the user",
        ),
        ("expires_at", "until when it lasts", "the user"),
        ("ended_at", "when it was signed out", NOBODY),
        (
            "user_agent",
            "the header User-Agent when somebody signed in",
            "the user",
        ),
    ] {
        let kept = "30 days after it has expired";
        add("sessions", field, source, kept, seen_by, true);
    }
    for (field, source, seen_by) in [
        ("id", "drawn at random, behind the time", THEMSELVES),
        ("user_id", "whose it is", THEMSELVES),
        ("name", "given by the user", THEMSELVES),
        ("secret_hash", "SHA-256 of the token", NOBODY),
        ("scopes", "given by the user", THEMSELVES),
        ("created_at", "the clock of the database", THEMSELVES),
        ("expires_at", "given by the user", THEMSELVES),
        (
            "last_used_at",
            "when it was used last, to the minute",
            THEMSELVES,
        ),
        ("revoked_at", "when it was revoked", THEMSELVES),
    ] {
        add("api_tokens", field, source, WITH_USER, seen_by, true);
    }
    for (field, source) in [
        ("identity_hash", "SHA-256 of the two that follow"),
        ("issuer", "the OpenID provider"),
        ("subject", "what the OpenID provider calls the user"),
        ("user_id", "who that is here"),
        (
            "admin_by_group",
            "whether a group at the provider made them an admin",
        ),
        ("created_at", "when they signed in first"),
    ] {
        add("user_identities", field, source, WITH_USER, NOBODY, true);
    }
    for (field, source) in [
        ("secret_hash", "SHA-256 of the token of a set-up link"),
        ("expires_at", "until when it lasts"),
    ] {
        let kept = "until there is a first user";
        add("setup_tokens", field, source, kept, NOBODY, true);
    }
    whose_links(add);
}

/// Who owns links, and who has done what to them.
fn whose_links(add: &mut Add<'_>) {
    for (field, source) in [
        ("link_id", "the link"),
        ("user_id", "who owns the link"),
        ("is_primary", "whether they are the first to be asked"),
        ("since_version", "with which change they became an owner"),
        ("link_created_at", "when the link was made"),
    ] {
        let seen_by = "whoever may see the link";
        add("link_owners", field, source, WITH_LINK, seen_by, true);
    }
    for (field, source) in [
        ("link_id", "the link"),
        ("user_id", "with whom the link is shared"),
        ("link_created_at", "when the link was made"),
    ] {
        add("link_shares", field, source, WITH_LINK, OWNERS, true);
    }
    for (field, source) in [
        ("link_id", "the link"),
        ("number", "how many changes there were"),
        ("action", "what was done to the link"),
        ("changed_at", "when that was"),
        (
            "user_id",
            "who changed the link; nobody when the user is deleted",
        ),
        (
            "before",
            "the link before, with the ids of its owners and of those it is shared with",
        ),
        (
            "after",
            "the link after, with the ids of its owners and of those it is shared with",
        ),
    ] {
        add("link_versions", field, source, WITH_LINK, OWNERS, true);
    }
    for (field, source) in [
        (
            "created_by",
            "who blocked the host; nobody when the user is deleted",
        ),
        ("created_at", "when that was"),
    ] {
        let kept = "as long as the host is blocked";
        add("blocked_hosts", field, source, kept, "admins", true);
    }
}

impl Privacy {
    /// What the setting means, in a sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Full => "clicks are kept with all that is listed",
            Self::Anonymous => "clicks are kept without user agent and user",
            Self::Counts => "clicks leave no rows, only the numbers of days",
        }
    }
}

#[cfg(test)]
mod tests {
    use waypost_core::settings::SettingsReader;

    use super::*;

    fn stored(variables: &[(&str, &str)]) -> Vec<(&'static str, &'static str)> {
        let mut reader = SettingsReader::of_variables(variables);
        let settings = ClickSettings::read(&mut reader).unwrap();
        let fields = report(&settings).into_iter();
        let stored = fields.filter(|field| field.is_stored);
        stored.map(|field| (field.place, field.field)).collect()
    }

    #[test]
    fn what_is_stored_follows_the_settings() {
        let full = stored(&[]);
        assert!(full.contains(&("link_clicks", "user_agent")));
        assert!(!full.contains(&("link_clicks", "country")));
        let countries = stored(&[("WAYPOST_GEOIP_DB", "/srv/countries.mmdb")]);
        assert!(countries.contains(&("link_clicks", "country")));
        let anonymous = stored(&[("WAYPOST_PRIVACY", "anonymous")]);
        assert!(!anonymous.contains(&("link_clicks", "user_agent")));
        assert!(!anonymous.contains(&("link_clicks", "user_id")));
        assert!(anonymous.contains(&("link_clicks", "ip_hash")));
        let counts = stored(&[("WAYPOST_PRIVACY", "counts")]);
        assert!(counts.iter().all(|(place, _)| *place != "link_clicks"));
        assert!(counts.contains(&("link_days", "facts")));
    }

    #[test]
    fn no_field_is_there_twice() {
        let mut reader = SettingsReader::of_variables(&[("WAYPOST_RETENTION_DAYS", "90")]);
        let fields = report(&ClickSettings::read(&mut reader).unwrap());
        let mut names: Vec<_> = fields.iter().map(|it| (it.place, it.field)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), fields.len());
        let row = fields.iter().find(|field| field.place == "link_clicks");
        assert!(row.unwrap().kept.starts_with("90d"));
    }
}
