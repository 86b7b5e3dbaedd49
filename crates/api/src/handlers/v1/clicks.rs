//! `GET /api/v1/links/{id}/clicks`: the clicks of a link, one by one. Exports are in `exports.rs`.

use actix_web::{HttpRequest, web};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use waypost_core::{ClickId, Country, CursorError, DeviceClass, Family, VisitClass};
use waypost_store::KeptClick;

use super::links::link_of;
use super::statistics::class;
use crate::errors::ApiError;
use crate::openapi::{BadInput, Denied, NotThere, StoreFailure};
use crate::request::caller::Caller;
use crate::request::input;
use crate::request::paging::limit;
use crate::state::State;
use crate::views::links::VisitClassName;

/// Which clicks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ClicksQuery {
    /// How many clicks at the most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// The `next_cursor` of the list so far.
    cursor: Option<String>,
    /// Only clicks of this class. A part of the list may then have fewer clicks than asked for, or none,
    /// and yet go on.
    #[param(value_type = Option<VisitClassName>)]
    class: Option<String>,
}

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

/// Some clicks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClickList {
    clicks: Vec<ClickView>,
    /// Where the list goes on; `null` at its end.
    next_cursor: Option<String>,
}

/// List the clicks of a link
///
/// Newest first. Clicks whose rows were purged, or of which none were kept (`WAYPOST_PRIVACY`), are in no
/// list. For owners and admins.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/clicks",
    tag = "statistics",
    operation_id = "linkClicks",
    params(("id" = String, Path, description = "The id of the link", format = "uuid"), ClicksQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "Some of the clicks", body = ClickList),
        BadInput,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn list(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<ClickList>, ApiError> {
    let query = input::query::<ClicksQuery>(&request)?;
    let limit = limit(query.limit.as_deref())?;
    let class = class(query.class.as_deref())?;
    let before = query.cursor.map(|text| Uuid::try_parse(&text));
    let before = before.transpose().map_err(|_| CursorError)?;
    let link = state.links().clicked(&caller.0, link_of(&request)?).await?;
    let page = state
        .statistics()
        .clicks(link.id, class, before.map(ClickId::from_uuid), limit)
        .await?;
    Ok(web::Json(ClickList {
        clicks: page.clicks.into_iter().map(ClickView::from).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }))
}
