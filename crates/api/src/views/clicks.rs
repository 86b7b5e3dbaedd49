//! Clicks, as they are shown.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use waypost_core::{Country, DeviceClass, Family, VisitClass};
use waypost_store::KeptClick;

use crate::views::links::VisitClassName;

/// A click.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Click)]
pub(crate) struct ClickView {
    /// When (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) clicked_at: OffsetDateTime,
    /// The page that the visitor came from, without its query; `null` if there is none.
    pub(crate) referrer: Option<String>,
    /// The family of the browser; `null` where it is not known.
    #[schema(example = "Firefox")]
    pub(crate) browser: Option<String>,
    /// The family of the operating system; `null` where it is not known.
    #[schema(example = "Windows")]
    pub(crate) os: Option<String>,
    /// desktop, mobile, tablet, tv, console or other; `null` where it is not known.
    #[schema(example = "desktop")]
    pub(crate) device: Option<&'static str>,
    /// The country, two letters (ISO 3166-1); `null` where it is not known.
    #[schema(example = "DE")]
    pub(crate) country: Option<String>,
    /// What kind of visit it was; `null` for clicks of before there were classes.
    #[schema(value_type = Option<VisitClassName>)]
    pub(crate) class: Option<&'static str>,
    /// Who it was, if they were signed in; otherwise `null`.
    pub(crate) user: Option<ClickUser>,
}

/// Who made a click.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClickUser {
    /// The id of the user.
    #[schema(format = "uuid")]
    pub(super) id: String,
    /// What they are called; may be empty.
    pub(crate) display_name: String,
}

impl From<KeptClick> for ClickView {
    fn from(click: KeptClick) -> Self {
        let family = |family: &Family| family.as_str().to_owned();
        let facts = click.facts;
        Self {
            clicked_at: click.clicked_at,
            referrer: click.referrer.map(|page| page.as_str().to_owned()),
            browser: facts.browser.as_ref().map(family),
            os: facts.os.as_ref().map(family),
            device: facts.device.map(DeviceClass::as_str),
            country: facts
                .country
                .as_ref()
                .map(Country::as_str)
                .map(str::to_owned),
            class: facts.class.map(VisitClass::as_str),
            user: click.user.map(|(id, name)| ClickUser {
                id: id.to_string(),
                display_name: name.as_str().to_owned(),
            }),
        }
    }
}
