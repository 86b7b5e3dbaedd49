//! The state of a link at one moment, as `link_versions` stores it: a JSON object whose keys never
//! change, with values as the port parses them elsewhere.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;
use waypost_core::{
    Description, Email, LinkContent, LinkDetails, LinkSnapshot, ShortCode, Tag, TargetUrl,
    Template, Title, UserId,
};
use waypost_store::StoreError;

#[derive(Serialize, Deserialize)]
struct Kept {
    /// In the spelling of its owner.
    code: String,
    target: String,
    title: String,
    description: String,
    visibility: String,
    tags: Vec<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    disabled: bool,
    forward_query: bool,
    /// Missing in snapshots of releases without this switch.
    #[serde(default)]
    template: Option<bool>,
    /// The owners, the primary one first.
    owners: Vec<String>,
    shares: Vec<String>,
    deleted: bool,
    /// What each invitation is for, and its email address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    invited: Vec<(String, String)>,
}

/// Returns the JSON of a snapshot.
///
/// # Errors
/// [`StoreError::Internal`] for a time that RFC 3339 cannot represent: one after the year 9999.
pub(crate) fn write(snapshot: &LinkSnapshot) -> Result<String, StoreError> {
    let LinkContent {
        code,
        target,
        details,
    } = &snapshot.content;
    let ids = |users: &[UserId]| users.iter().map(ToString::to_string).collect();
    let kept = Kept {
        code: code.spelling().to_owned(),
        target: target.as_str().to_owned(),
        title: details.title.as_str().to_owned(),
        description: details.description.as_str().to_owned(),
        visibility: details.visibility.as_str().to_owned(),
        tags: details.tags.iter().map(ToString::to_string).collect(),
        expires_at: details.expires_at,
        disabled: details.disabled,
        forward_query: details.forward_query,
        template: Some(details.template),
        owners: ids(&snapshot.owners),
        shares: ids(&snapshot.shares),
        deleted: snapshot.deleted,
        invited: (snapshot.invited.iter())
            .map(|(role, email)| (role.as_str().to_owned(), email.as_str().to_owned()))
            .collect(),
    };
    serde_json::to_string(&kept).map_err(StoreError::internal)
}

/// Parses the snapshot in a column of `link_versions`.
///
/// # Errors
/// [`StoreError::Corrupt`] for anything that [`write`] does not write.
pub(crate) fn read(json: &str, column: &'static str) -> Result<LinkSnapshot, StoreError> {
    parse(json).ok_or(StoreError::Corrupt {
        table: "link_versions",
        column,
    })
}

