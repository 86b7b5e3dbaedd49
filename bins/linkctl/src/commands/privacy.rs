//! `linkctl privacy report`: every stored field that holds personal data.

use serde::Serialize;
use waypost_analytics::ClickSettings;
use waypost_analytics::privacy::{StoredField, report};

use crate::console::{Console, HEADING};
use crate::failure::{Failure, Status};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportRecord {
    privacy: &'static str,
    fields: Vec<FieldRecord>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldRecord {
    place: &'static str,
    field: &'static str,
    stored: bool,
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
            source: field.source,
            kept: field.kept,
            seen_by: field.seen_by,
        }
    }
}

pub(super) fn run(settings: &ClickSettings, console: &mut Console<'_>) -> Result<Status, Failure> {
    let fields = report(settings);
    if console.json {
        console.json(&ReportRecord {
            privacy: settings.privacy.as_str(),
            fields: fields.into_iter().map(FieldRecord::from).collect(),
        })?;
        return Ok(Status::Done);
    }
    let privacy = settings.privacy;
    console.line(format_args!(
        "WAYPOST_PRIVACY={privacy}: {}",
        privacy.meaning()
    ))?;
    let mut place = "";
    for field in &fields {
        if field.place != place {
            place = field.place;
            console.line(format_args!("\n{HEADING}{place}{HEADING:#}"))?;
        }
        let stored = if field.is_stored { "" } else { " (not stored)" };
        console.line(format_args!("  {}{stored}", field.field))?;
        console.line(format_args!("    from     {}", field.source))?;
        console.line(format_args!("    kept     {}", field.kept))?;
        console.line(format_args!("    seen by  {}", field.seen_by))?;
    }
    console.line(
        "\nFor visitors who send Sec-GPC: 1 or DNT: 1, only the link, the time and the click type \
         are stored.",
    )?;
    Ok(Status::Done)
}

#[cfg(test)]
mod tests {
    use waypost_core::settings::SettingsReader;

    use super::*;
    use crate::console::Printed;

    async fn printed(json: bool, variables: &[(&str, &str)]) -> Printed {
        let mut reader = SettingsReader::of_variables(variables);
        let settings = ClickSettings::read(&mut reader).unwrap();
        let (ended, printed) = Printed::by(json, None, async |c| run(&settings, c)).await;
        assert_eq!(ended.unwrap(), Status::Done);
        printed
    }

    #[tokio::test]
    async fn every_field_is_printed_with_its_source_its_end_and_its_readers() {
        let text = printed(false, &[]).await.output;
        for expected in [
            "link_clicks\n  id\n",
            "  ip_hash\n    from     SHA-256",
            "salt",
            "48 hours",
        ] {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
        let anonymous = printed(false, &[("WAYPOST_PRIVACY", "anonymous")]).await;
        assert!(anonymous.output.contains("  user_agent (not stored)\n"));
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
    }
}
