//! The form of a link: its fields, and the changes that it makes.
//!
//! Its texts also describe the differences between two versions of a link, in the history and in an
//! outdated form.

use std::fmt::Display;

use serde::Deserialize;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};
use waypost_core::{
    Description, Link, LinkContent, ShortCode, Tag, Title, Visibility, Zone, expiry,
};
use waypost_service::{LinkPatch, Links};

use crate::pages::Problem;

/// The format of `<input type="datetime-local">`.
const LOCAL: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]");
/// The same with seconds, which some browsers add.
const LOCAL_WITH_SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

/// The fields of the form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct LinkForm {
    /// The version of the link that the form shows.
    pub(super) version: String,
    pub(super) target: String,
    pub(super) code: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) tags: String,
    pub(super) visibility: String,
    /// The local time of the expiry in the time zone of the server.
    pub(super) expires: String,
    /// The expiry as an instant (RFC 3339), which a script sets; `expires` is then in the time zone
    /// of the browser.
    pub(super) expires_at: String,
    /// Present if the box is ticked.
    pub(super) disabled: Option<String>,
    /// Present if the box is ticked.
    pub(super) forward_query: Option<String>,
    /// Present if the box is ticked.
    pub(super) template: Option<String>,
}

/// A field that differs between two versions of a link.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) label: &'static str,
    /// Empty if the field was empty.
    pub(super) old: String,
    pub(super) new: String,
}

impl LinkForm {
    /// Returns the form of a version of a link.
    pub(super) fn of(content: &LinkContent, version: u32, zone: &Zone) -> Self {
        let details = &content.details;
        let tags: Vec<&str> = details.tags.iter().map(Tag::as_str).collect();
        let ticked = |is_true: bool| is_true.then(|| "true".to_owned());
        let moment = |at: OffsetDateTime| at.format(&Rfc3339).unwrap_or_default();
        Self {
            version: version.to_string(),
            target: content.target.as_str().to_owned(),
            code: content.code.spelling().to_owned(),
            title: details.title.as_str().to_owned(),
            description: lines(details.description.as_str()),
            tags: tags.join(" "),
            visibility: details.visibility.as_str().to_owned(),
            expires: details
                .expires_at
                .map(|at| local(at, zone))
                .unwrap_or_default(),
            expires_at: details.expires_at.map(moment).unwrap_or_default(),
            disabled: ticked(details.disabled),
            forward_query: ticked(details.forward_query),
            template: ticked(details.template),
        }
    }

    /// Returns the form of the present version of a link.
    pub(super) fn of_link(link: &Link, zone: &Zone) -> Self {
        Self::of(&link.content(), link.version, zone)
    }

    /// Normalises the entries to the format of [`LinkForm::of`].
    pub(super) fn tidied(self, zone: &Zone) -> Self {
        let trimmed = |text: &str| text.trim().to_owned();
        let moment = OffsetDateTime::parse(self.expires_at.trim(), &Rfc3339).ok();
        let (expires, expires_at) = match (trimmed(&self.expires), moment) {
            (typed, Some(at)) if !typed.is_empty() => (local(at, zone), trimmed(&self.expires_at)),
            (typed, _) => (typed, String::new()),
        };
        Self {
            target: trimmed(&self.target),
            code: trimmed(&self.code),
            title: trimmed(&self.title),
            description: trimmed(&lines(&self.description)),
            tags: trimmed(&self.tags),
            expires,
            expires_at,
            ..self
        }
    }

    /// Returns the version of the link that the form showed; 0, which is not a version, if it is
    /// not a number.
    pub(super) fn version(&self) -> u32 {
        self.version.parse().unwrap_or(0)
    }

