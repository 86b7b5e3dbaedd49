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
