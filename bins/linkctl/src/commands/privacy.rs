//! `linkctl privacy report`: every stored field that holds personal data, and whether something of a
//! destroyed salt is left.

use serde::Serialize;
use time::OffsetDateTime;
use waypost_analytics::ClickSettings;
use waypost_analytics::privacy::{StoredField, report};
use waypost_settings::Settings;
use waypost_store::SaltTraces;

use crate::console::{Console, HEADING, to_the_second};
use crate::database;
use crate::failure::{Failure, Status};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportRecord {
    privacy: &'static str,
    /// What is stored of visitors who send `Sec-GPC: 1` or `DNT: 1`.
    untracked: &'static str,
    fields: Vec<FieldRecord>,
    destroyed_salts: SaltsRecord,
}

/// The traces of destroyed salts in the files of the database.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SaltsRecord {
    /// Whether nothing is left; `null` if unknown.
    erased: Option<bool>,
    /// When salts were last destroyed, and since when nothing is left.
    #[serde(with = "time::serde::rfc3339::option")]
    destroyed_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    erased_at: Option<OffsetDateTime>,
    /// The same for people.
    message: String,
}

/// What the database says about destroyed salts.
enum Salts {
    /// It cannot be read.
    Unknown,
    /// No salt was ever destroyed.
    None,
    /// A database server deletes them and decides itself when they leave its files.
    OfServer(SaltTraces),
    /// The files of SQLite.
    OfFiles(SaltTraces),
}

impl Salts {
    /// Reads the state of the database of the settings. The report needs no database otherwise.
    async fn read(settings: &Settings) -> Self {
        let Ok(database) = database::open(&settings.database).await else {
            return Self::Unknown;
        };
        let traces = database.store().salt_traces().await;
        let is_sqlite = settings.database.url.sqlite_path().is_some();
        database.close();
        match traces {
            Err(_) => Self::Unknown,
            Ok(None) => Self::None,
            Ok(Some(traces)) if is_sqlite => Self::OfFiles(traces),
            Ok(Some(traces)) => Self::OfServer(traces),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Unknown => "unknown, because the database cannot be read".to_owned(),
            Self::None => "none left, because no salt has been destroyed yet".to_owned(),
            Self::OfServer(traces) => format!(
                "deleted at {}; the database server decides when its files and logs no longer \
                 contain them",
                to_the_second(traces.destroyed_at)
            ),
            Self::OfFiles(traces) => match traces.erased_at {
                Some(since) => format!("none left since {}", to_the_second(since)),
                None => format!(
                    "waiting since {} because a reader uses an old state of the database; end the \
                     backup, shell or query that has it open (without a running server, start one)",
                    to_the_second(traces.destroyed_at)
                ),
            },
        }
    }