    /// Returns the changes to a link. A field that was not edited keeps its exact stored value.
    ///
    /// # Errors
    /// Returns the error of the first invalid field.
    pub(super) fn read(
        &self,
        link: &Link,
        links: &Links,
        zone: &Zone,
    ) -> Result<LinkPatch, Problem> {
        let shown = Self::of_link(link, zone);
        let target = |text: &str| {
            if link.is_keyword {
                links.keyword_target(text)
            } else {
                links.shortener().target(text)
            }
        };
        let tags = |text: &str| {
            let words = text.split(|c: char| c.is_whitespace() || c == ',');
            Tag::parse_all(words.filter(|word| !word.is_empty()))
        };
        let expires = |text: &str| self.expiry(text, zone);
        let (typed, is) = (self, &shown);
        Ok(LinkPatch {
            target: changed("target", &typed.target, &is.target, target)?,
            code: changed("code", &typed.code, &is.code, ShortCode::parse)?,
            title: changed("title", &typed.title, &is.title, Title::parse)?,
            description: changed(
                "description",
                &typed.description,
                &is.description,
                Description::parse,
            )?,
            visibility: changed("visibility", &typed.visibility, &is.visibility, |text| {
                text.parse::<Visibility>()
            })?,
            tags: changed("tags", &typed.tags, &is.tags, tags)?,
            expires_at: changed("expires", &typed.expires, &is.expires, expires)?,
            disabled: Some(typed.disabled.is_some()),
            forward_query: Some(typed.forward_query.is_some()),
            // A box that was not touched does not insist on placeholders.
            template: Some(typed.template.is_some())
                .filter(|is_ticked| *is_ticked != is.template.is_some()),
        })
    }

    fn expiry(&self, text: &str, zone: &Zone) -> Result<Option<OffsetDateTime>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let moment = OffsetDateTime::parse(&self.expires_at, &Rfc3339).ok();
        let at = moment.or_else(|| zone.instant(read_local(text)?));
        let at = at.ok_or("enter a date and time such as 2026-12-31 18:00")?;
        expiry(at)
            .map(Some)
            .map_err(|error| format!("{error}; enter it as 2026-12-31 18:00"))
    }

    /// Moves the entries from the version `base` to the version `now`: fields that were not edited
    /// get the present values.
    pub(super) fn moved(self, base: &Self, now: &Self) -> Self {
        fn field<T: PartialEq + Clone>(typed: T, base: &T, now: &T) -> T {
            if typed == *base { now.clone() } else { typed }
        }
        let expires_at = if self.expires == base.expires {
            now.expires_at.clone()
        } else {
            self.expires_at
        };
        Self {
            version: now.version.clone(),
            target: field(self.target, &base.target, &now.target),
            code: field(self.code, &base.code, &now.code),
            title: field(self.title, &base.title, &now.title),
            description: field(self.description, &base.description, &now.description),
            tags: field(self.tags, &base.tags, &now.tags),
            visibility: field(self.visibility, &base.visibility, &now.visibility),
            expires: field(self.expires, &base.expires, &now.expires),
            expires_at,
            disabled: field(self.disabled, &base.disabled, &now.disabled),
            forward_query: field(self.forward_query, &base.forward_query, &now.forward_query),
            template: field(self.template, &base.template, &now.template),
        }
    }

    /// Returns the fields that differ from another form.
    pub(super) fn changes(&self, to: &Self, zone: &Zone) -> Vec<Change> {
        let pairs = self.described(zone).into_iter().zip(to.described(zone));
        let changed = pairs.filter(|((_, old), (_, new))| old != new);
        let change = |((label, old), (_, new))| Change { label, old, new };
        changed.map(change).collect()
    }

    /// Returns the label and the text of each field.
    pub(super) fn described(&self, zone: &Zone) -> [(&'static str, String); 10] {
        let expires = match self.expires.as_str() {
            "" => String::new(),
            local => format!("{} {zone}", local.replace('T', " ")),
        };
        let yes = |ticked: &Option<String>| if ticked.is_some() { "yes" } else { "no" }.to_owned();
        [
            ("Destination", self.target.clone()),
            ("Code", self.code.clone()),
            ("Title", self.title.clone()),
            ("Description", self.description.clone()),
            ("Tags", self.tags.clone()),
            ("Visibility", self.visibility.clone()),
            ("Expires", expires),
            ("Disabled", yes(&self.disabled)),
            ("Adds the visitor's query", yes(&self.forward_query)),
            ("Fills placeholders", yes(&self.template)),
        ]
    }
}

/// Replaces the CRLF line endings of forms.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// Formats a local time for a form.
fn local(at: OffsetDateTime, zone: &Zone) -> String {
    zone.local(at).format(LOCAL).unwrap_or_default()
}

