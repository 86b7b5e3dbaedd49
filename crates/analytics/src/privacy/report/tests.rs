use waypost_core::settings::SettingsReader;

use super::*;

fn stored(variables: &[(&str, &str)]) -> Vec<(&'static str, &'static str)> {
    let mut reader = SettingsReader::of_variables(variables);
    let settings = ClickSettings::read(&mut reader).unwrap();
    let fields = report(&settings).into_iter();
    let stored = fields.filter(|field| field.is_stored);
    stored.map(|field| (field.place, field.field)).collect()
}

/// Returns the stored fields of visitors who ask not to be tracked.
fn untracked(place: &str, variables: &[(&str, &str)]) -> Vec<&'static str> {
    let mut reader = SettingsReader::of_variables(variables);
    let settings = ClickSettings::read(&mut reader).unwrap();
    let fields = report(&settings).into_iter();
    let stored = fields.filter(|field| field.is_stored_untracked && field.place == place);
    stored.map(|field| field.field).collect()
}

#[test]
fn of_visitors_who_ask_not_to_be_tracked_the_class_is_stored_and_nothing_of_them() {
    let countries = ("WAYPOST_GEOIP_DB", "/srv/countries.mmdb");
    for privacy in ["full", "anonymous"] {
        let fields = untracked("link_clicks", &[("WAYPOST_PRIVACY", privacy), countries]);
        assert_eq!(
            fields,
            ["id", "link_id", "clicked_at", "class"],
            "{privacy}"
        );
    }
    let counts = [("WAYPOST_PRIVACY", "counts"), countries];
    assert_eq!(untracked("link_clicks", &counts), [""; 0]);
    for variables in [&[countries][..], &counts] {
        let fields = untracked("journal", variables);
        assert_eq!(fields, ["link", "time and day", "class"]);
        assert!(untracked("link_days", variables).contains(&"facts"));
        assert!(!untracked("link_days", variables).contains(&"visitors"));
        assert_eq!(untracked("link_visitors", variables), [""; 0]);
    }
    // All fields in that table exist.
    for (place, fields) in clicks::OF_TRACKED_VISITORS {
        for field in *fields {
            assert!(
                stored(&[countries]).contains(&(*place, *field)),
                "{place}.{field}"
            );
        }
    }
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
    assert!(!counts.contains(&("click_ids", "id")));
    assert!(full.contains(&("click_ids", "id")));
    let all = stored(&[("WAYPOST_RECORDS_PER_LINK_AND_DAY", "0")]);
    assert!(!all.contains(&("click_ids", "id")));
    assert!(counts.contains(&("link_days", "facts")));
}

#[test]
fn no_field_is_listed_twice() {
    let mut reader = SettingsReader::of_variables(&[("WAYPOST_RETENTION_DAYS", "90")]);
    let fields = report(&ClickSettings::read(&mut reader).unwrap());
    let mut names: Vec<_> = fields.iter().map(|it| (it.place, it.field)).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), fields.len());
    let row = fields.iter().find(|field| field.place == "link_clicks");
    assert!(row.unwrap().kept.starts_with("90d"));
}