    fn record(&self) -> SaltsRecord {
        let (erased, traces) = match self {
            Self::Unknown => (None, None),
            Self::None => (Some(true), None),
            Self::OfServer(traces) => (None, Some(traces)),
            Self::OfFiles(traces) => (Some(traces.erased_at.is_some()), Some(traces)),
        };
        SaltsRecord {
            erased,
            destroyed_at: traces.map(|traces| traces.destroyed_at),
            erased_at: traces
                .and_then(|traces| traces.erased_at)
                .filter(|_| erased.is_some()),
            message: self.message(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldRecord {
    place: &'static str,
    field: &'static str,
    stored: bool,
    /// Whether it is stored of visitors who send `Sec-GPC: 1` or `DNT: 1`.
    stored_untracked: bool,
    source: &'static str,
    kept: String,
    seen_by: &'static str,
}

impl From<StoredField> for FieldRecord {
    fn from(field: StoredField) -> Self {
        Self {
            place: field.place,
            field: field.field,
            stored: field.is_stored,
            stored_untracked: field.is_stored_untracked,
            source: field.source,
            kept: field.kept,
            seen_by: field.seen_by,
        }
    }
}

pub(super) async fn run(settings: &Settings, console: &mut Console<'_>) -> Result<Status, Failure> {
    let salts = Salts::read(settings).await;
    print(&settings.clicks, &salts, console)
}

fn print(
    settings: &ClickSettings,
    salts: &Salts,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    let fields = report(settings);
    if console.json {
        console.json(&ReportRecord {
            privacy: settings.privacy.as_str(),
            untracked: settings.privacy.untracked(),
            fields: fields.into_iter().map(FieldRecord::from).collect(),
            destroyed_salts: salts.record(),
        })?;
        return Ok(Status::Done);
    }
    let privacy = settings.privacy;
    console.line(format_args!(
        "WAYPOST_PRIVACY={privacy}: {}",
        privacy.meaning()
    ))?;
    console.line(privacy.untracked())?;
    let mut place = "";
    for field in &fields {
        if field.place != place {
            place = field.place;
            console.line(format_args!("\n{HEADING}{place}{HEADING:#}"))?;
        }
        let stored = match (field.is_stored, field.is_stored_untracked) {
            (false, _) => " (not stored)",
            (true, false) => " (not stored with Sec-GPC or DNT)",
            (true, true) => "",
        };
        console.line(format_args!("  {}{stored}", field.field))?;
        console.line(format_args!("    from     {}", field.source))?;
        console.line(format_args!("    kept     {}", field.kept))?;
        console.line(format_args!("    seen by  {}", field.seen_by))?;
    }
    console.line(format_args!(
        "\n{HEADING}Destroyed salts{HEADING:#}\n  {}",
        salts.message()
    ))?;
    Ok(Status::Done)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use waypost_core::settings::SettingsReader;

    use super::*;
    use crate::console::Printed;

    async fn printed(json: bool, variables: &[(&str, &str)]) -> Printed {
        let mut reader = SettingsReader::of_variables(variables);
        let settings = ClickSettings::read(&mut reader).unwrap();
        let (ended, printed) =
            Printed::by(json, None, async |c| print(&settings, &Salts::None, c)).await;
        assert_eq!(ended.unwrap(), Status::Done);
        printed
    }

    #[tokio::test]
    async fn every_field_is_printed_with_its_source_its_end_and_its_readers() {
        let text = printed(false, &[]).await.output;
        for expected in [
            "link_clicks\n  id\n",
            "  ip_hash (not stored with Sec-GPC or DNT)\n    from     SHA-256",
            "salt",
            "48 hours",
        ] {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
        let anonymous = printed(false, &[("WAYPOST_PRIVACY", "anonymous")]).await;
        assert!(anonymous.output.contains("  user_agent (not stored)\n"));
        for expected in [
            "only the link, the time and the click type are stored",
            "  ip_hash (not stored with Sec-GPC or DNT)\n",
            "  class\n",
        ] {
            assert!(anonymous.output.contains(expected), "{expected}");
        }
        let counts = printed(false, &[("WAYPOST_PRIVACY", "counts")])
            .await
            .output;
        assert!(
            counts.contains("only in the totals of clicks, by click type"),
            "{counts}"
        );
        assert!(counts.contains("  class (not stored)\n"), "{counts}");
    }

    #[test]
    fn the_report_says_since_when_nothing_of_a_destroyed_salt_is_left() {
        let destroyed_at = datetime!(2026-03-03 00:30 UTC);
        let mut traces = SaltTraces {
            destroyed_at,
            erased_at: None,
        };
        let waiting = Salts::OfFiles(traces);
        let message = waiting.message();
        assert!(
            message.starts_with("waiting since 2026-03-03T00:30:00Z because"),
            "{message}"
        );
        assert_eq!(waiting.record().erased, Some(false));
        traces.erased_at = Some(destroyed_at + time::Duration::SECOND);
        let done = Salts::OfFiles(traces);
        assert_eq!(done.message(), "none left since 2026-03-03T00:30:01Z");
        assert_eq!(done.record().erased, Some(true));
        let of_server = Salts::OfServer(traces);
        assert!(of_server.message().contains("decides"));
        assert_eq!(of_server.record().erased_at, None);
    }

    #[tokio::test]
    async fn the_report_is_one_json_document() {
        let printed = printed(true, &[("WAYPOST_PRIVACY", "counts")]).await;
        let document: serde_json::Value = serde_json::from_str(&printed.output).unwrap();
        assert_eq!(document["privacy"], "counts");
        let fields = document["fields"].as_array().unwrap();
        let of_clicks = fields
            .iter()
            .filter(|field| field["place"] == "link_clicks");
        assert!(of_clicks.into_iter().all(|field| field["stored"] == false));
        assert!(fields.iter().all(|field| field["seenBy"].is_string()));
        let of = |field: &str| fields.iter().find(|it| it["field"] == field).unwrap();
        assert_eq!(of("visitors")["storedUntracked"], false);
        assert_eq!(of("facts")["storedUntracked"], true);
    }
}