fn read_local(text: &str) -> Option<PrimitiveDateTime> {
    let text = text.replacen(' ', "T", 1);
    let read = PrimitiveDateTime::parse(&text, LOCAL);
    let read = read.or_else(|_| PrimitiveDateTime::parse(&text, LOCAL_WITH_SECONDS));
    read.ok()
}

/// Parses the entry of a field, unless it is the value that the field showed.
fn changed<T, E: Display>(
    field: &'static str,
    typed: &str,
    shown: &str,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, Problem> {
    if typed == shown {
        return Ok(None);
    }
    let read = read(typed).map(Some);
    read.map_err(|error| Problem::new(field, &error.to_string()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use waypost_core::{LinkDetails, TargetUrl};

    use super::*;

    fn content() -> LinkContent {
        LinkContent {
            code: ShortCode::parse("Wiki").unwrap(),
            target: TargetUrl::from_stored("https://example.com/".to_owned()).unwrap(),
            details: LinkDetails {
                description: Description::parse("one\r\ntwo").unwrap(),
                tags: Tag::parse_all(["docs", "wiki"]).unwrap(),
                expires_at: Some(datetime!(2026-10-25 01:30:15.5 UTC)),
                ..LinkDetails::default()
            },
        }
    }

    fn berlin() -> Zone {
        "Europe/Berlin".parse().unwrap()
    }

    #[test]
    fn a_form_that_is_sent_unchanged_changes_nothing() {
        let zone = berlin();
        let form = LinkForm::of(&content(), 3, &zone);
        assert_eq!(form.expires, "2026-10-25T02:30");
        // As a browser without JavaScript sends it.
        let sent = LinkForm {
            description: "one\r\ntwo".to_owned(),
            expires_at: String::new(),
            ..form.clone()
        };
        let sent = sent.tidied(&zone);
        assert_eq!(form.changes(&sent, &zone), []);
        // A script sends the instant, in any time zone of the browser.
        let sent = LinkForm {
            expires: "2026-10-24T21:30".to_owned(),
            ..form.clone()
        };
        assert_eq!(sent.tidied(&zone), form);
    }

    #[test]
    fn an_expiry_is_read_in_the_time_zone_of_the_server() {
        let zone = berlin();
        let read = |expires: &str, expires_at: &str| {
            let form = LinkForm {
                expires: expires.to_owned(),
                expires_at: expires_at.to_owned(),
                ..LinkForm::default()
            };
            let form = form.tidied(&zone);
            form.expiry(&form.expires, &zone)
        };
        let noon = datetime!(2026-07-01 10:00 UTC);
        assert_eq!(read("2026-07-01T12:00", ""), Ok(Some(noon)));
        assert_eq!(read(" 2026-07-01 12:00:00 ", ""), Ok(Some(noon)));
        assert_eq!(
            read("2026-07-01T05:00", "2026-07-01T10:00:00.000Z"),
            Ok(Some(noon))
        );
        assert_eq!(read("", "2026-07-01T10:00:00Z"), Ok(None));
        assert_eq!(read("2026-07-01T12:00", "nonsense"), Ok(Some(noon)));
        for wrong in ["tomorrow", "2026-02-30T10:00", "1969-01-01T00:00", "-1"] {
            let message = read(wrong, "").unwrap_err();
            assert!(message.contains("2026-12-31 18:00"), "{message}");
        }
    }

    #[test]
    fn changes_by_others_are_kept_in_fields_that_were_not_edited() {
        let zone = berlin();
        let base = LinkForm::of(&content(), 1, &zone);
        let now = LinkForm {
            version: "2".to_owned(),
            title: "Theirs".to_owned(),
            code: "theirs".to_owned(),
            expires: String::new(),
            expires_at: String::new(),
            ..base.clone()
        };
        let typed = LinkForm {
            title: "Mine".to_owned(),
            tags: "mine".to_owned(),
            disabled: Some("true".to_owned()),
            ..base.clone()
        };
        let moved = typed.moved(&base, &now);
        let expected = LinkForm {
            title: "Mine".to_owned(),
            tags: "mine".to_owned(),
            disabled: Some("true".to_owned()),
            ..now.clone()
        };
        assert_eq!(moved, expected);
        let differing = now.changes(&moved, &zone);
        let labels: Vec<_> = differing.iter().map(|change| change.label).collect();
        assert_eq!(labels, ["Title", "Tags", "Disabled"]);
    }
}