fn parse(json: &str) -> Option<LinkSnapshot> {
    let kept: Kept = serde_json::from_str(json).ok()?;
    let ids = |users: &[String]| -> Option<Vec<UserId>> {
        let parsed = users.iter().map(|id| Uuid::try_parse(id));
        parsed
            .map(|id| id.ok().map(UserId::from_uuid))
            .collect::<Option<_>>()
    };
    let target = TargetUrl::from_stored(kept.target).ok()?;
    let details = LinkDetails {
        title: Title::parse(&kept.title).ok()?,
        description: Description::parse(&kept.description).ok()?,
        visibility: kept.visibility.parse().ok()?,
        tags: Tag::parse_all(kept.tags.iter().map(String::as_str)).ok()?,
        expires_at: kept.expires_at,
        disabled: kept.disabled,
        forward_query: kept.forward_query,
        template: Template::is_on(kept.template, &target),
    };
    Some(LinkSnapshot {
        content: LinkContent {
            code: ShortCode::parse(&kept.code).ok()?,
            target,
            details,
        },
        owners: ids(&kept.owners)?,
        shares: ids(&kept.shares)?,
        deleted: kept.deleted,
        invited: (kept.invited.iter())
            .map(|(role, email)| Some((role.parse().ok()?, Email::parse(email).ok()?)))
            .collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use waypost_core::{InvitedAs, SeededRandom, Visibility};

    use super::*;

    fn sample() -> LinkSnapshot {
        let random = SeededRandom::new(1);
        let user = || UserId::new(datetime!(2026-03-01 12:00 UTC), &random);
        LinkSnapshot {
            content: LinkContent {
                code: ShortCode::parse("Team-Wiki").unwrap(),
                target: TargetUrl::from_stored("https://example.com/\"?a=1".replace('"', "%22"))
                    .unwrap(),
                details: LinkDetails {
                    title: Title::parse("All \"we\" know").unwrap(),
                    description: Description::parse("Größe,\n日本").unwrap(),
                    visibility: Visibility::Secure,
                    tags: Tag::parse_all(["on-call", "größe"]).unwrap(),
                    expires_at: Some(datetime!(2026-12-31 23:59:59.999_999 UTC)),
                    disabled: true,
                    forward_query: true,
                    template: false,
                },
            },
            owners: vec![user(), user()],
            shares: vec![user()],
            deleted: true,
            invited: vec![(InvitedAs::Viewer, Email::parse("bob@example.com").unwrap())],
        }
    }

    #[test]
    fn a_snapshot_is_read_as_it_was_written() {
        let full = sample();
        let mut bare = sample();
        bare.content.details = LinkDetails::default();
        bare.owners.clear();
        bare.shares.clear();
        bare.invited.clear();
        bare.deleted = false;
        for snapshot in [full, bare] {
            let read = read(&write(&snapshot).unwrap(), "after").unwrap();
            assert_eq!(read, snapshot);
            assert!(read.content.is_same_as(&snapshot.content));
        }
    }

    #[test]
    fn the_keys_of_the_json_stay_as_they_are() {
        let mut snapshot = sample();
        snapshot.owners.clear();
        snapshot.shares.clear();
        let expected = r#"{"code":"Team-Wiki","target":"https://example.com/%22?a=1","title":"All \"we\" know","description":"Größe,\n日本","visibility":"secure","tags":["größe","on-call"],"expires_at":"2026-12-31T23:59:59.999999Z","disabled":true,"forward_query":true,"template":false,"owners":[],"shares":[],"deleted":true,"invited":[["viewer","bob@example.com"]]}"#;
        assert_eq!(write(&snapshot).unwrap(), expected);
    }

    #[test]
    fn a_snapshot_without_the_switch_for_templates_is_read_as_it_was_meant() {
        for (target, template) in [
            ("https://example.com/", false),
            ("https://example.com/$ticket", true),
            ("https://example.com/%24ticket/$5", false),
        ] {
            let mut snapshot = sample();
            snapshot.content.target = TargetUrl::from_stored(target.to_owned()).unwrap();
            let written = write(&snapshot).unwrap();
            let older = written.replace("\"template\":false,", "");
            assert_ne!(older, written);
            let details = |json: &str| read(json, "after").unwrap().content.details;
            assert_eq!(details(&older).template, template, "{target}");
            assert!(!details(&written).template, "{target}");
            snapshot.content.details.template = template;
            let on = write(&snapshot).unwrap();
            assert_eq!(details(&on).template, template, "{target}");
        }
    }

    #[test]
    fn what_is_no_snapshot_is_corrupt() {
        let json = write(&sample()).unwrap();
        let damaged = [
            String::new(),
            "{}".to_owned(),
            json.replace("Team-Wiki", "-"),
            json.replace("https:", "ftp:"),
            json.replace("secure", "hidden"),
            json.replace("on-call", "on call"),
            json.replace("T23:", "T25:"),
            json.replace("-7", "_7"),
            json.replace("viewer", "reader"),
            json.replace("bob@", "bob"),
        ];
        for json in damaged {
            let error = read(&json, "before").unwrap_err();
            assert!(
                matches!(
                    error,
                    StoreError::Corrupt {
                        table: "link_versions",
                        column: "before"
                    }
                ),
                "{json}"
            );
        }
    }
}
