//! Clicks, as the API and pages show them.

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
    /// When the link was clicked (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) clicked_at: OffsetDateTime,
    /// The referrer: the page that the visitor came from, without its query; `null` if there is
    /// none.
    pub(crate) referrer: Option<String>,
    /// The family of the browser; `null` if unknown.
    #[schema(example = "Firefox")]
    pub(crate) browser: Option<String>,
    /// The family of the operating system; `null` if unknown.
    #[schema(example = "Windows")]
    pub(crate) os: Option<String>,
    /// The kind of device: desktop, mobile, tablet, tv, console or other; `null` if unknown.
    #[schema(example = "desktop")]
    pub(crate) device: Option<&'static str>,
    /// The country, as two letters (ISO 3166-1); `null` if unknown.
    #[schema(example = "DE")]
    pub(crate) country: Option<String>,
    /// The click type; `null` for clicks that were stored before types existed.
    #[schema(value_type = Option<VisitClassName>)]
    pub(crate) class: Option<&'static str>,
    /// The signed-in user; `null` if the visitor was not signed in.
    pub(crate) user: Option<ClickUser>,
}

/// The user of a click.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClickUser {
    /// The id of the user.
    #[schema(format = "uuid")]
    pub(super) id: String,
    /// The name that is shown to others; may be empty.
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
