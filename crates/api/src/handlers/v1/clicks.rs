//! `GET /api/v1/links/{id}/clicks`: the click records of a link. Exports are in `exports.rs`.

use actix_web::{HttpRequest, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use waypost_core::{ClickId, CursorError};

use super::statistics::class;
use crate::errors::ApiError;
use crate::request::caller::Caller;
use crate::request::input;
use crate::request::input::LinkPath;
use crate::request::paging::limit;
use crate::responses::{BadInput, Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::clicks::ClickView;
use crate::views::links::VisitClassName;

/// Selects clicks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ClicksQuery {
    /// Maximum number of clicks.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// The click type to list. A page can then have fewer clicks than the limit, or none, although
    /// there are more pages.
    #[param(value_type = Option<VisitClassName>)]
    class: Option<String>,
}

/// A page of clicks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClickList {
    clicks: Vec<ClickView>,
    /// Cursor of the next page; `null` on the last page.
    next_cursor: Option<String>,
}

/// List the clicks of a link
///
/// Newest first. Clicks without a record are not listed: those that were purged, and those that
/// `WAYPOST_PRIVACY` did not record. For owners and admins.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/clicks",
    tag = "statistics",
    operation_id = "linkClicks",
    params(LinkPath, ClicksQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of clicks", body = ClickList),
        BadInput,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn list(
    request: HttpRequest,
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<ClickList>, ApiError> {
    let query = input::query::<ClicksQuery>(&request)?;
    let limit = limit(query.limit.as_deref())?;
    let class = class(query.class.as_deref())?;
    let before = query.cursor.map(|text| Uuid::try_parse(&text));
    let before = before.transpose().map_err(|_| CursorError)?;
    let link = state.links().with_viewable_clicks(&caller.0, id).await?;
    let page = state
        .statistics()
        .clicks(link.id, class, before.map(ClickId::from_uuid), limit)
        .await?;
    Ok(web::Json(ClickList {
        clicks: page.clicks.into_iter().map(ClickView::from).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }))
}
